"""Plans and builds a worker image."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jupyter_flotilla.artifacts.local import disk_errors
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.docker.image_store import ImageStore, StoredImage
from jupyter_flotilla.environment import ImageFacts, Lock, build_layer
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.images.context import SCHEME, read_scheme, write_context
from jupyter_flotilla.images.dockerfile import (
    LOCK_LABEL,
    VERSION_LABEL,
    Recipe,
    default_tag,
    dockerfile,
)
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.provision import Provision, Provisioned, provisioned


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePlan:
    """An image that could be built."""

    draft: Draft
    found: Provisioned
    recipe: Recipe
    #: Its name, and another that the user wants.
    tag: str
    also: str | None

    @property
    def is_needless(self) -> bool:
        """True where the base has all that is needed."""
        return self.found.lock.is_empty

    @property
    def name(self) -> str:
        """What to call it: as the user does, where they do."""
        return self.also or self.tag


def plan_image(
    draft: Draft, images: ImageStore, now: datetime, *, version: str, also: str | None = None
) -> ImagePlan:
    """Return the image on which a draft's job needs nothing brought; nothing is built.

    Parameters
    ----------
    draft
        Resolved for the base image.
    version
        Of Flotilla.
    also
        A name that the image shall have besides its own.

    Raises
    ------
    InvalidOption
        If the draft runs without an image.
    EngineUnavailable
    """
    found, base = provisioned(draft), draft.spec.image
    if found is None or base is None:
        raise InvalidOption("what runs without an image needs none", next_step="--engine docker")
    facts, lock = found.facts, found.lock
    recipe = Recipe(
        base=base,
        pinned=images.pinned(base),
        python=facts.python,
        executable=facts.executable,
        key=lock.key,
        packages=lock.packages,
        replaced=tuple(_replaced(lock, facts)),
        version=version,
        created_at=now,
    )
    tag = default_tag(facts.python, lock.key)
    return ImagePlan(draft=draft, found=found, recipe=recipe, tag=tag, also=also)


def build_image(
    plan: ImagePlan,
    layers: Path,
    engine: Engine,
    images: ImageStore,
    tell: Callable[[str], None],
) -> StoredImage:
    """Return the image of a plan, built now unless it is there.

    Parameters
    ----------
    layers
        Folder of the layers, `environment.build_layer`.
    tell
        Takes a line on each step.

    Raises
    ------
    ValueError
        If it is needless.
    UnresolvedPackages, DiskFull, EnvironmentProblem

    Effects: network for packages that were never got here; the daemon's disk.
    """
    if plan.is_needless:
        raise ValueError("the base has all that is needed")
    image = images.find(plan.tag)
    if image is None or not _is_the_same(image, plan.recipe):
        tell(f"getting {len(plan.recipe.packages)} packages")
        cwd = Path(plan.draft.spec.cwd)
        layer = build_layer(plan.found.lock, plan.found.facts, layers, cwd=cwd)
        scheme = read_scheme(engine.ask_image(plan.recipe.base, SCHEME))
        # where there is room for a layer there is room for its archive
        with disk_errors(layers), tempfile.TemporaryFile(dir=layers) as file:
            requirements = "".join(f"{package}\n" for package in plan.recipe.packages)
            write_context(file, dockerfile(plan.recipe), requirements, layer, scheme)
            file.seek(0)
            images.build(file, plan.tag, {"BASE": plan.recipe.base}, tell)
    else:
        tell("the same image is there already")
    if plan.also is not None:
        images.tag(plan.tag, plan.also)
    built = images.find(plan.tag)
    assert built is not None
    return built


def still_brought(plan: ImagePlan, provision: Provision, engine: Engine) -> tuple[str, ...]:
    """Return what the plan's job would still bring to its image, asked of the image itself."""
    options = JobOptions(engine=engine.name, image=plan.name)
    found = provisioned(provision.resolve_again(plan.draft, options, engine))
    return () if found is None else found.lock.packages


def _is_the_same(image: StoredImage, recipe: Recipe) -> bool:
    labels = image.labels
    return labels.get(LOCK_LABEL) == recipe.key and labels.get(VERSION_LABEL) == recipe.version


def _replaced(lock: Lock, facts: ImageFacts) -> list[str]:
    names = (canonicalize_name(Requirement(text).name) for text in lock.packages)
    return [name for name in names if name in facts.dists]
