"""Routes of schedules: lists, one whole, saving, editing, steering."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import InvalidOption, Refused
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.precedence import Resolution
from jupyter_flotilla.model.schedule import Schedule
from jupyter_flotilla.model.schedule_options import (
    ScheduleOptions,
    read_repository,
    read_schedule_options,
)
from jupyter_flotilla.model.when import When
from jupyter_flotilla.model.when_words import words
from jupyter_flotilla.schedule_rows import ScheduleRows, upcoming
from jupyter_flotilla.scheduling import past
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.jobs import Asked
from jupyter_flotilla.scheduling.prepared import Prepared
from jupyter_flotilla.scheduling.timing import read_times
from jupyter_flotilla.server.context import Context, moment, now_text
from jupyter_flotilla.server.copied import edited, scheduled
from jupyter_flotilla.server.handler import Request
from jupyter_flotilla.server.launch import plan_json
from jupyter_flotilla.server.wire.launch import CommandJob, Commands, FileJob
from jupyter_flotilla.server.wire.schedules import EditPlanIn
from jupyter_flotilla.setup.user_service import waking_note

#: Moments that a plan shows.
_SHOWN = 5


def list_schedules(context: Context, request: Request) -> dict[str, Any]:
    """Return all schedules, by name."""
    return {
        "schedules": _rows(context).all(), "waking_note": waking_note(), "now": now_text(),
    }  # fmt: skip


def get_schedule(context: Context, request: Request) -> dict[str, Any]:
    """Return all that is known of a schedule."""
    return _detail(context, request.path["schedule"])


def show_times(context: Context, request: Request) -> dict[str, Any]:
    """Return what times mean: in words, and the next moments."""
    given = request.body.model_dump(exclude={"count"}, exclude_none=True)
    now = utc_now()
    when = read_times(read_schedule_options(given), None, (), now)
    return _times(when, request.body.count)


def plan(context: Context, request: Request) -> dict[str, Any]:
    """Return when a schedule would run, and what that would cost; nothing is saved."""
    body = request.body
    asked = _Asking(context, body.what, body.options, body.schedule)
    prepared = asked.prepare()
    copied = scheduled(body.what, body.options, body.schedule)
    asks = asked.asks(prepared)
    return _planned(context, prepared, asks=asks, notes=asked.notes, copied=copied)


def plan_edit(context: Context, request: Request) -> dict[str, Any]:
    """Return the same of a schedule as it would be after an edit; nothing is saved."""
    body = request.body
    schedule = Scheduling(context.flotilla).get(request.path["schedule"])
    prepared = _edited(context, schedule, body)
    copied = edited(schedule.name, body.what, _changed(schedule, body.options), body.schedule)
    return _planned(context, prepared, asks=prepared.plan.asks, notes=(), copied=copied)


def save(context: Context, request: Request) -> dict[str, Any]:
    """Save a schedule; raises Refused where something must be agreed to first."""
    body = request.body
    asked = _Asking(context, body.what, body.options, body.schedule)
    prepared = asked.agreed(confirm=body.confirm)
    saved = asked.scheduling.save(prepared, is_paused=body.is_paused)
    return _detail(context, saved.id)


def edit(context: Context, request: Request) -> dict[str, Any]:
    """Change a schedule; raises ScheduleChanged where somebody else has since it was seen."""
    body = request.body
    scheduling = Scheduling(context.flotilla)
    prepared = _edited(context, scheduling.get(request.path["schedule"]), body)
    if body.confirm and prepared.plan.asks:
        raise _refused(prepared.plan.asks)
    saved = scheduling.save_edit(prepared, body.revision)
    return _detail(context, saved.id)


def pause(context: Context, request: Request) -> dict[str, Any]:
    """Let no tick of a schedule come."""
    scheduling = Scheduling(context.flotilla)
    schedule = scheduling.get(request.path["schedule"])
    if schedule.paused_at is None:
        scheduling.pause(schedule)
    return _detail(context, schedule.id)


def resume(context: Context, request: Request) -> dict[str, Any]:
    """Let a schedule go on from now."""
    scheduling = Scheduling(context.flotilla)
    schedule = scheduling.get(request.path["schedule"])
    if schedule.paused_at is not None:
        scheduling.resume(schedule)
    return _detail(context, schedule.id)


def clone(context: Context, request: Request) -> dict[str, Any]:
    """Save a copy under another name, paused."""
    scheduling = Scheduling(context.flotilla)
    copied = scheduling.clone(scheduling.get(request.path["schedule"]), request.body.name)
    return _detail(context, copied.id)


def delete(context: Context, request: Request) -> dict[str, Any]:
    """Delete a schedule; its runs stay."""
    scheduling = Scheduling(context.flotilla)
    scheduling.delete(scheduling.get(request.path["schedule"]))
    return {}


def run_now(context: Context, request: Request) -> dict[str, Any]:
    """Run a schedule's job at once."""
    schedule = Scheduling(context.flotilla).get(request.path["schedule"])
    run = past.run_now(context.flotilla, schedule)
    return {"run": context.listing.row(run.id), "grid": None, "runs": 1}


def rerun(context: Context, request: Request) -> dict[str, Any]:
    """Run one tick again, with its values."""
    schedule = Scheduling(context.flotilla).get(request.path["schedule"])
    at = _moment("scheduled_at", request.body.scheduled_at)
    run = past.rerun(context.flotilla, schedule, at)
    return {"run": context.listing.row(run.id), "grid": None, "runs": 1}


def backfill(context: Context, request: Request) -> dict[str, Any]:
    """Run ticks of the past, or stop that; raises Refused where something must be agreed to."""
    body = request.body
    schedule = Scheduling(context.flotilla).get(request.path["schedule"])
    if body.stop == (body.begin is not None or body.end is not None):
        raise InvalidOption(
            "a backfill has a beginning and an end, or is stopped",
            next_step='{"begin": …, "end": …}, or {"stop": true} alone',
        )
    if body.stop:
        left_out = past.stop_backfill(context.flotilla, schedule)
        return {
            "ticks": left_out, "made": 0, "ceiling_usd": None, "asks": [], "is_started": False
        }  # fmt: skip
    begin, end = _moment("begin", body.begin), _moment("end", body.end)
    planned = past.plan_backfill(context.flotilla, schedule, begin, end, again=body.again)
    if not body.is_dry:
        if body.confirm and planned.asks:
            raise _refused(planned.asks)
        past.backfill(context.flotilla, planned)
    return {
        "ticks": len(planned.moments),
        "made": planned.made,
        "ceiling_usd": planned.ceiling_usd,
        "asks": list(planned.asks),
        "is_started": not body.is_dry,
    }


class _Asking:
    """A new schedule that was asked for."""

    def __init__(
        self,
        context: Context,
        what: FileJob | CommandJob,
        options: Mapping[str, Any],
        schedule: Mapping[str, Any],
    ) -> None:
        self._facade = context.flotilla
        self.scheduling = Scheduling(context.flotilla)
        self._options = dict(options)
        self._schedule = read_schedule_options(schedule)
        self._asked = _asked(context, what, self._schedule)
        self._resolution = self._resolve()

    @property
    def notes(self) -> list[str]:
        """What is to be said of the options."""
        return list(self._resolution.notes)

    def prepare(self) -> Prepared:
        """Return it as it would be saved."""
        job = JobOptions(**self._resolution.values(OPTIONS))
        return self.scheduling.prepare(self._schedule, job, self._asked)

    def asks(self, prepared: Prepared) -> list[str]:
        """Return what must be agreed to first."""
        return [*(ask.sentence for ask in self._resolution.asks), *prepared.plan.asks]

    def agreed(self, *, confirm: bool) -> Prepared:
        """Return it ready to be saved; raises Refused where ``confirm`` and there is a question."""
        if not confirm and self._resolution.asks:
            self._facade.defaults.agree(self._resolution.asks)
            self._resolution = self._resolve()
        prepared = self.prepare()
        asks = self.asks(prepared)
        if confirm and asks:
            raise _refused(asks)
        return prepared

    def _resolve(self) -> Resolution:
        is_of_git = read_repository(self._schedule.source or "") is not None
        file = None if is_of_git else self._asked.file
        return self._facade.defaults.resolve(
            self._options, file=file, folder=self._asked.folder if file is None else file.parent
        )


def _edited(context: Context, schedule: Schedule, body: EditPlanIn) -> Prepared:
    """Return a schedule as it would be after an edit."""
    options = read_schedule_options(body.schedule)
    changes = context.flotilla.changes(_changed(schedule, body.options))
    asked = _asked(context, body.what, options)
    return Scheduling(context.flotilla).prepare_edit(schedule, options, changes, asked)


def _changed(schedule: Schedule, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an edit without variables that have a name alone and were saved.

    A form is never told their values, so it sends their names alone, which in a shell means to copy
    the value from there: here that would be the server's own.
    """
    saved, env = schedule.what.options.get("env", {}), options.get("env")
    if isinstance(env, Mapping):
        left: Any = {k: item for k, item in env.items() if item is not None or k not in saved}
    elif isinstance(env, list):
        left = [text for text in env if text not in saved]
    else:
        return dict(options)
    others = {name: value for name, value in options.items() if name != "env"}
    return {**others, "env": left} if left else others


def _planned(
    context: Context,
    prepared: Prepared,
    *,
    asks: Sequence[str],
    notes: Sequence[str],
    copied: Commands,
) -> dict[str, Any]:
    return {
        "plan": plan_json(context, prepared.plan, asks=asks, notes=notes, copied=copied),
        **_times(prepared.schedule.when, _SHOWN),
        "when_text": Scheduling(context.flotilla).when_text(prepared.schedule),
        "runs_a_month": prepared.runs_a_month,
        "ceiling_a_month_usd": prepared.ceiling_a_month_usd,
        "waking_note": None if prepared.schedule.where == "cloud" else waking_note(),
    }


def _asked(context: Context, what: FileJob | CommandJob | None, options: ScheduleOptions) -> Asked:
    folder = context.folder("")
    if isinstance(what, CommandJob):
        folder = context.folder(what.folder)
        return Asked(command=what.argv, source=options.source, folder=folder)
    if what is None:
        return Asked(source=options.source, folder=folder)
    is_of_git = read_repository(options.source or "") is not None
    file = Path(what.path) if is_of_git else context.file(what.path)
    return Asked(file=file, source=options.source, folder=folder)


def _refused(asks: Any) -> Refused:
    return Refused("; ".join(asks), next_step="repeat it with confirm: false, if that is meant")


def _moment(name: str, text: str | None) -> datetime:
    found = moment(name, text)
    if found is None:
        raise InvalidOption(f"there is no {name}", next_step=f"{name}: 2026-11-26T07:00:00Z")
    return found


def _times(when: When, count: int) -> dict[str, Any]:
    return {"when_text": words(when), "zone": when.zone, "upcoming": upcoming(when, count)}


def _detail(context: Context, schedule_id: str) -> dict[str, Any]:
    schedule = Scheduling(context.flotilla).get(schedule_id)
    note = None if schedule.where == "cloud" else waking_note()
    return {**_rows(context).whole(schedule), "waking_note": note}


def _rows(context: Context) -> ScheduleRows:
    return ScheduleRows(context.flotilla, context.listing.relative)
