"""The table of notices: who wants to be told of a run, and whether they were.

A row is there from the submit on, in its transaction, and stays until somebody was told or there is
nothing left to tell: so nothing that ends while no dispatcher lives is forgotten.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.notice import Occasion, wishes
from jupyter_flotilla.model.run import FINAL_STATUSES, Run, RunStatus
from jupyter_flotilla.store.schema import notices, runs


class NoticeStatus(StrEnum):
    """What became of a wish to be told."""

    WAITING = "WAITING"
    TOLD = "TOLD"
    #: What was asked about did not happen.
    DROPPED = "DROPPED"
    #: The target has not taken it, however often it was tried.
    FAILED = "FAILED"


class Notice(Stored):
    """One wish of one run."""

    run_id: str
    target: str
    occasion: Occasion
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
        Notice(run_id=run.id, target=target, occasion=occasion).model_dump()
        for target, occasion in wishes(run.spec.notify)
    ]
    if rows:
        conn.execute(notices.insert(), rows)


def of_run(conn: sa.Connection, run_id: str) -> list[Notice]:
    """Return all wishes of a run."""
    rows = conn.execute(notices.select().where(notices.c.run_id == run_id))
    return [Notice.model_validate(row._asdict()) for row in rows]


def of_ended(conn: sa.Connection, now: datetime, limit: int) -> list[Notice]:
    """Return what waits of runs that are final, or are gone."""
    query = (
        notices.select()
        .outerjoin_from(notices, runs, runs.c.id == notices.c.run_id)
        .where(_waits(now), runs.c.status.is_(None) | runs.c.status.in_(FINAL_STATUSES))
        .limit(limit)
    )
    return [Notice.model_validate(row._asdict()) for row in conn.execute(query)]


def of_open(
    conn: sa.Connection, occasion: Occasion, statuses: Sequence[RunStatus], now: datetime
) -> list[Notice]:
    """Return what waits of runs that have such a status."""
    query = (
        notices.select()
        .join_from(notices, runs, runs.c.id == notices.c.run_id)
        .where(_waits(now), notices.c.occasion == occasion, runs.c.status.in_(statuses))
    )
    return [Notice.model_validate(row._asdict()) for row in conn.execute(query)]


def has_untold(conn: sa.Connection) -> bool:
    """Say whether something of runs that are final is still to be told."""
    query = (
        sa.select(notices.c.run_id)
        .join_from(notices, runs, runs.c.id == notices.c.run_id)
        .where(notices.c.status == NoticeStatus.WAITING, runs.c.status.in_(FINAL_STATUSES))
    )
    return conn.execute(query.limit(1)).first() is not None


def move(conn: sa.Connection, seen: Notice, moved: Notice) -> bool:
    """Change a notice that is as it was seen; False: another process was first."""
    key = (
        (notices.c.run_id == seen.run_id)
        & (notices.c.target == seen.target)
        & (notices.c.occasion == seen.occasion)
    )
    still = (notices.c.status == seen.status) & (notices.c.tries == seen.tries)
    values = moved.model_dump(exclude={"run_id", "target", "occasion"})
    return conn.execute(notices.update().where(key, still).values(**values)).rowcount == 1


def _waits(now: datetime) -> sa.ColumnElement[bool]:
    is_due = notices.c.next_at.is_(None) | (notices.c.next_at <= now)
    return (notices.c.status == NoticeStatus.WAITING) & is_due
