"""Runs beside the clock: now, one tick again, and all ticks of a time that is over."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from jupyter_flotilla import machine
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.adopter import expect
from jupyter_flotilla.errors import FlotillaError, UsageError
from jupyter_flotilla.model.guard import month_start, reasons_to_ask
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import (
    BACKFILL,
    OPEN_TICKS,
    Schedule,
    Tick,
    TickStatus,
    open_tick,
)
from jupyter_flotilla.model.when import next_tick, ticks_until
from jupyter_flotilla.scheduling.making import TickMaker
from jupyter_flotilla.scheduling.timing import unlimited
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import costs, runs, schedules
from jupyter_flotilla.store import ticks as tick_rows

#: What a backfill makes at most.
MOST_BACKFILLED = 10_000
#: So many of its ticks are written in a transaction.
_CHUNK = 500
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """Ticks of the past that are to run, and what that may cost."""

    schedule: Schedule
    moments: tuple[datetime, ...]
    #: How many in that time have a run already, or wait for one.
    made: int
    #: US dollars that they cannot exceed together; None: nothing limits it.
    ceiling_usd: float | None
    #: What the user must agree to first, as sentences.
    asks: tuple[str, ...]


def run_now(flotilla: Flotilla, schedule: Schedule) -> Run:
    """Make a run of a schedule at once, beside its times, whatever its rules say of overlap.

    Raises
    ------
    FlotillaError
        If what is to run is gone or refused.
    """
    tick = _tick(schedule, utc_now(), "now")
    return _made(flotilla, schedule, None, tick)


def rerun(flotilla: Flotilla, schedule: Schedule, moment: datetime) -> Run:
    """Make the run of one of its ticks again, with the values of that tick; raises as `run_now`.

    Raises
    ------
    UsageError
        If nothing was due then, or its run still goes on.
    """
    expect(flotilla.store, schedule.id, utc_now())
    with flotilla.store.read() as tx:
        seen = tick_rows.get(tx, schedule.id, moment)
        is_open = seen is not None and seen.run_id in schedules.open_runs(tx, schedule.id)
    if seen is None and next_tick(unlimited(schedule.when), moment - _MOMENT) != moment:
        raise UsageError(
            f"{schedule.name} has no tick at {moment.isoformat()}",
            next_step=f"jupyter flotilla schedule history {schedule.name}",
        )
    if seen is not None and seen.status is TickStatus.AWAITED:
        raise UsageError(
            "AWS was to start that tick, and whether it has is not known yet",
            next_step=f"jupyter flotilla schedule history {schedule.name}, in a minute",
        )
    if is_open:
        raise UsageError(
            "the run of that tick still goes on", next_step="wait for it, or cancel it first"
        )
    again = _tick(schedule, moment, BACKFILL)
    if seen is not None:
        again = again.model_copy(update={"trigger": seen.trigger, "after_runs": seen.after_runs})
    return _made(flotilla, schedule, seen, again)


def plan_backfill(
    flotilla: Flotilla, schedule: Schedule, begin: datetime, end: datetime, *, again: bool = False
) -> Backfill:
    """Return which ticks from one moment to another, both included, a backfill would run.

    Parameters
    ----------
    again
        True: also those that have a run.

    Raises
    ------
    UsageError
        If there is none to run, or there are too many.
    """
    until = min(end, utc_now())
    expect(flotilla.store, schedule.id, utc_now())
    found = list(
        islice(ticks_until(unlimited(schedule.when), begin - _MOMENT, until), MOST_BACKFILLED + 1)
    )
    if len(found) > MOST_BACKFILLED:
        raise UsageError(
            f"there are more than {MOST_BACKFILLED:,} ticks in that time",
            next_step="a shorter time, several times",
        )
    with flotilla.store.read() as tx:
        rows = tick_rows.moments(tx, schedule.id, begin, until)
    made = [one for one in found if rows.get(one) in (TickStatus.MADE, *OPEN_TICKS)]
    left_out = {one for one in made if not again or rows[one] in OPEN_TICKS}
    wanted = [one for one in found if one not in left_out]
    if not wanted:
        had = f": the {len(made)} ticks in that time have runs" if made else " in that time"
        raise UsageError(
            f"{schedule.name} has nothing to backfill{had}",
            next_step="--again runs them once more" if made else "an earlier FROM, a later TO",
        )
    each = flotilla.ceiling_usd(schedule.what.spec)
    together = None if each is None else each * len(wanted)
    return Backfill(
        schedule=schedule,
        moments=tuple(wanted),
        made=len(made),
        ceiling_usd=together,
        asks=tuple(_asks(flotilla, schedule, together)),
    )


def backfill(flotilla: Flotilla, planned: Backfill) -> int:
    """Have the ticks run, the oldest first, each when the one before has ended; return how many.

    Where the schedule's overlap is ``allow``, they run at once.
    """
    schedule, count = planned.schedule, 0
    for begin in range(0, len(planned.moments), _CHUNK):
        with flotilla.store.write() as tx:
            for moment in planned.moments[begin : begin + _CHUNK]:
                tick = _tick(schedule, moment, BACKFILL)
                seen = tick_rows.get(tx, schedule.id, moment)
                if seen is None:
                    count += tick_rows.insert(tx, tick)
                elif seen.status not in OPEN_TICKS:
                    count += tick_rows.move(tx, seen, tick)
    flotilla.see_to_dispatcher()
    return count


def stop_backfill(flotilla: Flotilla, schedule: Schedule) -> int:
    """Leave out what waits of a backfill; what runs goes on. Return how many ticks that are."""
    with flotilla.store.write() as tx:
        waiting = [one for one in tick_rows.waiting(tx, schedule.id) if one.trigger == BACKFILL]
        update = {
            "status": TickStatus.SKIPPED,
            "reason": f"the backfill was stopped by {machine.user_name()}",
            "decided_at": utc_now(),
        }
        return sum(tick_rows.move(tx, one, one.model_copy(update=update)) for one in waiting)


def _asks(flotilla: Flotilla, schedule: Schedule, together: float | None) -> list[str]:
    spec, settings = schedule.what.spec, flotilla.settings
    engine = flotilla.engine(spec.engine)
    with flotilla.store.read() as tx:
        month_usd = costs.total_usd(tx, engine.name, month_start(utc_now()))
    return reasons_to_ask(
        bills=engine.bills,
        ceiling_usd=together,
        timeout_s=spec.timeout_s,
        confirm_above_usd=settings.confirm_above,
        monthly_budget_usd=settings.monthly_budget,
        month_usd=month_usd,
    )


def _tick(schedule: Schedule, moment: datetime, trigger: str) -> Tick:
    return open_tick(schedule, moment, TickStatus.WAITING, utc_now(), trigger)


def _made(flotilla: Flotilla, schedule: Schedule, seen: Tick | None, tick: Tick) -> Run:
    """Make the run of a tick at once; it and the tick are written in one transaction."""
    maker = TickMaker(flotilla)
    run = maker.make(schedule, tick)
    if seen is not None and seen.run_id is not None:
        run = run.model_copy(update={"retry_of": seen.run_id})
    made = tick.model_copy(update={"status": TickStatus.MADE, "run_id": run.id})
    is_in = False
    try:
        with flotilla.store.write() as tx:
            schedules.check_seen(tx, schedule, schedule.revision)  # what it runs may be another
            written = tick_rows.insert(tx, made) if seen is None else tick_rows.move(tx, seen, made)
            if written:
                runs.insert(tx, run)
        is_in = written
    finally:
        if not is_in:
            maker.discard(run)
    if not is_in:
        raise UsageError(
            "somebody else has just run that tick",
            next_step=f"jupyter flotilla schedule history {schedule.name}",
        )
    with suppress(FlotillaError, OSError):
        flotilla.launch_here(run.spec.engine)  # the dispatcher tries again
    flotilla.see_to_dispatcher()
    return run
