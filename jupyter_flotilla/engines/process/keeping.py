"""Sees to it that a dispatcher lives while a job does.

Whoever asked for the job may be gone, and the dispatcher may have been killed: then the job's own
supervisor starts the next one, or nobody would ever tell how the job ended.
"""

import contextlib
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

from jupyter_flotilla.environ import own_environment
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.locks import is_held, start_holder

_LOOK_EVERY_S = 2.0
_MAX_BACK_OFF_S = 10.0


class DispatcherKeeper:
    """Starts a dispatcher where none holds its lock.

    Parameters
    ----------
    keeper
        ``{lock, argv}`` of ``job.json``; None: nothing to keep.
    """

    def __init__(self, keeper: dict[str, Any] | None) -> None:
        self._keeper = keeper
        self._back_off_s = _LOOK_EVERY_S
        self._next_look = time.monotonic() + self._jittered(_LOOK_EVERY_S)

    def look(self, *, force: bool = False) -> None:
        """Start a dispatcher if it is time to look and none lives."""
        if self._keeper is None or (not force and time.monotonic() < self._next_look):
            return
        # whatever is wrong with the lock or the start: the job and its limits matter more
        with contextlib.suppress(OSError, EnvironmentProblem):
            if is_held(Path(self._keeper["lock"])):
                self._back_off_s = _LOOK_EVERY_S
            else:
                self._back_off_s = min(_MAX_BACK_OFF_S, self._back_off_s * 1.5)
                self._start()
        self._next_look = time.monotonic() + self._jittered(self._back_off_s)

    def _start(self) -> None:
        assert self._keeper is not None
        process = start_holder(
            Path(self._keeper["lock"]),
            self._keeper["argv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=own_environment(os.environ),
            start_new_session=True,
        )
        if process is None:
            return
        # Its exit status is taken by the supervisor, as that of every child.
        process.returncode = 0

    @staticmethod
    def _jittered(seconds: float) -> float:
        # Many jobs share one dispatcher: not all of them should start the next one at once.
        return seconds * random.uniform(0.8, 1.3)
