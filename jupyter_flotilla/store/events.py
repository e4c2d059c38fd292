"""What happened to runs, in order. Written in the transaction of the change itself."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.store.schema import events


class Event(Stored):
    """One thing that happened to a run."""

    #: Order in the whole store; gaps are possible.
    seq: int
    run_id: str
    at: datetime
    #: The arrow (``QUEUED→PENDING``) or the request (``cancel-requested``).
    name: str
    detail: dict[str, Any]


def insert(conn: sa.Connection, run_id: str, at: datetime, name: str, **detail: Any) -> None:
    """Record that something happened."""
    conn.execute(events.insert().values(run_id=run_id, at=at, name=name, detail=detail))


def of_run(conn: sa.Connection, run_id: str) -> list[Event]:
    """Return all that happened to a run, oldest first."""
    rows = conn.execute(events.select().where(events.c.run_id == run_id).order_by(events.c.seq))
    return [Event.model_validate(row._asdict()) for row in rows]


def latest_seq(conn: sa.Connection) -> int:
    """Return the number of the latest event; 0: there is none."""
    return int(conn.execute(sa.select(sa.func.max(events.c.seq))).scalar_one() or 0)
