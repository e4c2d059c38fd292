"""Follows a run in a terminal: what it writes above, one live line below."""

import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from jupyter_flotilla import render
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands.interrupts import INTERRUPTED, Interrupts, interrupts
from jupyter_flotilla.commands.lines import Lines
from jupyter_flotilla.commands.live import Live
from jupyter_flotilla.commands.output import HEADING, STDERR, Output
from jupyter_flotilla.commands.screen import COLOURS, console, say
from jupyter_flotilla.commands.streams import StdoutClosed
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.service import Flotilla

#: Exit code of a job that failed.
FAILED = 1
#: Seconds after which a live line is drawn anew.
RENEW_S = 0.2


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
    output = Output(flotilla, handle) if show_output else None
    with _stdout_problems(handle):
        if _is_live(output):
            _follow_live(handle, presses, output)
        else:
            _follow_plain(handle, presses, output)
    say(handle.status_line(), status=handle.snapshot.status)
    if handle.snapshot.status is RunStatus.SUCCEEDED:
        latest = handle.attempts[-1]
        if latest.message:
            say(f"  note: {latest.message.strip()}")  # that its notebook could not be saved
        return 0
    if presses.presses:
        return INTERRUPTED
    say(handle.explain(last_lines=0 if show_output else 5))
    return FAILED


def _is_live(output: Output | None) -> bool:
    """Say whether a live line can be drawn without anybody writing across it."""
    if not Live.is_possible(console()):
        return False
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return True  # there is no stdout
    # What reads a pipe most often writes to the same terminal, where we cannot see it.
    return output is None or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def _follow_live(handle: RunHandle, presses: Interrupts, output: Output | None) -> None:
    with Live(console()) as live:
        shown = LiveRun(live, handle, presses)
        for _ in handle.changes(every_s=RENEW_S):
            shown.renew()
            for piece in [] if output is None else output.for_terminal():
                shown.write(piece)
        for piece in [] if output is None else output.for_terminal():
            shown.write(piece)
        shown.end()


class LiveRun:
    """Where a run is, at the bottom of a terminal; above it what it writes.

    Between them are the lines of stdout and stderr that still grow: progress bars, most often.
    """

    def __init__(
        self, live: Live, handle: RunHandle, presses: Interrupts | None = None, *, title: str = ""
    ) -> None:
        self._live = live
        self._title = [title] if title else []
        self._handle = handle
        self._presses = presses
        colours = not console().no_color
        # One each: a bar on stderr must not be mixed with what is printed meanwhile.
        self._stdout, self._stderr = Lines(colours=colours), Lines(colours=colours)
        self._status: list[str] = []
        self._renew_at = 0.0

    def renew(self) -> None:
        """Draw the run as the handle knows it now, and say what is to be said of Ctrl-C."""
        first, *rest = self._handle.status_lines()
        self._status = [*self._title, first, *(f"  {line}" for line in rest)]
        self._renew_at = time.monotonic() + RENEW_S
        news = [] if self._presses is None else self._presses.news()
        self._draw("".join(f"{sentence}\n" for sentence in news))

    def write(self, piece: Iterable[tuple[str, str]]) -> None:
        """Show ``(kind, text)`` of the job; the status is renewed even while there is much."""
        self._draw("".join(self._whole(kind, text) for kind, text in piece))
        if time.monotonic() > self._renew_at:
            self._handle.refresh()
            self.renew()

    def end(self) -> None:
        """Show what came without a line break at the end, as lines."""
        self._draw(self._stdout.end() + self._stderr.end())

    def _whole(self, kind: str, text: str) -> str:
        if kind == HEADING:
            return self._stdout.end() + self._stderr.end() + text
        return (self._stderr if kind in STDERR else self._stdout).take(text)

    def _draw(self, above: str) -> None:
        cells = self._live.cells
        growing = [line for one in (self._stdout, self._stderr) if (line := one.growing(cells))]
        colour = COLOURS[self._handle.snapshot.status]
        self._live.draw(self._status, style=colour, above=above, growing=growing)


def _follow_plain(handle: RunHandle, presses: Interrupts, output: Output | None) -> None:
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
