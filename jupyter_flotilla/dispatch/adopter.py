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

#: Ticks that are looked at in one go: others wait meanwhile.
_AT_ONCE = 50
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

    def begun(self, schedule: Schedule, after: datetime) -> Sequence[datetime]:
        """Return ticks of it, later than one, that say that they have begun."""

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
        # what AWS has started at another time than was expected is a tick as well
        is_all = len(expected) < _AT_ONCE
        begun = [
            one
            for one in self._cloud.begun(schedule, schedule.cursor)
            if is_all or one <= expected[-1]
        ]
        with self._store.read() as tx:
            known = {*tick_rows.moments(tx, schedule.id, expected[0], now)}
        known |= {one for one in begun if one not in known and self._has_taken(schedule, one, now)}
        waiting = [one for one in expected if one not in known]
        given_up = self._given_up(schedule, waiting, now)
        over = [one for one in waiting if one in given_up or now >= given_up_at(schedule, one)]
        lost = [one for one in over if not self._has_taken(schedule, one, now)]
        failed = {one: why for one, why in given_up.items() if one in lost}
        self._report_failed(schedule, failed, now)
        self._report_missed(schedule, expected, [one for one in lost if one not in given_up], now)
        return [one for one in waiting if one not in over]

    def _report_failed(
        self, schedule: Schedule, given_up: Mapping[datetime, str], now: datetime
    ) -> None:
        """Write down why AWS has given up ticks; of one that has a run nothing is to be said."""
        for moment, reason in given_up.items():
            failed = {"status": TickStatus.FAILED, "reason": reason}
            with self._store.write() as tx:
                tick_rows.insert(tx, _tick(schedule, moment, now).model_copy(update=failed))

    def _report_missed(
        self, schedule: Schedule, expected: Sequence[datetime], lost: Sequence[datetime],
        now: datetime,
    ) -> None:  # fmt: skip
        """Write down what left nothing; those that follow each other have a row together."""
        together: list[list[datetime]] = []
        for moment in lost:
            before = expected[expected.index(moment) - 1]
            if together and together[-1][-1] == before:
                together[-1].append(moment)
            else:
                together.append([moment])
        for moments in together:
            missed = {
                "status": TickStatus.MISSED, "reason": _NOTHING, "count": len(moments),
                "first_at": moments[0],
            }  # fmt: skip
            with self._store.write() as tx:
                tick_rows.insert(tx, _tick(schedule, moments[-1], now).model_copy(update=missed))

    def _has_taken(self, schedule: Schedule, moment: datetime, now: datetime) -> bool:
        """Take over a tick, if it has begun; False: it has not."""
        begun = self._cloud.begun_at(schedule, moment)
        if begun is not None:
            self._adopt(schedule, begun, now)
        return begun is not None

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
            else:
                self._write_down(dropped, now)
            if now - dropped.given_up_at >= _ALARMED_AFTER:
                self._cloud.settle(schedule, [dropped.receipt])
        return own

    def _write_down(self, dropped: Dropped, now: datetime) -> None:
        with self._store.read() as tx:
            found = schedules.readable(tx, [dropped.schedule_id])
        for schedule in found:
            if not self._has_taken(schedule, dropped.scheduled_at, now):
                self._report_failed(schedule, {dropped.scheduled_at: dropped.reason}, now)
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
