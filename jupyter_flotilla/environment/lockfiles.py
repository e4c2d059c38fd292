"""Files in which a project has written its packages: found upwards of the notebook, and read."""

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jupyter_flotilla.environment.entries import checked
from jupyter_flotilla.environment.tool import first_lines, run_uv
from jupyter_flotilla.errors import InvalidOption

#: The stronger first; a requirements.txt counts as a lock only where all of it is pinned.
_LOCKS = ("uv.lock", "pylock.toml", "requirements.lock", "requirements.txt")
_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)[\s=]*(.+)")
_LARGEST_BYTES = 20 * 2**20


@dataclass(slots=True)
class Written:
    """What a file says."""

    #: PEP 508, in the file's order.
    requirements: list[str] = field(default_factory=list)
    #: Bounds that bring nothing by themselves (``-c``).
    constraints: list[str] = field(default_factory=list)
    #: Sentences on what was not taken.
    notes: list[str] = field(default_factory=list)

    @property
    def is_pinned(self) -> bool:
        """True where each package has one version only, and there is at least one."""
        return bool(self.requirements) and all(map(_is_pinned, self.requirements))

    @property
    def names(self) -> set[str]:
        """Canonical names of what is brought."""
        return {canonicalize_name(Requirement(text).name) for text in self.requirements}


def find_locks(start: Path) -> Iterator[Path]:
    """Yield the files that may be a lock, from a folder upwards, the nearest first.

    The search ends at the project's root (``.git``) and below the user's home folder: what lies in
    a shared folder such as /tmp is nobody's lock.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if folder != start and _is_shared(folder):
            return
        yield from (folder / name for name in _LOCKS if (folder / name).is_file())
        if (folder / ".git").exists():
            return


def _is_shared(folder: Path) -> bool:
    home = Path(os.environ.get("HOME") or "/")
    return folder in (home, folder.parent) or bool(folder.stat().st_mode & 0o002)


def read_file(path: Path) -> Written:
    """Return what a requirements file, pylock.toml or uv.lock says.

    Effects: for uv.lock runs ``uv export``, which reads that file only.

    Raises
    ------
    InvalidOption
        If it cannot be read, or names what is no requirement.
    EnvironmentProblem
        If there is no uv to read its lock with.
    """
    if path.name == "uv.lock":
        return _exported(path)
    if path.suffix == ".toml":
        return _pylock(path)
    written = Written()
    _read_into(written, path, frozenset({path.resolve()}))
    return written


def _read_into(
    written: Written, path: Path, seen: frozenset[Path], *, bounds: bool = False
) -> None:
    for line in _logical_lines(_text(path)):
        include = _INCLUDE.fullmatch(line)
        if include is not None:
            other = (path.parent / include[2].strip("'\"")).resolve()
            if other not in seen:
                is_bound = bounds or include[1] in ("-c", "--constraint")
                _read_into(written, other, seen | {other}, bounds=is_bound)
        else:
            _take(written, line, path.name, bounds=bounds)


def _take(written: Written, line: str, source: str, *, bounds: bool) -> None:
    if line.startswith("-"):
        # its value may hold a password
        option = re.split(r"[\s=]", line)[0]
        written.notes.append(f"{source}: {_not_taken(option)}")
        return
    line = re.sub(r"(\s+--[a-z][a-z-]*(=|\s+)\S+)+$", "", line)
    if re.match(r"[./~]|file:|[A-Za-z]:\\", line) or re.match(r"[^\s@]+\.(whl|tar\.gz)$", line):
        written.notes.append(f"{source}: a package of this machine's disk is not taken")
        return
    target = written.constraints if bounds else written.requirements
    target.append(checked(line, source))


def _not_taken(option: str) -> str:
    if option in ("-e", "--editable"):
        return "an editable package is not taken; its source travels where it is imported"
    if "index" in option or option in ("-i", "-f", "--find-links"):
        return f"{option} is not taken; give the index as UV_INDEX, UV_DEFAULT_INDEX or in uv.toml"
    return f"{option} is not taken"


def _logical_lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\r?\n", " ", text.removeprefix("\ufeff"))
    for line in joined.splitlines():
        line = _COMMENT.sub("", line).strip()
        if line:
            yield line


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is larger than 20 MiB")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidOption(
            f"{path} cannot be read as a list of packages: {reason}",
            next_step="--deps FILE, or a list as pandas,polars",
        ) from error


def _pylock(path: Path) -> Written:
    """Read a pylock.toml (PEP 751): name, version, marker and vcs of its packages."""
    written = Written()
    try:
        packages = tomllib.loads(_text(path)).get("packages")
        if not isinstance(packages, list):
            raise ValueError("it has no [[packages]]")
        entries = [_of_pylock(package) for package in packages]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidOption(
            f"{path} is no pylock.toml (PEP 751): {error}", next_step="uv export -o pylock.toml"
        ) from error
    for name, entry in entries:
        if entry is None:
            written.notes.append(f"{path.name}: {name} is of this machine's disk, and not taken")
        else:
            written.requirements.append(checked(entry, path.name))
    return written


def _of_pylock(package: dict[str, Any]) -> tuple[str, str | None]:
    name, marker = str(package["name"]), package.get("marker")
    suffix = f" ; {marker}" if marker else ""
    vcs, archive = package.get("vcs"), package.get("archive")
    if vcs and vcs.get("type") == "git" and vcs.get("url"):
        return name, f"{name} @ git+{vcs['url']}@{vcs['commit-id']}{suffix}"
    if archive and archive.get("url"):
        return name, f"{name} @ {archive['url']}{suffix}"
    if package.get("version") and not package.get("directory"):
        return name, f"{name}=={package['version']}{suffix}"
    return name, None


def _exported(path: Path) -> Written:
    options = ["--frozen", "--no-emit-project", "--no-hashes", "--no-annotate", "--no-header"]
    done = run_uv(["export", *options, "--project", str(path.parent)], cwd=path.parent)
    if done.returncode:
        raise InvalidOption(
            f"{path} cannot be read: {first_lines(done.stderr)}", next_step="uv lock"
        )
    written = Written()
    for line in _logical_lines(done.stdout):
        _take(written, line, "uv.lock", bounds=False)
    return written


def _is_pinned(text: str) -> bool:
    requirement = Requirement(text)
    specifiers = list(requirement.specifier)
    return requirement.url is not None or (
        len(specifiers) == 1
        and specifiers[0].operator in ("==", "===")
        and not specifiers[0].version.endswith("*")
    )
