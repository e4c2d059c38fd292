"""Schedules → runs: makes the run of each tick that is due, once, whoever else ticks.

A tick and its run become rows in one transaction, guarded by the cursor that the schedule had; who
comes second finds it moved, and throws away what it has prepared. Preparing (reading a notebook,
asking git) happens outside of any transaction, and in threads: what fails or hangs is on its own.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from jupyter_flotilla.dispatch import decisions
from jupyter_flotilla.dispatch.decisions import Maker
from jupyter_flotilla.dispatch.rests import Rests
from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.model.schedule import (
    BACKFILL,
    LATE,
    Due,
    Schedule,
    Tick,
    TickStatus,
    due,
    next_in_turn,
    next_try,
    on_overlap,
    open_tick,
)
from jupyter_flotilla.store import runs, schedules, ticks
from jupyter_flotilla.store.connection import Store

log = logging.getLogger("jupyter_flotilla.dispatch")

#: So many schedules are looked at in a step.
_AT_ONCE = 200
#: A schedule whose tick could not even be written down is left alone for so long.
_REST = timedelta(seconds=5)
#: So long before a tick what it needs is imported, which takes a second.
_WARM = timedelta(seconds=10)


class Ticker:
    """Ticks the schedules of one store that this host may make runs for.

    Parameters
    ----------
    workers
        Threads that make runs; None: the caller's own.
    """

    def __init__(
        self, store: Store, maker: Maker, host: str, workers: Workers | None = None
    ) -> None:
        self._store = store
        self._maker = maker
        self._host = host
        self._workers = workers
        #: Schedules that could not be ticked: not before this is over, and then surely.
        self._resting = Rests()
        #: Schedules with a tick whose run could not be made: when that is tried again.
        self._tried = Rests()
        #: What was last told of a schedule that cannot be ticked.
        self._told: dict[str, str] = {}
        self._seen: object = None
        self._is_warm = False
        #: When the latest step was, and since when there was one every minute.
        self._stepped_at: datetime | None = None
        self._here_since: datetime | None = None
        self._moved = 0
        #: When the next tick is due; None: none is, by the clock.
        self.next_at: datetime | None = None
        #: True where there are schedules that somebody has to stay for.
        self.stays = False

    def is_due(self, now: datetime) -> bool:
        """Say whether there is a tick to look at."""
        return bool(self._back(now)) or (self.next_at is not None and self.next_at <= now)

    def step(self, now: datetime) -> int:
        """Make the runs of ticks that are due, or have them made; return how many moved."""
        self._attend(now)
        if self._workers is not None:
            self._workers.tend()
        back = self._back(now)
        self._resting.drop(back)
        self._tried.drop(back)
        busy = self._busy()
        with self._store.read() as tx:
            found = schedules.due(tx, self._host, now, _AT_ONCE)
            news = schedules.news(tx)
            is_news = news != self._seen
            waiting = schedules.with_waiting(tx, self._host) if is_news else []
            chained = schedules.chained(tx, self._host) if is_news else []
        wanted = {*found, *waiting, *chained, *back}
        for schedule_id in sorted(wanted - busy - self._resting.keys):
            self._start(schedule_id, now)
        if not wanted & busy:
            self._seen = news  # else somebody is to look again; what rests comes back by itself
        self._look_ahead(now)
        moved, self._moved = self._moved, 0
        return moved

    def _attend(self, now: datetime) -> None:
        """Note that somebody is here: what is late from now on was not missed."""
        seen, self._stepped_at = self._stepped_at, now
        if seen is None or not timedelta() <= now - seen <= LATE:
            self._here_since = now

    def _look_ahead(self, now: datetime) -> None:
        blocked = self._busy() | self._resting.keys
        with self._store.read() as tx:
            self.next_at = schedules.next_at(tx, self._host, blocked)
            self.stays = schedules.has_waiting(tx, self._host)
            is_soon = self.next_at is not None and self.next_at - now < _WARM
            wanted = is_soon and not self._is_warm
            soon = schedules.due(tx, self._host, now + _WARM, _AT_ONCE) if wanted else []
            ahead = schedules.readable(tx, soon)
        if not self._is_warm and any(one.what.injects for one in ahead):
            self._is_warm = True
            self._maker.warm()

    def _busy(self) -> set[str]:
        return {*self._workers.keys} if self._workers is not None else set()

    def _back(self, now: datetime) -> set[str]:
        """Return the schedules that have rested, and are to be looked at again."""
        over = self._resting.over(now) | self._tried.over(now)
        return over - self._busy() if over else over

    def _start(self, schedule_id: str, now: datetime) -> None:
        if self._workers is None:
            self._tick(schedule_id, now)
        else:
            self._workers.submit(schedule_id, lambda: self._tick(schedule_id, now))

    def _tick(self, schedule_id: str, now: datetime) -> None:
        """Do all that is due of one schedule."""
        try:
            self._by_the_clock(schedule_id, now)
            self._after_others(schedule_id, now)
            self._in_turn(schedule_id, now)
        except Exception as error:
            # A step's boundary: what cannot even be written down must not end all the others.
            is_ours = isinstance(error, FlotillaError)
            if self._told.get(schedule_id) != str(error):  # it is tried again and again
                self._told[schedule_id] = str(error)
                log.error(
                    "schedule %s cannot be ticked: %s", schedule_id, error, exc_info=not is_ours
                )
            self._resting.put(schedule_id, now, now + _REST)
        else:
            self._told.pop(schedule_id, None)

    def _by_the_clock(self, schedule_id: str, now: datetime) -> None:
        with self._store.read() as tx:
            schedule = schedules.get(tx, schedule_id)
        if schedule is None or schedule.paused_at is not None or schedule.when.kind == "after":
            return
        if schedule.where == "cloud":
            return  # it starts by itself
        found = due(schedule.when, schedule.rules, schedule.cursor, now, self._here_since)
        if not found.run:
            if (schedule.cursor, schedule.next_at) != (found.cursor, found.next_at):
                self._settle_none(schedule, found, now)
            return
        for place, moment in enumerate(found.run):
            is_last = place == len(found.run) - 1
            following = found.next_at if is_last else found.run[place + 1]
            trigger = "missed" if moment in found.caught_up else "time"
            tick = open_tick(schedule, moment, TickStatus.WAITING, now, trigger)
            missed = decisions.missed(schedule, found, now) if place == 0 else None
            moved = self._decide(schedule, tick, following, missed, now)
            if moved is None:
                return  # another process is at it
            schedule = moved

    def _settle_none(self, schedule: Schedule, found: Due, now: datetime) -> None:
        missed = decisions.missed(schedule, found, now)
        with self._store.write() as tx:
            if schedules.settle(tx, schedule, found.cursor, found.next_at) and missed is not None:
                ticks.insert(tx, missed)
        self._moved += 1

    def _after_others(self, schedule_id: str, now: datetime) -> None:
        with self._store.read() as tx:
            schedule = schedules.get(tx, schedule_id)
        if schedule is None or schedule.paused_at is not None or schedule.when.kind != "after":
            return
        if schedule.cursor > now + LATE:  # a clock was ahead: that time has not come yet
            behind = schedule.model_copy(update={"cursor": now - LATE})
            with self._store.write() as tx:
                if not schedules.settle(tx, schedule, behind.cursor, None):
                    return
            schedule = behind
        with self._store.read() as tx:
            until = now + LATE
            found = [ticks.latest_success(tx, one, schedule, until) for one in schedule.rules.after]
            failure = ticks.first_failure(tx, schedule.rules.after)
        if failure is not None:
            self._never(schedule, failure, now)
            return
        done = [one for one in found if one is not None]
        if not done or len(done) < len(found):
            return
        moment = max(at for at, _ in done)
        if moment <= schedule.cursor:
            return
        tick = Tick(
            schedule_id=schedule.id,
            scheduled_at=moment,
            status=TickStatus.WAITING,
            trigger="after",
            decided_at=now,
            interval_start=min((at for at, _ in done), default=None),
            after_runs=tuple(run_id for _, run_id in done),
        )
        self._decide(schedule, tick, None, None, now)

    def _never(self, schedule: Schedule, failure: tuple[datetime, str], now: datetime) -> None:
        """Say once that what a schedule waits for will never come."""
        ended_at = max(failure[0], schedule.created_at)
        if ended_at <= schedule.cursor:
            return
        tick = Tick(
            schedule_id=schedule.id,
            scheduled_at=ended_at,
            status=TickStatus.SKIPPED,
            trigger="after",
            reason=f"run {failure[1]}, which it waits for, has not succeeded",
            decided_at=now,
        )
        with self._store.write() as tx:
            if schedules.settle(tx, schedule, ended_at, None):
                ticks.insert(tx, tick)
        self._moved += 1

    def _decide(
        self,
        schedule: Schedule,
        tick: Tick,
        next_at: datetime | None,
        missed: Tick | None,
        now: datetime,
    ) -> Schedule | None:
        """Decide on one tick; return the schedule as it is then, None where another was first."""
        with self._store.read() as tx:
            is_known = ticks.get(tx, schedule.id, tick.scheduled_at) is not None
            # a backfill is beside the schedule's own times
            running = len(schedules.open_runs(tx, schedule.id, but_backfilled=True))
            waits = sum(one.trigger != BACKFILL for one in ticks.waiting(tx, schedule.id))
        answer = on_overlap(
            schedule.rules, running=running, waiting=waits, is_patient=tick.trigger == "missed"
        )
        run = None
        if answer == "start" and not is_known:
            tick, run = decisions.made(self._maker, schedule, tick, now)
        moved = schedule.model_copy(update={"cursor": tick.scheduled_at, "next_at": next_at})
        is_in = False
        try:
            with self._store.write() as tx:
                if run is not None and not decisions.has_room(tx, schedule, tick):
                    return None  # another process has just begun one: it is decided anew
                if not schedules.settle(tx, schedule, moved.cursor, next_at):
                    return None
                if missed is not None:
                    ticks.insert(tx, missed)
                decided = decisions.in_budget(
                    tx, schedule, decisions.answered(tick, answer), run, now
                )
                is_new = ticks.insert(tx, decided)
                if is_new and run is not None and decided.run_id is not None:
                    runs.insert(tx, run)
                if is_new and answer == "replace":
                    decisions.make_way(tx, schedule.id, decided, now)
            is_in = is_new and decided.run_id is not None
        except IntegrityError:
            return None  # another process has just written this tick
        finally:
            if run is not None and not is_in:
                self._maker.discard(run)
        self._moved += 1
        self._try_again(decided, now)
        return moved

    def _try_again(self, tick: Tick, now: datetime) -> None:
        """See to it that a tick whose run could not be made is tried again."""
        until = next_try(tick.decided_at, now) if decisions.is_tried_again(tick) else None
        if until is not None:
            self._tried.put(tick.schedule_id, now, until)

    def _in_turn(self, schedule_id: str, now: datetime) -> None:
        """Start what waits its turn; nothing of a schedule that is paused."""
        while True:
            with self._store.read() as tx:
                schedule = schedules.get(tx, schedule_id)
                queue = ticks.waiting(tx, schedule_id)
                own = len(schedules.open_runs(tx, schedule_id, but_backfilled=True))
                others = len(schedules.open_runs(tx, schedule_id)) - own
            if schedule is None or schedule.paused_at is not None:
                return
            tick = next_in_turn(schedule.rules, queue, running=own, backfilled=others)
            if tick is None or (decisions.is_tried_again(tick) and schedule_id in self._tried.keys):
                return
            if not self._start_waiting(schedule, tick, now):
                return

    def _start_waiting(self, schedule: Schedule, tick: Tick, now: datetime) -> bool:
        """Make the run of a tick that has waited; False where the next one is not to be begun."""
        made, run = decisions.made(self._maker, schedule, tick, now)
        is_in = False
        try:
            with self._store.write() as tx:
                if not schedules.is_as_seen(tx, schedule):
                    return False  # its snapshot may be another: it is made anew
                if run is not None and not decisions.has_room(tx, schedule, tick):
                    return False
                decided = decisions.in_budget(tx, schedule, made, run, now)
                is_moved = ticks.move(tx, tick, decided)
                if is_moved and run is not None and decided.run_id is not None:
                    runs.insert(tx, run)
            is_in = is_moved and decided.run_id is not None
        finally:
            if run is not None and not is_in:
                self._maker.discard(run)
        self._moved += 1
        self._try_again(decided, now)
        return is_moved and not decisions.is_tried_again(decided)
