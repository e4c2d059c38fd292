"""The table of schedules. A tick, its run and the schedule's cursor move in one transaction."""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla.errors import (
    InvalidOption,
    ScheduleChanged,
    ScheduleNotFound,
    StoreUnreadable,
)
from jupyter_flotilla.model.run import OPEN_STATUSES
from jupyter_flotilla.model.schedule import BACKFILL, LATE, OPEN_TICKS, Placed, Schedule, TickStatus
from jupyter_flotilla.store import events
from jupyter_flotilla.store.schema import attempts, runs, schedules, ticks

log = logging.getLogger("jupyter_flotilla.store")

_SHORTEST_PREFIX = 2
#: In place of the source of what the cloud starts: to programs that know of no cloud such a row
#: is unreadable, and they leave it alone.
_OF_CLOUD = "cloud"
#: Columns that hold JSON.
_PARTS = {"when", "rules", "what", "placed"}


def insert(conn: sa.Connection, schedule: Schedule) -> None:
    """Add a schedule; raises InvalidOption where another one has its name."""
    _check_name(conn, schedule)
    conn.execute(schedules.insert().values(**_row(schedule)))


def get(conn: sa.Connection, schedule_id: str) -> Schedule | None:
    """Return a schedule by its whole id, or None.

    Raises
    ------
    StoreUnreadable
        If its row means nothing here: another version has written it, or a hand has.
    """
    try:
        row = conn.execute(schedules.select().where(schedules.c.id == schedule_id)).first()
        return None if row is None else _schedule(row)
    except ValueError as error:  # of the row's JSON and times, or of pydantic
        raise StoreUnreadable(
            f"schedule {schedule_id} cannot be read: {str(error)[:300]}",
            next_step="update jupyter-flotilla here: a newer one may have written it",
        ) from error


def find(conn: sa.Connection, reference: str) -> Schedule:
    """Return the schedule of a name, an id or a unique prefix of one.

    Raises
    ------
    ScheduleNotFound
        If there is none, or several begin so.
    StoreUnreadable
        As `get`.
    """
    ids = sa.select(schedules.c.id)
    found = [*conn.execute(ids.where(schedules.c.name == reference)).scalars()]
    if not found and len(reference) >= _SHORTEST_PREFIX and reference.isalnum():
        begins = (schedules.c.id >= reference) & (schedules.c.id < reference + "~")
        found = [*conn.execute(ids.where(begins).limit(2)).scalars()]
    schedule = get(conn, found[0]) if len(found) == 1 else None
    if schedule is None:
        what = "several schedules begin with" if found else "no schedule has the name or id"
        raise ScheduleNotFound(
            f"{what} {reference[:100]!r}", next_step="jupyter flotilla schedule ls"
        )
    return schedule


def all_of(conn: sa.Connection) -> list[Schedule]:
    """Return every schedule that can be read, by name; of others the log tells, once."""
    try:
        rows = conn.execute(schedules.select().order_by(schedules.c.name))
        return [_schedule(row) for row in rows]
    except ValueError:
        ids = conn.execute(sa.select(schedules.c.id).order_by(schedules.c.name)).scalars()
        return readable(conn, [*ids])


def readable(conn: sa.Connection, ids: Collection[str]) -> list[Schedule]:
    """Return those of some schedules that can be read, in their order; the log tells of others."""
    found = []
    for schedule_id in ids:
        try:
            schedule = get(conn, schedule_id)
        except StoreUnreadable as error:
            _tell(str(error))
            continue
        if schedule is not None:
            found.append(schedule)
    return found


@lru_cache(maxsize=1000)  # whoever looks at a list looks again and again
def _tell(sentence: str) -> None:
    log.error("%s", sentence)


def names(conn: sa.Connection) -> dict[str, str]:
    """Return the names of all schedules by their ids."""
    rows = conn.execute(sa.select(schedules.c.id, schedules.c.name))
    return {row[0]: row[1] for row in rows}


def snapshots(conn: sa.Connection) -> set[str | None]:
    """Return the ids of all schedules' snapshots; None among them where one has none."""
    snapshot_id = schedules.c.what["snapshot_id"].as_string()
    return {*conn.execute(sa.select(snapshot_id)).scalars()}


def chains(conn: sa.Connection) -> dict[str, tuple[str, ...]]:
    """Return what each schedule that has no time of its own waits for, by id."""
    query = sa.select(schedules.c.id, schedules.c.rules).where(schedules.c.is_chained)
    return {row[0]: tuple(row[1].get("after", ())) for row in conn.execute(query)}


def edit(
    conn: sa.Connection, edited: Schedule, seen_revision: int, *, is_retimed: bool
) -> Schedule:
    """Write an edit of what was seen as that revision; return it with the next one.

    Parameters
    ----------
    is_retimed
        False: how far it has been ticked stays as it is, which may be further than was seen.

    Raises
    ------
    ScheduleChanged
        If somebody else was first: nothing is written, and so nothing of theirs is lost.
    ScheduleNotFound
        If it was deleted meanwhile.
    """
    _check_name(conn, edited)
    following = edited.model_copy(update={"revision": seen_revision + 1})
    others = {"placed"} if is_retimed else {"placed", "cursor", "next_at"}
    values = {name: value for name, value in _row(following).items() if name not in others}
    done = conn.execute(
        schedules.update()
        .where(schedules.c.id == edited.id, schedules.c.revision == seen_revision)
        .values(**values)
    )
    if done.rowcount == 1:
        return following
    check_seen(conn, edited, seen_revision)
    raise AssertionError("it is as it was seen, and yet was not written")


def check_seen(conn: sa.Connection, schedule: Schedule, seen_revision: int) -> None:
    """Raise ScheduleChanged where a schedule is at another revision; raises ScheduleNotFound."""
    now_there = get(conn, schedule.id)
    if now_there is None:
        raise ScheduleNotFound(
            f"schedule {schedule.name} was deleted meanwhile",
            next_step="jupyter flotilla schedule ls",
        )
    if now_there.revision == seen_revision:
        return
    raise ScheduleChanged(
        f"schedule {now_there.name} was changed by {now_there.edited_by} at "
        f"{now_there.edited_at:%Y-%m-%d %H:%M:%S} UTC: it is at revision {now_there.revision}, "
        f"and this edit is of revision {seen_revision}",
        next_step=f"look at it (jupyter flotilla schedule show {now_there.name}), then edit again",
    )


def is_as_seen(conn: sa.Connection, seen: Schedule) -> bool:
    """Say whether a schedule is there, and nobody has edited it since it was read."""
    revision = sa.select(schedules.c.revision).where(schedules.c.id == seen.id)
    return conn.execute(revision).scalar() == seen.revision


def settle(conn: sa.Connection, seen: Schedule, cursor: datetime, next_at: datetime | None) -> bool:
    """Move a schedule on to its next tick; False: somebody else did, or edited it."""
    still = (
        (schedules.c.id == seen.id)
        & (schedules.c.revision == seen.revision)
        & (schedules.c.cursor == seen.cursor)
        & schedules.c.paused_at.is_(None)
    )
    done = conn.execute(schedules.update().where(still).values(cursor=cursor, next_at=next_at))
    return done.rowcount == 1


def set_placed(conn: sa.Connection, schedule_id: str, placed: Placed | None) -> None:
    """Write down what the cloud has of a schedule."""
    value = None if placed is None else placed.model_dump(mode="json")
    this = schedules.c.id == schedule_id
    conn.execute(schedules.update().where(this).values(placed=value))


def pause_for_good(conn: sa.Connection, schedule_id: str, now: datetime) -> None:
    """Pause a schedule that is about to be deleted, whoever has edited it."""
    values = {"paused_at": now, "revision": schedules.c.revision + 1, "edited_at": now}
    conn.execute(schedules.update().where(schedules.c.id == schedule_id).values(**values))


def of_cloud(conn: sa.Connection, host: str) -> list[str]:
    """Return the ids of schedules, of this host, of which the cloud has or is to have something."""
    is_mine = _is_mine(host)
    return [*conn.execute(sa.select(schedules.c.id).where(_is_of_cloud(), is_mine)).scalars()]


def delete(conn: sa.Connection, schedule_id: str) -> bool:
    """Delete a schedule and its ticks; its runs stay. False: it is gone."""
    conn.execute(ticks.delete().where(ticks.c.schedule_id == schedule_id))
    done = conn.execute(schedules.delete().where(schedules.c.id == schedule_id))
    return done.rowcount == 1


def due(conn: sa.Connection, host: str, now: datetime, limit: int) -> list[str]:
    """Return ids of what has ticks up to now, or ahead of a clock that was set back; oldest first.

    Ids, here and below: a row that cannot be read must not keep all others from their turn.

    Parameters
    ----------
    host
        Of who asks: what is bound to another host is that one's.
    """
    is_mine = _is_ticked_by(host)
    is_on = schedules.c.paused_at.is_(None)
    moments = (
        schedules.c.next_at <= now,
        (schedules.c.cursor > now + LATE) & schedules.c.next_at.isnot(None),
    )
    found: list[str] = []
    for moment in moments:  # two queries, as two indexes answer them
        query = sa.select(schedules.c.id).where(moment, is_mine, is_on)
        query = query.order_by(schedules.c.next_at, schedules.c.id).limit(limit)
        found += conn.execute(query).scalars()
    return found


def next_at(conn: sa.Connection, host: str, but_not_of: Collection[str] = ()) -> datetime | None:
    """Return when the next tick of this host is due; None: none is, by the clock."""
    is_mine = _is_ticked_by(host)
    query = (
        sa.select(schedules.c.next_at)
        .where(is_mine, schedules.c.paused_at.is_(None), schedules.c.next_at.isnot(None))
        .where(schedules.c.id.not_in(but_not_of))
        .order_by(schedules.c.next_at)
        .limit(1)
    )
    return conn.execute(query).scalar()


def has_waiting(conn: sa.Connection, host: str) -> bool:
    """Say whether a dispatcher of this host has to stay for schedules."""
    is_mine = _is_ticked_by(host)
    is_awaited = sa.or_(schedules.c.next_at.isnot(None), schedules.c.is_chained)
    is_on = schedules.c.paused_at.is_(None)
    query = sa.select(schedules.c.id).where(is_mine, is_on, is_awaited).limit(1)
    return conn.execute(query).first() is not None or bool(with_waiting(conn, host))


def _is_mine(host: str) -> sa.ColumnElement[bool]:
    return sa.or_(schedules.c.host.is_(None), schedules.c.host == host)


def _is_ticked_by(host: str) -> sa.ColumnElement[bool]:
    """Whose ticks a dispatcher of a host makes: not of what the cloud starts."""
    return sa.and_(_is_mine(host), schedules.c.where == "here")


def news(conn: sa.Connection) -> tuple[int, int, datetime | None]:
    """Return what differs when a tick that waits, or a chain, may have got further."""
    waits = sa.select(sa.func.count()).where(ticks.c.status == TickStatus.WAITING)
    edited = sa.select(schedules.c.edited_at).order_by(schedules.c.edited_at.desc()).limit(1)
    return (
        events.latest_seq(conn),
        int(conn.execute(waits.select_from(ticks)).scalar_one()),
        conn.execute(edited).scalar(),
    )


def mark(conn: sa.Connection) -> tuple[object, ...]:
    """Return what is another whenever a schedule was saved, placed, changed, deleted or ticked."""
    waits = sa.select(sa.func.count()).where(ticks.c.status.in_(OPEN_TICKS))
    numbers = (
        sa.select(sa.func.count()).select_from(schedules),
        sa.select(sa.func.max(schedules.c.edited_at)),
        sa.select(sa.func.max(schedules.c.cursor)),
        waits.select_from(ticks),
    )
    found = tuple(conn.execute(number).scalar() for number in numbers)
    # what the cloud has, or has begun, is known later, when others have a later cursor already
    latest = sa.select(sa.func.max(ticks.c.scheduled_at)).where(
        ticks.c.schedule_id == schedules.c.id
    )
    facts = schedules.c.id, schedules.c.cursor, schedules.c.placed, latest.scalar_subquery()
    rows = conn.execute(sa.select(*facts).where(_is_of_cloud()))
    return (*found, *sorted((tuple(row) for row in rows), key=itemgetter(0)))


def with_waiting(conn: sa.Connection, host: str) -> list[str]:
    """Return the ids of schedules, of this host and not paused, with ticks that wait their turn."""
    waiting = sa.select(ticks.c.schedule_id).where(ticks.c.status == TickStatus.WAITING)
    is_mine = _is_mine(host)
    is_on = schedules.c.paused_at.is_(None)
    query = sa.select(schedules.c.id).where(schedules.c.id.in_(waiting), is_mine, is_on)
    return [*conn.execute(query).scalars()]


def chained(conn: sa.Connection, host: str) -> list[str]:
    """Return the ids of schedules, of this host, that run after others and are not paused."""
    is_mine = _is_mine(host)
    query = sa.select(schedules.c.id).where(
        schedules.c.is_chained, schedules.c.paused_at.is_(None), is_mine
    )
    return [*conn.execute(query).scalars()]


def open_runs(conn: sa.Connection, schedule_id: str, *, but_backfilled: bool = False) -> list[str]:
    """Return the ids of a schedule's runs that are not final, oldest first.

    Parameters
    ----------
    but_backfilled
        True: without those of a backfill, which is beside the schedule's own times.
    """
    query = sa.select(runs.c.id).where(
        runs.c.schedule_id == schedule_id, runs.c.status.in_(OPEN_STATUSES)
    )
    if but_backfilled:
        is_backfilled = sa.exists().where(
            ticks.c.schedule_id == runs.c.schedule_id,
            ticks.c.scheduled_at == runs.c.scheduled_at,
            ticks.c.run_id == runs.c.id,
            ticks.c.trigger == BACKFILL,
        )
        query = query.where(~is_backfilled)
    return [row[0] for row in conn.execute(query.order_by(runs.c.created_at))]


def spent_usd(conn: sa.Connection, schedule_id: str, since: datetime) -> float:
    """Return what a schedule's runs have cost since then; of those that go on, what they may."""
    of_schedule = runs.c.schedule_id == schedule_id
    charged = (
        sa.select(sa.func.sum(attempts.c.charge_usd))
        .select_from(attempts.join(runs, runs.c.id == attempts.c.run_id))
        .where(of_schedule, runs.c.ended_at.isnot(None), attempts.c.ended_at >= since)
    )
    reserved = sa.select(sa.func.sum(runs.c.ceiling_usd)).where(
        of_schedule, runs.c.ended_at.is_(None)
    )
    return sum(float(conn.execute(query).scalar_one() or 0.0) for query in (charged, reserved))


def _is_of_cloud() -> sa.ColumnElement[bool]:
    return sa.or_(schedules.c.where == "cloud", schedules.c.placed.isnot(None))


def _check_name(conn: sa.Connection, schedule: Schedule) -> None:
    same = sa.select(schedules.c.id).where(
        schedules.c.name == schedule.name, schedules.c.id != schedule.id
    )
    if conn.execute(same).first() is not None:
        raise InvalidOption(
            f"there is a schedule {schedule.name!r} already",
            next_step=f"--name {schedule.name}-2, or jupyter flotilla schedule edit "
            f"{schedule.name}",
        )


def _schedule(row: sa.Row[Any]) -> Schedule:
    found = row._asdict()
    if found["what"].get("source") == _OF_CLOUD:
        found["what"] = {**found["what"], "source": "snapshot"}
    return Schedule.model_validate(found)


def _row(schedule: Schedule) -> Mapping[str, Any]:
    whole = schedule.model_dump(exclude=_PARTS)
    parts = schedule.model_dump(mode="json", include=_PARTS)
    if schedule.where == "cloud":
        parts["what"]["source"] = _OF_CLOUD
    return {**whole, **parts, "is_chained": schedule.when.kind == "after"}
