"""Which files travel with a job."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_flotilla.capture.ignore import IGNORE_FILES, IgnoreRules
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.patterns import is_confined
from jupyter_flotilla.protocol.globs import Found, Glob, glob_of, walk

#: Names that a sentence lists before it says how many more there are.
_LISTED = 5
#: Kind of what does not travel → what is said of it.
_WORDS = {
    "dangling": "a link that leads nowhere",
    "loop": "a link to a folder that it lies in",
    "nested": "a link to a folder, inside of another one",
    "special": "a socket, pipe or device",
    "unreadable": "a folder that cannot be read",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Travelling:
    """Files that travel with a job."""

    #: Where the content is, by path relative to the job's folder.
    files: dict[str, Path] = field(default_factory=dict)
    #: Sentences on what does not, for people.
    notes: tuple[str, ...] = ()


def find_files(patterns: Iterable[str], cwd: Path) -> Travelling:
    """Return the files that patterns mean.

    A folder means all that is in it. Of folders and globs, what ``.flotillaignore`` and
    ``.gitignore`` name stays here, and so does what `protocol.globs.LEFT_OUT` is about; a file
    that is named outright travels in any case. A link travels as what it leads to; one that leads
    out of ``cwd`` is refused: in the job it would have no place.

    Raises
    ------
    InvalidOption
        If a pattern matches nothing or leads out of ``cwd``, or a file cannot be read.
    EnvironmentProblem
        If an ignore file cannot be read.
    """
    root = cwd.resolve()
    rules = IgnoreRules(root)
    files: dict[str, Path] = {}
    left: dict[str, set[str]] = {}
    for pattern in patterns:
        is_any = False
        for found in _meant(pattern, root, rules):
            if found.kind == "file":
                files[found.name] = _readable(found, pattern)
                is_any = True
            else:
                left.setdefault(found.kind, set()).add(found.name)
        if not is_any:
            raise _nothing(pattern, root, left)
    return Travelling(
        files=files,
        notes=tuple(f"left out, {_WORDS[kind]}: {listed(left[kind])}" for kind in sorted(left)),
    )


def listed(names: Iterable[str]) -> str:
    """Return names for people, the first of them where there are many.

    >>> listed(["b", "a c"])
    "'a c', 'b'"
    """
    ordered = sorted(names)
    shown = ", ".join(repr(name) for name in ordered[:_LISTED])
    more = len(ordered) - _LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _meant(pattern: str, root: Path, rules: IgnoreRules) -> Iterable[Found]:
    """Return what a pattern means; raises InvalidOption for what leads out."""
    if not is_confined(pattern):
        raise InvalidOption(
            f"--files {pattern}: only paths below {root} can travel",
            next_step="write a path or pattern relative to the notebook's folder",
        )
    outright = root / pattern
    if outright.is_file():
        real = outright.resolve()
        is_out = not real.is_relative_to(root)
        found: Iterable[Found] = [
            Found(str(outright.relative_to(root)), str(real), "out" if is_out else "file")
        ]
    else:
        found = walk(str(root), glob_of(pattern, str(root)), rules.leaves_out)
    for one in found:
        if one.kind == "out":
            raise InvalidOption(
                f"--files {pattern}: {one.name!r} is a link to {one.path}, which lies outside of "
                f"{root}",
                next_step=f"copy it below {root}, where the job's own copy will be, or name the "
                f"link in {IGNORE_FILES[0]}",
            )
        yield one


def _readable(found: Found, pattern: str) -> Path:
    if not os.access(found.path, os.R_OK):
        raise InvalidOption(
            f"--files {pattern}: {found.name!r} cannot be read",
            next_step=f"mend its permissions, or name it in {IGNORE_FILES[0]}",
        )
    return Path(found.path)


def _nothing(pattern: str, root: Path, left: dict[str, set[str]]) -> InvalidOption:
    """Return why a pattern means no file: is there none, or may none travel?"""
    for kind, names in left.items():
        if meant := [name for name in names if Glob(pattern).matches(name)]:
            return InvalidOption(
                f"--files {pattern}: {listed(meant)}: {_WORDS[kind]} cannot travel",
                next_step="name files and folders of files",
            )
    hidden = next(
        (one for one in walk(str(root), glob_of(pattern, str(root))) if one.kind == "file"), None
    )
    if hidden is not None:
        return InvalidOption(
            f"--files {pattern}: what matches, such as {hidden.name!r}, is left out by "
            f"{' or '.join(IGNORE_FILES)}",
            next_step=f"name the files outright, or write !{pattern.rstrip('/')} into "
            f"{IGNORE_FILES[0]} (of a folder in it: !FOLDER/ first)",
        )
    return InvalidOption(
        f"--files {pattern}: no file matches below {root}",
        next_step="paths are relative to the notebook's folder; quote patterns for the shell",
    )
