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
_NO_WHEELS = re.compile(r"([A-Za-z][\w.-]*)[<>=!~]\S* (?:has|have) no wheels with a matching")
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
_CONCLUSION = re.compile(r", we can conclude that your requirements are unsatisfiable\.$")
_GIT = re.compile(r"git fetch|Git operation failed|fatal: ")
_LONGEST = 400


def explained(stderr: str, facts: ImageFacts, *, may_build: bool = True) -> EnvironmentProblem:
    """Return the error that says what uv has said of packages for a platform.

    Parameters
    ----------
    may_build
        False where source was not tried because a script or a lock alone names the packages.
    """
    text = re.sub(r"\s+", " ", stderr)
    if _FULL.search(text):
        return DiskFull("no room for packages: " + first_lines(stderr, 2), next_step="free some")
    known = list(dict.fromkeys(_known(text, facts, may_build=may_build)))
    if known:
        return UnresolvedPackages(
            "packages for the job cannot be had: " + "; ".join(what for what, _ in known),
            next_step=known[0][1],
        )
    return _other(stderr, text)


def _known(text: str, facts: ImageFacts, *, may_build: bool) -> Iterator[tuple[str, str]]:
    for name in _unique(_ABSENT.findall(text)):
        yield (
            f"{name} is not in the package index",
            "mend the name, or tell uv of a private index (UV_INDEX or uv.toml)",
        )
    without = _unique(_NO_WHEEL.findall(text))
    for name, version in without:
        yield (
            f"{name} {version} has no wheel for {facts}",
            f"another version (--with '{name}'), or an image that has it or fits it"
            + ("" if may_build else "; or name the packages by --deps, and it may be built here"),
        )
    for name, versions in _unique(_NO_VERSION.findall(text)):
        if versions:
            yield (
                f"there is no {name} {versions.removeprefix('==')}",
                f"another version: --with '{name}'; if yours is of a private index, tell uv of it "
                "(UV_INDEX or uv.toml)",
            )
    for name in _unique(_NO_WHEELS.findall(text)):
        if name in {other for other, _ in without}:
            continue
        yield (
            f"no version of {name} that would do has a wheel for {facts}",
            "an image that has it or fits it, e.g. with another Python or with glibc",
        )
    built = _unique(_BUILD.findall(text))
    for name in built:
        if _GIT.search(text):
            yield f"{name} cannot be fetched: {_last_cause(text)}", "try that address with git"
        else:
            what = f"{name} cannot be built for {facts} here: {_last_cause(text)}"
            yield what, "a version that has a wheel, or an image that has it"
    if not built:
        yield from _of_network(text)


def _of_network(text: str) -> Iterator[tuple[str, str]]:
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


def _other(stderr: str, text: str) -> UnresolvedPackages:
    cause = re.search(r"(?:cause: |╰─▶ )(.*?)(?: hint: |$)", text)
    reason = _CONCLUSION.sub("", cause[1].strip()) if cause else first_lines(stderr)
    # uv says a range for each platform: `numpy{sys_platform == 'linux'}>=1`
    plain = re.sub(r"(?<=[\w\]])\{[^}]*\}", "", reason)
    return UnresolvedPackages(
        f"packages for the job do not go together: {_shortened(plain)}",
        next_step="loosen a version, e.g. --deps 'pandas,numpy', or --with one that fits",
    )


def _unique(found: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(found))


def _last_cause(text: str) -> str:
    return _shortened(re.split(r"fatal: |cause: ", text)[-1].strip())


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
