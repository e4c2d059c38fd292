"""Who dispatches which engine. For people and for asking to leave; `locks` decide."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.store.schema import leases


class Lease(Stored):
    """The latest holder of an engine's lease; whether it still lives, its lock says."""

    engine: str
    place: str
    #: ``host``, ``pid``, ``version``, ``python``.
    holder: dict[str, Any]
    taken_at: datetime
    leave_requested_at: datetime | None = None

    @property
    def revision(self) -> str:
        """The store's revision that the holder was made for; the first did not say."""
        return str(self.holder.get("schema", "1_0001"))


def take(conn: sa.Connection, lease: Lease) -> None:
    """Write down who holds a lease now."""
    conn.execute(leases.delete().where(_key(lease.engine, lease.place)))
    conn.execute(leases.insert().values(**lease.model_dump()))


def drop(conn: sa.Connection, engine: str, place: str) -> None:
    """Forget the holder, who has left."""
    conn.execute(leases.delete().where(_key(engine, place)))


def request_leave(conn: sa.Connection, engine: str, place: str, now: datetime) -> bool:
    """Ask the holder to leave at the end of its step; False if there is none."""
    asked = leases.update().where(_key(engine, place)).values(leave_requested_at=now)
    return conn.execute(asked).rowcount == 1


def get(conn: sa.Connection, engine: str, place: str) -> Lease | None:
    """Return the latest holder, or None."""
    row = conn.execute(leases.select().where(_key(engine, place))).first()
    return None if row is None else Lease.model_validate(row._asdict())


def all_of(conn: sa.Connection) -> list[Lease]:
    """Return every lease."""
    rows = conn.execute(leases.select().order_by(leases.c.engine, leases.c.place))
    return [Lease.model_validate(row._asdict()) for row in rows]


def _key(engine: str, place: str) -> sa.ColumnElement[bool]:
    return sa.and_(leases.c.engine == engine, leases.c.place == place)
