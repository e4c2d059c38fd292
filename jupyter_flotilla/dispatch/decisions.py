"""What becomes of a tick: its run made or not, and what is written of it in its transaction."""

import errno
import logging
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from jupyter_flotilla.errors import (
    ArtifactsUnavailable,
    DiskFull,
    EngineUnavailable,
    FlotillaError,
    LaunchError,
    SourceUnavailable,
    UnresolvedPackages,
)
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import (
    BACKFILL,
    Answer,
    Due,
    Schedule,
    Tick,
    TickStatus,
    next_try,
    over_month,
)
from jupyter_flotilla.store import runs, schedules, ticks
from jupyter_flotilla.store.backend import serialize

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Seconds that a run gets which the next one replaces.
_GRACE_S = 10.0
#: What may be there in a minute: other errors say that the schedule, or its job, is wrong.
_AWAY = (
    ArtifactsUnavailable, DiskFull, EngineUnavailable, SourceUnavailable, UnresolvedPackages,
)  # fmt: skip
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Maker(Protocol):
    """Makes what a tick runs."""

    def make(self, schedule: Schedule, tick: Tick) -> Run:
        """Return the run of a tick, its folder written; raises FlotillaError if it cannot be."""

    def discard(self, run: Run) -> None:
        """Delete the folder of a run that came second."""

    def warm(self) -> None:
        """Import what `make` needs."""


def made(maker: Maker, schedule: Schedule, tick: Tick, now: datetime) -> tuple[Tick, Run | None]:
    """Return the tick with its run, or with why there is none: for now, or for good."""
    try:
        run = maker.make(schedule, tick)
    except Exception as error:
        # The boundary of one tick: whatever its file or repository is like, the rest goes on.
        return _not_made(schedule, tick, error, now), None
    update = {"status": TickStatus.MADE, "run_id": run.id, "reason": None, "decided_at": now}
    return tick.model_copy(update=update), run


def is_tried_again(tick: Tick) -> bool:
    """Say whether a tick waits since its run could not be made, not for the run before it."""
    return tick.status is TickStatus.WAITING and tick.reason is not None


def _not_made(schedule: Schedule, tick: Tick, error: Exception, now: datetime) -> Tick:
    reason = str(error) if isinstance(error, FlotillaError) else f"{type(error).__name__}: {error}"
    failed_at = tick.decided_at if is_tried_again(tick) else now
    if _is_away(error) and next_try(failed_at, now) is not None:
        log.warning("schedule %s: its tick cannot be made yet: %s", schedule.name, error)
        # its first failure: from then on it is tried again
        update = {"decided_at": failed_at, "reason": f"tried again shortly: {reason}"[:2000]}
        return tick.model_copy(update={**update, "status": TickStatus.WAITING})
    if not isinstance(error, FlotillaError):
        log.error("schedule %s: its tick cannot be made", schedule.name, exc_info=error)
    update = {"decided_at": now, "reason": reason[:2000]}
    return tick.model_copy(update={**update, "status": TickStatus.FAILED})


def _is_away(error: Exception) -> bool:
    if isinstance(error, LaunchError):
        return error.retryable
    return isinstance(error, _AWAY) or (isinstance(error, OSError) and error.errno in _FULL)


def in_budget(
    tx: sa.Connection, schedule: Schedule, tick: Tick, run: Run | None, now: datetime
) -> Tick:
    """Return the tick, left out where its run would pass what a month may cost."""
    if run is None or schedule.rules.month_usd is None:
        return tick
    spent = schedules.spent_usd(tx, schedule.id, month_start(now))
    reason = over_month(schedule.rules, spent, run.ceiling_usd)
    if reason is None:
        return tick
    return tick.model_copy(update={"status": TickStatus.SKIPPED, "run_id": None, "reason": reason})


def has_room(tx: sa.Connection, schedule: Schedule, tick: Tick) -> bool:
    """Say whether a run may begin, until this transaction ends: nobody else begins one then."""
    if schedule.rules.overlap == "allow":
        return True
    serialize(tx, f"schedule {schedule.id}")
    own = tick.trigger != BACKFILL
    return not schedules.open_runs(tx, schedule.id, but_backfilled=own)


def answered(tick: Tick, answer: Answer) -> Tick:
    """Return the tick as the rule of overlap has it."""
    if answer == "skip":
        reason = "the run before it still goes on, or too many wait for it already"
        return tick.model_copy(update={"status": TickStatus.SKIPPED, "reason": reason})
    return tick


def make_way(tx: sa.Connection, schedule_id: str, tick: Tick, now: datetime) -> None:
    """Have what runs stopped, and what waits left out, for the sake of a later tick."""
    reason = f"replaced by the tick of {tick.scheduled_at:%Y-%m-%d %H:%M:%S} UTC"
    for older in ticks.waiting(tx, schedule_id):
        if older.scheduled_at < tick.scheduled_at and older.trigger == "time":
            skipped = {"status": TickStatus.SKIPPED, "reason": reason, "decided_at": now}
            ticks.move(tx, older, older.model_copy(update=skipped))
    for run_id in schedules.open_runs(tx, schedule_id, but_backfilled=True):
        runs.request_cancel(tx, run_id, now, _GRACE_S)


def missed(schedule: Schedule, found: Due, now: datetime) -> Tick | None:
    """Return the row that stands for all ticks that nobody was there for."""
    if found.missing is None:
        return None
    return Tick(
        schedule_id=schedule.id,
        scheduled_at=found.missing.last,
        status=TickStatus.MISSED,
        reason="no dispatcher was there",
        decided_at=now,
        count=found.missing.count,
        first_at=found.missing.first,
    )
