"""Which runs have cost most, and of which most was for nothing."""

from datetime import datetime

import sqlalchemy as sa

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.store.schema import attempts

#: Of so many of the most expensive it is asked what they wasted.
_LOOKED_AT = 1_000
#: What a job had in reserve is no waste.
_RESERVE = 1.25
#: Share of a task's price that its memory is: 4 GiB of the 1 vCPU and 4 GiB of the usual size, at
#: Fargate's on-demand prices (model/cost.py names their source).
_MEMORY_SHARE = 0.3


class Leader(Stored):
    """A run on a leaderboard."""

    run_id: str
    #: US dollars: of all its attempts, or of what was for nothing.
    usd: float
    #: Of these, for attempts that failed.
    failed_usd: float = 0.0
    #: Share of the memory that no attempt has used, from 0 to 1; None: not measured.
    unused_share: float | None = None


def most_expensive(conn: sa.Connection, since: datetime | None, limit: int) -> list[Leader]:
    """Return the runs whose ended attempts have cost most, the most expensive first."""
    total = sa.func.sum(attempts.c.charge_usd)
    failed = sa.case((attempts.c.failure_kind.isnot(None), attempts.c.charge_usd), else_=0.0)
    query = (
        sa.select(attempts.c.run_id, total, sa.func.sum(failed))
        .where(attempts.c.ended_at.isnot(None), attempts.c.charge_usd > 0)
        .group_by(attempts.c.run_id)
        .order_by(total.desc(), attempts.c.run_id)
        .limit(limit)
    )
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    return [
        Leader(run_id=run_id, usd=usd, failed_usd=failed_usd)
        for run_id, usd, failed_usd in conn.execute(query)
    ]


def most_wasteful(conn: sa.Connection, since: datetime | None, limit: int) -> list[Leader]:
    """Return the runs that have cost most for nothing: failed attempts, memory never used.

    Memory is about as much of a price as its share of the size that was asked for; a quarter more
    than the peak is no waste. Only the most expensive attempts are looked at.
    """
    facts = attempts.c.facts
    query = (
        sa.select(
            attempts.c.run_id,
            attempts.c.charge_usd,
            attempts.c.failure_kind,
            facts["usage"]["peak_memory_mib"].label("peak_mib"),
            facts["resources"]["memory_mib"].label("asked_mib"),
        )
        .where(attempts.c.ended_at.isnot(None), attempts.c.charge_usd > 0)
        .order_by(attempts.c.charge_usd.desc())
        .limit(_LOOKED_AT)
    )
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    found: dict[str, Leader] = {}
    for run_id, usd, failure, peak_mib, asked_mib in conn.execute(query):
        known = found.get(run_id, Leader(run_id=run_id, usd=0.0))
        if failure is not None:
            update = {"usd": known.usd + usd, "failed_usd": known.failed_usd + usd}
        elif peak_mib and asked_mib:
            unused = max(0.0, 1 - peak_mib * _RESERVE / asked_mib)
            update = {"usd": known.usd + usd * unused * _MEMORY_SHARE, "unused_share": unused}
        else:
            continue
        found[run_id] = known.model_copy(update=update)
    wasted = [one for one in found.values() if one.usd > 0]
    return sorted(wasted, key=lambda one: (-one.usd, one.run_id))[:limit]
