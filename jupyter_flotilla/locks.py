"""Locks that the operating system gives back when their holder dies, whatever kills it.

``flock(2)`` needs no clock and no clean-up; that is why leases and supervisors use it.
"""

import errno
import fcntl
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from jupyter_flotilla.errors import EnvironmentProblem


class FileLock:
    """An exclusive lock on a file, held until ``release`` or the holder's death.

    The descriptor is not inherited, so a child never keeps the lock of a dead parent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @classmethod
    def adopt(cls, path: Path, fd: int) -> Self:
        """Return the lock that this process was started with (`start_holder`)."""
        lock = cls(path)
        os.set_inheritable(fd, False)
        lock._fd = fd
        return lock

    def acquire(self, wait_s: float = 0.0) -> bool:
        """Take the lock; False if another holds it for all of ``wait_s`` seconds."""
        if self._fd is not None:
            return True
        fd = _open(self.path)
        try:
            if _lock(fd, wait_s):
                self._fd = fd
        finally:
            if self._fd is None:
                os.close(fd)
        return self._fd is not None

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def start_holder(
    path: Path, argv: Sequence[str], **options: Any
) -> "subprocess.Popen[bytes] | None":
    """Start a process that holds a lock from its first moment; None if somebody holds it.

    The descriptor's number is appended to ``argv``, for `FileLock.adopt`. However many processes
    want to start the same one at once, one of them does.

    Raises
    ------
    OSError
        If the process cannot be started.
    """
    fd = _open(path)
    try:
        # A little patience: whoever looks whether the lock is held holds it for an instant.
        if not _lock(fd, wait_s=0.05):
            return None
        return subprocess.Popen([*argv, str(fd)], pass_fds=[fd], **options)
    finally:
        os.close(fd)  # the child's copy goes on holding it


def is_held(path: Path) -> bool:
    """Say whether some process holds the lock at ``path``.

    Taking it for an instant is the only way to know; who starts meanwhile must try for a moment
    (``acquire(wait_s=…)``).

    Raises
    ------
    EnvironmentProblem
        If the file may not be opened: whether it is held is unknown then.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise EnvironmentProblem(
            f"whether {path} is held cannot be seen: {error.strerror}",
            next_step="mend the permissions of its folder, or set FLOTILLA_HOME to one of yours",
        ) from error
    try:
        return not _try_lock(fd)
    finally:
        # Not `release`: an interrupt at its first line would leave the lock with nobody who lives.
        os.close(fd)


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(fd: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while not _try_lock(fd):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
