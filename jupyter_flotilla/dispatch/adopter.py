"""Schedules of the cloud → runs: takes over what it has started, reports ticks that left nothing.

The cloud starts a tick, whoever of us is awake. Here each tick that it was to start is AWAITED, a
row, until its job says in the bucket that it has begun: then it becomes a run, as if it had been
launched from here. Pausing, editing or moving the schedule changes nothing about rows that are
there. What has left nothing when the cloud has given up was missed.

It has threads of its own: AWS may be silent, and no other schedule is to notice.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from jupyter_flotilla.dispatch.rests import Rests
from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.engines.cloud import Begun, Dropped
from jupyter_flotilla.errors import ArtifactsUnavailable, EngineUnavailable, FlotillaError
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.schedule import LATE, Schedule, Tick, TickStatus, given_up_at, open_tick
from jupyter_flotilla.model.when import next_tick, ticks_until
from jupyter_flotilla.store import attempts, notices, runs, schedules
from jupyter_flotilla.store import ticks as tick_rows
from jupyter_flotilla.store.connection import Store

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Ticks that are looked at in one go, and for so many of them AWS is asked: others wait meanwhile.
_AT_ONCE, _ASKED_AT_ONCE = 1000, 50
#: How often it is looked which schedules are to be looked at.
_STEP_EVERY = timedelta(seconds=1)
#: Ticks that are written down as awaited in one go.
_EXPECTED_AT_ONCE = 500
#: How often it is looked for what a tick has left: soon after its time, and later.
_SOON, _LATER = timedelta(seconds=10), timedelta(seconds=60)
_FRESH = timedelta(minutes=5)
#: What is awaited so long may be among what was given up.
_DROPPED_AFTER = timedelta(minutes=2)
#: What was given up stays for so long where it is: AWS's own alarm looks at that, too.
_ALARMED_AFTER = timedelta(minutes=10)
_EVERY_HOUR = timedelta(hours=1)
#: What begins only so much later, although it was given up, is a run all the same.
_LATEST = timedelta(days=1)
#: What the cloud has of a schedule is renewed when it ends so soon.
_RENEW = timedelta(days=180)
#: After a failure: what is away costs a request each time, what is ours may be mended at once.
_AWAY, _WRONG = timedelta(seconds=60), timedelta(seconds=5)
#: What has begun is not said for longer in the bucket.
_SAID_FOR = timedelta(days=25)
_MOMENT = timedelta(microseconds=1)
_NOTHING = "AWS has started no task of it, or one that never began; AWS's own alert says which"
_UNKNOWN = "nothing is known of it any more: what its job said in the bucket has expired"


class Cloud(Protocol):
    """What schedules have in the cloud."""

    def alone(self, schedule: Schedule, wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Keep other processes of this home from a schedule's meanwhile."""

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
    """Takes over the ticks of one store's schedules that are this host's.

    Parameters
    ----------
    workers
        Threads that ask the cloud; None: the caller's own.
    """

    def __init__(
        self, store: Store, cloud: Cloud, host: str, workers: Workers | None = None
    ) -> None:
        self._store = store
        self._cloud = cloud
        self._host = host
        self._workers = workers
        #: What was just looked at, and when that is done again.
        self._resting = Rests()
        #: Schedule → what it was when it was looked at last: what is changed is looked at at once.
        self._seen: dict[str, tuple[object, ...]] = {}
        #: When it was last asked what was given up, by the engine of who was asked.
        self._asked_at: dict[str, datetime] = {}
        #: What was last told of a schedule that cannot be looked at.
        self._told: dict[str, str] = {}
        self._stepped_at: datetime | None = None
        #: True where somebody has to stay for what is awaited.
        self.stays = False

    def step(self, now: datetime) -> int:
        """Look at what is due in the cloud, or have it looked at; return 0: others move runs."""
        if self._workers is not None:
            self._workers.tend()
        if self._stepped_at is not None and timedelta() <= now - self._stepped_at < _STEP_EVERY:
            return 0
        self._stepped_at = now
        with self._store.read() as tx:
            mine = schedules.readable(tx, schedules.of_cloud(tx, self._host))
            awaiting = {*tick_rows.awaiting(tx, [one.id for one in mine])}
        self.stays = any(
            one.id in awaiting or not one.is_placed or _is_on(one) for one in mine
        )  # fmt: skip
        self._resting.drop(self._resting.over(now) - self._busy())
        for schedule in mine:
            state = (schedule.revision, schedule.next_at, schedule.placed)
            is_changed = self._seen.get(schedule.id) != state
            is_due = schedule.id in awaiting or _is_due(schedule, now)
            if schedule.id in self._busy() or not (is_changed or is_due):
                continue
            if is_changed or schedule.id not in self._resting.keys:
                self._seen[schedule.id] = state
                self._start(schedule, now)
        return 0

    def _busy(self) -> set[str]:
        return {*self._workers.keys} if self._workers is not None else set()

    def _start(self, schedule: Schedule, now: datetime) -> None:
        if self._workers is None:
            self._safely(schedule, now)
        else:
            self._workers.submit(schedule.id, lambda: self._safely(schedule, now))

    def _safely(self, schedule: Schedule, now: datetime) -> None:
        try:
            with self._cloud.alone(schedule):
                again_at = self.look(schedule.id, now)
        except Exception as error:
            # A step's boundary: what AWS or a row is like must not end all the others.
            is_ours = isinstance(error, FlotillaError)
            if self._told.get(schedule.id) != str(error):  # it is tried again and again
                self._told[schedule.id] = str(error)
                log.error("schedule %s is not looked at in the cloud: %s", schedule.name, error,
                          exc_info=not is_ours)  # fmt: skip
            is_away = isinstance(error, (EngineUnavailable, ArtifactsUnavailable))
            again_at = now + (_AWAY if is_away else _WRONG)
        else:
            self._told.pop(schedule.id, None)
        if again_at is not None:
            self._resting.put(schedule.id, now, again_at)

    def look(self, schedule_id: str, now: datetime) -> datetime | None:
        """Do what is due of a schedule, alone; return when to look again, None: at its next tick.

        Raises
        ------
        FlotillaError
            If the cloud cannot be asked.
        """
        expect(self._store, schedule_id, now)
        with self._store.read() as tx:
            schedule = schedules.get(tx, schedule_id)
            if schedule is None:
                return None
            awaited = tick_rows.awaited(tx, schedule.id, now, _AT_ONCE)
        left, is_all = awaited, True
        if schedule.placed is not None:
            left, is_all = self._taken_over(schedule, awaited, now)
        if _is_behind(schedule, now) or (_is_at_an_end(schedule) and not awaited):
            self._cloud.place(schedule)
        if not is_all:
            return now
        if not left:
            return None
        return now + (_SOON if now - left[-1].scheduled_at < _FRESH else _LATER)

    def _taken_over(
        self, schedule: Schedule, awaited: Sequence[Tick], now: datetime
    ) -> tuple[list[Tick], bool]:
        """Take over what has begun, and report what never will.

        Returns
        -------
        What is awaited yet, and False where there is more to be done at once.
        """
        with self._store.read() as tx:
            late = tick_rows.given_up_since(tx, schedule.id, now - _LATEST)
        given_up = self._given_up(schedule, awaited, now)
        looked_for = [*awaited, *late]
        if not looked_for:
            return [], True
        oldest = min(tick.first_at or tick.scheduled_at for tick in looked_for)
        said = {*self._cloud.begun(schedule, oldest - _MOMENT)}
        for moment in sorted(said):
            belated = self._belated(schedule, moment, late, now)
            if belated is not None:
                self._has_taken(schedule, belated, now)
        left: list[Tick] = []
        lost: list[list[Tick]] = [[]]
        asked = 0
        for tick in awaited:
            moment = tick.scheduled_at
            is_over = moment in given_up or now >= given_up_at(schedule, moment)
            asked += moment in said or is_over
            if asked > _ASKED_AT_ONCE:
                break
            if (moment in said or is_over) and self._has_taken(schedule, tick, now):
                lost.append([])  # what is missed after it has a row of its own
            elif moment in given_up:
                self._report(tick, TickStatus.FAILED, given_up[moment], now)
                lost.append([])
            elif is_over:
                lost[-1].append(tick)
            else:
                left.append(tick)
        self._report_missed([group for group in lost if group], now)
        return left, asked <= _ASKED_AT_ONCE

    def _belated(
        self, schedule: Schedule, moment: datetime, late: Sequence[Tick], now: datetime
    ) -> Tick | None:
        """Return the tick of a moment that was given up; None: it was not."""
        for tick in late:
            if tick.count == 1 and tick.scheduled_at == moment:
                return tick
            is_within = tick.count > 1 and (tick.first_at or moment) <= moment < tick.scheduled_at
            if is_within and next_tick(schedule.when, moment - _MOMENT) == moment:
                awaited = open_tick(schedule, moment, TickStatus.AWAITED, now)
                with self._store.write() as tx:
                    return awaited if tick_rows.insert(tx, awaited) else None
        return None

    def _report(self, tick: Tick, status: TickStatus, reason: str, now: datetime) -> None:
        update = {"status": status, "reason": reason, "decided_at": now}
        with self._store.write() as tx:
            tick_rows.move(tx, tick, tick.model_copy(update=update))

    def _report_missed(self, groups: Sequence[Sequence[Tick]], now: datetime) -> None:
        """Write down what left nothing; those that follow each other have a row together."""
        for lost in groups:
            first, last = lost[0].scheduled_at, lost[-1]
            is_old = now - last.scheduled_at > _SAID_FOR
            update = {
                "status": TickStatus.MISSED, "reason": _UNKNOWN if is_old else _NOTHING,
                "count": len(lost), "first_at": first, "decided_at": now,
            }  # fmt: skip
            with self._store.write() as tx:
                tick_rows.together(tx, lost, last.model_copy(update=update))

    def _has_taken(self, schedule: Schedule, tick: Tick, now: datetime) -> bool:
        """Take over a tick, if it has begun; False: it has not."""
        begun = self._cloud.begun_at(schedule, tick.scheduled_at)
        if begun is None:
            return False
        update = {"status": TickStatus.MADE, "run_id": begun.run_id, "reason": None,
                  "decided_at": now}  # fmt: skip
        made = tick.model_copy(update=update)
        run, attempt = self._cloud.adopt(schedule, made, begun)
        with self._store.write() as tx:
            if tick_rows.move(tx, tick, made):
                runs.insert(tx, run)
                notices.drop_late(tx, run.id)
                runs.apply(tx, run, run.advance(RunStatus.PENDING, now), now)
                attempts.insert(tx, attempt)
        return True

    def _given_up(
        self, schedule: Schedule, awaited: Sequence[Tick], now: datetime
    ) -> Mapping[datetime, str]:
        """Return why AWS has given up which ticks of a schedule; of others it is written down."""
        engine = schedule.what.spec.engine
        asked_at = self._asked_at.get(engine)
        is_late = bool(awaited) and now - awaited[0].scheduled_at >= _DROPPED_AFTER
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
        """Write down that a tick of another schedule was given up."""
        with self._store.read() as tx:
            found = schedules.readable(tx, [dropped.schedule_id])
            tick = tick_rows.get(tx, dropped.schedule_id, dropped.scheduled_at)
        if not found:
            log.warning(
                "a tick of schedule %s was given up: %s", dropped.schedule_id, dropped.reason
            )
            return
        is_open = tick is not None and tick.status is TickStatus.AWAITED
        if tick is None or not is_open or self._cloud.begun_at(found[0], tick.scheduled_at):
            return
        self._report(tick, TickStatus.FAILED, dropped.reason, now)


def expect(store: Store, schedule_id: str, now: datetime) -> None:
    """Write down the ticks up to now that the cloud was to start; asks nobody.

    Before a schedule is changed: what comes after is of other times, or of none.
    """
    is_more = True
    while is_more:
        with store.read() as tx:
            schedule = schedules.get(tx, schedule_id)
        if schedule is None or schedule.where != "cloud" or schedule.paused_at is not None:
            return
        is_more = _expect_some(store, schedule, now)


def _expect_some(store: Store, schedule: Schedule, now: datetime) -> bool:
    """Do so with the next of them; return whether there may be more."""
    cursor = schedule.cursor
    if cursor > now + LATE:  # a clock was ahead: that time has not come yet
        cursor = now - LATE
    moments = [*islice(ticks_until(schedule.when, cursor, now), _EXPECTED_AT_ONCE)]
    reached = moments[-1] if moments else cursor
    following = next_tick(schedule.when, reached if moments else now)
    if (reached, following) == (schedule.cursor, schedule.next_at):
        return False
    with store.write() as tx:
        if not schedules.settle(tx, schedule, reached, following):
            return True  # somebody else has, or has changed it
        for moment in moments:
            tick_rows.insert(tx, open_tick(schedule, moment, TickStatus.AWAITED, now))
    return len(moments) == _EXPECTED_AT_ONCE


def _is_on(schedule: Schedule) -> bool:
    is_to_come = schedule.next_at is not None and schedule.paused_at is None
    return schedule.where == "cloud" and is_to_come


def _is_due(schedule: Schedule, now: datetime) -> bool:
    """Say whether there is something to do of a schedule, beside what is awaited."""
    is_ahead = schedule.cursor > now + LATE
    is_now = schedule.next_at is not None and (schedule.next_at <= now or is_ahead)
    is_reached = _is_on(schedule) and is_now
    return is_reached or _is_behind(schedule, now) or _is_at_an_end(schedule)


def _is_behind(schedule: Schedule, now: datetime) -> bool:
    """Say whether the cloud has something else than it is to have, or not for long."""
    is_short = schedule.placed is not None and schedule.placed.until - now < _RENEW
    return not schedule.is_placed or (is_short and _is_on(schedule))


def _is_at_an_end(schedule: Schedule) -> bool:
    """Say whether the cloud has something of what is ticked here."""
    return schedule.where == "here" and schedule.placed is not None
