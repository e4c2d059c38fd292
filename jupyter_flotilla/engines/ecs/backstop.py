"""Completes the stream of an attempt that was cut off, from what its task has printed.

A job's stream is uploaded every few seconds; a machine that goes away in between takes the rest
along. The container prints what the job says, too, and CloudWatch has that within a second or so.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.aws_errors import AwsError
from jupyter_flotilla.engines.ecs.logs import last_lines

#: Lines that are asked for: of a job that prints more in half a minute, the last ones.
_LINES = 1_000
#: Lines that must agree for the place to be found where the stream breaks off.
_OVERLAP = 5
#: Tries to read CloudWatch: then an attempt ends without it.
_TRIES = 3


class Backstop:
    """Asks CloudWatch once for each attempt that left no record; in the background."""

    def __init__(self, aws: Account, log_group: str | None, executor: Executor) -> None:
        self._aws = aws
        self._log_group = log_group
        self._executor = executor
        self._lock = threading.Lock()
        #: Launch key → tries so far; None: it is done.
        self._tries: dict[str, int | None] = {}
        self._asking: set[str] = set()

    def is_done(self, launch_key: str, task: str, folder: Path) -> bool:
        """Say whether all that can be had is in the attempt's stream; begin to get it if not."""
        if self._log_group is None:
            return True
        with self._lock:
            tries = self._tries.get(launch_key, 0)
            if tries is None or tries >= _TRIES:
                return True
            must_ask = launch_key not in self._asking
            if must_ask:
                self._asking.add(launch_key)
                self._tries[launch_key] = tries + 1
        if must_ask:
            self._executor.submit(self._complete, launch_key, task, folder)
        return False

    def forget_all_but(self, launch_keys: set[str]) -> None:
        """Forget attempts that nobody follows any more."""
        with self._lock:
            for key in self._tries.keys() - launch_keys - self._asking:
                del self._tries[key]

    def _complete(self, launch_key: str, task: str, folder: Path) -> None:
        try:
            assert self._log_group is not None
            said = last_lines(self._aws, self._log_group, task, _LINES)
            add_missing(folder, [line.text for line in said])
        except (AwsError, OSError, ValueError, KeyError):
            pass  # tried again, a few times
        else:
            with self._lock:
                self._tries[launch_key] = None
        finally:
            with self._lock:
                self._asking.discard(launch_key)


def add_missing(folder: Path, printed: Sequence[str]) -> int:
    """Add to a stream the lines that were printed after its end; return how many that were."""
    *own, broken = protocol.StreamReader(str(folder)).tail(_OVERLAP + 1).split("\n")
    missing = missing_lines([line for line in own if line], [line for line in printed if line])
    if not missing:
        return 0
    text = "".join(f"{line}\n" for line in missing)
    stream = protocol.StreamWriter.resumed(str(folder))
    stream.write("stdout", {"text": text.removeprefix(broken)})
    stream.close()
    return len(missing)


def missing_lines(own: Sequence[str], printed: Sequence[str]) -> list[str]:
    """Return what was printed after the last line of a stream.

    Nothing where that line was not printed: twice is worse than not at all.

    >>> missing_lines(["a", "b"], ["a", "b", "c"])
    ['c']
    >>> missing_lines(["a", "b"], ["x"])
    []
    """
    end = list(own[-_OVERLAP:])
    if not end:
        return list(printed)
    for last in range(len(printed), len(end) - 1, -1):
        if list(printed[last - len(end) : last]) == end:
            return list(printed[last:])
    return []
