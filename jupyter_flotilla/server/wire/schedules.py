"""Schedules in lists and alone, what saving one would do, and what became of its ticks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.schedule import Missed, Overlap, TickStatus, Where
from jupyter_flotilla.server.wire.base import In, Out, Word
from jupyter_flotilla.server.wire.launch import CommandJob, FileJob, Options, PlanOut

#: What a schedule can run.
Scheduled = Annotated[FileJob | CommandJob, Field(discriminator="kind")]
#: Moments that a preview shows at most.
MOST_SHOWN = 100
_Moment = Annotated[str, Field(max_length=60)]


class TickOut(Out):
    """One moment of a schedule, and what became of it."""

    scheduled_at: str
    status: TickStatus
    #: ``time``, ``missed``, ``backfill``, ``now`` or ``after``.
    trigger: str
    #: Why it has no run.
    reason: str | None
    #: How many ticks it stands for.
    count: int
    first_at: str | None
    run_id: str | None
    #: Null where there is no run, or it was deleted.
    run_status: RunStatus | None
    failure_kind: str | None
    #: Seconds from the tick to the beginning of its run.
    lag_s: float | None
    duration_s: float | None
    #: Commit or digest of what ran, and who edited it last.
    revision: str | None
    author: str | None


class ScheduleOut(Out):
    """A job that runs again and again."""

    id: str
    name: str
    owner: str
    created_at: str
    #: Counts edits: whoever edits sends the one that they saw.
    revision: int
    edited_at: str
    edited_by: str
    #: Host whose dispatcher makes its runs; null: any.
    host: str | None
    paused_at: str | None
    #: True where no tick will ever come.
    is_over: bool
    next_at: str | None
    kind: Literal["cron", "interval", "once", "after"]
    #: In words, as ``when`` of an edit takes them; of ``after`` which schedules.
    when_text: str
    zone: str
    starts_at: str | None
    ends_at: str | None
    #: What it runs, in words.
    what_text: str
    #: ``snapshot``, ``file`` or ``git``.
    source: str
    #: Relative to the server's folder; null where it is not below that, or of a command.
    notebook: str | None
    engine: str
    place: str
    #: Who starts its runs: a dispatcher, or the cloud, whatever is switched off here.
    where: Where
    #: True where the cloud has what it is to have of it.
    is_placed: bool
    missed: Missed
    max_age_s: int | None
    overlap: Overlap
    month_usd: float | None
    #: Names of what it runs after.
    after: list[str]
    #: Its next moments, in its zone.
    upcoming: list[str]
    latest: TickOut | None


class SchedulesOut(Out):
    """All schedules, by name."""

    schedules: list[ScheduleOut]
    #: Why nobody would wake them, and what to do; null: somebody does.
    waking_note: str | None
    now: str


class ScheduleDetail(ScheduleOut):
    """One schedule with what became of its ticks."""

    #: The latest first.
    history: list[TickOut]
    #: How many ticks of a backfill wait for their turn.
    backfill_waits: int
    #: Options of its job by their REST field; secrets are in it as references only.
    options: dict[str, Any]
    #: Why nobody would wake it, and what to do; null: somebody does.
    waking_note: str | None


class PreviewIn(In):
    """Times in the forms that people write."""

    when: Annotated[str, Field(max_length=300)]
    tz: Word | None = None
    start: Word | None = None
    end: Word | None = None
    count: int = Field(default=5, ge=1, le=MOST_SHOWN)


class PreviewOut(Out):
    """What times mean."""

    when_text: str
    zone: str
    #: The next moments, in the zone.
    upcoming: list[str]


class SchedulePlanIn(In):
    """A schedule that is to be planned."""

    what: Scheduled
    options: Options = {}
    #: When, and by which rules: by their keywords in Python, as people write them.
    schedule: Options


class ScheduleIn(SchedulePlanIn):
    """A schedule that is to be saved."""

    #: False: whatever must be agreed to is agreed to.
    confirm: bool = True
    is_paused: bool = False


class EditPlanIn(In):
    """What would be changed of a schedule; what is not there stays."""

    #: Null: what it runs stays as it was saved.
    what: Scheduled | None = None
    options: Options = {}
    schedule: Options = {}


class EditIn(EditPlanIn):
    """What is to be changed of a schedule; what is not there stays."""

    #: The one that was seen.
    revision: int = Field(ge=1, le=2**31)
    confirm: bool = True


class SchedulePlanOut(Out):
    """When a schedule would run, and what that would cost."""

    plan: PlanOut
    when_text: str
    zone: str
    upcoming: list[str]
    #: Null where it is not by the clock.
    runs_a_month: int | None
    #: What these cannot exceed; null: nothing limits it.
    ceiling_a_month_usd: float | None
    waking_note: str | None


class NameIn(In):
    """A name."""

    name: Annotated[str, Field(min_length=1, max_length=100)]


class RerunIn(In):
    """A tick that is to run again."""

    scheduled_at: _Moment


class BackfillIn(In):
    """Ticks of the past that are to run, or an end of that."""

    #: Both included: ISO 8601 with a time zone. Null, both: it is to be stopped.
    begin: _Moment | None = None
    end: _Moment | None = None
    #: Also those that have a run.
    again: bool = False
    #: True: only say how many, and what they cost at most.
    is_dry: bool = False
    #: True, and alone: what waits of a backfill is left out; what runs goes on.
    stop: bool = False
    confirm: bool = True


class BackfillOut(Out):
    """Ticks that a backfill runs, would, or does no more."""

    #: Where it was stopped, how many are left out.
    ticks: int
    #: How many of that time have a run already.
    made: int
    ceiling_usd: float | None
    #: What must be agreed to first.
    asks: list[str]
    is_started: bool


class Nothing(Out):
    """It is done, and there is nothing to say of it."""
