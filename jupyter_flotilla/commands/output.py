"""What a job writes, for a terminal, a file or a pipe."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

from jupyter_flotilla import render
from jupyter_flotilla.commands.screen import say, write, write_bytes
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.logs import Streams, piece_bytes, piece_text, record_piece
from jupyter_flotilla.model.text import plain
from jupyter_flotilla.service import Flotilla

#: Kind of the line between two attempts, which is ours and no record's.
HEADING = "attempt"
#: Kinds that go to stderr.
STDERR = ("stderr", "error", HEADING)
#: Characters that are drawn at a time, so that a live line never waits long.
_AT_ONCE = 64_000


class Output:
    """What the job writes, as it comes."""

    def __init__(self, flotilla: Flotilla, handle: RunHandle) -> None:
        self._handle = handle
        self._streams = Streams(flotilla, handle.id)
        self._attempt = 1
        self._is_line_open = False

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yield ``(kind, text)`` of what is new."""
        for number, reader in self._streams.up_to(self._handle.snapshot.attempt):
            if number > self._attempt:
                self._attempt = number
                yield HEADING, f"{heading(self._handle, number)}\n"
            for record in reader.read():
                if text := record_piece(record):
                    yield record["kind"], text

    def plain(self) -> None:
        """Write what is new: the job's stderr to stderr, all else to stdout."""
        for kind, text in self._texts():
            if kind not in STDERR:
                _write(kind, text)
            else:
                with suppress(OSError):  # the stream of the run has it all the same
                    opened = "\n" if kind == HEADING and self._is_line_open else ""
                    sys.stderr.write(opened + _shown(kind, text, sys.stderr))
            self._is_line_open = not text.endswith("\n")

    def for_terminal(self) -> Iterator[list[tuple[str, str]]]:
        """Yield ``(kind, text)`` of what is new for the terminal, many at a time.

        What is the job's stdout goes there only if ours does, else it is written as it is.
        """
        to_terminal = sys.stdout is None or sys.stdout.isatty()
        piece: list[tuple[str, str]] = []
        size = 0
        for kind, text in self._texts():
            if not to_terminal and kind not in STDERR:
                _write(kind, text)
                continue
            piece.append((kind, piece_text(kind, text)))
            size += len(text)
            if size > _AT_ONCE:
                yield piece
                piece, size = [], 0
        if piece:
            yield piece


def heading(handle: RunHandle, attempt: int) -> str:
    """Return the line above what a further attempt writes."""
    return render.attempt_heading(attempt, handle.attempts[: attempt - 1])


def _write(kind: str, text: str) -> None:
    """Write a piece to stdout: byte for byte, but to a terminal as it shows it."""
    if sys.stdout is None or sys.stdout.isatty() or kind == "error":
        write(_shown(kind, text, sys.stdout))
    else:
        write_bytes(piece_bytes(kind, text))


def _shown(kind: str, text: str, stream: TextIO | None) -> str:
    shown = piece_text(kind, text)
    # Tracebacks have colours, which are for terminals only.
    is_bare = kind == "error" and stream is not None and not stream.isatty()
    return plain(shown) if is_bare else shown


def write_logs(handle: RunHandle, *, tail: int | None, follow: bool) -> None:
    """Write to stdout what a job wrote, and to stderr where a further attempt begins; see `write`.

    Parameters
    ----------
    tail, follow
        As of `RunHandle.logs`.
    """
    before = 1 if tail is None else None
    is_line_open = False
    for number, kind, text in handle.logs(tail=tail, follow=follow).pieces():
        if before not in (None, number):
            say(("\n" if is_line_open else "") + heading(handle, number))
        before, is_line_open = number, not text.endswith("\n")
        _write(kind, text)
