"""The Dockerfile of a worker image, as text; the classic builder and BuildKit both take it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

_TEMPLATE = Path(__file__).with_name("Dockerfile.in")
#: Marks images of ours; its value is the key of the lock that is in them.
LOCK_LABEL = "flotilla.lock"
PYTHON_LABEL = "flotilla.python"
PACKAGES_LABEL = "flotilla.packages"
VERSION_LABEL = "org.opencontainers.image.version"
BASE_LABEL = "org.opencontainers.image.base.name"
_REPOSITORY = "flotilla-worker"
_KEY_SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What an image is made of."""

    #: Name of the base image, as it was given.
    base: str
    #: The same with its digest, where a registry has given it one.
    pinned: str
    #: Version of its Python, and where it is.
    python: str
    executable: str
    #: `Lock.key`.
    key: str
    #: ``name==version`` of each package that is put in.
    packages: tuple[str, ...]
    #: Names of those that the base has in another version.
    replaced: tuple[str, ...]
    #: Version of Flotilla.
    version: str
    created_at: datetime


def default_tag(python: str, key: str) -> str:
    """Return the name that an image gets by itself: the same for the same packages and base.

    >>> default_tag("3.12.4", "0123456789abcdef")
    'flotilla-worker:3.12-0123456789ab'
    """
    minor = ".".join(python.split(".")[:2])
    return f"{_REPOSITORY}:{minor}-{key[:_KEY_SHOWN]}"


def dockerfile(recipe: Recipe) -> str:
    """Return the text of the Dockerfile."""
    values = {
        "BASE": recipe.base,
        "PINNED": recipe.pinned,
        "PYTHON": recipe.executable,
        "REMOVAL": _removal(recipe),
        "LABELS": _labels(labels(recipe)),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def labels(recipe: Recipe) -> Mapping[str, str]:
    """Return the labels of an image: OCI's, and ours by which it is found again."""
    created = recipe.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    source = _source()
    return {
        "org.opencontainers.image.title": "Flotilla worker",
        VERSION_LABEL: recipe.version,
        **({"org.opencontainers.image.source": source} if source else {}),
        "org.opencontainers.image.created": created,
        BASE_LABEL: recipe.base,
        LOCK_LABEL: recipe.key,
        PYTHON_LABEL: recipe.python,
        PACKAGES_LABEL: str(len(recipe.packages)),
    }


def _removal(recipe: Recipe) -> str:
    """Return the step that takes away what will lie there in another version.

    Copied over it, both would be mixed. Where the base has no pip, or its distribution holds the
    package, the new one comes first on the path all the same.
    """
    if not recipe.replaced:
        return ""
    names = " ".join(recipe.replaced)
    return (
        f'RUN PIP_BREAK_SYSTEM_PACKAGES=1 "{recipe.executable}" -m pip uninstall -q -y {names} '
        "|| true\n"
    )


def _labels(pairs: Mapping[str, str]) -> str:
    # an empty line would end the instruction, a dollar would name a variable
    quoted = [f"{name}={json.dumps(value).replace('$', chr(92) + '$')}" for name, value in
              pairs.items()]  # fmt: skip
    return "LABEL " + " \\\n      ".join(quoted)


def _source() -> str | None:
    """Return where our source is, if our package says so."""
    try:
        urls = metadata("jupyter_flotilla").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    named = dict(url.split(", ", 1) for url in urls if ", " in url)
    return named.get("Source") or named.get("Repository")
