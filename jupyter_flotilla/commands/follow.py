"""Follows a run in a terminal: what it writes above, one live line below."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rich.live import Live
from rich.text import Text

from jupyter_flotilla import render
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands.interrupts import INTERRUPTED, Interrupts, interrupts
from jupyter_flotilla.commands.screen import COLOURS, console, say, write
from jupyter_flotilla.commands.streams import StdoutClosed
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.text import colours_only
from jupyter_flotilla.protocol import StreamReader, record_text
from jupyter_flotilla.service import Flotilla

#: Exit code of a job that failed.
FAILED = 1
#: Characters of output that are drawn at a time, so that the live line never waits long.
_DRAW_AT_ONCE = 64_000


def launch(
    flotilla: Flotilla,
    draft: Draft,
    *,
    wait: bool = True,
    show_output: bool = True,
    retry_of: str | None = None,
) -> tuple[RunHandle, int]:
    """Submit a job, and follow it or say how to; return its run and the exit code.

    Ctrl-C cancels the run, and once more kills it.
    """
    with interrupts() as presses:
        handle = RunHandle(flotilla, flotilla.submit(draft, retry_of=retry_of))
        presses.aim(handle.short_id, partial(flotilla.cancel, handle.id))
        if wait:
            return handle, follow(flotilla, handle, presses, show_output=show_output)
    for sentence in presses.news():
        say(sentence)
    if presses.presses:
        return handle, INTERRUPTED
    say(f"{render.GLYPHS[handle.status]} {handle.snapshot.status} {handle.short_id} · safe to "
        f"close this terminal · jupyter flotilla wait {handle.short_id}")  # fmt: skip
    return handle, 0


def follow(
    flotilla: Flotilla, handle: RunHandle, presses: Interrupts, *, show_output: bool = True
) -> int:
    """Show a run until it is final; return the exit code of the command."""
    output = _Output(flotilla, handle) if show_output else None
    with _stdout_problems(handle):
        if console().is_terminal:
            _follow_live(handle, presses, output)
        else:
            _follow_plain(handle, presses, output)
    say(handle.status_line(), status=handle.snapshot.status)
    if handle.snapshot.status is RunStatus.SUCCEEDED:
        return 0
    if presses.presses:
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


def _follow_live(handle: RunHandle, presses: Interrupts, output: _Output | None) -> None:
    with Live(console=console(), transient=True, auto_refresh=False) as live:
        for _ in handle.changes(every_s=0.2):
            for sentence in presses.news():
                say(sentence)
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


def _follow_plain(handle: RunHandle, presses: Interrupts, output: _Output | None) -> None:
    said = None
    for _ in handle.changes(every_s=0.5):
        for sentence in presses.news():
            say(sentence)
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
