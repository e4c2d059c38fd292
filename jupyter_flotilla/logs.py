"""What a run's job wrote, read from its stream, again or while it is written."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from jupyter_flotilla.model.run import Run
from jupyter_flotilla.protocol import StreamReader, record_text
from jupyter_flotilla.service import Flotilla

#: How often a follower looks for more, in seconds.
_LOOK_S = 0.1
#: How often it sees to it that a dispatcher lives, in seconds.
_WAKE_EVERY_S = 1.0


class Logs:
    """The text of a run's attempts, first to last: iterate it, or take ``str`` of it.

    Nothing is read before that; iterating keeps no more than a record in memory.
    """

    def __init__(
        self, flotilla: Flotilla, run: Run, *, tail: int | None = None, follow: bool = False
    ) -> None:
        self._flotilla = flotilla
        self._run = run
        self._tail = tail
        self._follow = follow

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the stream's records as `protocol.StreamWriter` describes them."""
        return (record for _, record in self._numbered(1, 0))

    def _numbered(self, first: int, after: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield records with the number of their attempt, from a place in the first one on."""
        wake_at = 0.0
        for number in count(first):
            folder = self._flotilla.attempt_folder(self._run.id, number)
            reader = StreamReader(str(folder), after if number == first else 0)
            while True:
                # Whether it is over is asked first: what is written in between is read below.
                run = self._flotilla.get(self._run.id)
                if self._follow and not run.status.is_final and time.monotonic() >= wake_at:
                    self._flotilla.ensure_dispatcher()
                    wake_at = time.monotonic() + _WAKE_EVERY_S
                yield from ((number, record) for record in reader.read())
                if run.status.is_final or run.attempt > number or not self._follow:
                    break
                time.sleep(_LOOK_S)
            if run.attempt <= number:
                return

    def __iter__(self) -> Iterator[str]:
        if self._tail is None:
            return (text for record in self.records() if (text := record_text(record)))
        return self._from_tail(self._tail)

    def _from_tail(self, tail: int) -> Iterator[str]:
        text, number, seq = self._end(tail)
        lines = text.split("\n")
        whole = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
        yield from whole[len(whole) - tail :] if tail < len(whole) else whole
        if self._follow:
            for _, record in self._numbered(number, seq):
                if text := record_text(record):
                    yield text

    def _end(self, lines: int) -> tuple[str, int, int]:
        """Return at least so many lines from the end, and the attempt and record they reach to."""
        blocks: list[str] = []
        reached = (max(1, self._run.attempt), 0)
        for number in range(reached[0], 0, -1):
            reader = StreamReader(str(self._flotilla.attempt_folder(self._run.id, number)))
            text = reader.tail(lines)
            if not any(blocks):
                reached = (number, reader.after)
            blocks.append(text)
            if sum(block.count("\n") for block in blocks) > lines:
                break
        return "".join(reversed(blocks)), *reached

    def __str__(self) -> str:
        return "".join(self)

    def __repr__(self) -> str:
        return str(self)
