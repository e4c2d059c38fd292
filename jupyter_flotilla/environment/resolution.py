"""Which packages of which versions must be brought to an image: asked before the launch."""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from jupyter_flotilla.environment.image import ImageFacts
from jupyter_flotilla.environment.reasons import explained
from jupyter_flotilla.environment.requirements import Requirements
from jupyter_flotilla.environment.stubs import write_stubs
from jupyter_flotilla.environment.tool import Done, run_uv
from jupyter_flotilla.errors import UnresolvedPackages
from jupyter_flotilla.model.base import Stored

#: What runs notebooks and cells inside a job; the image's own where it fits.
KERNEL = ("ipykernel", "nbclient")


class Lock(Stored):
    """The packages that must be brought, each in one version: the same again at any time."""

    #: ``name==version`` or ``name @ git+…``, sorted; empty: the image has all that is needed.
    packages: tuple[str, ...] = ()
    #: All that the job needs, in the same spelling, what the image has included.
    resolved: tuple[str, ...] = ()
    #: Names the layer, and nothing else has this name; empty where there is none.
    key: str = ""
    #: True where some of it has no wheel and is built on this machine.
    is_built_here: bool = False
    #: Sentences for people.
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where no layer is needed."""
        return not self.packages


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """One question to uv."""

    keeps_image: bool
    builds: bool


def resolve(
    requirements: Requirements, facts: ImageFacts, *, needs_kernel: bool, cwd: Path | None = None
) -> Lock:
    """Return what must be brought so that a job with these requirements runs on an image.

    First with what the image has as it is; where that does not go together with the user's own
    versions, these win, and notes say what of the image is replaced. Wheels only, which run no
    code here; a package without one is built here where the requirements allow it.

    Parameters
    ----------
    needs_kernel
        True for notebooks and cells: nbclient and ipykernel must be there too.
    cwd
        Where uv looks for a project's settings; None: the current folder.

    Raises
    ------
    UnresolvedPackages
        With uv's reason in plain words.
    EnvironmentProblem
        If there is no uv, or no packages for such an image.

    Effects: runs uv, which asks the package indexes; nothing where the image has it all.
    """
    _check_python(requirements, facts)
    wanted = _wanted(requirements, needs_kernel=needs_kernel)
    if _has_all(facts, wanted, requirements.constraints):
        return Lock(resolved=tuple(sorted(_of_image(facts, text) for text in wanted)))
    said: dict[_Attempt, str] = {}
    for attempt in _attempts(requirements, wanted, facts):
        done = _ask(wanted, requirements.constraints, facts, attempt, cwd or Path.cwd())
        if done.returncode == 0:
            return _lock(_parsed(done.stdout), facts, builds=attempt.builds)
        said[attempt] = done.stderr
        if not _may_be_other_next_time(done.stderr):
            break
    # The plainest reason is that of the least question: wheels, and the user's versions alone.
    plainest = min(said, key=lambda attempt: (attempt.builds, attempt.keeps_image))
    raise explained(said[plainest], facts, may_build=requirements.may_build)


def lock_text(lock: Lock) -> str:
    """Return what uv installs: one package a line."""
    return "".join(f"{package}\n" for package in lock.packages)


def _check_python(requirements: Requirements, facts: ImageFacts) -> None:
    wanted = requirements.requires_python
    if wanted and not SpecifierSet(wanted).contains(facts.python, prereleases=True):
        raise UnresolvedPackages(
            f"the script needs Python {wanted}, and the image has {facts.python}",
            next_step=f"--image with a Python {wanted}",
        )


def _wanted(requirements: Requirements, *, needs_kernel: bool) -> list[str]:
    wanted = list(requirements.requirements)
    names = {canonicalize_name(Requirement(text).name) for text in wanted}
    if needs_kernel:
        wanted += [name for name in KERNEL if name not in names]
    return wanted


def _has_all(facts: ImageFacts, wanted: Iterable[str], bounds: Iterable[str]) -> bool:
    """Say whether an image is as it should be, without asking anybody.

    What it has needs in turn is there too; bounds for what it lacks are for other platforms.
    """
    plain = [Requirement(text) for text in wanted]
    return (
        all(not r.extras and r.marker is None for r in plain)
        and all(_is_there(facts, text) for text in wanted)
        and all(
            _is_there(facts, text)
            for text in bounds
            if facts.version_of(Requirement(text).name) is not None
        )
    )


def _of_image(facts: ImageFacts, text: str) -> str:
    name = canonicalize_name(Requirement(text).name)
    return f"{name}=={facts.version_of(name)}"


def _attempts(
    requirements: Requirements, wanted: Iterable[str], facts: ImageFacts
) -> list[_Attempt]:
    keeps = [True, False] if facts.dists else [False]
    has_vcs = any("git+" in (Requirement(text).url or "") for text in wanted)
    if has_vcs and not requirements.may_build:
        raise UnresolvedPackages(
            "a package of this job is source in git, and building it would run its code here",
            next_step="name it yourself: --deps or --with 'NAME @ git+https://…'",
        )
    builds = [True] if has_vcs else [False, True] if requirements.may_build else [False]
    return [_Attempt(keeps_image=keep, builds=build) for build in builds for keep in keeps]


def _may_be_other_next_time(stderr: str) -> bool:
    return "No solution found" in stderr or "uild" in stderr


def _ask(
    wanted: Sequence[str],
    bounds: Sequence[str],
    facts: ImageFacts,
    attempt: _Attempt,
    cwd: Path,
) -> Done:
    with tempfile.TemporaryDirectory(prefix="flotilla-uv-") as name:
        folder = Path(name)
        all_bounds, extra = list(bounds), {}
        if attempt.keeps_image:
            pins = write_stubs(facts, folder)
            all_bounds += _compatible(pins, [*wanted, *bounds])
            extra = {"UV_FIND_LINKS": str(folder)}
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(all_bounds), encoding="utf-8")
        return run_uv(
            [
                "pip", "compile", "-", "--constraints", str(constraints), *target(facts),
                "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
                *wheels_only(builds=attempt.builds),
            ],
            cwd=cwd, text="\n".join(wanted), extra=extra,
        )  # fmt: skip


def target(facts: ImageFacts) -> list[str]:
    """Return uv's options that say for which Python packages are meant."""
    return [
        "--python", sys.executable,
        "--python-version", facts.python,
        "--python-platform", facts.platform,
    ]  # fmt: skip


def wheels_only(*, builds: bool) -> list[str]:
    """Return uv's options against running a package's code on this machine."""
    return [] if builds else ["--only-binary", ":all:"]


def _compatible(pins: Iterable[str], stronger: Iterable[str]) -> Iterator[str]:
    """Yield the image's versions that do not contradict what the user's own say of the same."""
    wanted = [Requirement(text) for text in stronger]
    for pin in pins:
        image = Requirement(pin)
        version = next(iter(image.specifier)).version
        same = [r for r in wanted if canonicalize_name(r.name) == image.name]
        if all(r.url is None and r.specifier.contains(version, prereleases=True) for r in same):
            yield pin


def _parsed(stdout: str) -> list[str]:
    """Return ``name==version`` or ``name @ url`` of each line, without hashes of a setting."""
    lines = (line.partition(" \\")[0].strip() for line in stdout.splitlines())
    return sorted(line for line in lines if line and line[0] not in "#-")


def _lock(resolved: Sequence[str], facts: ImageFacts, *, builds: bool) -> Lock:
    brought = [text for text in resolved if not _is_there(facts, text)]
    replaced = [
        f"{name} {version} → {text.partition('==')[2] or 'of git'}"
        for text in brought
        if (version := facts.version_of(name := Requirement(text).name)) is not None
    ]
    notes = [f"instead of the image's own: {', '.join(replaced)}"] if replaced else []
    if builds:
        notes.append("not all of it has wheels: the rest is built on this machine")
    return Lock(
        packages=tuple(brought),
        resolved=tuple(resolved),
        key=_key(brought, facts) if brought else "",
        is_built_here=builds,
        notes=tuple(notes),
    )


def _is_there(facts: ImageFacts, text: str) -> bool:
    requirement = Requirement(text)
    version = facts.version_of(requirement.name)
    return (
        version is not None
        and requirement.url is None
        and requirement.specifier.contains(version, prereleases=True)
    )


def _key(packages: Sequence[str], facts: ImageFacts) -> str:
    """Return a name that changes with whatever changes a layer's content."""
    parts = [list(packages), facts.minor, facts.platform, facts.executable, facts.digest]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
