"""Outputs of a job, replayed into the calling cell as if it had run here."""

import sys
from collections.abc import Callable
from typing import Any

from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.logs import Streams
from jupyter_flotilla.protocol import record_text
from jupyter_flotilla.service import Flotilla

#: More of these are not shown in the cell, but kept in the run.
_MOST_LINES = 2_000
_MOST_CHARACTERS = 10 * 2**20
_MOST_DISPLAYS = 200
_WIDGET = "application/vnd.jupyter.widget-view+json"


class Replay:
    """Brings what is new of a run's stream into the cell that is being executed.

    Parameters
    ----------
    make_room
        Called before anything is written.
    """

    def __init__(
        self, flotilla: Flotilla, handle: RunHandle, make_room: Callable[[], None]
    ) -> None:
        self._handle = handle
        self._make_room = make_room
        self._streams = Streams(flotilla, handle.id)
        self._attempt = 1
        self._lines = self._characters = self._displays = 0
        self._hidden_lines = self._hidden_displays = 0
        #: How many displays there were since the job cleared its output.
        self._place = 0
        self._places: set[str] = set()
        #: The last ``error`` record, and the bundle of the last expression.
        self.error: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None

    def show_new(self) -> None:
        """Show what has come since the last time."""
        for number, reader in self._streams.up_to(self._handle.snapshot.attempt):
            if number > self._attempt:
                self._attempt = number
                self.error = self.result = None
            for record in reader.read():
                self._show(record)

    def hidden(self) -> str | None:
        """Return a sentence about what was not shown; None: all was."""
        short = self._handle.short_id
        what = []
        if self._hidden_lines:
            what.append(f"{self._hidden_lines:,} more lines")
        if self._hidden_displays:
            what.append(f"{self._hidden_displays:,} more displays")
        return f"… {' and '.join(what)}: %flotilla logs {short}" if what else None

    def _show(self, record: dict[str, Any]) -> None:
        kind = record["kind"]
        if kind in ("stdout", "stderr"):
            self._text(kind, record_text(record))
        elif kind in ("display", "update"):
            self._display(record)
        elif kind == "result":
            self.result = record
        elif kind == "error":
            self.error = record
        elif kind == "clear":
            self._place = 0

    def _text(self, kind: str, text: str) -> None:
        newlines = text.count("\n")
        if self._lines > _MOST_LINES or self._characters > _MOST_CHARACTERS:
            self._hidden_lines += newlines
            return
        self._lines += newlines
        self._characters += len(text)
        if self._lines > _MOST_LINES:
            kept = text.split("\n")
            self._hidden_lines += self._lines - _MOST_LINES
            text = "\n".join(kept[: len(kept) - (self._lines - _MOST_LINES)])
        self._make_room()
        stream = sys.stdout if kind == "stdout" else sys.stderr
        stream.write(text)
        stream.flush()

    def _display(self, record: dict[str, Any]) -> None:
        """Publish a display; after a clear, in the places of those that were cleared."""
        from IPython.display import publish_display_data

        own = record.get("display_id")
        if own is None:
            own, self._place = f"place-{self._place}", self._place + 1
        display_id = f"flotilla-{self._handle.id}-{own}"
        is_update = display_id in self._places
        if not is_update and self._displays >= _MOST_DISPLAYS:
            self._hidden_displays += 1
            return
        self._displays += not is_update
        self._places.add(display_id)
        self._make_room()
        # a live widget's model is in the job's kernel, and gone with it: what is left is its text
        data = {mime: body for mime, body in record["data"].items() if mime != _WIDGET}
        publish_display_data(
            data,
            metadata=record.get("metadata") or {},
            transient={"display_id": display_id},
            update=is_update,
        )
