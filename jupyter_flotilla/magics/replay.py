"""Outputs of a job, replayed into the calling cell as if it had run here."""

import sys
from collections.abc import Callable
from typing import Any

from jupyter_flotilla.cell_outputs import Allowance, Places, shown_data
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.logs import Streams
from jupyter_flotilla.protocol import record_text
from jupyter_flotilla.service import Flotilla


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
        self._allowance = Allowance()
        self._places = Places()
        self._shown: set[str] = set()
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
        return self._allowance.hidden(self._handle.short_id)

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
            self._places.clear()

    def _text(self, kind: str, text: str) -> None:
        text = self._allowance.text(text)
        if not text:
            return
        self._make_room()
        stream = sys.stdout if kind == "stdout" else sys.stderr
        stream.write(text)
        stream.flush()

    def _display(self, record: dict[str, Any]) -> None:
        """Publish a display; after a clear, in the places of those that were cleared."""
        from IPython.display import publish_display_data

        display_id = f"flotilla-{self._handle.id}-{self._places.of(record)}"
        is_update = display_id in self._shown
        data = shown_data(record)
        if not is_update and not self._allowance.display(data):
            return
        self._shown.add(display_id)
        self._make_room()
        publish_display_data(
            data,
            metadata=record.get("metadata") or {},
            transient={"display_id": display_id},
            update=is_update,
        )
