"""Schedules of the cloud → runs: takes over what it has started, reports ticks that left nothing.

The cloud starts a tick, whoever of us is awake; its job says in the bucket that it has begun, and
here it becomes a run as if it had been launched from here. A tick of which nothing has come when
the cloud itself has given up was missed. Any number of processes may look, one at a time.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Protocol

from jupyter_flotilla.engines.cloud import Begun, Dropped
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.schedule import Schedule, Tick, TickStatus, given_up_at
from jupyter_flotilla.model.when import next_tick, previous_tick, ticks
from jupyter_flotilla.store import attempts, runs, schedules
from jupyter_flotilla.store import ticks as tick_rows
from jupyter_flotilla.store.connection import Store

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Ticks that are looked at in one go.
_AT_ONCE = 1000
#: How often it is looked for what a tick has left: soon after its time, and later.
_SOON, _LATER = timedelta(seconds=10), timedelta(seconds=60)
_FRESH = timedelta(minutes=5)
#: What is awaited so long may be among what was given up.
_DROPPED_AFTER = timedelta(minutes=2)
#: What was given up stays for so long where it is: AWS's own alarm looks at that, too.
_ALARMED_AFTER = timedelta(minutes=10)
_EVERY_HOUR = timedelta(hours=1)
#: What the cloud has of a schedule is renewed when it ends so soon.
_RENEW = timedelta(days=180)
_MOMENT = timedelta(microseconds=1)
_NOTHING = "AWS has started no task of it, or one that never began; AWS's own alert says which"


class Cloud(Protocol):
    """What schedules have in the cloud."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes of this home from all of it meanwhile."""

    def place(self, schedule: Schedule) -> None:
        """Bring the cloud to what a schedule says, and write down that it is."""

    def begun(self, schedule: Schedule, after: datetime) -> Sequence[Begun]:
        """Return its ticks later than one that have begun."""

    def begun_at(self, schedule: Schedule, moment: datetime) -> Begun | None:
        """Return one of its ticks, if it has begun."""

    def adopt(self, schedule: Schedule, tick: Tick, begun: Begun) -> tuple[Run, Attempt]:
        """Return the run of a tick and its attempt, its folder written; they are in no store."""

    def dropped(self, schedule: Schedule) -> Sequence[Dropped]:
        """Return ticks that were given up, of this and of other schedules."""

    def settle(self, schedule: Schedule, receipts: Sequence[str]) -> None:
        """Forget ticks that were given up: they are written down."""


class Adopter:
    """Takes over the ticks of one store's schedules."""

    def __init__(self, store: Store, cloud: Cloud) -> None:
        self._store = store
        self._cloud = cloud
        #: When it was last asked what was given up, by the engine of who was asked.
        self._asked_at: dict[str, datetime] = {}

    def look(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Do what is due of a schedule; return when to look again, None: at its next tick."""
        with self._cloud.alone():
            return self._look(schedule, now)

    def _look(self, schedule: Schedule, now: datetime) -> datetime | None:
        is_short = schedule.placed is not None and schedule.placed.until - now < _RENEW
        if not schedule.is_placed or (is_short and not schedule.is_over):
            self._cloud.place(schedule)
        if schedule.where == "here" or schedule.paused_at is not None:
            return None
        expected = [*islice(_until(schedule, now), _AT_ONCE)]
        if not expected:
            self._settle(schedule, schedule.cursor, next_tick(schedule.when, now))
            return None
        waiting = self._taken_over(schedule, expected, now)
        if waiting:
            self._settle(schedule, waiting[0] - _MOMENT, waiting[0])
            return now + (_SOON if now - waiting[-1] < _FRESH else _LATER)
        self._settle(schedule, expected[-1], next_tick(schedule.when, expected[-1]))
        return None

    def _taken_over(
        self, schedule: Schedule, expected: Sequence[datetime], now: datetime
    ) -> list[datetime]:
        """Take over what has begun, and report what never will; return what is awaited yet."""
        found = {one.scheduled_at: one for one in self._cloud.begun(schedule, schedule.cursor)}
        with self._store.read() as tx:
            known = tick_rows.moments(tx, schedule.id, expected[0], now)
        for begun in found.values():
            if begun.scheduled_at not in known:
                self._adopt(schedule, begun, now)
        waiting = [one for one in expected if one not in known and one not in found]
        given_up = self._given_up(schedule, waiting, now)
        return [one for one in waiting if not self._is_over(schedule, one, given_up, now)]

    def _is_over(
        self, schedule: Schedule, moment: datetime, given_up: Mapping[datetime, str], now: datetime
    ) -> bool:
        """Decide on a tick that has not said that it has begun; False: it still may."""
        if moment not in given_up and now < given_up_at(schedule, moment):
            return False
        begun = self._cloud.begun_at(schedule, moment)
        if begun is not None:
            self._adopt(schedule, begun, now)
            return True
        status = TickStatus.FAILED if moment in given_up else TickStatus.MISSED
        reason = given_up.get(moment, _NOTHING)
        missed = _tick(schedule, moment, now).model_copy(
            update={"status": status, "reason": reason}
        )
        with self._store.write() as tx:
            tick_rows.insert(tx, missed)
        return True

    def _adopt(self, schedule: Schedule, begun: Begun, now: datetime) -> None:
        tick = _tick(schedule, begun.scheduled_at, now).model_copy(update={"run_id": begun.run_id})
        run, attempt = self._cloud.adopt(schedule, tick, begun)
        with self._store.write() as tx:
            if tick_rows.insert(tx, tick):
                runs.insert(tx, run)
                runs.apply(tx, run, run.advance(RunStatus.PENDING, now), now)
                attempts.insert(tx, attempt)

    def _given_up(
        self, schedule: Schedule, waiting: Sequence[datetime], now: datetime
    ) -> dict[datetime, str]:
        """Return why AWS has given up which ticks of a schedule; of others it is written down."""
        engine = schedule.what.spec.engine
        asked_at = self._asked_at.get(engine)
        is_late = bool(waiting) and now - waiting[0] >= _DROPPED_AFTER
        pause = _LATER if is_late else _EVERY_HOUR
        if asked_at is not None and timedelta() <= now - asked_at < pause:
            return {}
        self._asked_at[engine] = now
        own: dict[datetime, str] = {}
        for dropped in self._cloud.dropped(schedule):
            if dropped.schedule_id == schedule.id:
                own[dropped.scheduled_at] = dropped.reason
            self._write_down(dropped, now)
            if now - dropped.given_up_at >= _ALARMED_AFTER:
                self._cloud.settle(schedule, [dropped.receipt])
        return own

    def _write_down(self, dropped: Dropped, now: datetime) -> None:
        with self._store.read() as tx:
            found = schedules.readable(tx, [dropped.schedule_id])
        for schedule in found:
            moment = dropped.scheduled_at
            self._is_over(schedule, moment, {moment: dropped.reason}, now)
        if not found:
            log.warning("a tick of schedule %s was given up: %s", *_shown(dropped))

    def _settle(self, schedule: Schedule, cursor: datetime, next_at: datetime | None) -> None:
        if (schedule.cursor, schedule.next_at) != (cursor, next_at):
            with self._store.write() as tx:
                schedules.settle(tx, schedule, cursor, next_at)


def _until(schedule: Schedule, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda moment: moment <= now, ticks(schedule.when, schedule.cursor))


def _tick(schedule: Schedule, moment: datetime, now: datetime) -> Tick:
    return Tick(
        schedule_id=schedule.id,
        scheduled_at=moment,
        status=TickStatus.MADE,
        decided_at=now,
        interval_start=previous_tick(schedule.when, moment),
    )


def _shown(dropped: Dropped) -> tuple[str, str]:
    return dropped.schedule_id, dropped.reason
