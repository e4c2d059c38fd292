"""The table of notices: who wants to be told of a run or tick, and whether they were.

A row is there from the submit on, in its transaction, and stays until somebody was told or there is
nothing left to tell: so nothing that ends while no dispatcher lives is forgotten.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla import machine
from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.notice import Occasion, wishes
from jupyter_flotilla.model.run import FINAL_STATUSES, Run, RunStatus
from jupyter_flotilla.model.schedule import Tick, TickStatus
from jupyter_flotilla.store.schema import notices, runs

_NOT_BEGUN = (RunStatus.QUEUED, RunStatus.PENDING)
_IS_TICK = notices.c.about.contains("@")
#: Of what a tick without a run is an occasion.
_OF_TICKS = {TickStatus.FAILED: Occasion.FAILURE, TickStatus.MISSED: Occasion.LATE}


class NoticeStatus(StrEnum):
    """What became of a wish to be told."""

    WAITING = "WAITING"
    TOLD = "TOLD"
    #: What was asked about did not happen.
    DROPPED = "DROPPED"
    #: The target has not taken it, however often it was tried.
    FAILED = "FAILED"


class Notice(Stored):
    """One wish to be told."""

    #: Id of a run; of a tick without a run ``SCHEDULE@TICK``.
    about: str
    target: str
    occasion: Occasion
    #: Whose dispatcher tells it: the settings and the desktop of who has asked are there.
    host: str
    status: NoticeStatus = NoticeStatus.WAITING
    #: How often it was sent.
    tries: int = 0
    #: Not before this; None: as soon as it is due.
    next_at: datetime | None = None
    #: Why it was not taken; never an address.
    reason: str | None = None


def insert(conn: sa.Connection, run: Run) -> None:
    """Add the wishes of a new run."""
    rows = [
        _new(run.id, target, occasion)
        for target, occasion in wishes(run.spec.notify)
        if occasion is not Occasion.LATE or run.scheduled_at is not None
    ]
    if rows:
        conn.execute(notices.insert(), rows)


def drop_late(conn: sa.Connection, run_id: str) -> None:
    """Tell nobody that a run is late: it has begun elsewhere."""
    this = (notices.c.about == run_id) & (notices.c.occasion == Occasion.LATE)
    conn.execute(notices.delete().where(this))


def insert_of_tick(conn: sa.Connection, tick: Tick, notify: Sequence[str]) -> None:
    """Add the wishes of a schedule that are about a tick which has no run."""
    occasion = _OF_TICKS.get(tick.status)
    about = f"{tick.schedule_id}@{tick.scheduled_at.isoformat()}"
    for target, wished in wishes(notify):
        if wished is occasion:
            key = (notices.c.about == about) & (notices.c.target == target)
            conn.execute(notices.delete().where(key, notices.c.occasion == wished))
            conn.execute(notices.insert().values(**_new(about, target, wished)))


def of(conn: sa.Connection, about: str) -> list[Notice]:
    """Return all wishes about a run, or a tick."""
    rows = conn.execute(notices.select().where(notices.c.about == about))
    return [Notice.model_validate(row._asdict()) for row in rows]


def of_ended(conn: sa.Connection, now: datetime, busy: Collection[str], limit: int) -> list[Notice]:
    """Return what waits of runs that are final, or are gone.

    Parameters
    ----------
    busy
        Targets that are just being told something: the others come first.
    """
    query = (
        notices.select()
        .outerjoin_from(notices, runs, runs.c.id == notices.c.about)
        .where(_waits(now), ~_IS_TICK, notices.c.target.not_in(busy))
        .where(runs.c.status.is_(None) | runs.c.status.in_(FINAL_STATUSES))
        .limit(limit)
    )
    return [Notice.model_validate(row._asdict()) for row in conn.execute(query)]


def of_ticks(conn: sa.Connection, now: datetime, busy: Collection[str], limit: int) -> list[Notice]:
    """Return what waits of ticks that have no run; otherwise as `of_ended`."""
    query = notices.select().where(_waits(now), _IS_TICK, notices.c.target.not_in(busy))
    return [Notice.model_validate(row._asdict()) for row in conn.execute(query.limit(limit))]


def of_running(conn: sa.Connection, now: datetime, limit: int) -> list[Notice]:
    """Return who wants to know when runs that go on are slow; those that began first."""
    query = (
        notices.select()
        .join_from(notices, runs, runs.c.id == notices.c.about)
        .where(_waits(now), notices.c.occasion == Occasion.SLOW)
        .where(runs.c.status == RunStatus.RUNNING)
        .order_by(runs.c.started_at)
        .limit(limit)
    )
    return [Notice.model_validate(row._asdict()) for row in conn.execute(query)]


def of_late(conn: sa.Connection, now: datetime, before: datetime, limit: int) -> list[Notice]:
    """Return who wants to know of runs that were due before a moment and have not begun."""
    query = (
        notices.select()
        .join_from(notices, runs, runs.c.id == notices.c.about)
        .where(_waits(now), notices.c.occasion == Occasion.LATE)
        .where(runs.c.status.in_(_NOT_BEGUN), runs.c.scheduled_at <= before)
        .limit(limit)
    )
    return [Notice.model_validate(row._asdict()) for row in conn.execute(query)]


def has_untold(conn: sa.Connection) -> bool:
    """Say whether something that has happened is still to be told."""
    query = (
        sa.select(notices.c.about)
        .outerjoin_from(notices, runs, runs.c.id == notices.c.about)
        .where(notices.c.status == NoticeStatus.WAITING, _is_here())
        .where(_IS_TICK | runs.c.status.in_(FINAL_STATUSES))
    )
    return conn.execute(query.limit(1)).first() is not None


def move(conn: sa.Connection, seen: Notice, moved: Notice) -> bool:
    """Change a notice that is as it was seen; False: another process was first."""
    key = (
        (notices.c.about == seen.about)
        & (notices.c.target == seen.target)
        & (notices.c.occasion == seen.occasion)
    )
    still = (notices.c.status == seen.status) & (notices.c.tries == seen.tries)
    values = moved.model_dump(exclude={"about", "target", "occasion", "host"})
    return conn.execute(notices.update().where(key, still).values(**values)).rowcount == 1


def _waits(now: datetime) -> sa.ColumnElement[bool]:
    is_due = notices.c.next_at.is_(None) | (notices.c.next_at <= now)
    return (notices.c.status == NoticeStatus.WAITING) & _is_here() & is_due


def _is_here() -> sa.ColumnElement[bool]:
    return notices.c.host == machine.host()


def _new(about: str, target: str, occasion: Occasion) -> dict[str, Any]:
    host = machine.host()
    return Notice(about=about, target=target, occasion=occasion, host=host).model_dump()
