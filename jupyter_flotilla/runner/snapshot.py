"""The state of a folder, and copies of it."""

import os
import shutil
import stat
from typing import Dict, NamedTuple, Optional

#: Files between these are written at once, for all that matters.
_SMALL_BYTES = 2**20
#: A file that changes while it is copied is copied again so often.
_TRIES = 3


class Entry(NamedTuple):
    """What is known of a file, folder or link without reading it: equal means unchanged."""

    mode: int
    size: int
    mtime_ns: int
    inode: int
    #: Where a link leads.
    target: Optional[str]

    @property
    def is_file(self) -> bool:
        """Say whether it is a regular file."""
        return stat.S_ISREG(self.mode)


#: By path relative to the folder, each folder before what is in it; "" is the folder itself.
State = Dict[str, Entry]


class Unsteady(Exception):
    """A folder has changed under its copying."""


def scan(top: str) -> State:
    """Return the state of a folder; empty where there is none. Sockets and pipes do not count."""
    try:
        found = {"": _entry(top, os.stat(top))}
    except OSError:
        return {}
    todo = [""]
    while todo:
        prefix = todo.pop()
        try:
            with os.scandir(os.path.join(top, prefix)) as listing:
                entries = list(listing)
        except OSError:
            continue  # gone meanwhile
        for one in entries:
            name = os.path.join(prefix, one.name)
            try:
                entry = _entry(one.path, one.stat(follow_symlinks=False))
            except OSError:
                continue
            if stat.S_ISDIR(entry.mode):
                todo.append(name)
            if stat.S_ISDIR(entry.mode) or entry.is_file or entry.target is not None:
                found[name] = entry
    return found


def is_in_doubt(path: str, entry: Entry, before: Optional[Entry]) -> bool:
    """Say whether a file that was just being written may be half of itself.

    Small ones are written at once, or are empty in between; one that was put in place by a rename
    is whole.

    Parameters
    ----------
    entry, before
        What it is now, and what it was at an earlier look; None: it was not there.
    """
    if not entry.is_file or entry == before or 0 < entry.size < _SMALL_BYTES:
        return False
    if before is not None and before.inode != entry.inode:
        return False
    if before is not None and entry.size == before.size == 0:
        return False
    try:
        return os.stat(path).st_ctime_ns <= entry.mtime_ns
    except OSError:
        return True


def copy_entry(top: str, name: str, entry: Entry, target: str) -> Entry:
    """Copy a file, folder or link of a folder; return what was copied.

    A link stays one; where it leads below ``top`` by an absolute path, it leads there still.

    Raises
    ------
    Unsteady
        If it changes again and again.
    OSError
    """
    path = os.path.join(top, name)
    if stat.S_ISDIR(entry.mode):
        os.mkdir(target, 0o700)
    elif entry.target is not None:
        os.symlink(_inside(entry.target, path, top), target)
    else:
        return _copy_steady(path, target)
    return entry


def copy_tree(source: str, target: str) -> "tuple[int, int]":
    """Copy a folder that nobody changes; return how many files and bytes that was."""
    count = total = 0
    for name, entry in scan(source).items():
        copy_entry(source, name, entry, os.path.join(target, name) if name else target)
        if entry.is_file:
            count, total = count + 1, total + entry.size
    return count, total


def link(path: str, target: str) -> bool:
    """Give a file a second name; False where that is impossible."""
    try:
        os.link(path, target)
    except OSError:
        return False
    return True


def _copy_steady(path: str, target: str) -> Entry:
    for _ in range(_TRIES):
        before = _entry(path, os.lstat(path))
        shutil.copyfile(path, target, follow_symlinks=False)
        if _entry(path, os.lstat(path)) == before:
            shutil.copystat(path, target)
            return before
    raise Unsteady(path)


def _entry(path: str, status: os.stat_result) -> Entry:
    is_link = stat.S_ISLNK(status.st_mode)
    return Entry(
        mode=status.st_mode,
        size=0 if stat.S_ISDIR(status.st_mode) else status.st_size,
        mtime_ns=status.st_mtime_ns,
        inode=status.st_ino,
        target=os.readlink(path) if is_link else None,
    )


def _inside(target: str, path: str, top: str) -> str:
    if os.path.isabs(target) and (target + "/").startswith(top + "/"):
        return os.path.relpath(target, os.path.dirname(path))
    return target
