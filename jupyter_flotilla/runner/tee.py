"""Prints what a job says, as well: where its container's own output is kept, nothing of it is lost
with a machine that goes away between two uploads."""

import sys
import threading

from jupyter_flotilla import protocol

_EVERY_S = 0.5
#: For the last lines, should whoever takes the output have stopped taking it.
_PATIENCE_S = 5.0


class Tee:
    """Prints the text of an attempt's stream, in the background."""

    def __init__(self, folder: str) -> None:
        self._reader = protocol.StreamReader(folder)
        self._must_end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to print."""
        self._thread.start()

    def finish(self) -> None:
        """Print what is left."""
        self._must_end.set()
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        while not self._must_end.wait(_EVERY_S):
            self._print()
        self._print()

    def _print(self) -> None:
        try:
            for record in self._reader.read():
                if record.get("kind") in ("stdout", "stderr"):
                    sys.stdout.write(str(record.get("text", "")))
            sys.stdout.flush()
        except (OSError, ValueError, KeyError, UnicodeError):
            pass  # a stream that the job itself has damaged, or an output that is closed
