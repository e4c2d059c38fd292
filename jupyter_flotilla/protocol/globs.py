"""What a pattern of files means below a folder: for ``--files``, ``--fetch`` and ``download``."""

import os
import re
import stat
from fnmatch import translate
from typing import Callable, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple

#: Folders that no pattern means: they are made anew wherever they are needed.
LEFT_OUT = frozenset({".git", "__pycache__", ".ipynb_checkpoints", ".flotilla-checkpoint"})
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
_MAGIC = re.compile(r"[*?[]")


class Found(NamedTuple):
    """Something below a folder that a pattern means."""

    #: Relative to the folder, with ``/``.
    name: str
    #: Where its content is: for a link, where it leads.
    path: str
    #: ``file``, or why it is none that can be taken: ``out`` (a link that leads out), ``dangling``
    #: (one that leads nowhere), ``loop`` (one to a folder that it lies in), ``nested`` (one to a
    #: folder, in a folder that is a link), ``special`` (socket, pipe, device) or ``unreadable``.
    kind: str


class Glob:
    """One pattern: ``*``, ``?``, ``[…]`` within a name, hidden or not; ``**`` any folders.

    It is matched name by name along a walk: ``start``, then ``step`` for each name below. What
    lies in a folder that matches, matches.

    Parameters
    ----------
    is_literal
        True where the pattern is a path, whatever characters it has.

    >>> glob = Glob("data/**/*.csv")
    >>> [glob.matches(name) for name in ("data/a.csv", "data/b/c/d.csv", "a.csv")]
    [True, True, False]
    """

    def __init__(self, pattern: str, is_literal: bool = False) -> None:
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        self._parts: List[Optional[Callable[[str], object]]] = [
            None if part == "**" and not is_literal else _matcher(part, is_literal)
            for part in parts
        ]
        self.start = self._with_skipped(frozenset({0}))

    def step(self, states: FrozenSet[int], name: str) -> FrozenSet[int]:
        """Return where the pattern is after one more name; empty: nothing below can match."""
        if self.is_hit(states):
            return states
        after = set()
        for state in states:
            part = self._parts[state]
            if part is None:
                after.add(state)
            elif part(name):
                after.add(state + 1)
        return self._with_skipped(frozenset(after))

    def is_hit(self, states: FrozenSet[int]) -> bool:
        """Say whether the pattern means what lies there."""
        return len(self._parts) in states

    def matches(self, name: str) -> bool:
        """Say whether the pattern means a relative path."""
        states = self.start
        for part in name.split("/"):
            states = self.step(states, part)
        return self.is_hit(states)

    def _with_skipped(self, states: FrozenSet[int]) -> FrozenSet[int]:
        """Add what comes after ``**``, which may also stand for no folder at all."""
        found = set(states)
        for state in sorted(states):
            while state < len(self._parts) and self._parts[state] is None:
                state += 1
                found.add(state)
        return frozenset(found)


def _matcher(part: str, is_literal: bool) -> Callable[[str], object]:
    if is_literal or not _MAGIC.search(part):
        return part.__eq__
    return re.compile(translate(part)).match


def glob_of(pattern: str, top: str) -> Glob:
    """Return a pattern as it is meant below a folder: what is there under that name, or a glob."""
    is_there = bool(_MAGIC.search(pattern)) and os.path.lexists(os.path.join(top, pattern))
    return Glob(pattern, is_literal=is_there)


def walk(
    top: str, glob: Glob, is_left_out: Callable[[str, bool], bool] = lambda name, is_folder: False
) -> Iterator[Found]:
    """Yield what a pattern means below a folder, sorted within each folder.

    Folders and virtual environments that `LEFT_OUT` is about are never entered. A link to a file
    below ``top`` is a file, one to a folder below it is that folder; no link is followed out of
    ``top`` or in a circle.

    Parameters
    ----------
    is_left_out
        Says of a name, relative to ``top``, and whether it is a folder's, that nothing of it
        counts.
    """
    top = os.path.realpath(top)
    # real path, name with "/" at its end, where the pattern is, whether a link led here
    todo: List[Tuple[str, str, FrozenSet[int], bool]] = [(top, "", glob.start, False)]
    while todo:
        folder, prefix, states, is_linked = todo.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            yield Found(prefix.rstrip("/") or ".", folder, "unreadable")
            continue
        below = []
        for entry in entries:
            after = glob.step(states, entry.name)
            if not after:
                continue
            name, is_hit = prefix + entry.name, glob.is_hit(after)
            kind, path = _look(entry, folder, top, is_linked)
            if kind == "folder":
                if not _is_never_entered(entry.name, path) and not is_left_out(name, True):
                    below.append((path, name + "/", after, is_linked or entry.is_symlink()))
            elif is_hit and entry.name not in LEFT_OUT and not is_left_out(name, False):
                yield Found(name, path, kind)
        todo += reversed(below)


def _look(entry: "os.DirEntry[str]", folder: str, top: str, is_linked: bool) -> Tuple[str, str]:
    """Return what an entry is, and where its content lies."""
    path = os.path.join(folder, entry.name)
    if not entry.is_symlink():
        if entry.is_dir(follow_symlinks=False):
            return "folder", path
        return ("file" if entry.is_file(follow_symlinks=False) else "special"), path
    path = os.path.realpath(path)
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "dangling", path
    if not _is_inside(path, top):
        return "out", path
    if not stat.S_ISDIR(mode):
        return ("file" if stat.S_ISREG(mode) else "special"), path
    if _is_inside(folder, path):
        return "loop", path
    return ("nested" if is_linked else "folder"), path


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_never_entered(name: str, path: str) -> bool:
    return name in LEFT_OUT or os.path.lexists(os.path.join(path, _VIRTUAL_ENVIRONMENT))
