"""Whether a failed attempt is followed by another, when, and how large. Pure.

Two budgets, kept apart: the user's own retries (``--retries``) for what may be the job's fault,
and a free one for what was ours or the machine's. Out of memory is neither: the same again would
fail the same way, so it is only retried larger (``--on-oom double``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Rate, charge_usd, minimum_usd
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.resources import Resources, doubled
from jupyter_flotilla.model.stop import STOP_S

#: Free retries of a run, over all its attempts.
INFRASTRUCTURE_RETRIES = 2
#: Doublings of memory where no cap was given: 16 times the first size.
OOM_DOUBLINGS = 4
#: Longest pause before a further attempt, in seconds.
MAX_DELAY_S = 300.0

#: Not the job's fault: the user's retries are not spent on it.
FREE_KINDS = frozenset({FailureKind.LOST, FailureKind.INFRASTRUCTURE, FailureKind.SPOT_RECLAIMED})
#: May go away by itself, or not: the user decides with ``--retries``. All other kinds (out of
#: memory, cost cap, image, environment, quota) fail again until something is changed.
USER_KINDS = frozenset({FailureKind.USER_ERROR, FailureKind.TIMEOUT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A further attempt that is to be made."""

    #: Not before this.
    at: datetime
    #: What it gets.
    resources: Resources
    #: Why it is made, for people.
    reason: str


def next_attempt(
    spec: JobSpec, attempts: Sequence[Attempt], now: datetime, *, base_s: float, jitter: float
) -> Retry | None:
    """Return the attempt that follows the last one, which has failed; None: it was the last.

    Parameters
    ----------
    attempts
        All of the run's, first to last; at least one.
    base_s
        First pause; each further one of the same kind is twice as long; half of it is jitter.
    jitter
        A random number in [0, 1).
    """
    last = attempts[-1]
    kind = last.failure_kind
    made = _made(attempts)
    if kind is FailureKind.OUT_OF_MEMORY:
        return _larger(spec, last, now)
    if kind in FREE_KINDS and made.free < INFRASTRUCTURE_RETRIES:
        count, budget, which = made.free, INFRASTRUCTURE_RETRIES, "free retry"
    elif kind in USER_KINDS and made.users < spec.retries:
        count, budget, which = made.users, spec.retries, "retry"
    else:
        return None
    delay_s = min(MAX_DELAY_S, base_s * 2**count) * (0.5 + jitter / 2)
    return Retry(
        at=now + timedelta(seconds=delay_s),
        resources=last.resources,
        reason=f"{kind}: {which} {count + 1} of {budget}",
    )


def possible_attempts(spec: JobSpec) -> list[Resources]:
    """Return the size of every attempt that could be made: what a ceiling must count."""
    sizes = [spec.resources]
    while (larger := _doubled(spec, sizes[-1], len(sizes) - 1)) is not None:
        sizes.append(larger)
    # Retries are made at the size that was reached: the ceiling takes the largest.
    return sizes + [sizes[-1]] * (spec.retries + INFRASTRUCTURE_RETRIES)


def remaining_usd(spec: JobSpec, attempts: Sequence[Attempt]) -> float | None:
    """Return what is left of the run's cost cap, in US dollars; None where there is none."""
    if spec.max_cost_usd is None:
        return None
    spent = sum(attempt.charge_usd or 0.0 for attempt in attempts if not attempt.is_open)
    return max(0.0, spec.max_cost_usd - spent)


def is_affordable(rate: Rate | None, remaining: float | None) -> bool:
    """Say whether what is left of a cost cap buys an attempt at this rate."""
    return rate is None or remaining is None or remaining >= minimum_usd(rate)


def run_ceiling_usd(
    rates: Sequence[Rate | None], timeout_s: int | None, max_cost_usd: float | None
) -> float | None:
    """Return what a run cannot exceed over all attempts that could be made, in US dollars.

    None where nothing limits it, or a price is unknown. Stopping after a timeout takes time too.

    Parameters
    ----------
    rates
        One for each of `possible_attempts`.
    """
    known = [rate for rate in rates if rate is not None]
    if len(known) < len(rates):
        return None
    limits = [] if max_cost_usd is None else [max_cost_usd]
    if timeout_s is not None:
        limits.append(sum(charge_usd(rate, timeout_s + STOP_S) for rate in known))
    return min(limits, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """How many retries were made of each budget."""

    free: int
    users: int


def _made(attempts: Sequence[Attempt]) -> _Made:
    """Count what the failures before the last one were answered with."""
    before = [attempt.failure_kind for attempt in attempts[:-1]]
    return _Made(
        free=sum(kind in FREE_KINDS for kind in before),
        users=sum(kind in USER_KINDS for kind in before),
    )


def _larger(spec: JobSpec, last: Attempt, now: datetime) -> Retry | None:
    first_mib = spec.resources.memory_mib or last.resources.memory_mib or 1
    doublings = 0
    while first_mib * 2**doublings < (last.resources.memory_mib or 0):
        doublings += 1
    larger = _doubled(spec, last.resources, doublings)
    if larger is None:
        return None
    return Retry(at=now, resources=larger, reason=f"out-of-memory: {larger.memory_mib} MiB next")


def _doubled(spec: JobSpec, size: Resources, doublings: int) -> Resources | None:
    """Return the next larger size that ``--on-oom`` allows."""
    if spec.on_oom is None or size.memory_mib is None:
        return None
    if spec.on_oom.cap_mib is None and doublings >= OOM_DOUBLINGS:
        return None
    return doubled(size, spec.on_oom.cap_mib)
