"""What a run's job wrote, read from its stream, again or while it is written."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_flotilla.model.run import Run
from jupyter_flotilla.protocol import StreamReader, record_bytes, record_text
from jupyter_flotilla.service import Flotilla

#: How often a follower looks for more, in seconds.
_LOOK_S = 0.1
#: How often it sees to it that a dispatcher lives, in seconds.
_WAKE_EVERY_S = 1.0
#: Kinds whose text is what a program wrote.
_STREAMS = ("stdout", "stderr")


class Streams:
    """The streams of a run's attempts, from a place in one of them on, each where it was left."""

    def __init__(self, flotilla: Flotilla, run_id: str, first: int = 1, after: int = 0) -> None:
        self._flotilla = flotilla
        self._run_id = run_id
        self._number = first
        self._reader = self._open(after)

    def up_to(self, attempt: int) -> Iterator[tuple[int, StreamReader]]:
        """Yield number and reader of each attempt up to this one that may have more to read."""
        while self._number <= attempt:
            yield self._number, self._reader
            if self._number == attempt:
                return
            self._number += 1
            self._reader = self._open()

    def _open(self, after: int = 0) -> StreamReader:
        return StreamReader(str(self._flotilla.attempt_folder(self._run_id, self._number)), after)


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
        streams = Streams(self._flotilla, self._run.id, first, after)
        while True:
            # Whether it is over is asked first: what is written in between is read below.
            run = self._flotilla.get(self._run.id)
            if self._follow and not run.status.is_final and time.monotonic() >= wake_at:
                self._flotilla.ensure_dispatcher()
                wake_at = time.monotonic() + _WAKE_EVERY_S
            for number, reader in streams.up_to(run.attempt):
                yield from ((number, record) for record in reader.read())
            if run.status.is_final or not self._follow:
                return
            time.sleep(_LOOK_S)

    def pieces(self) -> Iterator[tuple[int, str, str]]:
        """Yield the text in pieces, each after the number of its attempt and its record's kind.

        Bytes that are no UTF-8 are in it as ``surrogateescape`` decodes them: see `piece_bytes`
        and `piece_text`.
        """
        if self._tail is None:
            return _pieces(self._numbered(1, 0))
        return self._from_tail(self._tail)

    def __iter__(self) -> Iterator[str]:
        return (piece_text(kind, text) for _, kind, text in self.pieces())

    def _from_tail(self, tail: int) -> Iterator[tuple[int, str, str]]:
        pieces, number, seq = self._end(tail)
        yield from _last_lines(pieces, tail)
        if self._follow:
            yield from _pieces(self._numbered(number, seq))

    def _end(self, lines: int) -> tuple[list[tuple[int, str, str]], int, int]:
        """Return at least so many lines from the end, and the attempt and record they reach to."""
        found: list[tuple[int, str, str]] = []
        reached = (max(1, self._run.attempt), 0)
        newlines = 0
        for number in range(reached[0], 0, -1):
            end = 0
            reader = StreamReader(str(self._flotilla.attempt_folder(self._run.id, number)))
            for records in reader.backwards():
                end = end or records[-1]["seq"]
                texts = [*_pieces((number, record) for record in records)]
                if texts and not found:
                    reached = (number, end)
                found[:0] = texts
                newlines += sum(text.count("\n") for _, _, text in texts)
                if newlines > lines:
                    return found, *reached
        return found, *reached

    def __str__(self) -> str:
        return "".join(self)

    def __repr__(self) -> str:
        return str(self)


def piece_bytes(kind: str, text: str) -> bytes:
    """Return a piece of a job's text as it was written, byte for byte."""
    if kind in _STREAMS:
        return record_bytes({"kind": kind, "text": text})
    return text.encode("utf-8", "replace")


def piece_text(kind: str, text: str) -> str:
    """Return a piece of a job's text for people: what is no UTF-8 is replaced."""
    return piece_bytes(kind, text).decode("utf-8", "replace")


def record_piece(record: Mapping[str, Any]) -> str:
    """Return the text of a record as a piece; empty for what is no text."""
    return str(record["text"]) if record["kind"] in _STREAMS else record_text(record)


def _pieces(records: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, str, str]]:
    for number, record in records:
        if text := record_piece(record):
            yield number, record["kind"], text


def _last_lines(
    pieces: Sequence[tuple[int, str, str]], lines: int
) -> Iterator[tuple[int, str, str]]:
    text = "".join(text for _, _, text in pieces)
    at = len(text) - text.endswith("\n")
    for _ in range(lines):
        at = text.rfind("\n", 0, at)
        if at < 0:
            break
    skip = at + 1
    for number, kind, text in pieces:
        if skip < len(text):
            yield number, kind, text[skip:]
        skip = max(0, skip - len(text))
