"""Stops a job: SIGINT, then SIGTERM, then SIGKILL, the runner last.

The runner is spared as long as the others are hit: it saves the notebook and says how far it
came. What has begun goes on under the next supervisor, because it stands in ``stop.json``.
"""

import os
import signal
import time
from typing import Any, Callable, Dict, Optional

from .files import note, read_json, write_json
from .names import STARTED, STOP, STOP_REQUEST


class Stopping:
    """The stopping of one attempt; does nothing until it is begun.

    Parameters
    ----------
    folder
        The attempt's.
    times
        ``{term_s, save_s}`` of ``job.json``: seconds between SIGTERM and SIGKILL, and what the
        runner gets to save its work once all else is gone.
    signal_runner, signal_others
        Send a signal to the runner, and to all else of the job, as far as it lives.
    """

    def __init__(
        self,
        folder: str,
        times: Dict[str, float],
        signal_runner: Callable[[signal.Signals], None],
        signal_others: Callable[[signal.Signals], None],
    ) -> None:
        self._folder = folder
        self._term_s, self._save_s = times["term_s"], times["save_s"]
        self._signal_runner = signal_runner
        self._signal_others = signal_others
        self._stop: Optional[Dict[str, Any]] = read_json(self._path(STOP))
        self._is_written = self._stop is not None
        self._stage = 0
        #: The request that was last obeyed, so that a second one can hurry it.
        self._obeyed: Any = None

    @property
    def record(self) -> Optional[Dict[str, Any]]:
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
            self._stop = dict(self._stop, grace_s=now + grace_s - self._stop["at"])
        self._write()

    def look(self) -> None:
        """Obey a request if there is one, and send what is due."""
        request = read_json(self._path(STOP_REQUEST))
        if request is not None and request["monotonic"] != self._obeyed:
            self._obeyed = request["monotonic"]
            self.begin(request["reason"], "Cancelled.", request["grace_s"])
        if self._stop is None:
            return
        if not self._is_written:
            self._write()
        if not os.path.exists(self._path(STARTED)):
            self._signal_runner(signal.SIGKILL)  # no user code has begun
            return
        since = time.monotonic() - self._stop["at"]
        grace_s = self._stop["grace_s"]
        term_s = min(self._term_s, grace_s)
        if self._stage < 1 and grace_s > 0:
            self._signal_runner(signal.SIGINT)
        if since >= grace_s and (self._stage < 2 or since >= grace_s + term_s):
            is_last = since >= grace_s + term_s
            self._signal_others(signal.SIGKILL if is_last else signal.SIGTERM)
            self._stage = 2
        if since >= grace_s + term_s + self._save_s:
            self._signal_runner(signal.SIGKILL)
        self._stage = max(self._stage, 1)

    def _write(self) -> None:
        try:
            write_json(self._path(STOP), self._stop)
            self._is_written = True
        except OSError as error:
            self._is_written = False  # a full disk must not keep a job from being stopped
            note("%s cannot be written yet: %s" % (STOP, error))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)
