"""Ctrl-C from the moment of submit on: it cancels what was submitted, and says what that was."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from jupyter_flotilla.errors import FlotillaError

#: Exit code of what the user has interrupted.
INTERRUPTED = 130
#: Seconds between SIGINT and force: of the first Ctrl-C, and of each later one.
_GRACE_S, _NO_GRACE_S = 10.0, 0.0


class Interrupts:
    """How often Ctrl-C was pressed, and what it cancels as soon as that is known.

    The handler only notes a press: it may come in the middle of anything, a transaction or a line
    that is being written among them. A thread of our own cancels, also while the main one is held
    up by a terminal or a pipe.
    """

    def __init__(self) -> None:
        #: How often Ctrl-C was pressed.
        self.presses = 0
        self._told = 0
        self._name = ""
        self._cancel: Callable[[float], object] | None = None
        self._is_aimed = Event()
        self._todo: SimpleQueue[float | None] = SimpleQueue()
        self._problems: SimpleQueue[str] = SimpleQueue()
        self._worker = Thread(target=self._work, daemon=True)

    def aim(self, name: str, cancel: Callable[[float], object]) -> None:
        """Let Ctrl-C call ``cancel`` with seconds of grace; presses until now count."""
        self._name, self._cancel = name, cancel
        self._is_aimed.set()

    def news(self) -> Iterator[str]:
        """Yield what is to be said of presses since the last time."""
        while self._told < self.presses and self._cancel is not None:
            self._told += 1
            yield f"cancelling {self._name} …" + (
                " (Ctrl-C again: kill now)" if self._told == 1 else ""
            )
        while not self._problems.empty():
            yield f"cannot cancel {self._name}: {self._problems.get()}"

    def _press(self, number: int, frame: Any) -> None:
        self.presses += 1
        if self._cancel is None:
            with suppress(OSError):  # unbuffered: a stream may be in the middle of a write
                os.write(2, b"\ncancelling as soon as it is submitted ...\n")
        self._todo.put(_GRACE_S if self.presses == 1 else _NO_GRACE_S)

    def _work(self) -> None:
        while (grace_s := self._todo.get()) is not None:
            self._is_aimed.wait()
            if self._cancel is None:
                return  # nothing was submitted
            try:
                self._cancel(grace_s)
            except FlotillaError as error:
                self._problems.put(str(error))

    def _start(self) -> None:
        self._worker.start()

    def _end(self) -> None:
        self._is_aimed.set()
        self._todo.put(None)
        self._worker.join()


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Yield what Ctrl-C does meanwhile; at the end all that was pressed has been done."""
    found = Interrupts()
    found._start()
    before = signal.signal(signal.SIGINT, found._press)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, before)
        found._end()
