"""What packages a job needs: from its imports, or as the user, the script or the project says.

The first step of an environment; `resolution` asks the index for them, `layer` brings them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from sys import builtin_module_names, stdlib_module_names
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jupyter_flotilla.environment.companions import companions
from jupyter_flotilla.environment.entries import Deps
from jupyter_flotilla.environment.imports import Script, imported_by, script_block
from jupyter_flotilla.environment.installed import Dist, Installed, applies_here
from jupyter_flotilla.environment.lockfiles import Written, find_locks, read_file
from jupyter_flotilla.errors import InvalidOption

Origin = Literal["imports", "script", "lock", "freeze", "file", "list", "none"]

#: The job finds what it may call of ours by itself.
_OWN = "jupyter-flotilla"
#: As ``pip freeze`` leaves them out.
_TOOLS = frozenset({"pip", "setuptools", "wheel", "distribute", "uv"})
_NOT_PACKAGES = frozenset({*builtin_module_names, *stdlib_module_names, "jupyter_flotilla"})


@dataclass(frozen=True, kw_only=True, slots=True)
class JobCode:
    """What of a job says which packages it needs."""

    #: Python text, cell by cell or whole; magics may be in it. Empty for a command.
    sources: tuple[str, ...] = ()
    #: Modules that are imported besides, by values that travel or by name.
    modules: frozenset[str] = frozenset()
    #: Local modules that travel: place (``package/module.py``) → file.
    local: Mapping[str, Path] = field(default_factory=dict)
    #: Notebook or script; None for what lies in no file.
    path: Path | None = None
    #: Where a path of ``--deps`` begins, and the search for a lock where ``path`` is None.
    cwd: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """What must be there when the job runs."""

    origin: Origin
    #: PEP 508, one a package.
    requirements: tuple[str, ...] = ()
    #: Bounds: versions of what the above need in turn, where they need it on the image's platform.
    constraints: tuple[str, ...] = ()
    #: Specifier of the script; None: any Python.
    requires_python: str | None = None
    #: True where a package without a wheel may be built here, which runs its code here: versions
    #: that run here already, or packages that the user has named. A notebook may be a stranger's.
    may_build: bool = False
    #: File that says it; None where none does.
    file: str | None = None
    #: Sentences for people.
    notes: tuple[str, ...] = ()


def find_requirements(
    deps: Deps,
    code: JobCode,
    *,
    extra: Iterable[str] = (),
    installed: Installed | None = None,
) -> Requirements:
    """Return what a job needs by ``--deps`` and ``--with``.

    Parameters
    ----------
    extra
        Requirements of ``--with``, as `read_with` returns them; they win over those of the same
        name.
    installed
        The environment whose versions are meant; None: this process's own.

    Raises
    ------
    InvalidOption
        If a file or script block cannot be read, or there is no lock for ``--deps lock``.
    EnvironmentProblem
        If uv is needed to read its lock, and not there.

    Effects: reads metadata and files of a project; runs ``uv export`` where there is a uv.lock.
    """
    installed = installed or Installed()
    found = _by_mode(deps, code, installed)
    given = tuple(extra)
    if not given:
        return found
    names = {canonicalize_name(Requirement(text).name) for text in given}
    kept = [text for text in found.requirements if _name(text) not in names]
    bounds = [text for text in found.constraints if _name(text) not in names]
    return replace(found, requirements=(*kept, *given), constraints=tuple(bounds))


def _by_mode(deps: Deps, code: JobCode, installed: Installed) -> Requirements:
    match deps.mode:
        case "none":
            return Requirements(origin="none", may_build=True)
        case "list":
            return Requirements(origin="list", requirements=deps.listed, may_build=True)
        case "file":
            path = code.cwd / Path(deps.file or "").expanduser()
            return _of_written(read_file(path), path, "file")
        case "freeze":
            return _frozen(installed)
        case "lock":
            return _of_lock(code, installed)
        case "auto":
            return _auto(code, installed)


def _auto(code: JobCode, installed: Installed) -> Requirements:
    script = script_block(code.sources)
    if script is not None:
        return _of_script(script)
    imports = _Imports(code, installed)
    notes: list[str] = []
    for path in find_locks(_folder(code)):
        written = _lock_or_note(path, notes)
        if written is None:
            continue
        lacking = imports.lacking_in(written.names)
        if not lacking:
            lock = _locked(written, path, installed)
            return replace(lock, notes=(*notes, *lock.notes))
        notes.append(f"{path.name} lacks {_listed(lacking)}: what is installed here is taken")
    found = imports.requirements()
    return replace(found, notes=(*notes, *found.notes))


def _lock_or_note(path: Path, notes: list[str]) -> Written | None:
    try:
        written = read_file(path)
    except InvalidOption as error:
        notes.append(error.message)
        return None
    return written if written.is_pinned else None


def _of_lock(code: JobCode, installed: Installed) -> Requirements:
    folder = _folder(code)
    for path in find_locks(folder):
        written = read_file(path)
        if written.is_pinned:
            return _locked(written, path, installed)
    raise InvalidOption(
        f"--deps lock: there is no uv.lock, pylock.toml, requirements.lock, nor a requirements.txt "
        f"with a version for each package, in {folder} or above it",
        next_step="uv lock, or uv pip compile requirements.in -o requirements.lock, or --deps auto",
    )


def _locked(written: Written, path: Path, installed: Installed) -> Requirements:
    """Return what a lock says, and what it says otherwise than it is here.

    Where all is installed as it says, its code runs here already, and may be built.
    """
    meant = [r for r in map(Requirement, written.requirements) if applies_here(r)]
    others = [
        f"{requirement.name} {requirement.specifier} (here {dist.version})"
        for requirement in meant
        if (dist := installed.get(requirement.name)) and not _is_met_by(dist, requirement)
    ]
    lock = _of_written(written, path, "lock")
    return replace(
        lock,
        may_build=not others and all(installed.get(requirement.name) for requirement in meant),
        notes=(
            *lock.notes,
            *([f"other versions in the lock than here: {_listed(others)}"] if others else []),
        ),
    )


def _is_met_by(dist: Dist, requirement: Requirement) -> bool:
    if requirement.url is not None:
        return dist.vcs_url == requirement.url
    version = dist.version
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _of_written(written: Written, path: Path, origin: Literal["lock", "file"]) -> Requirements:
    return Requirements(
        origin=origin,
        requirements=tuple(dict.fromkeys(written.requirements)),
        constraints=tuple(dict.fromkeys(written.constraints)),
        may_build=origin == "file",  # named by the user; a lock was only found
        file=str(path),
        notes=tuple(dict.fromkeys(written.notes)),
    )


def _of_script(script: Script) -> Requirements:
    return Requirements(
        origin="script",
        requirements=script.requirements,
        requires_python=script.requires_python,
    )


def _frozen(installed: Installed) -> Requirements:
    """Return everything that is installed: what nothing else needs, and bounds for the rest.

    So a package of this platform alone (``appnope``) comes along only where it is needed.
    """
    names = {n for n, d in installed.all.items() if n not in _TOOLS | {_OWN} and not d.is_editable}
    needed = {
        canonicalize_name(requirement.name)
        for name in names
        for requirement in installed.all[name].requires
        if applies_here(requirement)
    }
    roots = names - needed
    # packages that need each other in a circle are nobody's roots
    reached = installed.reached(Requirement(name) for name in roots)
    return _pinned(roots | (names - reached), names, installed, origin="freeze")


class _Imports:
    """What the text of a job imports, seen against what is installed."""

    def __init__(self, code: JobCode, installed: Installed) -> None:
        self._installed = installed
        texts = [*code.sources, *_texts(code.local.values())]
        modules = code.modules | imported_by(texts)
        local = {PurePosixPath(place).parts[0].removesuffix(".py") for place in code.local}
        tops = {module.partition(".")[0] for module in modules} - _NOT_PACKAGES - local
        outside = {module for module in modules if module.partition(".")[0] in tops}
        owners = {module: installed.owners(module) for module in _most_exact(outside)}
        owned = {module.partition(".")[0] for module, names in owners.items() if names}
        #: Top-level modules that are nowhere here.
        self.unknown = tops - owned - {"__main__", "__future__"}
        self.names = {name for names in owners.values() for name in names} - {_OWN}
        self.names |= self._of_editable(code.local)
        self.companions = dict(companions(self.names, texts, installed))

    def lacking_in(self, names: set[str]) -> set[str]:
        """Return what a lock with these names does not bring."""
        guessed = {canonicalize_name(module) for module in self.unknown}
        editable = {name for name in self.names if self._installed.all[name].is_editable}
        return (self.names - names - editable) | (guessed - names)

    def requirements(self) -> Requirements:
        """Return the versions that are installed here, and bounds for what they need."""
        notes = [f"+ {name} for {why}" for name, why in self.companions.items()]
        if self.unknown:
            notes.append(
                f"{_listed(self.unknown)}: not installed here; if the image lacks it, name its "
                "package: --with NAME"
            )
        roots = self.names | set(self.companions)
        reached = self._installed.reached(Requirement(name) for name in roots)
        found = _pinned(roots, reached, self._installed, origin="imports")
        return replace(found, notes=(*notes, *found.notes))

    def _of_editable(self, local: Mapping[str, Path]) -> set[str]:
        """Return what editable distributions of local packages need: their source travels alone."""
        found: set[str] = set()
        for dist in self._installed.all.values():
            is_used = dist.name in self.names or _is_of(dist, local)
            if dist.is_editable and is_used and dist.name != _OWN:
                found |= {
                    canonicalize_name(requirement.name)
                    for requirement in dist.requires
                    if applies_here(requirement)
                }
        return {name for name in found if self._installed.get(name)} - {_OWN}


def _most_exact(modules: set[str]) -> set[str]:
    """Return modules without the packages of others: ``google.cloud`` alone says nothing."""
    parents = {name[:at] for name in modules for at, sign in enumerate(name) if sign == "."}
    return modules - parents


def _is_of(dist: Dist, local: Mapping[str, Path]) -> bool:
    """Say whether local packages lie in the folder of an editable distribution.

    Which modules it has is not in its metadata. A single module in that folder may be a helper of
    a notebook there, and is not counted.
    """
    if dist.folder is None:
        return False
    roots = (dist.folder, dist.folder / "src")
    return any("/" in place and path in {r / place for r in roots} for place, path in local.items())


def _pinned(
    roots: set[str],
    reached: set[str],
    installed: Installed,
    *,
    origin: Literal["imports", "freeze"],
) -> Requirements:
    """Return roots as requirements and the rest of what is reached as bounds, both as installed."""
    kept = {name for name in reached | roots if name != _OWN}
    dists = [installed.all[name] for name in sorted(kept) if not installed.all[name].is_editable]
    notes = []
    for dist in dists:
        if dist.version is not None and dist.version.local and dist.vcs_url is None:
            notes.append(
                f"{dist.name} {dist.version} → {dist.version.public}: no index has local versions; "
                "another is given by --with"
            )
        if dist.version is None:
            notes.append(f"{dist.name}: its version here is none of PEP 440; the newest is taken")
    # an address cannot be a bound
    direct = {dist.name for dist in dists if dist.name in roots or dist.vcs_url is not None}
    return Requirements(
        origin=origin,
        requirements=tuple(dist.requirement() for dist in dists if dist.name in direct),
        constraints=tuple(
            dist.requirement() for dist in dists if dist.name not in direct and dist.version
        ),
        may_build=True,
        notes=tuple(notes),
    )


def _folder(code: JobCode) -> Path:
    return code.cwd if code.path is None else code.path.absolute().parent


def _texts(files: Iterable[Path]) -> Iterable[str]:
    for file in files:
        if file.suffix == ".py":
            try:
                yield file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue


def _name(text: str) -> str:
    return canonicalize_name(Requirement(text).name)


def _listed(names: Iterable[str], most: int = 5) -> str:
    ordered = sorted(names)
    rest = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" and {rest} more" if rest > 0 else "")
