"""What lists of runs show: pages of rows, without the whole job of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.run import OPEN_STATUSES, RunStatus
from jupyter_flotilla.store.runs import short_form
from jupyter_flotilla.store.schema import attempts, events, runs, tags

#: What lists can be sorted by.
Sort = Literal["created_at", "name", "status", "duration", "cost"]
#: Value of the sort key, place in a grid and id of the last row of a page: the next begins there.
Position = tuple[str | float | int, int, str]

_COLUMNS = [
    column for column in runs.c if column.name not in ("spec", "not_before", "cancel_grace_s",
                                                       "kept_at", "next_memory_mib", "next_size")
]  # fmt: skip
#: As a job first asked: what counts as long as it has no attempt.
_ASKED = runs.c.spec["resources"].label("asked")
#: The cell of a notebook that it was sent from.
_CELL_ID = runs.c.spec[("origin", "cell_id")].as_string().label("cell_id")
_STATUS_ORDER = {status.value: place for place, status in enumerate((*OPEN_STATUSES, *RunStatus))}
_OTHERS = runs.alias("others")
#: The ids beside it: they say how much of an id is its own.
_BESIDE = (
    sa.select(sa.func.max(_OTHERS.c.id)).where(_OTHERS.c.id < runs.c.id)
    .scalar_subquery().label("before"),
    sa.select(sa.func.min(_OTHERS.c.id)).where(_OTHERS.c.id > runs.c.id)
    .scalar_subquery().label("behind"),
)  # fmt: skip
_SHOWN = (*_COLUMNS, _ASKED, _CELL_ID, *_BESIDE)
_IN_GRID = sa.func.coalesce(runs.c.grid_index, -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """Which runs a list shows; what is empty or None does not matter."""

    statuses: tuple[RunStatus, ...] = ()
    #: Whole ids.
    ids: tuple[str, ...] = ()
    owner: str | None = None
    kind: str | None = None
    #: Absolute path of the notebook or file.
    path: str | None = None
    #: A value of None means any.
    tag: tuple[str, str | None] | None = None
    engine: str | None = None
    grid_id: str | None = None
    #: Submitted since then, and before then.
    since: datetime | None = None
    until: datetime | None = None
    #: Part of a name, path, id, owner or message, in any case.
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One run as a list shows it."""

    #: Columns of the table of runs, the job excepted.
    run: dict[str, Any]
    #: See `runs.short_id`.
    short_id: str
    #: What its latest attempt gets, as JSON values of `Resources`.
    resources: dict[str, Any]
    #: The latest attempt, as JSON values of `Attempt`; None before the first.
    latest: dict[str, Any] | None = None
    #: US dollars of the attempts that have ended; None where the price of one is unknown.
    charged_usd: float | None = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    #: Of its latest event.
    seq: int = 0


def page(
    conn: sa.Connection,
    which: RunFilter,
    *,
    sort: Sort = "created_at",
    is_descending: bool = True,
    after: Position | None = None,
    limit: int = 50,
) -> tuple[list[RunRow], Position | None]:
    """Return the rows that follow a position, and the position of the next page; None: no more.

    Raises InvalidOption for a position that is of another list.
    """
    key = _key(sort)
    order: list[sa.ColumnElement[Any]] = [key, _IN_GRID, runs.c.id]
    query = _filtered(sa.select(*_SHOWN, key.label("sort_key")), which)
    if after is not None:
        # row values compare as tuples do, in SQLite since 3.15 and in PostgreSQL
        here, there = sa.tuple_(*order), sa.tuple_(*_bound(sort, after))
        query = query.where(here < there if is_descending else here > there)
    query = query.order_by(*(c.desc() if is_descending else c.asc() for c in order))
    found = [row._asdict() for row in conn.execute(query.limit(limit + 1))]
    keys = [row.pop("sort_key") for row in found]
    position = None
    if len(found) > limit:
        last = found[limit - 1]
        key_value = keys[limit - 1]
        if isinstance(key_value, datetime):
            key_value = key_value.isoformat()
        position = (key_value, last["grid_index"] if last["grid_index"] is not None else -1,
                    last["id"])  # fmt: skip
    return _whole(conn, found[:limit]), position


def rows_of(conn: sa.Connection, run_ids: Collection[str]) -> list[RunRow]:
    """Return the rows of runs by their whole ids; those that are gone are left out."""
    query = sa.select(*_SHOWN).where(runs.c.id.in_(run_ids))
    return _whole(conn, [row._asdict() for row in conn.execute(query)])


def count(conn: sa.Connection, which: RunFilter) -> int:
    """Return how many runs there are of these."""
    query = _filtered(sa.select(sa.func.count()).select_from(runs), which)
    return int(conn.execute(query).scalar_one())


def counts(conn: sa.Connection) -> dict[str, int]:
    """Return how many runs there are of each status."""
    query = sa.select(runs.c.status, sa.func.count()).group_by(runs.c.status)
    found = {row[0]: int(row[1]) for row in conn.execute(query)}
    return {status.value: found.get(status, 0) for status in RunStatus}


def events_after(conn: sa.Connection, seq: int, limit: int) -> list[tuple[int, str, str]]:
    """Return number, run and name of the events that follow one, in order."""
    query = (
        sa.select(events.c.seq, events.c.run_id, events.c.name)
        .where(events.c.seq > seq)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [(int(row[0]), str(row[1]), str(row[2])) for row in conn.execute(query)]


def open_facts(conn: sa.Connection) -> dict[str, str]:
    """Return of each run that goes on all that is known of its latest attempt, as JSON text.

    Compared as text it tells which have changed, and only those need be read.
    """
    query = sa.select(attempts.c.run_id, sa.cast(attempts.c.facts, sa.Text)).where(
        attempts.c.ended_at.is_(None)
    )
    return {str(row[0]): str(row[1]) for row in conn.execute(query)}


def open_attempts(
    conn: sa.Connection, engines: Collection[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Return engine and JSON values of each attempt on these engines that has not ended."""
    query = sa.select(attempts.c.engine, attempts.c.facts).where(
        attempts.c.ended_at.is_(None), attempts.c.engine.in_(engines)
    )
    return [(str(row[0]), row[1]) for row in conn.execute(query)]


def _filtered(query: sa.Select[Any], which: RunFilter) -> sa.Select[Any]:
    equal = {
        runs.c.owner: which.owner, runs.c.path: which.path, runs.c.kind: which.kind,
        runs.c.engine: which.engine, runs.c.grid_id: which.grid_id,
    }  # fmt: skip
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if which.ids:
        query = query.where(runs.c.id.in_(which.ids))
    if which.statuses:
        query = query.where(runs.c.status.in_(which.statuses))
    if which.tag is not None:
        key, value = which.tag
        tagged = sa.select(tags.c.run_id).where(tags.c.key == key)
        query = query.where(
            runs.c.id.in_(tagged if value is None else tagged.where(tags.c.value == value))
        )
    if which.since is not None:
        query = query.where(runs.c.created_at >= which.since)
    if which.until is not None:
        query = query.where(runs.c.created_at < which.until)
    if which.text:
        searched = (runs.c.name, runs.c.path, runs.c.id, runs.c.owner, runs.c.message)
        query = query.where(
            sa.or_(*(column.icontains(which.text, autoescape=True) for column in searched))
        )
    return query


def _key(sort: Sort) -> sa.ColumnElement[Any]:
    if sort == "created_at":
        return runs.c.created_at
    if sort == "name":
        return runs.c.name
    if sort == "status":
        return sa.case(_STATUS_ORDER, value=runs.c.status, else_=len(_STATUS_ORDER))
    summed = {"duration": attempts.c.duration_s, "cost": attempts.c.charge_usd}[sort]
    of_run = sa.select(sa.func.sum(summed)).where(attempts.c.run_id == runs.c.id).scalar_subquery()
    return sa.func.coalesce(of_run, 0.0)


def _bound(sort: Sort, position: Position) -> list[sa.ColumnElement[Any]]:
    key, in_grid, run_id = position
    if sort == "created_at":
        try:
            moment = datetime.fromisoformat(str(key))
            if moment.tzinfo is None:
                raise ValueError("a moment without a time zone")
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise _of_another_list() from error
        return [sa.literal(moment, runs.c.created_at.type), sa.literal(in_grid), sa.literal(run_id)]
    if isinstance(key, str) is not (sort == "name"):
        raise _of_another_list()
    return [sa.literal(key), sa.literal(in_grid), sa.literal(run_id)]


def _of_another_list() -> InvalidOption:
    return InvalidOption(
        "the cursor is not of a list that is sorted so", next_step="begin at the first page"
    )


def _whole(conn: sa.Connection, found: Sequence[dict[str, Any]]) -> list[RunRow]:
    ids = [row["id"] for row in found]
    if not ids:
        return []
    latest = _latest(conn, ids)
    charged = _charged(conn, ids)
    labels: dict[str, dict[str, str]] = {}
    for run_id, key, value in conn.execute(
        sa.select(tags.c.run_id, tags.c.key, tags.c.value).where(tags.c.run_id.in_(ids))
    ):
        labels.setdefault(run_id, {})[key] = value
    latest_events = (
        sa.select(events.c.run_id, sa.func.max(events.c.seq))
        .where(events.c.run_id.in_(ids))
        .group_by(events.c.run_id)
    )
    seqs = {row[0]: int(row[1]) for row in conn.execute(latest_events)}
    rows = []
    for run in found:
        asked, facts = run.pop("asked"), latest.get(run["id"])
        beside = (run.pop("before"), run.pop("behind"))
        rows.append(
            RunRow(
                run=run,
                short_id=short_form(run["id"], beside),
                resources=(facts or {}).get("resources") or asked or {},
                latest=facts,
                charged_usd=charged.get(run["id"], 0.0),
                tags=labels.get(run["id"], {}),
                seq=seqs.get(run["id"], 0),
            )
        )
    return rows


def _latest(conn: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    query = (
        sa.select(attempts.c.run_id, attempts.c.facts)
        .join(runs, (runs.c.id == attempts.c.run_id) & (runs.c.attempt == attempts.c.number))
        .where(attempts.c.run_id.in_(ids))
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def _charged(conn: sa.Connection, ids: Sequence[str]) -> dict[str, float | None]:
    unknown = sa.func.count() - sa.func.count(attempts.c.charge_usd)
    query = (
        sa.select(attempts.c.run_id, sa.func.sum(attempts.c.charge_usd), unknown)
        .where(attempts.c.run_id.in_(ids), attempts.c.ended_at.isnot(None))
        .group_by(attempts.c.run_id)
    )
    return {row[0]: None if row[2] else float(row[1]) for row in conn.execute(query)}
