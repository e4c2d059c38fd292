"""A schedule: what runs again and again, when, and by which rules. Decisions are pure functions."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.run import CROCKFORD
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.model.when import When, count_ticks, latest_ticks, next_tick, previous_tick

#: Who starts its runs.
Where = Literal["here", "cloud"]
#: What becomes of ticks that nobody was there for: none is made, the latest, or all.
Missed = Literal["skip", "last", "all"]
#: What becomes of a tick while a run of the same schedule goes on.
Overlap = Literal["skip", "queue", "replace", "allow"]
#: A tick that is seen later than this was missed: nobody was there.
LATE = timedelta(seconds=60)
#: The trigger of ticks of the past that somebody asked for.
BACKFILL = "backfill"
#: So many missed ticks are caught up at most, the latest of them: a week of minutes is no wish.
MOST_CAUGHT_UP = 1000
#: So many ticks may wait for the run before them; a schedule that is too slow must not pile up.
MOST_WAITING = 10
_COUNTED = 50_000
#: The cloud tries so long to start a tick, in seconds, unless a rule says otherwise; and from then
#: on a task has so long until its job begins: it waits for capacity, and pulls its image.
_CLOUD_AGE_S = 3600
_BEGINS_WITHIN = timedelta(minutes=15)
#: So long after its first failure a run that could not be made is tried again: what was away may
#: be back, and who wants to know that it is not should not wait for long.
_TRIES = (timedelta(seconds=20), timedelta(seconds=80), timedelta(seconds=240))


class Rules(Stored):
    """What is done where a plain "at this time" does not say it."""

    missed: Missed = "last"
    #: A missed tick that is older is not caught up, in seconds; None: however old.
    max_age_s: int | None = None
    overlap: Overlap = "skip"
    #: US dollars that its runs may cost in a month (UTC); None: no limit.
    month_usd: float | None = None
    #: Ids of schedules and runs that must have succeeded: it runs when they have.
    after: tuple[str, ...] = ()


class What(Stored):
    """What runs at a tick."""

    #: ``snapshot``: as it was when it was saved; ``file``: as the file is at the tick; ``git``: as
    #: the repository has it then.
    source: Literal["snapshot", "file", "git"]
    #: The job as it was when it was saved: of a snapshot what runs, of others who runs it how.
    spec: JobSpec
    #: Options that were asked for, by their REST field: how a file is made a job at the tick.
    options: dict[str, Any] = {}
    #: Folder of the snapshot among artifacts; None for other sources.
    snapshot_id: str | None = None
    #: Absolute path of a notebook or Python file; below the repository's top for ``git``; None for
    #: a command.
    path: str | None = None
    #: True where each tick puts parameters into a notebook, for which much must be imported.
    injects: bool = False
    #: Repository (a folder or URL) and what of it, a branch, tag or commit; None for other sources.
    repo: str | None = None
    ref: str | None = None


class Placed(Stored):
    """What the cloud has of a schedule, and where."""

    revision: int
    engine: str
    #: Whose names it has there, in which group and region (`engines.cloud.Address`).
    install: str
    group: str
    region: str
    #: Where its files are.
    bucket: Bucket
    #: Until then it has all moments, those among them that are said one by one.
    until: datetime
    #: True: it starts nothing; the files stay while ticks are awaited.
    is_off: bool = False


class Schedule(Stored):
    """A job that runs again and again."""

    id: str
    #: Unique among schedules.
    name: str
    owner: str
    created_at: datetime
    #: Counts edits, from 1: whoever saves says which one they saw.
    revision: int = 1
    edited_at: datetime
    edited_by: str
    when: When
    rules: Rules = Rules()
    what: What
    #: ``here``: a dispatcher makes its runs; ``cloud``: its engine's scheduler starts them, and
    #: a dispatcher takes them over.
    where: Where = "here"
    #: None: the cloud has nothing of it.
    placed: Placed | None = None
    #: Host whose dispatcher makes its runs, where they are bound to one; None: any.
    host: str | None = None
    #: None: it goes on.
    paused_at: datetime | None = None
    #: All ticks up to here are dealt with.
    cursor: datetime
    #: The next tick; None: there is none, or it is not by the clock.
    next_at: datetime | None = None

    @property
    def is_placed(self) -> bool:
        """Say whether the cloud has what it is to have of it."""
        if self.placed is None:
            return self.where == "here" or self.paused_at is not None
        must_be_off = self.where == "here" or self.paused_at is not None
        is_of_this = self.placed.revision == self.revision
        return is_of_this and self.placed.is_off == must_be_off

    @property
    def is_over(self) -> bool:
        """Say whether no tick will ever come by the clock."""
        return self.next_at is None and self.paused_at is None and self.when.kind != "after"


class TickStatus(StrEnum):
    """What became of a tick."""

    #: It has a run.
    MADE = "MADE"
    #: It will have one, when those before it have ended.
    WAITING = "WAITING"
    #: The cloud was to start it; whether it has is not known yet.
    AWAITED = "AWAITED"
    #: A rule of the schedule left it out.
    SKIPPED = "SKIPPED"
    #: Nobody was there; the row may stand for several.
    MISSED = "MISSED"
    #: Its run could not be made.
    FAILED = "FAILED"


#: What may still become a run.
OPEN_TICKS = (TickStatus.WAITING, TickStatus.AWAITED)


class Tick(Stored):
    """One moment of a schedule, and what became of it; there is one row a moment at most."""

    schedule_id: str
    #: When it was due: the key, with the schedule.
    scheduled_at: datetime
    status: TickStatus
    #: ``time``, ``missed`` (caught up), ``backfill``, ``now`` (by hand) or ``after``.
    trigger: str = "time"
    run_id: str | None = None
    #: Why it has no run.
    reason: str | None = None
    decided_at: datetime
    #: How many ticks a MISSED row stands for, and the first of them.
    count: int = 1
    first_at: datetime | None = None
    #: What the tick is for: since the one before it. None: nothing is known of that.
    interval_start: datetime | None = None
    #: Runs that it waited for, in the order of `Rules.after`; empty for what is by the clock.
    after_runs: tuple[str, ...] = ()


def open_tick(
    schedule: Schedule, moment: datetime, status: TickStatus, now: datetime, trigger: str = "time"
) -> Tick:
    """Return a tick of which nothing has become yet."""
    return Tick(
        schedule_id=schedule.id,
        scheduled_at=moment,
        status=status,
        trigger=trigger,
        decided_at=now,
        interval_start=previous_tick(schedule.when, moment),
    )


def new_schedule_id() -> str:
    """Return ``s`` and 12 random characters (60 bits)."""
    return "s" + "".join(secrets.choice(CROCKFORD) for _ in range(12))


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Ticks that nobody was there for and that are not caught up."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What is to be done of a schedule now."""

    #: Ticks that are to run, oldest first.
    run: tuple[datetime, ...]
    #: Those of them that were missed.
    caught_up: frozenset[datetime]
    missing: Missing | None
    #: Up to here all is dealt with then.
    cursor: datetime
    next_at: datetime | None


def due(
    when: When,
    rules: Rules,
    cursor: datetime,
    now: datetime,
    here_since: datetime | None = None,
) -> Due:
    """Return which ticks since ``cursor`` are to run, and which were missed.

    However long it was, what comes back is bounded. Where the clock was set back behind
    ``cursor``, ticks are counted from ``now`` again: those that were made are known by their rows.

    Parameters
    ----------
    here_since
        From then on somebody was there: later ticks were not missed, if there was much to do; None:
        nobody knows.
    """
    if cursor > now + LATE:
        cursor = now - timedelta(microseconds=1)
    newest = latest_ticks(when, cursor, now, MOST_CAUGHT_UP + 1)
    if not newest:
        following = next_tick(when, max(cursor, now))
        return Due(run=(), caught_up=frozenset(), missing=None, cursor=cursor, next_at=following)
    current = [tick for tick in newest if here_since is not None and tick >= here_since]
    if not current and now - newest[-1] <= LATE:
        current = newest[-1:]
    late = newest[: len(newest) - len(current)]
    caught = _caught_up(rules, late, is_on_time=bool(current), now=now)
    run = (*caught, *current)
    return Due(
        run=run,
        caught_up=frozenset(caught),
        missing=_missing(when, cursor, newest, run),
        cursor=newest[-1],
        next_at=next_tick(when, max(newest[-1], now)),
    )


def _caught_up(
    rules: Rules, late: list[datetime], *, is_on_time: bool, now: datetime
) -> list[datetime]:
    if rules.missed == "skip" or (rules.missed == "last" and is_on_time):
        return []
    wanted = late[-1:] if rules.missed == "last" else late[-MOST_CAUGHT_UP:]
    if rules.max_age_s is None:
        return wanted
    oldest = now - timedelta(seconds=rules.max_age_s)
    return [tick for tick in wanted if tick >= oldest]


def _missing(
    when: When, cursor: datetime, newest: list[datetime], run: tuple[datetime, ...]
) -> Missing | None:
    """Return the ticks up to the newest that do not run: they come before those that do."""
    last = next((tick for tick in reversed(newest) if tick not in run), None)
    if last is None and len(newest) > MOST_CAUGHT_UP:  # there may be more than were looked for
        older = latest_ticks(when, cursor, newest[0] - timedelta(microseconds=1), 1)
        last = older[0] if older else None
    if last is None:
        return None
    first = next_tick(when, cursor)
    assert first is not None, "there are ticks since then"
    return Missing(count=count_ticks(when, cursor, last, _COUNTED), first=first, last=last)


Answer = Literal["start", "wait", "replace", "skip"]


def next_in_turn(
    rules: Rules, waiting: Sequence[Tick], *, running: int, backfilled: int
) -> Tick | None:
    """Return which tick that waits is to run now; None: none is.

    Those of the schedule's own times come first, and do not wait for a backfill. Of a backfill, a
    tick runs when nothing else of the schedule does.

    Parameters
    ----------
    waiting
        Oldest first.
    running, backfilled
        Runs that go on: of its own times, and of a backfill.
    """
    own = next((tick for tick in waiting if tick.trigger != BACKFILL), None)
    head = own or next(iter(waiting), None)
    before = running if own is not None else running + backfilled
    return None if before and rules.overlap != "allow" else head


def on_overlap(rules: Rules, *, running: int, waiting: int, is_patient: bool) -> Answer:
    """Return what to do with a tick while others of its schedule run, or wait to.

    Parameters
    ----------
    is_patient
        True for what is caught up or backfilled: it was asked for, and waits its turn.
    """
    if rules.overlap == "allow" or not (running or waiting):
        return "start"
    if is_patient:
        return "wait"
    if rules.overlap == "queue":
        return "wait" if waiting < MOST_WAITING else "skip"
    return rules.overlap


def next_try(failed_at: datetime, now: datetime) -> datetime | None:
    """Return when a run that could not be made is tried again; None: not any more.

    Parameters
    ----------
    failed_at
        When that was tried first. Where the clock was set back since, it is counted from now.
    """
    begin = min(failed_at, now)
    return next((begin + wait for wait in _TRIES if begin + wait > now), None)


def max_age_in_cloud_s(rules: Rules) -> int:
    """Return how long, in seconds, the cloud tries to start a tick."""
    return rules.max_age_s or _CLOUD_AGE_S


def given_up_at(schedule: Schedule, moment: datetime) -> datetime:
    """Return when a tick that the cloud was to start has begun, or never will."""
    age = timedelta(seconds=max_age_in_cloud_s(schedule.rules))
    return moment + age + _BEGINS_WITHIN


def over_month(rules: Rules, spent_usd: float, ceiling_usd: float | None) -> str | None:
    """Return why a run would pass what its schedule may cost in a month; None: it would not.

    Parameters
    ----------
    spent_usd
        Of its runs in this month, with the ceilings of those that go on.
    ceiling_usd
        What the run cannot exceed; None: nothing limits it.
    """
    if rules.month_usd is None:
        return None
    if ceiling_usd is None:
        return "nothing limits what a run of it may cost, and it has a limit a month"
    if spent_usd + ceiling_usd <= rules.month_usd:
        return None
    return (
        f"with {format_money(spent_usd)} this month, a run of up to {format_money(ceiling_usd)} "
        f"would pass its {format_money(rules.month_usd)} a month"
    )


def check_chain(
    schedule_id: str, after: tuple[str, ...], edges: Mapping[str, tuple[str, ...]],
    names: Mapping[str, str],
) -> None:  # fmt: skip
    """Raise InvalidOption where a schedule would wait for itself, through whatever others.

    Parameters
    ----------
    edges
        What each schedule waits for, by id.
    names
        Names of schedules, for the message.
    """
    ways: list[tuple[str, tuple[str, ...]]] = [(one, (schedule_id, one)) for one in after]
    seen: set[str] = set()
    while ways:
        at, way = ways.pop()
        if at == schedule_id:
            shown = " → ".join(names.get(one, one) for one in way)
            raise InvalidOption(
                f"it would wait for itself: {shown}", next_step="leave one of these --after out"
            )
        if at not in seen:
            seen.add(at)
            ways += [(one, (*way, one)) for one in edges.get(at, ())]
