"""Follows a run in a terminal: what it writes above, one live line below."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.text import Text

from jupyter_flotilla.commands.screen import COLOURS, console, say, write
from jupyter_flotilla.commands.streams import StdoutClosed
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.text import colours_only
from jupyter_flotilla.protocol import StreamReader, record_text
from jupyter_flotilla.service import Flotilla

#: Exit codes: the job failed; the user pressed Ctrl-C.
FAILED, INTERRUPTED = 1, 130
#: Characters of output that are drawn at a time, so that the live line never waits long.
_DRAW_AT_ONCE = 64_000


def follow(flotilla: Flotilla, handle: RunHandle, *, show_output: bool = True) -> int:
    """Show a run until it is final; return the exit code of the command.

    Ctrl-C cancels the run, and once more kills it.
    """
    output = _Output(flotilla, handle) if show_output else None
    with _interrupts(handle) as was_interrupted, _stdout_problems(handle):
        if console().is_terminal:
            _follow_live(handle, output)
        else:
            _follow_plain(handle, output)
    say(handle.status_line(), status=handle.snapshot.status)
    if handle.snapshot.status is RunStatus.SUCCEEDED:
        return 0
    if was_interrupted():
        return INTERRUPTED
    say(handle.explain(last_lines=0 if show_output else 5))
    return FAILED


class _Output:
    """What the job writes, as it comes."""

    def __init__(self, flotilla: Flotilla, handle: RunHandle) -> None:
        self._flotilla = flotilla
        self._handle = handle
        self._attempt = 1
        self._reader: StreamReader | None = None
        self._partial: list[str] = []

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield ``(kind, text)`` of what is new."""
        run = self._handle.snapshot
        while self._attempt <= run.attempt:
            if self._reader is None:
                folder = self._flotilla.attempt_folder(run.id, self._attempt)
                self._reader = StreamReader(str(folder))
            for record in self._reader.read():
                if text := record_text(record):
                    yield record["kind"], text
            if self._attempt == run.attempt:
                return
            self._attempt, self._reader = self._attempt + 1, None

    def plain(self) -> None:
        """Write what is new: the job's stderr to stderr, all else to stdout."""
        for kind, text in self.texts():
            if kind in ("stderr", "error"):
                sys.stderr.write(text)
            else:
                write(text)

    def lines(self) -> Iterator[str]:
        """Yield what is new in blocks of whole lines; what is no line yet is kept."""
        whole: list[str] = []
        size = 0
        for _, text in self.texts():
            ended, newline, rest = text.rpartition("\n")
            if newline:
                whole.append("".join([*self._partial, ended]))
                self._partial = []
            self._partial.append(rest)
            size += len(text)
            if whole and size > _DRAW_AT_ONCE:
                yield colours_only("\n".join(whole))
                whole, size = [], 0
        if whole:
            yield colours_only("\n".join(whole))

    def rest(self) -> str:
        """Return what came without a line break at the end."""
        return colours_only("".join(self._partial))


def _follow_live(handle: RunHandle, output: _Output | None) -> None:
    with Live(console=console(), transient=True, auto_refresh=False) as live:
        for _ in handle.changes(every_s=0.2):
            if output is not None:
                for block in output.lines():
                    live.console.print(Text.from_ansi(block))
            first, *rest = handle.status_lines()
            shown = "\n  ".join([first, *rest])
            colour = COLOURS[handle.snapshot.status]
            live.update(Text(shown, colour, no_wrap=True, overflow="ellipsis"), refresh=True)
        if output is not None:
            for block in output.lines():
                live.console.print(Text.from_ansi(block))
            if output.rest():
                live.console.print(Text.from_ansi(output.rest()))


def _follow_plain(handle: RunHandle, output: _Output | None) -> None:
    said = None
    for _ in handle.changes(every_s=0.5):
        status = handle.snapshot.status
        now = (handle.snapshot.attempt, status)
        if now != said and not status.is_final:
            said = now
            say(handle.status_line())
        if output is not None:
            output.plain()
    if output is not None:
        output.plain()


@contextmanager
def _stdout_problems(handle: RunHandle) -> Iterator[None]:
    """Say of a stdout that takes no more that the run goes on all the same.

    Raises
    ------
    EnvironmentProblem
    """
    try:
        yield
    except (EnvironmentProblem, StdoutClosed) as error:
        reason = getattr(error, "message", "nobody reads stdout any more")
        raise EnvironmentProblem(
            reason, next_step=f"what runs goes on: jupyter flotilla logs -f {handle.short_id}"
        ) from error


@contextmanager
def _interrupts(handle: RunHandle) -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C into a cancel, and the second into a kill; yield whether it was pressed."""
    presses = 0

    def press(number: int, frame: Any) -> None:
        nonlocal presses
        presses += 1
        handle.cancel(10.0 if presses == 1 else 0.0)
        again = " (Ctrl-C again: kill now)" if presses == 1 else ""
        say(f"cancelling {handle.short_id} …{again}")

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: presses > 0
    finally:
        signal.signal(signal.SIGINT, before)
