"""Worker images: a base image and the packages that jobs need, so that nothing need be brought.

`plan_image` → `build_image`, from a draft whose packages `provision` has resolved. The packages are
the layer that jobs would have had mounted: got on this machine, with the user's own settings of
indexes, and copied in. So a build asks no network and holds no credential.
"""

from jupyter_flotilla.images.building import (
    ImagePlan,
    build_image,
    plan_image,
    still_brought,
)
from jupyter_flotilla.images.dockerfile import (
    BASE_LABEL,
    LOCK_LABEL,
    PACKAGES_LABEL,
    PYTHON_LABEL,
    dockerfile,
)

__all__ = [
    "BASE_LABEL",
    "LOCK_LABEL",
    "PACKAGES_LABEL",
    "PYTHON_LABEL",
    "ImagePlan",
    "build_image",
    "dockerfile",
    "plan_image",
    "still_brought",
]
