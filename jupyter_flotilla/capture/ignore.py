"""What ignore files leave out of what travels, as git reads them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec

from jupyter_flotilla.errors import EnvironmentProblem

#: The stronger first: what a whole chain of the one says, the other cannot change.
IGNORE_FILES = (".flotillaignore", ".gitignore")
#: Where there is no repository, ignore files count up to so many folders above.
_ABOVE = 3


class IgnoreRules:
    """What the ignore files in, below and above a folder leave out of it.

    Within one kind of file the one that is nearest to a path decides, in it the last line that
    matches, as in git. Those above count up to the repository's top, unless they leave out the
    folder itself: whoever works there means what is in it.

    Parameters
    ----------
    folder
        Names are relative to it.
    """

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()
        #: (folder, kind) → what decides there, the nearest first, and where its names begin.
        self._specs: dict[tuple[str, str], list[tuple[GitIgnoreSpec, int]]] = {}
        self._top, self._prefix = _project(folder), ""
        above = "".join(f"{part}/" for part in folder.relative_to(self._top).parts)
        if any(self.leaves_out(ancestor, True) for ancestor in _ancestors(above)):
            self._top, above = folder, ""
            self._specs.clear()
        self._prefix = above

    def leaves_out(self, name: str, is_folder: bool) -> bool:
        """Say whether what lies at a relative path does not travel.

        Nothing is asked of the folders above it: whoever walks does not enter those that are left
        out, and what is in them cannot be had back, as in git.

        Raises
        ------
        EnvironmentProblem
            If an ignore file cannot be read.
        """
        # no pattern can have a line break; of a regular expression it would be the end
        whole = (self._prefix + name).replace("\n", "\0")
        for spec, length in self._chain(whole.rpartition("/")[0]):
            decided = spec.check_file(whole[length:] + "/" * is_folder).include
            if decided is not None:
                return decided
        return False

    def _chain(self, parent: str) -> list[tuple[GitIgnoreSpec, int]]:
        """Return what decides on names in a folder, the strongest first, with where they begin."""
        return [one for kind in IGNORE_FILES for one in self._specs_above(parent, kind)]

    def _specs_above(self, parent: str, kind: str) -> list[tuple[GitIgnoreSpec, int]]:
        if (parent, kind) not in self._specs:
            above = self._specs_above(parent.rpartition("/")[0], kind) if parent else []
            spec = _read(self._top / parent.replace("\0", "\n") / kind)
            own = [] if spec is None else [(spec, len(parent) + bool(parent))]
            self._specs[parent, kind] = own + above
        return self._specs[parent, kind]


def spec_of(lines: Iterable[str]) -> GitIgnoreSpec:
    """Return what lines of an ignore file mean; as in git, a wrong one means nothing."""
    patterns: list[Any] = []
    for line in lines:
        try:
            patterns += GitIgnoreSpec.from_lines([line]).patterns
        except ValueError:
            continue
    return GitIgnoreSpec(patterns)


def _read(path: Path) -> GitIgnoreSpec | None:
    try:
        is_there = path.is_file()
    except OSError:
        return None  # the path is too long for the system
    return _spec_in(path) if is_there else None


def _spec_in(path: Path) -> GitIgnoreSpec:
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise EnvironmentProblem(
            f"{path} cannot be read: {error.strerror}", next_step="mend its permissions"
        ) from error
    return spec_of(line.rstrip("\r") for line in text.split("\n"))


def _project(folder: Path) -> Path:
    """Return the furthest folder whose ignore files count."""
    for above in (folder, *folder.parents):
        if os.path.lexists(above / ".git"):
            return above
    return [folder, *folder.parents][: _ABOVE + 1][-1]


def _ancestors(path: str) -> list[str]:
    """Return a folder's path and those of the folders above it, the nearest last.

    >>> _ancestors("a/bc/")
    ['a', 'a/bc']
    """
    return [path[:index] for index, letter in enumerate(path) if letter == "/"]
