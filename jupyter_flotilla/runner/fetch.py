"""Brings files of the job's working directory back, once the job is over, however it ended."""

import errno
import os
import shutil
from typing import Dict, List

from jupyter_flotilla import protocol
from jupyter_flotilla.protocol.globs import Found, glob_of, walk
from jupyter_flotilla.runner.attempt import Attempt
from jupyter_flotilla.runner.snapshot import link

#: A file that is being copied is here: under its own name in `protocol.FILES` it is whole.
_PART = "files.part"
#: Names that a note lists.
_LISTED = 5
#: Kind of what does not come back → what is said of it.
_WORDS = {
    "out": "a link that leads out of the working directory",
    "dangling": "a link that leads nowhere",
    "loop": "a link to a folder that it lies in",
    "nested": "a link to a folder, inside of another one",
    "special": "a socket, pipe or device",
    "unreadable": "a folder that cannot be read",
}


def fetch(attempt: Attempt, top: str) -> None:
    """Copy what ``job["fetch"]`` means below a folder into the attempt's, and list it there.

    What does not come back, and why, is said in the job's stream, and so is the sum of all that
    does. Never fails for what is wrong with a file or the disk.
    """
    patterns: List[str] = attempt.job.get("fetch") or []
    if patterns:
        _Fetch(attempt, top).run(patterns)


class _Fetch:
    def __init__(self, attempt: Attempt, top: str) -> None:
        self._attempt = attempt
        self._top = top
        self._into = attempt.path(protocol.FILES)
        self._part = attempt.path(_PART)
        #: In a folder of its own nobody changes what the job has left there.
        self._may_link = bool(attempt.job["own_cwd"])
        self._sizes: Dict[str, int] = {}
        #: Why → names of what does not come back.
        self._left: Dict[str, List[str]] = {}

    def run(self, patterns: List[str]) -> None:
        found = self._find(patterns)
        _remove(self._into)
        for number, one in enumerate(found):
            try:
                self._take(one)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    self._left["no room on the disk"] = [late.name for late in found[number:]]
                    break
                self._left.setdefault(error.strerror or str(error), []).append(one.name)
        protocol.forget(self._part)
        self._list()
        self._tell()

    def _find(self, patterns: List[str]) -> List[Found]:
        own = os.path.realpath(self._attempt.folder)
        found: Dict[str, Found] = {}
        for pattern in patterns:
            is_any = False
            for one in walk(
                self._top,
                glob_of(pattern, self._top),
                lambda name, is_folder: is_folder and os.path.join(self._top, name) == own,
            ):
                is_any = True
                if one.kind == "file":
                    found[one.name] = one
                else:
                    self._left.setdefault(_WORDS[one.kind], []).append(one.name)
            if not is_any:
                self._note("--fetch %s matched nothing" % pattern)
        return list(found.values())

    def _take(self, one: Found) -> None:
        target = os.path.join(self._into, one.name)
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "another file has that name there")
        if not (self._may_link and link(one.path, target)):
            shutil.copyfile(one.path, self._part)
            shutil.copystat(one.path, self._part)
            os.rename(self._part, target)
        status = os.stat(target)
        os.chmod(target, status.st_mode & 0o777 | 0o600)
        self._sizes[one.name] = status.st_size

    def _list(self) -> None:
        try:
            protocol.write_json(self._attempt.path(protocol.FILES_LIST), self._sizes)
        except OSError:
            pass  # on a full disk they are listed as they lie there

    def _tell(self) -> None:
        for why, names in sorted(self._left.items()):
            shown = ", ".join(repr(name) for name in names[:_LISTED])
            more = " and %d more" % (len(names) - _LISTED) if len(names) > _LISTED else ""
            self._note("not brought back, %s: %s%s" % (why, shown, more))
        if self._sizes:
            count, total = len(self._sizes), sum(self._sizes.values())
            what = "file" if count == 1 else "files"
            self._note("brought back %d %s, %s" % (count, what, protocol.bytes_words(total)))

    def _note(self, sentence: str) -> None:
        self._attempt.tell(sentence)


def _remove(path: str) -> None:
    """Remove what the job itself may have put where its files come to."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        protocol.forget(path)
