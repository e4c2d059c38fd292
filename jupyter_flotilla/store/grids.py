"""The table of grids, and what the runs of one use."""

from datetime import datetime

import sqlalchemy as sa

from jupyter_flotilla.errors import AmbiguousRun, RunNotFound
from jupyter_flotilla.model.grid import Grid, GridUse, gate, refusal
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.schema import attempts, grids
from jupyter_flotilla.store.schema import runs as runs_table

_ACTIVE = (RunStatus.PENDING, RunStatus.RUNNING)


def insert(conn: sa.Connection, grid: Grid) -> None:
    """Add a new grid; its runs come in the same transaction."""
    conn.execute(grids.insert().values(**grid.model_dump()))


def get(conn: sa.Connection, grid_id: str) -> Grid:
    """Return a grid by its whole id; raises RunNotFound."""
    row = conn.execute(grids.select().where(grids.c.id == grid_id)).first()
    if row is None:
        raise RunNotFound(f"there is no grid {grid_id!r}", next_step="jupyter flotilla ls --all")
    return Grid.model_validate(row._asdict())


def find(conn: sa.Connection, reference: str) -> Grid | None:
    """Return the grid of an id or unique prefix of one; None: no grid is meant.

    The whole name of a run means that run, also where a grid's id begins so.

    Raises
    ------
    AmbiguousRun
        If several ids begin so.
    """
    if not reference.startswith("g") or not 2 <= len(reference) <= 13 or not reference.isalnum():
        return None
    found = conn.execute(
        grids.select().where(grids.c.id >= reference, grids.c.id < reference + "~").limit(2)
    ).all()
    if not found or (found[0].id != reference and runs.latest(conn, name=reference, limit=1)):
        return None
    if len(found) > 1:
        raise AmbiguousRun(
            f"{reference!r} begins the ids of several grids", next_step="write more characters"
        )
    return Grid.model_validate(found[0]._asdict())


def use(conn: sa.Connection, grid_id: str) -> GridUse:
    """Return what the runs of a grid use now."""
    of_grid = runs_table.c.grid_id == grid_id
    active = sa.select(sa.func.count()).where(of_grid, runs_table.c.status.in_(_ACTIVE))
    reserved = sa.select(sa.func.sum(runs_table.c.ceiling_usd)).where(
        of_grid, runs_table.c.attempt > 0, runs_table.c.ended_at.is_(None)
    )
    joined = attempts.join(runs_table, runs_table.c.id == attempts.c.run_id)
    spent = (
        sa.select(sa.func.sum(attempts.c.charge_usd))
        .select_from(joined)
        .where(of_grid, runs_table.c.ended_at.isnot(None))
    )
    return GridUse(
        active=int(conn.execute(active).scalar_one()),
        reserved_usd=float(conn.execute(reserved).scalar_one() or 0.0),
        spent_usd=float(conn.execute(spent).scalar_one() or 0.0),
    )


def next_allowed(conn: sa.Connection, engine: str, place: str, now: datetime) -> Run | None:
    """Return the run that has waited longest and that its grid, if it has one, lets start.

    What a grid refuses is FAILED here, for ever. Called under the lock of a claim.
    """
    waiting: set[str] = set()
    while True:
        run = runs.next_queued(conn, engine, place, now, but_not_of=waiting)
        if run is None or run.grid_id is None:
            return run
        grid, used = get(conn, run.grid_id), use(conn, run.grid_id)
        answer = gate(grid, used, attempts=run.attempt, ceiling_usd=run.ceiling_usd)
        if answer == "launch":
            return run
        if answer == "wait":
            waiting.add(grid.id)
        else:
            _refuse(conn, run, refusal(grid, used, run.ceiling_usd), now)


def _refuse(conn: sa.Connection, run: Run, message: str, now: datetime) -> None:
    failed = run.advance(RunStatus.FAILED, now, failure_kind=FailureKind.COST_CAP, message=message)
    refused = runs.apply(conn, run, failed, now)
    assert refused, "a run moved under the lock of a claim"
