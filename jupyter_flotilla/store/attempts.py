"""The table of attempts: every launch, and what it cost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.store import grids, runs
from jupyter_flotilla.store.backend import serialize
from jupyter_flotilla.store.schema import attempts


def claim(
    conn: sa.Connection, engine: str, place: str, limit: int, now: datetime
) -> Attempt | None:
    """Take the run that has waited longest, if fewer than ``limit`` attempts are open.

    Reads usage, decides and writes under one lock, so that processes together never exceed the
    limit, a grid's own limits among them, nor take a run twice. The run becomes PENDING, the
    attempt is the intent to launch.
    """
    serialize(conn, f"claim {engine} {place}")
    if _count_open(conn, engine, place) >= limit:
        return None
    run = grids.next_allowed(conn, engine, place, now)
    if run is None:
        return None
    pending = run.advance(RunStatus.PENDING, now)
    claimed = runs.apply(conn, run, pending, now)
    assert claimed, "a run moved under the write lock"
    attempt = Attempt(
        run_id=run.id,
        number=pending.attempt,
        engine=engine,
        place=place,
        claimed_at=now,
        resources=run.next_resources,
    )
    insert(conn, attempt)
    return attempt


def insert(conn: sa.Connection, attempt: Attempt) -> None:
    """Add an attempt of a run that has just become PENDING."""
    conn.execute(attempts.insert().values(**_row(attempt)))


def update(conn: sa.Connection, attempt: Attempt) -> bool:
    """Write what is known of an attempt; False where it has already ended, which is for ever."""
    key = (attempts.c.run_id == attempt.run_id) & (attempts.c.number == attempt.number)
    done = conn.execute(
        attempts.update().where(key, attempts.c.ended_at.is_(None)).values(**_row(attempt))
    )
    return done.rowcount == 1


def write_ahead(
    conn: sa.Connection, run_id: str, number: int, request: Mapping[str, Any], now: datetime
) -> tuple[dict[str, Any], datetime, bool]:
    """Write down what an attempt is about to ask its engine for; return what stands there.

    With it come when it was first written, and whether that was just now.

    The first writer's request counts, and when it was written: whoever sends it again, at
    whatever moment the first was killed, sends the same.

    Parameters
    ----------
    request
        JSON values.
    """
    key = (attempts.c.run_id == run_id) & (attempts.c.number == number)
    written = conn.execute(
        attempts.update()
        .where(key, attempts.c.requested_at.is_(None))
        .values(request=dict(request), requested_at=now)
    )
    stands = request_of(conn, run_id, number)
    assert stands is not None, "it was just written"
    return *stands, written.rowcount == 1


def request_of(
    conn: sa.Connection, run_id: str, number: int
) -> tuple[dict[str, Any], datetime] | None:
    """Return what an attempt has asked its engine for, and since when; None: nothing yet."""
    key = (attempts.c.run_id == run_id) & (attempts.c.number == number)
    row = conn.execute(sa.select(attempts.c.request, attempts.c.requested_at).where(key)).first()
    return None if row is None or row.requested_at is None else (row.request, row.requested_at)


def open_of(conn: sa.Connection, engine: str, place: str) -> list[Attempt]:
    """Return the attempts of an engine that have not ended, oldest first."""
    query = attempts.select().where(_is_open(engine, place)).order_by(attempts.c.claimed_at)
    return [_attempt(row) for row in conn.execute(query)]


def of_run(conn: sa.Connection, run_id: str) -> list[Attempt]:
    """Return the attempts of a run, first to last."""
    query = attempts.select().where(attempts.c.run_id == run_id).order_by(attempts.c.number)
    return [_attempt(row) for row in conn.execute(query)]


def of_runs(conn: sa.Connection, run_ids: list[str]) -> dict[str, list[Attempt]]:
    """Return the attempts of each run that has any, first to last."""
    query = attempts.select().where(attempts.c.run_id.in_(run_ids)).order_by(attempts.c.number)
    found: dict[str, list[Attempt]] = {}
    for row in conn.execute(query):
        found.setdefault(row.run_id, []).append(_attempt(row))
    return found


def latest_of(conn: sa.Connection, run_ids: list[str]) -> dict[str, Attempt]:
    """Return the latest attempt of each run that has one."""
    return {run_id: made[-1] for run_id, made in of_runs(conn, run_ids).items()}


def _count_open(conn: sa.Connection, engine: str, place: str) -> int:
    query = sa.select(sa.func.count()).select_from(attempts).where(_is_open(engine, place))
    return int(conn.execute(query).scalar_one())


def _is_open(engine: str, place: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        attempts.c.engine == engine, attempts.c.place == place, attempts.c.ended_at.is_(None)
    )


def _row(attempt: Attempt) -> dict[str, object]:
    return {
        "run_id": attempt.run_id,
        "number": attempt.number,
        "engine": attempt.engine,
        "place": attempt.place,
        "claimed_at": attempt.claimed_at,
        "ended_at": attempt.ended_at,
        "charge_usd": attempt.charge_usd,
        "duration_s": attempt.duration_s,
        "failure_kind": attempt.failure_kind,
        "facts": attempt.model_dump(mode="json"),
    }


def _attempt(row: sa.Row[Any]) -> Attempt:
    return Attempt.model_validate(row.facts)
