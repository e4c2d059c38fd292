"""The table of runs. A run moves by `apply` alone, which is guarded by the status it had."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla.errors import AmbiguousRun, RunNotFound
from jupyter_flotilla.model.retry import MAX_DELAY_S
from jupyter_flotilla.model.run import OPEN_STATUSES, Run, RunStatus
from jupyter_flotilla.store import events, notices, publications
from jupyter_flotilla.store.schema import attempts as attempts_table
from jupyter_flotilla.store.schema import events as events_table
from jupyter_flotilla.store.schema import grids, runs, tags
from jupyter_flotilla.store.schema import notices as notices_table

_NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.grid_index.desc(), runs.c.id)
#: No id and no name is longer.
_LONGEST_REFERENCE = 100
#: Shortest prefix that means a run: every id begins with the same character.
_SHORTEST_PREFIX = 2
#: Shortest form in which an id is shown.
_SHORTEST = 7  # r and six characters


def insert(conn: sa.Connection, run: Run) -> None:
    """Add a new run, queued."""
    conn.execute(runs.insert().values(**_row(run)))
    if run.spec.tags:
        rows = [{"run_id": run.id, "key": k, "value": v} for k, v in run.spec.tags.items()]
        conn.execute(tags.insert(), rows)
    notices.insert(conn, run)
    publications.insert(conn, run)
    events.insert(conn, run.id, run.created_at, "QUEUED")


def get(conn: sa.Connection, run_id: str) -> Run:
    """Return a run by its whole id; raises RunNotFound."""
    row = conn.execute(runs.select().where(runs.c.id == run_id)).first()
    if row is None:
        raise RunNotFound(f"there is no run {run_id!r}", next_step="jupyter flotilla ls --all")
    return _run(row)


def find(conn: sa.Connection, reference: str) -> Run:
    """Return the run that a person means.

    Parameters
    ----------
    reference
        ``last`` or ``-1`` (``-2`` is the one before), a whole id, a name (its latest run), or a
        unique prefix of an id; what comes first in this list counts.

    Raises
    ------
    RunNotFound
    AmbiguousRun
        If several ids begin so, or one does and it is the name of another run: a cancel must not
        hit the wrong one.
    """
    if reference == "last" or re.fullmatch(r"-[0-9]{1,9}", reference):
        back = 1 if reference == "last" else int(reference[1:])
        return _from_latest(conn, back)
    if not (reference.isprintable() and 0 < len(reference) <= _LONGEST_REFERENCE):
        raise _not_found(reference)
    with_id = conn.execute(runs.select().where(runs.c.id == reference)).first()
    if with_id is not None:
        return _run(with_id)
    named, begun = latest(conn, name=reference, limit=1), _by_prefix(conn, reference)
    if len(begun) > 1 and not named:
        raise AmbiguousRun(
            f"{reference!r} begins the ids of {begun[0].id}, {begun[1].id} and maybe more",
            next_step="write more characters of the id",
        )
    if named and len(begun) == 1 and named[0].id != begun[0].id:
        raise AmbiguousRun(
            f"{reference!r} is the name of run {named[0].id} and begins the id of run "
            f"{begun[0].id} ({begun[0].spec.name})",
            next_step=f"write the whole id: {named[0].id} or {begun[0].id}",
        )
    for run in (*named, *begun):
        return run
    raise _not_found(reference)


def _not_found(reference: str) -> RunNotFound:
    return RunNotFound(
        f"no run has the id, id prefix (at least {_SHORTEST_PREFIX} characters) or name "
        f"{reference[:100]!r}",
        next_step="jupyter flotilla ls --all",
    )


def latest(
    conn: sa.Connection,
    *,
    statuses: Sequence[RunStatus] = (),
    tag: tuple[str, str | None] | None = None,
    name: str | None = None,
    limit: int = 50,
) -> list[Run]:
    """Return runs, newest first.

    Parameters
    ----------
    statuses
        Only these; empty: all.
    tag
        Only with this tag; a value of None means any.
    """
    query = runs.select().order_by(*_NEWEST_FIRST).limit(limit)
    if statuses:
        query = query.where(runs.c.status.in_(statuses))
    if name is not None:
        query = query.where(runs.c.name == name)
    if tag is not None:
        key, value = tag
        tagged = sa.select(tags.c.run_id).where(tags.c.key == key)
        query = query.where(
            runs.c.id.in_(tagged if value is None else tagged.where(tags.c.value == value))
        )
    return [_run(row) for row in conn.execute(query)]


def of_grid(conn: sa.Connection, grid_id: str) -> list[Run]:
    """Return the runs of a grid, in the order of its points."""
    query = runs.select().where(runs.c.grid_id == grid_id).order_by(runs.c.grid_index)
    return [_run(row) for row in conn.execute(query)]


def get_all(conn: sa.Connection, run_ids: Collection[str]) -> dict[str, Run]:
    """Return runs by their whole ids; those that are gone are left out."""
    return {row.id: _run(row) for row in conn.execute(runs.select().where(runs.c.id.in_(run_ids)))}


def apply(conn: sa.Connection, old: Run, new: Run, now: datetime) -> bool:
    """Move a run from ``old`` to ``new`` and record the arrow.

    False means that another process was first: read again, do not force.
    """
    moved = conn.execute(
        runs.update()
        .where(runs.c.id == old.id, runs.c.status == old.status, runs.c.attempt == old.attempt)
        .values(
            status=new.status,
            started_at=new.started_at,
            ended_at=new.ended_at,
            attempt=new.attempt,
            failure_kind=new.failure_kind,
            message=new.message,
            not_before=new.not_before,
            next_memory_mib=new.next_memory_mib,
            next_size=None if new.next_size is None else new.next_size.model_dump(mode="json"),
        )
    )
    if moved.rowcount != 1:
        return False
    detail = {
        "attempt": new.attempt,
        "failure_kind": new.failure_kind,
        "message": new.message if new.status is RunStatus.QUEUED else None,
    }
    events.insert(
        conn, new.id, now, f"{old.status}→{new.status}", **{k: v for k, v in detail.items() if v}
    )
    return True


def request_cancel(conn: sa.Connection, run_id: str, now: datetime, grace_s: float) -> Run:
    """Ask for a run to be stopped and return it; a second request can only hurry it.

    A queued run is cancelled at once. On a final one nothing happens.
    """
    run = get(conn, run_id)
    if run.status.is_final:
        return run
    if run.status is RunStatus.QUEUED:
        words = "its next attempt" if run.attempt else "it"
        cancelled = run.advance(
            RunStatus.CANCELLED, now, message=f"Cancelled before {words} started."
        )
        apply(conn, run, cancelled, now)
        return cancelled
    first = run.cancel_requested_at is None
    asked = run.model_copy(
        update={
            "cancel_requested_at": run.cancel_requested_at or now,
            "cancel_grace_s": grace_s if first else min(grace_s, run.cancel_grace_s),
        }
    )
    conn.execute(
        runs.update()
        .where(runs.c.id == run_id)
        .values(cancel_requested_at=asked.cancel_requested_at, cancel_grace_s=asked.cancel_grace_s)
    )
    events.insert(conn, run_id, now, "cancel-requested", grace_s=grace_s)
    return asked


def finished(conn: sa.Connection) -> list[tuple[str, str, datetime, bool]]:
    """Return id, name, end and whether it is kept, of every final run."""
    columns = (runs.c.id, runs.c.name, runs.c.ended_at, runs.c.kept_at.isnot(None))
    query = sa.select(*columns).where(runs.c.ended_at.isnot(None))
    return [(row[0], row[1], row[2], bool(row[3])) for row in conn.execute(query)]


def exists(conn: sa.Connection, run_id: str) -> bool:
    """Say whether there is a run of that whole id."""
    return conn.execute(sa.select(runs.c.id).where(runs.c.id == run_id)).first() is not None


def is_kept(conn: sa.Connection, run_id: str) -> bool:
    """Say whether a run is kept from being deleted."""
    query = sa.select(runs.c.id).where(runs.c.id == run_id, runs.c.kept_at.isnot(None))
    return conn.execute(query).first() is not None


def keep(conn: sa.Connection, run_id: str, kept_at: datetime | None) -> None:
    """Keep a run from being deleted; None: no longer."""
    conn.execute(runs.update().where(runs.c.id == run_id).values(kept_at=kept_at))


def may_be_deleted(conn: sa.Connection, run_id: str) -> bool:
    """Say whether a run is there, is final, and not kept."""
    is_free = runs.c.ended_at.isnot(None) & runs.c.kept_at.is_(None)
    query = sa.select(runs.c.id).where(runs.c.id == run_id, is_free)
    return conn.execute(query).first() is not None


def delete(conn: sa.Connection, run_id: str) -> bool:
    """Delete a run and all rows of it; False if it is not final, is kept or is gone.

    The last run of a grid takes the grid with it.
    """
    if not may_be_deleted(conn, run_id):
        return False
    for table in (events_table, attempts_table, tags):
        conn.execute(table.delete().where(table.c.run_id == run_id))
    conn.execute(notices_table.delete().where(notices_table.c.about == run_id))
    grid_id = conn.execute(sa.select(runs.c.grid_id).where(runs.c.id == run_id)).scalar_one()
    conn.execute(runs.delete().where(runs.c.id == run_id))
    if grid_id is not None:
        is_used = sa.exists().where(runs.c.grid_id == grid_id)
        conn.execute(grids.delete().where(grids.c.id == grid_id, ~is_used))
    return True


def next_queued(
    conn: sa.Connection,
    engine: str,
    place: str,
    now: datetime,
    but_not_of: Collection[str] = (),
) -> Run | None:
    """Return the run that has waited longest for an engine and may start now.

    Parameters
    ----------
    but_not_of
        Ids of grids whose runs have to wait.
    """
    is_due = sa.or_(
        runs.c.not_before.is_(None),
        runs.c.not_before <= now,
        # further ahead than any pause: the clock was set back
        runs.c.not_before > now + 2 * timedelta(seconds=MAX_DELAY_S),
    )
    query = (
        runs.select()
        .where(runs.c.status == RunStatus.QUEUED, runs.c.engine == engine, runs.c.place == place)
        .where(is_due)
        .where(sa.or_(runs.c.grid_id.is_(None), runs.c.grid_id.not_in(but_not_of)))
        .order_by(runs.c.created_at, runs.c.grid_index, runs.c.id)
        .limit(1)
    )
    row = conn.execute(query).first()
    return None if row is None else _run(row)


def count_open(conn: sa.Connection, engine: str, place: str) -> int:
    """Return how many runs of an engine are not final."""
    query = (
        sa.select(sa.func.count())
        .select_from(runs)
        .where(runs.c.status.in_(OPEN_STATUSES), runs.c.engine == engine, runs.c.place == place)
    )
    return int(conn.execute(query).scalar_one())


def queue_position(conn: sa.Connection, run: Run) -> int:
    """Return how many queued runs come before this one on its engine."""
    query = (
        sa.select(sa.func.count())
        .select_from(runs)
        .where(
            runs.c.status == RunStatus.QUEUED,
            runs.c.engine == run.spec.engine,
            runs.c.place == run.spec.place,
            runs.c.created_at < run.created_at,
        )
    )
    return int(conn.execute(query).scalar_one())


def short_id(conn: sa.Connection, run_id: str) -> str:
    """Return the shortest prefix, of at least seven characters, that names this run alone."""
    before = sa.select(sa.func.max(runs.c.id)).where(runs.c.id < run_id)
    after = sa.select(sa.func.min(runs.c.id)).where(runs.c.id > run_id)
    return short_form(run_id, [conn.execute(query).scalar_one() for query in (before, after)])


def short_form(run_id: str, beside: Iterable[str | None]) -> str:
    """Return the same, given the ids right before and behind it, as far as there are any."""
    shared = max((_shared_length(run_id, other) for other in beside if other), default=0)
    return run_id[: max(_SHORTEST, shared + 1)]


def _shared_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=True))
    return next((at for at, (a, b) in pairs if a != b), len(one))


def _by_prefix(conn: sa.Connection, prefix: str) -> list[Run]:
    """Return the runs whose ids begin so, two at most."""
    if len(prefix) < _SHORTEST_PREFIX:
        return []
    begins = (runs.c.id >= prefix) & (runs.c.id < prefix + "~")
    return [_run(row) for row in conn.execute(runs.select().where(begins).limit(2))]


def _from_latest(conn: sa.Connection, back: int) -> Run:
    query = runs.select().order_by(*_NEWEST_FIRST).offset(back - 1).limit(1)
    row = conn.execute(query).first() if back > 0 else None
    if row is None:
        raise RunNotFound("there is no such run yet", next_step="jupyter flotilla demo")
    return _run(row)


def _row(run: Run) -> dict[str, object]:
    spec = run.spec
    return {
        **run.model_dump(exclude={"spec"}),
        "name": spec.name,
        "kind": spec.kind,
        "engine": spec.engine,
        "place": spec.place,
        "path": spec.path,
        "spec": spec.model_dump(mode="json"),
    }


def _run(row: sa.Row[Any]) -> Run:
    return Run.model_validate(row._asdict())
