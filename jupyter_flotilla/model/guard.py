"""What must be agreed to before a launch, and what a job is expected to take. Pure.

An engine that bills nobody asks for nothing, unless the user has set a limit of their own.
"""

from collections.abc import Sequence
from datetime import datetime
from statistics import quantiles

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.cost import Rate, charge_usd
from jupyter_flotilla.model.units import format_money

#: Ceiling above which an engine that bills asks, where nothing else was set, in US dollars.
DEFAULT_CONFIRM_ABOVE_USD = 1.0
#: Longest timeout that an engine that bills starts without asking, in seconds.
LONG_TIMEOUT_S = 12 * 3600
#: Runs at a time that an engine that bills starts without asking.
MANY_PARALLEL = 20
#: Runs of the same job that it takes to expect anything of the next.
MIN_HISTORY = 3


def month_start(now: datetime) -> datetime:
    """Return when the month of ``now`` began, in UTC: what budgets and costs count from."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class Expectation(Stored):
    """What a job took in its latest runs."""

    #: How many runs it is taken from, at least `MIN_HISTORY`.
    runs: int
    #: Seconds that half of them, and nine of ten, stayed below.
    duration_p50_s: float
    duration_p90_s: float
    #: The same as US dollars at today's rate; None where the price is unknown.
    cost_p50_usd: float | None
    cost_p90_usd: float | None


def expectation(durations_s: Sequence[float], rate: Rate | None) -> Expectation | None:
    """Return what to expect after these durations; None where there are too few."""
    if len(durations_s) < MIN_HISTORY:
        return None
    deciles = quantiles(durations_s, n=10, method="inclusive")
    p50, p90 = deciles[4], deciles[8]
    return Expectation(
        runs=len(durations_s),
        duration_p50_s=p50,
        duration_p90_s=p90,
        cost_p50_usd=None if rate is None else charge_usd(rate, p50),
        cost_p90_usd=None if rate is None else charge_usd(rate, p90),
    )


def reasons_to_ask(
    *,
    bills: bool,
    ceiling_usd: float | None,
    timeout_s: int | None,
    confirm_above_usd: float | None,
    monthly_budget_usd: float | None,
    month_usd: float,
    parallel: int = 1,
) -> list[str]:
    """Return what the user must agree to before a launch, as sentences; empty: nothing.

    Parameters
    ----------
    bills
        Whether anybody pays on this engine.
    ceiling_usd
        What the launch cannot exceed; None: nothing limits it, or the price is unknown.
    confirm_above_usd, monthly_budget_usd
        What the user has set; None: the default where the engine bills, no limit where not.
    month_usd
        Charges of this engine in this month so far.
    parallel
        How many runs may be going on at a time.
    """
    limit = confirm_above_usd
    if limit is None and bills:
        limit = DEFAULT_CONFIRM_ABOVE_USD
    reasons = []
    if limit is not None and ceiling_usd is None:
        reasons.append("nothing limits what it may cost (no --timeout, no --max-cost, or no price)")
    elif limit is not None and ceiling_usd is not None and ceiling_usd > limit:
        reasons.append(
            f"it may cost up to {format_money(ceiling_usd)}, more than {format_money(limit)}"
        )
    if bills and timeout_s is not None and timeout_s > LONG_TIMEOUT_S:
        reasons.append("its timeout is longer than 12 hours")
    if bills and parallel > MANY_PARALLEL:
        reasons.append(f"up to {parallel} runs go on at a time, more than {MANY_PARALLEL}")
    if monthly_budget_usd is not None:
        reasons += _over_budget(month_usd, ceiling_usd, monthly_budget_usd)
    return reasons


def _over_budget(month_usd: float, ceiling_usd: float | None, budget_usd: float) -> list[str]:
    if month_usd + (ceiling_usd or 0.0) <= budget_usd:
        return []
    return [
        f"with {format_money(month_usd)} this month it may pass the monthly budget of "
        f"{format_money(budget_usd)}"
    ]
