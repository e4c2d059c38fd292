"""All processes of one job: finding, measuring and signalling them.

A job's processes are those that descend from its runner, wherever they went: new sessions and
groups do not matter. Orphans of the job fall to the supervisor, which is their subreaper on
Linux; what a dead supervisor lost is found by the launch key in its environment.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from jupyter_flotilla import machine
from jupyter_flotilla.environ import OWN_MARK
from jupyter_flotilla.protocol import ENV_LAUNCH_KEY

#: How often all processes of the user are searched for lost orphans, in seconds.
_SEARCH_EVERY_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_PART = "{}={}".format(*OWN_MARK).encode()
_KEY_PREFIX = f"{ENV_LAUNCH_KEY}=".encode()
#: proc(5), /proc/PID/task/TID/children; needs CONFIG_PROC_CHILDREN.
_HAS_CHILDREN_LISTS = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def become_subreaper() -> bool:
    """Let orphans below this process fall to it instead of to init; False where that is unknown."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


class JobProcesses:
    """The living processes of one job.

    Parameters
    ----------
    launch_key
        What the job's processes carry in their environment.
    sees_all_orphans
        True where every orphan of the job falls to this process: then nobody has to be searched.
    """

    def __init__(self, launch_key: str, *, sees_all_orphans: bool) -> None:
        self._mark = f"{ENV_LAUNCH_KEY}={launch_key}".encode()
        self._sees_all_orphans = sees_all_orphans
        self._searched_at = -_SEARCH_EVERY_S
        self._known: dict[int, psutil.Process] = {}
        #: Processes that were found to be the job's, by pid and birth: asked once.
        self._own: set[tuple[int, float]] = set()
        #: CPU seconds of each process at the last look; those of the dead are kept.
        self._cpu_s: dict[tuple[int, float], float] = {}

    def find(self, runner_pid: int | None, *, thoroughly: bool = False) -> list[psutil.Process]:
        """Return the job's living processes, the runner among them."""
        pids = set(self._descendants(os.getpid()))
        if runner_pid is not None:
            pids |= {runner_pid, *self._descendants(runner_pid)}
        for pid in list(self._known):
            pids |= {pid, *self._descendants(pid)}
        if (thoroughly and not self._sees_all_orphans) or self._is_search_due():
            pids |= set(self._marked())
        known = {}
        for pid in pids - {os.getpid()}:
            with contextlib.suppress(psutil.Error):
                process = self._known.get(pid)
                if process is None or not process.is_running():
                    process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    known[pid] = process
        self._known = known
        return list(known.values())

    @property
    def pids(self) -> frozenset[int]:
        """Which processes were found at the last look."""
        return frozenset(self._known)

    def named(self) -> list[tuple[int, float]]:
        """Return pid and birth of each process that was found at the last look, in order."""
        return sorted(
            (process.pid, born)
            for process in self._known.values()
            if (born := machine.birth(process.pid)) is not None
        )

    def recall(self, record: dict[str, Any] | None) -> None:
        """Take over what an earlier supervisor has `named`: also those whose key cannot be seen."""
        with contextlib.suppress(KeyError, TypeError, ValueError):  # the job may write there
            for pid, born in [] if record is None else record["processes"]:
                if machine.birth(int(pid)) == born:
                    with contextlib.suppress(psutil.Error):
                        self._known[int(pid)] = psutil.Process(int(pid))

    def expect_lost(self) -> None:
        """Search from now on: this process was not there when the job began."""
        self._sees_all_orphans = False

    def cpu_s(self, processes: Iterable[psutil.Process]) -> float:
        """Return the CPU seconds of all processes that were ever measured."""
        for process in processes:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._cpu_s[process.pid, process.create_time()] = times.user + times.system
        return sum(self._cpu_s.values())

    def _descendants(self, pid: int) -> Iterator[int]:
        """Yield the job's pids below a process; below a stranger nothing is the job's."""
        stack = [pid]
        while stack:
            for child in _children(stack.pop()):
                if not self._is_stranger(child):
                    stack.append(child)
                    yield child

    def _is_stranger(self, pid: int) -> bool:
        """Say whether a process below us is Flotilla's own, or another job's.

        A dispatcher that we have started is below us, and so is what it starts; when it dies,
        its children fall to us, because we are their subreaper too.
        """
        born = machine.birth(pid)
        if born is None or (pid, born) in self._own:
            return False
        environment = _environment(pid)
        keys = [entry for entry in environment if entry.startswith(_KEY_PREFIX)]
        if _PART in environment or (keys and self._mark not in keys):
            # Not remembered: between fork and exec a child shows its parent's environment.
            return True
        self._own.add((pid, born))
        return False

    def _is_search_due(self) -> bool:
        if self._sees_all_orphans or time.monotonic() - self._searched_at < _SEARCH_EVERY_S:
            return False
        self._searched_at = time.monotonic()
        return True

    def _marked(self) -> Iterator[int]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.uids().real == os.getuid() and self._is_marked(process):
                    yield process.pid

    def _is_marked(self, process: psutil.Process) -> bool:
        return self._mark in _environment(process.pid)


def _environment(pid: int) -> list[bytes]:
    """Return a process's environment as ``NAME=value``; nothing where it cannot be read."""
    try:
        if sys.platform == "linux":
            return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return [f"{name}={v}".encode() for name, v in psutil.Process(pid).environ().items()]
    except (OSError, psutil.Error):
        return []


def memory_mib(processes: Iterable[psutil.Process], *, shared_once: bool = False) -> float:
    """Return the memory of all processes together, in MiB.

    Resident sizes, which count a page once for each process that shares it; with ``shared_once``
    proportional ones (PSS, Linux only), which are exact and much slower.
    """
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if shared_once and sys.platform == "linux":
                total += process.memory_full_info().pss
            else:
                total += process.memory_info().rss
    return total / 2**20


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process that still lives."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def _children(pid: int) -> Iterator[int]:
    """Yield the pids of a process's children, by the kernel's own lists where it has them."""
    if not _HAS_CHILDREN_LISTS:
        with contextlib.suppress(psutil.Error):
            yield from (child.pid for child in psutil.Process(pid).children())
        return
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 — twice as fast, at 5 Hz
            with contextlib.suppress(OSError):
                yield from map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
