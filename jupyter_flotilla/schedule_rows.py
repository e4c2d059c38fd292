"""Rows of schedules and their ticks as lists show them, as JSON values."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_flotilla import render
from jupyter_flotilla.clock import utc_now, utc_text
from jupyter_flotilla.model.address import masked
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import BACKFILL, Schedule, Tick
from jupyter_flotilla.model.when import When
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.timing import preview, when_text
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import runs, schedules, ticks

#: Moments that a row shows, and ticks that one whole shows.
_SHOWN = 5
_HISTORY = 50


class ScheduleRows:
    """Reads schedules for lists; keeps nothing.

    Parameters
    ----------
    relative
        Returns a path as it is shown; None: it is not to be seen there.
    """

    def __init__(self, flotilla: Flotilla, relative: Callable[[str | None], str | None]) -> None:
        self._flotilla = flotilla
        self._scheduling = Scheduling(flotilla)
        self._relative = relative

    def all(self) -> list[dict[str, Any]]:
        """Return every schedule by name, each with its latest tick."""
        found = self._scheduling.all()
        with self._flotilla.store.read() as tx:
            names = schedules.names(tx)
            made = runs.get_all(tx, [tick.run_id for _, tick in found if tick and tick.run_id])
        return [
            self._row(schedule, names, tick, made.get(tick.run_id or "") if tick else None)
            for schedule, tick in found
        ]

    def whole(self, schedule: Schedule) -> dict[str, Any]:
        """Return one schedule with what became of its ticks, the latest first."""
        found = self._scheduling.history(schedule, _HISTORY)
        with self._flotilla.store.read() as tx:
            names = schedules.names(tx)
            waiting = ticks.waiting(tx, schedule.id)
        return {
            **self._row(schedule, names, *(found[0] if found else (None, None))),
            "history": [tick_row(tick, run) for tick, run in found],
            "backfill_waits": sum(tick.trigger == BACKFILL for tick in waiting),
            "options": shown_options(schedule),
        }

    def _row(
        self, schedule: Schedule, names: dict[str, str], tick: Tick | None, run: Run | None
    ) -> dict[str, Any]:
        when, rules, what = schedule.when, schedule.rules, schedule.what
        is_file = what.path is not None and what.source != "git"
        is_on = schedule.paused_at is None
        return {
            "id": schedule.id,
            "name": schedule.name,
            "owner": schedule.owner,
            "created_at": utc_text(schedule.created_at),
            "revision": schedule.revision,
            "edited_at": utc_text(schedule.edited_at),
            "edited_by": schedule.edited_by,
            "host": schedule.host,
            "paused_at": _text(schedule.paused_at),
            "is_over": schedule.is_over,
            "next_at": _text(schedule.next_at) if is_on else None,
            "kind": when.kind,
            "when_text": when_text(schedule, names),
            "zone": when.zone,
            "starts_at": _text(when.starts_at),
            "ends_at": _text(when.ends_at),
            "what_text": what_text(schedule),
            "source": what.source,
            "notebook": self._relative(what.path) if is_file else None,
            "engine": what.spec.engine,
            "place": what.spec.place,
            "where": schedule.where,
            "is_placed": schedule.is_placed,
            "missed": rules.missed,
            "max_age_s": rules.max_age_s,
            "overlap": rules.overlap,
            "month_usd": rules.month_usd,
            "after": [names.get(one, one) for one in rules.after],
            "upcoming": upcoming(when, _SHOWN) if is_on else [],
            "latest": None if tick is None else tick_row(tick, run),
        }


def shown_options(schedule: Schedule) -> dict[str, Any]:
    """Return the options of its job as they may be shown: of variables only the names."""
    options = dict(schedule.what.options)
    if "env" in options:
        options["env"] = dict.fromkeys(options["env"])
    return options


def tick_row(tick: Tick, run: Run | None) -> dict[str, Any]:
    """Return a tick with what became of its run."""
    took = None
    if run is not None and run.started_at is not None and run.ended_at is not None:
        took = (run.ended_at - run.started_at).total_seconds()
    return {
        "scheduled_at": utc_text(tick.scheduled_at),
        "status": tick.status,
        "trigger": tick.trigger,
        "reason": tick.reason,
        "count": tick.count,
        "first_at": _text(tick.first_at),
        "run_id": tick.run_id,
        "run_status": None if run is None else run.status,
        "failure_kind": None if run is None else run.failure_kind,
        "lag_s": lag_s(tick, run),
        "duration_s": took,
        "revision": None if run is None else run.spec.revision,
        "author": None if run is None else run.spec.author,
    }


def upcoming(when: When, count: int) -> list[str]:
    """Return the next moments, in their zone."""
    zone = ZoneInfo(when.zone)
    return [at.astimezone(zone).isoformat() for at in preview(when, utc_now(), count)]


def what_text(schedule: Schedule) -> str:
    """Return what it runs, from where, and as of when."""
    what, spec = schedule.what, schedule.what.spec
    name = " ".join(spec.command) if what.path is None else what.path
    if what.source == "git":
        repo = masked(what.repo or "")
        return render.one_line(f"{name} as {repo}@{what.ref} has it at the tick", 200)
    if what.source == "file":
        return render.one_line(f"{name} as it is at the tick", 200)
    by = f", last edited by {spec.author}" if spec.author else ""
    of = f" ({spec.revision}{by})" if spec.revision else ""
    return render.one_line(f"{name} as it was saved{of}", 300)


def lag_s(tick: Tick, run: Run | None) -> float | None:
    """Return how long after its time a run was begun, in seconds; None: it was not."""
    if run is None or run.started_at is None or tick.trigger == BACKFILL:
        return None
    return (run.started_at - tick.scheduled_at).total_seconds()


def _text(at: datetime | None) -> str | None:
    return None if at is None else utc_text(at)
