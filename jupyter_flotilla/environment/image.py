"""What an image (or any other Python that will run jobs) has, and what uv calls its platform."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import Field, ValidationError

from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.model.base import Stored

#: A program for Python 3.8 or later, standard library only; prints one JSON line for `facts_of`.
#: Run it as the job's own Python would be: ``python -c PROBE``.
PROBE: str = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")

#: glibc versions that ``uv pip compile --python-platform`` of uv 0.13 knows, as (2, …).
_MANYLINUX = (17, 28, *range(31, 41))
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


#: Builds of one's own say ``3.12.3+``.
_PYTHON = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")


class ImageFacts(Stored):
    """What is known of the Python that will run a job."""

    #: Version as PEP 440 spells it, e.g. ``3.11.2`` or ``3.15.0rc1``.
    python: str
    implementation: str = "cpython"
    is_free_threaded: bool = False
    #: Path of the interpreter in the image.
    executable: str
    #: ``linux``, ``darwin``.
    system: str = "linux"
    #: ``x86_64`` or ``aarch64``; anything else has no layers.
    machine: str
    #: ``("glibc", "2.36")`` or ``("musl", "1.2.4")``.
    libc: tuple[str, str]
    #: Digest or id of the image; empty for no image.
    digest: str = ""
    #: Canonical name → version.
    dists: Mapping[str, str] = Field(default_factory=dict)
    #: Canonical name → its requirements as its metadata says them.
    requires: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def minor(self) -> str:
        """``3.11``."""
        return ".".join(self.python.split(".")[:2])

    @property
    def platform(self) -> str:
        """What uv calls it, e.g. ``x86_64-manylinux_2_36``.

        Raises
        ------
        EnvironmentProblem
            If there are no wheels to be had for it.
        """
        problem = self._problem()
        if problem:
            raise EnvironmentProblem(
                f"packages cannot be brought into this image: {problem}",
                next_step="an image with CPython 3.8 or later for Linux, or one that has all that "
                "the job needs and --deps none",
            )
        if self.libc[0] == "musl":
            return f"{self.machine}-unknown-linux-musl"
        minor = max(known for known in _MANYLINUX if known <= self._glibc_minor())
        return f"{self.machine}-manylinux_2_{minor}"

    def __str__(self) -> str:
        return f"Python {self.minor} on {self.system} {self.machine} ({' '.join(self.libc)})"

    def version_of(self, name: str) -> Version | None:
        """Return the version of a distribution that the image has; None: it does not."""
        try:
            return Version(self.dists[canonicalize_name(name)])
        except (KeyError, InvalidVersion):
            return None

    def _problem(self) -> str:
        if self.system != "linux" or self.machine not in _MACHINES.values():
            return f"it is {self.system} {self.machine}, not Linux on x86_64 or aarch64"
        if self.implementation != "cpython" or self.is_free_threaded:
            kind = "free-threaded CPython" if self.is_free_threaded else self.implementation
            return f"its Python is {kind}, not CPython"
        if self.libc[0] not in ("glibc", "musl"):
            return "its C library is neither glibc nor musl"
        if self.libc[0] == "musl" and self.libc[1].startswith(("0.", "1.0", "1.1")):
            return f"its musl {self.libc[1]} is older than 1.2"
        if self.libc[0] == "glibc" and self._glibc_minor() < _MANYLINUX[0]:
            return f"its glibc {self.libc[1]} is older than 2.17"
        return ""

    def _glibc_minor(self) -> int:
        major, _, minor = self.libc[1].partition(".")
        digits = minor.partition(".")[0]
        return int(digits) if major == "2" and digits.isdigit() else 0


def facts_of(text: str, *, digest: str = "") -> ImageFacts:
    """Return what `PROBE` has printed, whatever else the image printed around it.

    Raises
    ------
    EnvironmentProblem
        If there is no such line: the image has no Python 3.8, or another program answered.
    """
    for line in reversed(text.splitlines()):
        if '"flotilla_image"' in line and line.startswith("{"):
            try:
                return _facts(json.loads(line), digest)
            except (ValueError, TypeError, KeyError, AttributeError, ValidationError):
                break
    shown = text.strip()[-200:]
    raise EnvironmentProblem(
        f"the image does not say what it has: {shown or 'it printed nothing'}",
        next_step="an image with Python 3.8 or later",
    )


def _facts(said: dict[str, Any], digest: str) -> ImageFacts:
    dists = {canonicalize_name(name): found for name, found in said["dists"].items()}
    return ImageFacts(
        python=_PYTHON.match(said["python"])[0],  # type: ignore[index]
        implementation=said["implementation"],
        is_free_threaded=said["is_free_threaded"],
        executable=said["executable"],
        system=said["system"],
        machine=_MACHINES.get(said["machine"], said["machine"]),
        libc=tuple(said["libc"]),
        digest=digest,
        dists={name: version for name, (version, _) in dists.items()},
        requires={name: tuple(requires) for name, (_, requires) in dists.items() if requires},
    )
