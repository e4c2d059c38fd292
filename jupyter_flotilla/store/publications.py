"""The table of publications: what runs were to publish under which names, and what became of it."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.publish import publications as wishes
from jupyter_flotilla.model.run import FINAL_STATUSES, Run
from jupyter_flotilla.store.schema import publications, runs


class PublicationStatus(StrEnum):
    """What became of a wish to publish."""

    WAITING = "WAITING"
    PUBLISHED = "PUBLISHED"
    #: The run was no success, or a later one was there first.
    DROPPED = "DROPPED"
    FAILED = "FAILED"


class Publication(Stored):
    """One name that a run is to be published under."""

    run_id: str
    name: str
    #: File that the job brings back; None: the executed notebook.
    path: str | None
    #: When the run was submitted: of several, the latest counts.
    created_at: datetime
    status: PublicationStatus = PublicationStatus.WAITING
    published_at: datetime | None = None
    #: Where it is beside the home: ``s3://…``; None: nowhere.
    url: str | None = None
    #: Why it failed.
    reason: str | None = None


def insert(conn: sa.Connection, run: Run) -> None:
    """Add what a new run is to publish."""
    rows = [
        Publication(run_id=run.id, name=name, path=path, created_at=run.created_at).model_dump()
        for name, path in wishes(run.spec.publish)
    ]
    if rows:
        conn.execute(publications.insert(), rows)


def of_ended(conn: sa.Connection, limit: int) -> list[Publication]:
    """Return what waits of runs that are final, or are gone; the oldest first."""
    is_over = runs.c.status.is_(None) | runs.c.status.in_(FINAL_STATUSES)
    query = (
        publications.select()
        .outerjoin_from(publications, runs, runs.c.id == publications.c.run_id)
        .where(publications.c.status == PublicationStatus.WAITING, is_over)
        .order_by(publications.c.created_at)
        .limit(limit)
    )
    return [Publication.model_validate(row._asdict()) for row in conn.execute(query)]


def latest(conn: sa.Connection, name: str | None = None) -> list[Publication]:
    """Return what is published now, by name."""
    query = publications.select().where(publications.c.status == PublicationStatus.PUBLISHED)
    if name is not None:
        query = query.where(publications.c.name == name)
    rows = conn.execute(query.order_by(publications.c.name, publications.c.created_at))
    found = [Publication.model_validate(row._asdict()) for row in rows]
    return list({one.name: one for one in found}.values())


def move(conn: sa.Connection, seen: Publication, moved: Publication) -> bool:
    """Change a publication that is as it was seen; False: another process was first."""
    key = (publications.c.run_id == seen.run_id) & (publications.c.name == seen.name)
    values = moved.model_dump(include={"status", "published_at", "url", "reason"})
    changed = publications.update().where(key, publications.c.status == seen.status)
    return conn.execute(changed.values(**values)).rowcount == 1
