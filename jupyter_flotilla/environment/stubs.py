"""What an image has, shown to uv as wheels without content.

uv cannot be told "this is installed there". A constraint alone fails for what no index has: a
build of the image's maker (``2.6.0+cu124``), a private package. A wheel with the metadata alone
resolves like the real one, without asking the network; it is never installed.
"""

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from jupyter_flotilla.environment.image import ImageFacts

_WHEEL = "Wheel-Version: 1.0\nGenerator: flotilla\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")


def write_stubs(facts: ImageFacts, folder: Path) -> list[str]:
    """Write a wheel for each distribution of an image; return ``name==version`` of each."""
    pins = []
    for name in facts.dists:
        version = facts.version_of(name)
        if version is not None:
            _write(folder, name, str(version), facts.requires.get(name, ()))
            pins.append(f"{name}=={version}")
    return pins


def _write(folder: Path, name: str, version: str, requires: Iterable[str]) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    known = [text for text in requires if _is_requirement(text)]
    extras = {extra for text in known for extra in _EXTRA.findall(text)}
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {text}" for text in known),
        *(f"Provides-Extra: {extra}" for extra in sorted(extras)),
    ]
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", "\n".join(lines) + "\n\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", _WHEEL)
        wheel.writestr(f"{stem}.dist-info/RECORD", "")


def _is_requirement(text: str) -> bool:
    """Say whether uv will understand it; an address would be fetched, and is left out."""
    try:
        return text.isprintable() and Requirement(text).url is None
    except InvalidRequirement:
        return False
