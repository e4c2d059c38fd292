"""Stops a job: SIGINT, then SIGTERM, then SIGKILL, the runner last.

The runner is spared as long as the others are hit: it saves the notebook and says how far it
came. What has begun goes on under the next supervisor, because it stands in ``stop.json``.
"""

import contextlib
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.process.processes import JobProcesses, send
from jupyter_flotilla.model.stop import SAVE_S, TERM_S


class Stopping:
    """The stopping of one attempt; does nothing until it is begun."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop: dict[str, Any] | None = protocol.read_json(str(folder / protocol.STOP))
        self._is_written = self._stop is not None
        self._stage = 0
        #: The request that was last obeyed, so that a second one can hurry it.
        self._obeyed = -1.0

    @property
    def record(self) -> dict[str, Any] | None:
        """Why the job is stopped, ``{reason, message, …}``; None if it is not."""
        return self._stop

    @property
    def is_on(self) -> bool:
        """Say whether the job is being stopped."""
        return self._stop is not None

    def begin(self, reason: str, message: str, grace_s: float) -> None:
        """Begin to stop, for the first reason that comes; a later call can only shorten it."""
        now = time.monotonic()
        if self._stop is None:
            self._stop = {"reason": reason, "message": message, "at": now, "grace_s": grace_s}
        elif now + grace_s < self._stop["at"] + self._stop["grace_s"]:
            self._stop = {**self._stop, "grace_s": now + grace_s - self._stop["at"]}
        self._write()

    def _write(self) -> None:
        try:
            protocol.write_json(str(self._folder / protocol.STOP), self._stop)
            self._is_written = True
        except OSError as error:
            self._is_written = False  # a full disk must not keep a job from being stopped
            protocol.note(f"{protocol.STOP} cannot be written yet: {error}")

    def look(self, runner_pid: int | None, processes: JobProcesses) -> None:
        """Obey a request if there is one, and send what is due."""
        request = protocol.read_json(str(self._folder / protocol.STOP_REQUEST))
        if request is not None and request["monotonic"] != self._obeyed:
            self._obeyed = request["monotonic"]
            self.begin(request["reason"], "Cancelled.", request["grace_s"])
        if self._stop is None:
            return
        if not self._is_written:
            self._write()
        if not (self._folder / protocol.STARTED).exists():
            self._signal_runner(runner_pid, signal.SIGKILL)  # no user code has begun
            return
        since = time.monotonic() - self._stop["at"]
        grace_s = self._stop["grace_s"]
        term_s = min(TERM_S, grace_s)
        if self._stage < 1 and grace_s > 0:
            self._signal_runner(runner_pid, signal.SIGINT)
        if since >= grace_s and (self._stage < 2 or since >= grace_s + term_s):
            number = signal.SIGKILL if since >= grace_s + term_s else signal.SIGTERM
            others = processes.find(runner_pid, thoroughly=True)
            send([p for p in others if p.pid != runner_pid], number)
            self._stage = 2
        if since >= grace_s + term_s + SAVE_S:
            self._signal_runner(runner_pid, signal.SIGKILL)
        self._stage = max(self._stage, 1)

    def _signal_runner(self, runner_pid: int | None, number: signal.Signals) -> None:
        if runner_pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                send([psutil.Process(runner_pid)], number)
