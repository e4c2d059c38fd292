"""A few threads that do one thing after another, so that one that hangs holds up no other."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Threads that are usual, and that there are at most.
_USUAL = 4
_MOST = 32
#: A thread that is busy for longer no longer counts as one of the usual.
_PATIENCE_S = 5.0


class Workers:
    """Runs calls in threads of their own, one call a key at a time.

    The threads end with the process: what hangs must not keep it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[tuple[str, Callable[[], None]]] = deque()
        #: When what a thread is busy with began, by key, on the monotonic clock.
        self._busy: dict[str, float] = {}
        self._threads = 0

    @property
    def keys(self) -> Collection[str]:
        """What is being done, or waits for a thread."""
        with self._lock:
            return {*self._busy, *(key for key, _ in self._queue)}

    def submit(self, key: str, call: Callable[[], None]) -> None:
        """Have a call made as soon as there is a thread; what it raises is logged."""
        with self._lock:
            self._queue.append((key, call))
        self.tend()

    def tend(self) -> None:
        """Start a thread where something waits and those that are there do not get on."""
        with self._lock:
            now = time.monotonic()
            stuck = sum(now - at > _PATIENCE_S for at in self._busy.values())
            if not self._queue or self._threads >= min(_USUAL + stuck, _MOST):
                return
            self._threads += 1
        threading.Thread(target=self._work, name="flotilla-worker", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._threads -= 1
                    return
                key, call = self._queue.popleft()
                self._busy[key] = time.monotonic()
            try:
                call()
            except Exception:  # the thread's top: the next call must have it
                log.exception("%s could not be done", key)
            finally:
                with self._lock:
                    del self._busy[key]
