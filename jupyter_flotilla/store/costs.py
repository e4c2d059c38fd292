"""Sums over attempts: every one counts, failed and retried ones too."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.store.schema import attempts, runs, tags

#: What costs are summed by.
By = Literal["tag", "owner", "notebook", "day", "name", "engine"]

#: Durations of the latest runs of a job that its next one is judged by.
_HISTORY = 20
#: How many times as many runs of that name are looked at to find so many of the same command.
_NAMESAKES = 10


class CostRow(Stored):
    """What one group of runs has cost."""

    #: The tag (``k=v``), owner, notebook path, day (UTC, ISO 8601), name or engine.
    group: str
    engine: str
    runs: int
    attempts: int
    #: US dollars; what Fargate would have taken where the engine bills nobody.
    usd: float
    #: Of these, for attempts that failed.
    failed_usd: float


def total_usd(conn: sa.Connection, engine: str, since: datetime) -> float:
    """Return the charges of an engine's attempts that ended since then, in US dollars."""
    query = sa.select(sa.func.coalesce(sa.func.sum(attempts.c.charge_usd), 0.0)).where(
        attempts.c.engine == engine, attempts.c.ended_at >= since
    )
    return float(conn.execute(query).scalar_one())


def grouped(conn: sa.Connection, by: By, since: datetime | None) -> list[CostRow]:
    """Return what attempts have cost, summed by something, the most expensive first.

    A run with several tags counts under each of them.
    """
    joined = attempts.join(runs, runs.c.id == attempts.c.run_id)
    if by == "tag":
        joined = joined.join(tags, tags.c.run_id == runs.c.id)
    group = {
        "tag": tags.c.key + "=" + tags.c.value,
        "owner": runs.c.owner,
        "notebook": sa.func.coalesce(runs.c.path, "-"),
        # cast: the column's own type would read a day as a time
        "day": sa.func.substr(sa.cast(attempts.c.ended_at, sa.String), 1, 10),
        "name": runs.c.name,
        "engine": attempts.c.engine,
    }[by]
    failed = sa.case((attempts.c.failure_kind.isnot(None), attempts.c.charge_usd), else_=0.0)
    total = sa.func.coalesce(sa.func.sum(attempts.c.charge_usd), 0.0)
    query = (
        sa.select(
            group.label("group"),
            attempts.c.engine,
            sa.func.count(sa.distinct(runs.c.id)).label("runs"),
            sa.func.count().label("attempts"),
            total.label("usd"),
            sa.func.coalesce(sa.func.sum(failed), 0.0).label("failed_usd"),
        )
        .select_from(joined)
        .where(attempts.c.ended_at.isnot(None))
        .group_by(group, attempts.c.engine)
        .order_by(total.desc(), group)
    )
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    return [CostRow.model_validate(row._asdict()) for row in conn.execute(query)]


class Past(Stored):
    """What one success of a job took."""

    duration_s: float
    #: None where it was not measured.
    peak_memory_mib: float | None = None


def history(conn: sa.Connection, spec: JobSpec) -> list[Past]:
    """Return what the latest successes of the same job took, the newest first.

    The same job: the same file, or the same name and command where there is none, on the same
    engine.
    """
    is_same = runs.c.path == spec.path if spec.path is not None else runs.c.name == spec.name
    query = (
        sa.select(
            attempts.c.duration_s,
            runs.c.spec["command"].label("command"),
            attempts.c.facts["usage"]["peak_memory_mib"].label("peak_mib"),
        )
        .select_from(attempts.join(runs, runs.c.id == attempts.c.run_id))
        .where(
            is_same,
            runs.c.kind == spec.kind,
            runs.c.engine == spec.engine,
            runs.c.status == RunStatus.SUCCEEDED,
            attempts.c.number == runs.c.attempt,
            attempts.c.duration_s.isnot(None),
        )
        .order_by(runs.c.created_at.desc())
        .limit(_HISTORY * (1 if spec.path else _NAMESAKES))
    )
    command = list(spec.command)  # every `-- python …` has the same name
    found = [
        Past(duration_s=row.duration_s, peak_memory_mib=row.peak_mib or None)
        for row in conn.execute(query)
        if (row.command or []) == command
    ]
    return found[:_HISTORY]
