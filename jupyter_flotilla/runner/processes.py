"""The processes of a container, as its first process sees them."""

import os
import signal
from typing import Dict, FrozenSet

#: So much sooner than the runner and the first process are all others killed for want of memory.
_OOM_SCORE = "500"


def descendants() -> FrozenSet[int]:
    """Return the processes that this one, or one of those, has started, and their orphans.

    What ``docker exec`` starts has its parent outside, and is not among them.
    """
    parents: Dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # gone meanwhile
    ours = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        if not more:
            return frozenset(ours - {os.getpid()})
        ours |= more


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process; it is gone, or not ours: that is well."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def send_to_all(number: signal.Signals) -> None:
    """Send a signal to all but the first process at one stroke: nothing can fork its way out."""
    send(-1, number)


def mark_for_oom(pid: int) -> None:
    """Let a process be killed for want of memory before those that are not marked."""
    try:
        with open("/proc/%d/oom_score_adj" % pid, "r+", encoding="ascii") as file:
            if file.read().strip() == "0":
                file.seek(0)
                file.write(_OOM_SCORE)
    except OSError:
        pass  # gone, or somebody else's by now


def exit_code(status: int) -> int:
    """Return a status of `os.waitpid` as `subprocess` has it: minus the signal's number."""
    # os.waitstatus_to_exitcode is of Python 3.9
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
