"""The table of ticks: what became of each moment of a schedule. A row a moment, for ever."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.schedule import OPEN_TICKS, Schedule, Tick, TickStatus
from jupyter_flotilla.store import notices
from jupyter_flotilla.store.schema import runs, schedules, ticks


def insert(conn: sa.Connection, tick: Tick) -> bool:
    """Write what became of a moment; False: that was decided before."""
    if get(conn, tick.schedule_id, tick.scheduled_at) is not None:
        return False
    conn.execute(ticks.insert().values(**tick.model_dump()))
    _note(conn, tick)
    return True


def get(conn: sa.Connection, schedule_id: str, scheduled_at: datetime) -> Tick | None:
    """Return what became of a moment; None: nothing was decided."""
    key = (ticks.c.schedule_id == schedule_id) & (ticks.c.scheduled_at == scheduled_at)
    row = conn.execute(ticks.select().where(key)).first()
    return None if row is None else Tick.model_validate(row._asdict())


def move(conn: sa.Connection, seen: Tick, moved: Tick) -> bool:
    """Write what has become of a tick since; False: somebody else was first."""
    same_run = ticks.c.run_id.is_(None) if seen.run_id is None else ticks.c.run_id == seen.run_id
    done = conn.execute(
        ticks.update()
        .where(
            ticks.c.schedule_id == seen.schedule_id,
            ticks.c.scheduled_at == seen.scheduled_at,
            ticks.c.status == seen.status,
            same_run,
        )
        .values(**moved.model_dump(exclude={"schedule_id", "scheduled_at"}))
    )
    if done.rowcount == 1:
        _note(conn, moved)
    return done.rowcount == 1


def _note(conn: sa.Connection, tick: Tick) -> None:
    """Have those told who want to be, where there is no run that would tell."""
    if tick.status in (TickStatus.FAILED, TickStatus.MISSED):
        notify = sa.select(schedules.c.what[("spec", "notify")])
        found = conn.execute(notify.where(schedules.c.id == tick.schedule_id)).scalar()
        notices.insert_of_tick(conn, tick, found or ())


def history(
    conn: sa.Connection, schedule_id: str, limit: int, before: datetime | None = None
) -> list[Tick]:
    """Return what became of ticks, the latest first."""
    query = ticks.select().where(ticks.c.schedule_id == schedule_id)
    if before is not None:
        query = query.where(ticks.c.scheduled_at < before)
    rows = conn.execute(query.order_by(ticks.c.scheduled_at.desc()).limit(limit))
    return [Tick.model_validate(row._asdict()) for row in rows]


def latest(conn: sa.Connection) -> dict[str, Tick]:
    """Return the latest tick of each schedule that has one, by its id; a look each."""
    one = ticks.alias()
    newest = sa.select(sa.func.max(one.c.scheduled_at)).where(one.c.schedule_id == schedules.c.id)
    is_newest = (ticks.c.schedule_id == schedules.c.id) & (
        ticks.c.scheduled_at == newest.scalar_subquery()
    )
    rows = conn.execute(sa.select(ticks).select_from(schedules.join(ticks, is_newest)))
    return {row.schedule_id: Tick.model_validate(row._asdict()) for row in rows}


def moments(
    conn: sa.Connection, schedule_id: str, begin: datetime, end: datetime
) -> dict[datetime, TickStatus]:
    """Return what became of the ticks in [begin, end] that have a row."""
    query = sa.select(ticks.c.scheduled_at, ticks.c.status).where(
        ticks.c.schedule_id == schedule_id, ticks.c.scheduled_at.between(begin, end)
    )
    return {row[0]: TickStatus(row[1]) for row in conn.execute(query)}


def waiting(conn: sa.Connection, schedule_id: str) -> list[Tick]:
    """Return the ticks of a schedule that wait their turn, oldest first."""
    query = ticks.select().where(
        ticks.c.schedule_id == schedule_id, ticks.c.status == TickStatus.WAITING
    )
    rows = conn.execute(query.order_by(ticks.c.scheduled_at))
    return [Tick.model_validate(row._asdict()) for row in rows]


def awaited(conn: sa.Connection, schedule_id: str, until: datetime, limit: int) -> list[Tick]:
    """Return ticks up to a moment that the cloud was to start, oldest first."""
    query = ticks.select().where(
        ticks.c.schedule_id == schedule_id,
        ticks.c.status == TickStatus.AWAITED,
        ticks.c.scheduled_at <= until,
    )
    rows = conn.execute(query.order_by(ticks.c.scheduled_at).limit(limit))
    return [Tick.model_validate(row._asdict()) for row in rows]


def given_up_since(conn: sa.Connection, schedule_id: str, since: datetime) -> list[Tick]:
    """Return ticks since a moment that were missed, or that failed without a run."""
    query = ticks.select().where(
        ticks.c.schedule_id == schedule_id,
        ticks.c.status.in_([TickStatus.MISSED, TickStatus.FAILED]),
        ticks.c.scheduled_at >= since,
    )
    return [Tick.model_validate(row._asdict()) for row in conn.execute(query)]


def awaiting(conn: sa.Connection, of: Collection[str]) -> list[str]:
    """Return which of some schedules have ticks that the cloud was to start."""
    if not of:
        return []
    is_awaited = (ticks.c.schedule_id.in_(of)) & (ticks.c.status == TickStatus.AWAITED)
    query = sa.select(ticks.c.schedule_id).where(is_awaited)
    return [*conn.execute(query.distinct()).scalars()]


def together(conn: sa.Connection, lost: Sequence[Tick], last: Tick) -> None:
    """Let the last of some awaited ticks, in order, stand for all of them."""
    if not move(conn, lost[-1], last):
        return
    for tick in lost[:-1]:
        key = (ticks.c.schedule_id == tick.schedule_id) & (ticks.c.status == tick.status)
        conn.execute(ticks.delete().where(key, ticks.c.scheduled_at == tick.scheduled_at))


def latest_success(
    conn: sa.Connection, upstream: str, schedule: Schedule, until: datetime
) -> tuple[datetime, str] | None:
    """Return the latest success that a schedule has not run after yet: its tick, and its run.

    Parameters
    ----------
    upstream
        Id of a schedule or of a run. What a run has done before ``schedule`` was made counts as
        done then.
    until
        Later ticks do not count: a clock was ahead when they were made.
    """
    succeeded = runs.c.status == RunStatus.SUCCEEDED
    if upstream.startswith("r"):
        query = sa.select(runs.c.ended_at).where(runs.c.id == upstream, succeeded)
        ended_at = conn.execute(query).scalar()
        return None if ended_at is None else (max(ended_at, schedule.created_at), upstream)
    query = (
        sa.select(ticks.c.scheduled_at, runs.c.id)
        .select_from(ticks.join(runs, runs.c.id == ticks.c.run_id))
        .where(ticks.c.schedule_id == upstream, succeeded)
        .where(ticks.c.scheduled_at > schedule.cursor, ticks.c.scheduled_at <= until)
        .order_by(ticks.c.scheduled_at.desc())
        .limit(1)
    )
    row = conn.execute(query).first()
    return None if row is None else (row[0], row[1])


def forget(conn: sa.Connection, before: datetime) -> int:
    """Delete what became of ticks before a moment, where no run is left of it; return how many."""
    is_left = sa.exists().where(runs.c.id == ticks.c.run_id)
    done = conn.execute(
        ticks.delete().where(
            ticks.c.scheduled_at < before, ticks.c.status.not_in(OPEN_TICKS), ~is_left
        )
    )
    return done.rowcount


def first_failure(conn: sa.Connection, upstreams: Collection[str]) -> tuple[datetime, str] | None:
    """Return when a run among upstreams ended without success, and which; None: none has.

    A run ends once: what waits for it waits for ever then. A schedule has further ticks.
    """
    found = [one for one in upstreams if one.startswith("r")]
    query = sa.select(runs.c.ended_at, runs.c.id).where(
        runs.c.id.in_(found), runs.c.ended_at.isnot(None), runs.c.status != RunStatus.SUCCEEDED
    )
    row = conn.execute(query.limit(1)).first()
    return None if row is None else (row[0], row[1])
