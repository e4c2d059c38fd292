"""Why uv finds no packages, in plain words, and what to do next."""

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from jupyter_flotilla.environment.image import ImageFacts
from jupyter_flotilla.environment.tool import first_lines
from jupyter_flotilla.errors import DiskFull, EnvironmentProblem, UnresolvedPackages

_T = TypeVar("_T")

# Sentences of uv 0.13 (crates/uv-resolver/src/pubgrub/report.rs); what is not known here is shown
# as uv says it.
_ABSENT = re.compile(
    r"(?:Because |and |hint: )?`?([\w.-]+)`? was not found in the (?:package re|prov)"
)
_NO_WHEEL = re.compile(r"([\w.-]+)==(\S+?) has no (?:usable )?wheels")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of ([\w.-]+)(\S*)")
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|tcp connect|dns error|network connectivity"
    r"|Could not connect|timed out",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"\b(401|403)\b|Unauthorized|Forbidden|credentials", re.IGNORECASE)
_OFFLINE = re.compile(r"network was disabled|`--offline`")
_FULL = re.compile(r"No space left on device|os error 28|Disk quota exceeded")
_BUILD = re.compile(r"Failed to (?:download and )?build `?([^`\s]+)")
_CONCLUSION = re.compile(
    r",? (?:we can conclude|and we can conclude) that (?:your requirements|.{0,200}?) "
    r"(?:are|is) unsatisfiable\.?$"
)


def explained(stderr: str, facts: ImageFacts) -> EnvironmentProblem:
    """Return the error that says what uv has said of packages for a platform."""
    text = re.sub(r"\s+", " ", stderr)
    if _FULL.search(text):
        return DiskFull("no room for packages: " + first_lines(stderr, 2), next_step="free some")
    known = list(dict.fromkeys(_known(text, facts)))
    if known:
        return UnresolvedPackages(
            "packages for the job cannot be had: " + "; ".join(what for what, _ in known),
            next_step=known[0][1],
        )
    return _other(stderr, text)


def _known(text: str, facts: ImageFacts) -> Iterator[tuple[str, str]]:
    for name in _unique(_ABSENT.findall(text)):
        yield (
            f"{name} is not in the package index",
            "mend the name, or tell uv of a private index (UV_INDEX or uv.toml)",
        )
    for name, version in _unique(_NO_WHEEL.findall(text)):
        yield (
            f"{name} {version} has no wheel for {facts}",
            f"another version (--with '{name}'), or an image that has it or fits it",
        )
    for name, versions in _unique(_NO_VERSION.findall(text)):
        if versions:
            yield (
                f"there is no {name} {versions.removeprefix('==')}",
                f"another version: --with '{name}'; if yours is of a private index, tell uv of it "
                "(UV_INDEX or uv.toml)",
            )
    if _OFFLINE.search(text):
        yield "uv may not use the network (UV_OFFLINE)", "unset UV_OFFLINE"
    elif _FORBIDDEN.search(text) and _NETWORK.search(text):
        yield (
            "the package index refuses you (401 or 403)",
            "credentials as UV_INDEX_<NAME>_USERNAME and …_PASSWORD, in netrc or in a keyring",
        )
    elif _NETWORK.search(text):
        yield (
            "the package index cannot be reached: " + _last_cause(text),
            "look at the network, a proxy (HTTPS_PROXY) or the index's address, and try again",
        )
    for name in _unique(_BUILD.findall(text)):
        yield (
            f"{name} has no wheel for {facts}, and cannot be built for it here: "
            + _last_cause(text),
            "a version that has one, or an image that has it",
        )


def _other(stderr: str, text: str) -> UnresolvedPackages:
    cause = re.search(r"(?:cause: |╰─▶ )(.*?)(?: hint: |$)", text)
    reason = _CONCLUSION.sub("", cause[1].strip()) if cause else first_lines(stderr)
    return UnresolvedPackages(
        f"packages for the job do not go together: {reason}",
        next_step="loosen a version, e.g. --deps 'pandas,numpy', or --with one that fits",
    )


def _unique(found: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(found))


def _last_cause(text: str) -> str:
    last = re.split(r"cause: ", text)[-1].strip()
    return last if len(last) <= 200 else last[:197] + "…"
