"""How a run shows itself: its live lines, and the card that a notebook shows and keeps."""

import html
from collections.abc import Sequence
from typing import Any

from jupyter_flotilla import render
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import EngineUnavailable, UnknownEngine
from jupyter_flotilla.in_bucket import in_bucket, until_text
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.service import Flotilla

#: The card's type as an output, for frontends that keep it alive.
MIME = "application/vnd.flotilla.run.v1+json"
_COLOURS = {"SUCCEEDED": "#2a2", "FAILED": "#d33", "CANCELLED": "#b80", "RUNNING": "#28c"}
#: Runs that go on are counted up to here: a live line is drawn several times a second.
_COUNTED = 100


def bundle(run: Run, lines: Sequence[str]) -> dict[str, Any]:
    """Return a run's card as a MIME bundle; frontends that do not know ours show the lines."""
    shown = "\n".join(html.escape(line) for line in lines)
    colour = _COLOURS.get(run.status.value, "inherit")
    return {
        MIME: {
            "run_id": run.id,
            "name": run.name,
            "status": run.status.value,
            "lines": list(lines),
        },
        "text/html": (
            # <pre>: elsewhere frontends take what stands between two dollars for a formula
            f'<pre style="margin:.2em 0;border-left:4px solid {colour};padding:0 .8em;'
            f'white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere">{shown}</pre>'
        ),
        "text/plain": "\n".join(lines),
    }


def card_lines(
    flotilla: Flotilla, run: Run, *, head: Sequence[str] | None = None, is_saved: bool = False
) -> list[str]:
    """Return the lines of a run's card: the job, its price, how it stands.

    Parameters
    ----------
    head
        What the card begins with; None: the job and its price.
    is_saved
        True for a file: of a run that goes on, only what stays true in it.
    """
    short = flotilla.short_id(run.id)
    try:
        cost = flotilla.cost(run, flotilla.attempts(run.id))
        if head is None:
            head = render.job_lines(run.spec, cost.rate, cost.ceiling_usd)
        if is_saved and not run.status.is_final:
            return [*head, render.saved_line(run, short)]
        return [*head, *status_lines(flotilla, run)]
    except (UnknownEngine, EngineUnavailable):  # it was uninstalled since
        return [run.name, render.saved_line(run, short)]


def status_lines(flotilla: Flotilla, run: Run) -> list[str]:
    """Return a run for a live display: two lines while it runs, else one."""
    attempts, short = flotilla.attempts(run.id), flotilla.short_id(run.id)
    cost = flotilla.cost(run, attempts)
    attempt = attempts[-1] if attempts else None
    if run.status.is_final:
        end = render.end_line(run, attempt, cost, short, attempts[:-1])
        until = until_text(in_bucket(flotilla, run), utc_now(), short)
        return [f"{end} · {until}" if until else end]
    return render.status_lines(run, attempt, cost, utc_now(), short, _queue(flotilla, run))


def queue_text(flotilla: Flotilla, run: Run) -> str:
    """Return what a queued run waits behind, in words, or nothing."""
    queue = _queue(flotilla, run)
    return "" if queue is None else queue.text


def _queue(flotilla: Flotilla, run: Run) -> render.Queue | None:
    """Return what a run waits behind; None where it is not queued."""
    if run.status is not RunStatus.QUEUED:
        return None
    engine = flotilla.engine(run.spec.engine)
    limit = engine.most_running(flotilla.settings.max_running)
    here = (run.spec.engine, run.spec.place)
    running = None
    if limit <= _COUNTED:
        going_on = flotilla.latest(statuses=(RunStatus.PENDING, RunStatus.RUNNING), limit=limit)
        running = sum((other.spec.engine, other.spec.place) == here for other, _ in going_on)
    before = flotilla.queue_position(run)
    return render.Queue(before=before, running=running, limit=limit)
