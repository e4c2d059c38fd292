"""The table of publications: what runs were to publish under which names, and what became of it."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from jupyter_flotilla import machine
from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.publish import publications as wishes
from jupyter_flotilla.model.run import FINAL_STATUSES, Run
from jupyter_flotilla.store.schema import publications, runs


class PublicationStatus(StrEnum):
    """What became of a wish to publish."""

    WAITING = "WAITING"
    PUBLISHED = "PUBLISHED"
    #: The run was no success, or a later one has taken its place.
    DROPPED = "DROPPED"
    FAILED = "FAILED"


class Publication(Stored):
    """One name that a run is to be published under."""

    run_id: str
    name: str
    #: File that the job brings back; None: the executed notebook.
    path: str | None
    #: Whose home it is in.
    host: str
    #: The tick of the run, or when it was submitted: of several, the latest counts.
    as_of: datetime
    #: How often it was tried, and not before when again; None: as soon as it is due.
    tries: int = 0
    next_at: datetime | None = None
    status: PublicationStatus = PublicationStatus.WAITING
    published_at: datetime | None = None
    #: Where it is beside the home: ``s3://…``; None: nowhere.
    url: str | None = None
    #: Why it failed.
    reason: str | None = None


def insert(conn: sa.Connection, run: Run) -> None:
    """Add what a new run is to publish."""
    rows = [
        Publication(
            run_id=run.id,
            name=name,
            path=path,
            host=machine.host(),
            as_of=run.scheduled_at or run.created_at,
        ).model_dump()
        for name, path in wishes(run.spec.publish)
    ]
    if rows:
        conn.execute(publications.insert(), rows)


def of_ended(
    conn: sa.Connection, now: datetime, busy: Collection[str], limit: int
) -> list[Publication]:
    """Return what waits, here, of runs that are final, or are gone; the oldest first.

    Parameters
    ----------
    busy
        Names that are just being published.
    """
    is_over = runs.c.status.is_(None) | runs.c.status.in_(FINAL_STATUSES)
    is_due = publications.c.next_at.is_(None) | (publications.c.next_at <= now)
    query = (
        publications.select()
        .outerjoin_from(publications, runs, runs.c.id == publications.c.run_id)
        .where(_waits(), is_over, is_due, publications.c.name.not_in(busy))
        .order_by(publications.c.as_of)
        .limit(limit)
    )
    return [Publication.model_validate(row._asdict()) for row in conn.execute(query)]


def of_run(conn: sa.Connection, run_id: str) -> list[Publication]:
    """Return all that a run is, or was, to publish."""
    rows = conn.execute(publications.select().where(publications.c.run_id == run_id))
    return [Publication.model_validate(row._asdict()) for row in rows]


def has_waiting(conn: sa.Connection) -> bool:
    """Say whether something of runs that are final is still to be published here."""
    query = (
        sa.select(publications.c.name)
        .join_from(publications, runs, runs.c.id == publications.c.run_id)
        .where(_waits(), runs.c.status.in_(FINAL_STATUSES))
    )
    return conn.execute(query.limit(1)).first() is not None


def published(conn: sa.Connection) -> list[Publication]:
    """Return what is published here now, by name."""
    query = publications.select().where(_is_published()).order_by(publications.c.name)
    return [Publication.model_validate(row._asdict()) for row in conn.execute(query)]


def has_later(conn: sa.Connection, one: Publication) -> bool:
    """Say whether what is published under a name is of a later run."""
    query = sa.select(publications.c.run_id).where(
        _is_published(), publications.c.name == one.name, publications.c.as_of > one.as_of
    )
    return conn.execute(query.limit(1)).first() is not None


def replace(conn: sa.Connection, seen: Publication, published: Publication) -> bool:
    """As `move`, of what is published: what was so under its name no longer is."""
    if not move(conn, seen, published):
        return False
    earlier = _is_published() & (publications.c.name == seen.name)
    dropped = publications.update().where(earlier, publications.c.run_id != seen.run_id)
    conn.execute(dropped.values(status=PublicationStatus.DROPPED))
    return True


def move(conn: sa.Connection, seen: Publication, moved: Publication) -> bool:
    """Change a publication that is as it was seen; False: another process was first."""
    key = (publications.c.run_id == seen.run_id) & (publications.c.name == seen.name)
    still = (publications.c.status == seen.status) & (publications.c.tries == seen.tries)
    values = moved.model_dump(exclude={"run_id", "name", "path", "host", "as_of"})
    return conn.execute(publications.update().where(key, still).values(**values)).rowcount == 1


def _is_here() -> sa.ColumnElement[bool]:
    return publications.c.host == machine.host()


def _waits() -> sa.ColumnElement[bool]:
    return (publications.c.status == PublicationStatus.WAITING) & _is_here()


def _is_published() -> sa.ColumnElement[bool]:
    return (publications.c.status == PublicationStatus.PUBLISHED) & _is_here()
