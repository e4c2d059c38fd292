"""A grid: one job submitted at many points, with limits over all of its runs. Pure."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.run import CROCKFORD
from jupyter_flotilla.model.units import format_money

#: What a grid may do with its next run: launch it now, wait, or never launch any more.
Gate = Literal["launch", "wait", "refuse"]


def new_grid_id() -> str:
    """Return ``g`` and 12 random characters (60 bits)."""
    return "g" + "".join(secrets.choice(CROCKFORD) for _ in range(12))


class Grid(Stored):
    """What the runs of one grid share."""

    #: ``g`` and 12 characters.
    id: str
    name: str
    owner: str
    created_at: datetime
    #: How many runs it has.
    size: int
    #: Most runs of it that may be going on at a time.
    max_parallel: int
    #: US dollars over all its runs, after which none is launched any more; None: no limit.
    budget_usd: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GridUse:
    """What the runs of a grid use now."""

    #: Runs that are PENDING or RUNNING.
    active: int
    #: US dollars of final runs.
    spent_usd: float
    #: US dollars that runs which were launched and are not final may cost at most.
    reserved_usd: float


def gate(grid: Grid, use: GridUse, *, attempts: int, ceiling_usd: float | None) -> Gate:
    """Return what may be done with the next run of a grid.

    A run's ceiling, over every attempt that it could make, is reserved before its first launch:
    a further attempt needs no money any more, only room. While others are going on it waits,
    since they may cost less than what is reserved for them.

    Parameters
    ----------
    attempts
        Attempts that the run has made.
    ceiling_usd
        US dollars that the run cannot exceed; None: nothing limits it.
    """
    if use.active >= grid.max_parallel:
        return "wait"
    if grid.budget_usd is None or attempts > 0:
        return "launch"
    if ceiling_usd is None:
        return "refuse"
    # a millionth of a cent is rounding, not money
    if use.spent_usd + use.reserved_usd + ceiling_usd <= grid.budget_usd + 1e-8:
        return "launch"
    return "wait" if use.reserved_usd > 0 else "refuse"


def refusal(grid: Grid, use: GridUse, ceiling_usd: float | None) -> str:
    """Return why a run of a grid is not launched any more."""
    budget = format_money(grid.budget_usd or 0.0)
    if ceiling_usd is None:
        return f"Not launched: nothing limits what it may cost, and the grid's budget is {budget}."
    return (
        f"Not launched: of the grid's budget of {budget}, {format_money(use.spent_usd)} is spent, "
        f"and this run may cost up to {format_money(ceiling_usd)}."
    )
