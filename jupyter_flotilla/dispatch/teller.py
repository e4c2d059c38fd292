"""Tells those who want to be told of runs: once, and again until they have taken it."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.errors import NotTold
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.notice import Occasion, body, occasion_of, tick_message, title
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.slowness import slow_after_s
from jupyter_flotilla.model.units import format_duration, format_money
from jupyter_flotilla.store import attempts, costs, events, notices, runs, schedules, ticks
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.notices import Notice, NoticeStatus

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Takes a target's name, a title and a text; raises NotTold.
Send = Callable[[str, str, str], None]

#: Before each further try.
_AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200))
#: So many at a step.
_AT_ONCE = 50
#: So many runs that go on are looked at for being slow, or late.
_MOST_LOOKED_AT = 1000
#: How often it is looked whether a run is slow, or late.
_LOOK_EVERY = timedelta(seconds=5)
#: A run that has not begun so long after its tick is late.
_LATE_AFTER = timedelta(minutes=5)


class Teller:
    """Tells of the runs of one store.

    Parameters
    ----------
    workers
        Threads that send; None: the caller's own.
    """

    def __init__(self, store: Store, send: Send, workers: Workers | None = None) -> None:
        self._store = store
        self._send = send
        self._workers = workers
        self._looked_at: datetime | None = None
        #: What is slow for a run that goes on, in seconds; None: nobody knows.
        self._usual: dict[str, float | None] = {}
        #: True while somebody has to stay for what is to be told again.
        self.stays = False

    def step(self, now: datetime) -> int:
        """Tell what is due, or have it told; return how many notices moved."""
        if self._workers is not None:
            self._workers.tend()
        moved = self._of_ended(now) + self._of_ticks(now)
        if self._looked_at is None or abs(now - self._looked_at) >= _LOOK_EVERY:
            self._looked_at = now
            moved += self._of_slow(now) + self._of_late(now)
        with self._store.read() as tx:
            self.stays = notices.has_untold(tx)
        return moved

    def _of_ended(self, now: datetime) -> int:
        with self._store.read() as tx:
            found = notices.of_ended(tx, now, self._busy(), _AT_ONCE)
            ended = runs.get_all(tx, [notice.about for notice in found])
        moved = 0
        for notice in found:
            run = ended.get(notice.about)
            if run is not None and occasion_of(run) is notice.occasion:
                moved += self._tell(notice, run, now, [])
            else:
                moved += self._move(notice, status=NoticeStatus.DROPPED)
        return moved

    def _of_ticks(self, now: datetime) -> int:
        with self._store.read() as tx:
            found = notices.of_ticks(tx, now, self._busy(), _AT_ONCE)
        moved = 0
        for notice in found:
            schedule_id, _, moment = notice.about.partition("@")
            with self._store.read() as tx:
                schedule = schedules.get(tx, schedule_id)
                tick = ticks.get(tx, schedule_id, datetime.fromisoformat(moment))
            if schedule is None or tick is None:
                moved += self._move(notice, status=NoticeStatus.DROPPED)
            else:
                moved += self._send_one(notice, partial(tick_message, schedule, tick), now)
        return moved

    def _of_slow(self, now: datetime) -> int:
        with self._store.read() as tx:
            found = notices.of_running(tx, now, _MOST_LOOKED_AT)
            ids = list(dict.fromkeys(notice.about for notice in found))
            going_on, latest = runs.get_all(tx, ids), attempts.latest_of(tx, ids)
        self._usual = {key: value for key, value in self._usual.items() if key in going_on}
        moved = 0
        for notice in found:
            run, attempt = going_on.get(notice.about), latest.get(notice.about)
            if run is None or attempt is None or attempt.started_at is None:
                continue
            running_s = (now - attempt.started_at).total_seconds()
            threshold_s = self._slow_after_s(run)
            if threshold_s is not None and running_s > threshold_s:
                usual = format_duration(threshold_s)
                facts = [f"It has run for {format_duration(running_s)}; up to {usual} is usual."]
                moved += self._tell(notice, run, now, facts)
        return moved

    def _slow_after_s(self, run: Run) -> float | None:
        if run.id not in self._usual:
            with self._store.read() as tx:
                past = costs.history(tx, run.spec)
            self._usual[run.id] = slow_after_s([one.duration_s for one in past])
        return self._usual[run.id]

    def _of_late(self, now: datetime) -> int:
        with self._store.read() as tx:
            found = notices.of_late(tx, now, now - _LATE_AFTER, _MOST_LOOKED_AT)
            waiting = runs.get_all(tx, [notice.about for notice in found])
        moved = 0
        for notice in found:
            run = waiting.get(notice.about)
            if run is not None and run.scheduled_at is not None:
                due = f"{run.scheduled_at:%Y-%m-%d %H:%M:%S} UTC"
                moved += self._tell(notice, run, now, [f"It was to begin at {due}: {run.status}."])
        return moved

    def _tell(self, notice: Notice, run: Run, now: datetime, facts: list[str]) -> int:
        return self._send_one(notice, partial(self._message, notice.occasion, run, facts), now)

    def _send_one(
        self, notice: Notice, message: Callable[[], tuple[str, str]], now: datetime
    ) -> int:
        """Send one notice, or have it sent; 0: that is being done, or another process does."""
        if notice.target in self._busy():
            return 0  # one message after the other: one that hangs must not hold several threads
        pause = _AGAIN_AFTER[min(notice.tries, len(_AGAIN_AFTER) - 1)]
        # written down before it is sent: whoever is killed in between has tried
        sent = notice.model_copy(update={"tries": notice.tries + 1, "next_at": now + pause})
        with self._store.write() as tx:
            if not notices.move(tx, notice, sent):
                return 0
        if self._workers is None:
            self._deliver(sent, message, now)
        else:
            self._workers.submit(notice.target, partial(self._deliver, sent, message, now))
        return 1

    def _deliver(
        self, notice: Notice, message: Callable[[], tuple[str, str]], now: datetime
    ) -> None:
        try:
            self._send(notice.target, *message())
        except NotTold as error:
            self._failed(notice, error.message, now)
        except Exception as error:
            # The boundary of one notice: whatever a library or a server does, the rest goes on.
            log.error(
                "%s cannot be told of %s: %s", notice.target, notice.about, type(error).__name__
            )
            self._failed(notice, type(error).__name__, now)
        else:
            with self._store.write() as tx:
                told = {"status": NoticeStatus.TOLD, "next_at": None, "reason": None}
                if notices.move(tx, notice, notice.model_copy(update=told)):
                    _record(tx, notice, "told", now)

    def _failed(self, notice: Notice, reason: str, now: datetime) -> None:
        is_last = notice.tries > len(_AGAIN_AFTER)
        status = NoticeStatus.FAILED if is_last else NoticeStatus.WAITING
        with self._store.write() as tx:
            failed = notice.model_copy(update={"status": status, "reason": reason})
            if notices.move(tx, notice, failed) and (is_last or notice.tries == 1):
                _record(tx, notice, "not told", now, reason=reason)

    def _message(self, occasion: Occasion, run: Run, facts: list[str]) -> tuple[str, str]:
        with self._store.read() as tx:
            made = attempts.of_run(tx, run.id)
        return title(run, occasion), body(run, occasion, facts=[*facts, *_cost_text(made)])

    def _busy(self) -> Collection[str]:
        """Return the targets that are just being told something."""
        return () if self._workers is None else self._workers.keys

    def _move(self, notice: Notice, **changes: object) -> int:
        with self._store.write() as tx:
            return int(notices.move(tx, notice, notice.model_copy(update=changes)))


def _record(tx: sa.Connection, notice: Notice, name: str, now: datetime, **detail: str) -> None:
    if "@" not in notice.about:  # a tick has no events: its notice says all of it
        what = {"target": notice.target, "occasion": notice.occasion.value, **detail}
        events.insert(tx, notice.about, now, name, **what)


def _cost_text(made: list[Attempt]) -> list[str]:
    charges = [attempt.charge_usd for attempt in made if attempt.charge_usd is not None]
    rates = [attempt.rate for attempt in made if attempt.rate is not None]
    if not charges or not rates:
        return []
    total = format_money(sum(charges))
    if rates[-1].is_hypothetical:
        return [f"It cost nothing here; on Fargate it would have been about {total}."]
    return [f"It cost {total}."]
