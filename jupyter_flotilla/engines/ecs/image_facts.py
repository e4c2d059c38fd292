"""What an image has whose jobs run elsewhere: asked of Docker here, or known by its name.

A registry tells nothing of what is in an image, and pulling it to a machine without Docker is not
to be thought of. Docker's own images of Python are as their names say.
"""

import hashlib
import json
import platform
import re
from typing import Any

from jupyter_flotilla.engines.boot import boot
from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.refusals import NoImage
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.resources import Arch

#: ``python:3.12-slim``, from wherever it is pulled; not ``alpine``, whose libc is another.
_PYTHON = re.compile(
    r"(?:.*/)?python:(3\.\d+)(\.\d+)?(?:-(slim|bookworm|slim-bookworm|trixie|slim-trixie))?"
)
#: Debian 12, the older of those that these tags have meant since Python 3.8 was the oldest.
_GLIBC = "2.36"
_MACHINES: dict[Arch, str] = {"x86_64": "x86_64", "arm64": "aarch64"}


class KnownImages:
    """What is known of images, with one way to Docker: to open it takes longer than to ask it."""

    def __init__(self) -> None:
        self._daemon = Daemon()

    def digest(self, image: str) -> str:
        """Return what names an image's content, if Docker has it here, else the image's name."""
        try:
            return self._daemon.image_id(image)
        except (NoImage, EngineUnavailable):
            return f"name:{hashlib.sha256(image.encode()).hexdigest()}"

    def ask(self, image: str, program: str, arch: Arch) -> str:
        """Return what the program says of an image, run in it by Docker here, or by its name.

        Raises
        ------
        EngineUnavailable
            If Docker does not have it and its name says nothing.
        """
        if _MACHINES[arch] == _machine():
            try:
                code, said = self._daemon.run(image, boot("-c", program))
            except (NoImage, EngineUnavailable):
                pass
            else:
                if code == 0:
                    return said
                raise EngineUnavailable(
                    f"image {image} cannot run jobs: {said.strip()[-500:]}",
                    next_step="--image with Python 3.8 or later in it",
                )
        found = _PYTHON.fullmatch(image)
        if found is None:
            raise EngineUnavailable(
                f"what image {image} has is not known: Docker does not have it here, and its name "
                "does not say",
                next_step=f"jupyter flotilla image ask {image} (a small task, about a minute, less "
                "than a cent)",
            )
        return json.dumps(_of_python(found[1] + (found[2] or ""), arch))


def _of_python(version: str, arch: Arch) -> dict[str, Any]:
    """Return what `environment.probe` would print in one of Docker's own images of Python."""
    if version.count(".") == 1:
        mine = platform.python_version()
        version = mine if mine.startswith(f"{version}.") else f"{version}.0"
    return {
        "flotilla_image": 1,
        "python": version,
        "implementation": "cpython",
        "is_free_threaded": False,
        "executable": "/usr/local/bin/python3",
        "system": "linux",
        "machine": _MACHINES[arch],
        "libc": ["glibc", _GLIBC],
        # pip, setuptools and wheel come and go with its releases: they count for nothing
        "dists": {},
    }


def _machine() -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
