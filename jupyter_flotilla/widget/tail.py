"""The end of what a run's job wrote, as the panel shows it, and what has come since."""

import time
from dataclasses import dataclass
from typing import Any

from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.text import colours_only
from jupyter_flotilla.protocol import StreamReader
from jupyter_flotilla.service import Flotilla

#: Lines that are shown, and characters of one line and of all.
LINES = 500
_LONGEST_LINE = 2_000
_MOST_CHARACTERS = 200_000
#: How often it is read again while somebody looks at it, in seconds.
_EVERY_S = 1.0

Message = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    """What was read last."""

    why: str
    lines: list[str]


class Tail:
    """Follows one run for whoever has its detail open."""

    def __init__(self, flotilla: Flotilla, run_id: str) -> None:
        self._flotilla = flotilla
        #: Id of the run.
        self.run_id = run_id
        self._shown: _Shown | None = None
        self._is_over = False
        self._read_at = 0.0

    def whole(self) -> Message:
        """Read it and return all that is shown; raises RunNotFound."""
        shown = self._shown = self._read()
        return {"kind": "tail", "run": self.run_id, "why": shown.why, "lines": shown.lines}

    def news(self) -> Message | None:
        """Return what has come since, at most once a second; None: nothing."""
        if self._is_over or time.monotonic() - self._read_at < _EVERY_S:
            return None
        before = self._shown
        whole = self.whole()
        if before is None or before == self._shown:
            return None if before is not None else whole
        kept, lines = before.lines, whole["lines"]
        # of what only grew at its end the end is sent; the last line itself may have grown
        skip = _overlap(kept[:-1], lines)
        if skip is None:
            return whole
        return {**whole, "keep": skip, "lines": lines[skip:]}

    def _read(self) -> _Shown:
        handle = RunHandle(self._flotilla, self._flotilla.get(self.run_id))
        run = handle.snapshot  # asked first: what is written in between is read below
        folder = self._flotilla.attempt_folder(run.id, max(1, run.attempt))
        # so many characters at most: a job may write a gigabyte without a line break
        text = StreamReader(str(folder)).tail(LINES, _MOST_CHARACTERS)
        lines = _cut(colours_only(text))
        why = str(handle.explain(last_lines=0)) if run.status.is_final else handle.queue_text()
        self._is_over, self._read_at = run.status.is_final, time.monotonic()
        return _Shown(why=why.encode("utf-8", "replace").decode(), lines=lines)


def _cut(text: str) -> list[str]:
    """Return the last lines of a text, each as a terminal would leave it, none too long."""
    ends = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")[-LINES:]]
    lines = [one if len(one) <= _LONGEST_LINE else f"{one[:_LONGEST_LINE]}…" for one in ends]
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(lines[place])
        if size > _MOST_CHARACTERS:
            return lines[place + 1 :]
    return lines


def _overlap(kept: list[str], lines: list[str]) -> int | None:
    """Return how many lines at the beginning end what was kept; None: they do not."""
    if not kept or not lines:
        return None
    starts = [place for place, line in enumerate(kept) if line == lines[0]]
    for place in starts:
        size = len(kept) - place
        if lines[:size] == kept[place:]:
            return size
    return None
