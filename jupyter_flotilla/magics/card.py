"""What a calling cell shows of its run: one place that is renewed, whatever the frontend."""

import os
import shutil
import sys
import time
from typing import Any

from jupyter_flotilla import run_card
from jupyter_flotilla.handle import RunHandle

#: A status line is renewed at most this often while only numbers change, in seconds.
_RENEW_S = 0.5


class NotebookCard:
    """A display that is updated in place: in frontends that speak Jupyter's protocol."""

    def __init__(self, head: list[str]) -> None:
        self._head = head
        self._display_id = f"flotilla-{os.urandom(6).hex()}"
        self._shown: list[str] | None = None
        self._shown_at = 0.0

    def show(self, handle: RunHandle, *, final: bool = False) -> None:
        """Renew the display, if it is time to."""
        lines = [*self._head, *handle.status_lines()]
        is_soon = time.monotonic() - self._shown_at < _RENEW_S
        if not final and (lines == self._shown or (is_soon and self._shown is not None)):
            return
        from IPython.display import publish_display_data

        publish_display_data(
            run_card.bundle(handle.snapshot, lines),
            transient={"display_id": self._display_id},
            update=self._shown is not None,
        )
        self._shown, self._shown_at = lines, time.monotonic()

    def make_room(self) -> None:
        """Nothing: output of the job comes below."""


class TerminalCard:
    """One line that is rewritten, below whatever the job writes."""

    def __init__(self, head: list[str]) -> None:
        print("\n".join(head))
        self._is_drawn = False

    def show(self, handle: RunHandle, *, final: bool = False) -> None:
        """Rewrite the line; the last one stays."""
        line = handle.status_line()
        width = shutil.get_terminal_size().columns - 1
        sys.stdout.write(f"\r\x1b[K{line if final else line[:width]}" + ("\n" if final else ""))
        sys.stdout.flush()
        self._is_drawn = not final

    def make_room(self) -> None:
        """Take the line away, so that output can be written."""
        if self._is_drawn:
            sys.stdout.write("\r\x1b[K")
            self._is_drawn = False


class PlainCard:
    """A line for each change of status: nbclient, pipes, dumb terminals."""

    def __init__(self, head: list[str]) -> None:
        print("\n".join(head))
        self._said: tuple[int, str] | None = None

    def show(self, handle: RunHandle, *, final: bool = False) -> None:
        """Print the line, if the status is another."""
        run = handle.snapshot
        now = (run.attempt, run.status.value)
        if final or now != self._said:
            print(handle.status_line())
        self._said = now

    def make_room(self) -> None:
        """Nothing: lines are whole."""


Card = NotebookCard | TerminalCard | PlainCard


def is_notebook(shell: Any) -> bool:
    """Say whether a shell's frontend shows outputs in places of their own."""
    return getattr(shell, "kernel", None) is not None


def make_card(shell: Any, head: list[str]) -> Card:
    """Return what fits the frontend of a shell."""
    if is_notebook(shell):
        return NotebookCard(head)
    is_dumb = os.environ.get("TERM", "dumb") == "dumb" or "NO_COLOR" in os.environ
    return TerminalCard(head) if sys.stdout.isatty() and not is_dumb else PlainCard(head)
