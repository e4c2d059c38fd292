"""Whether a failed attempt is followed by another, when, and how large. Pure.

Budgets, kept apart: the user's own retries (``--retries``) for what may be the job's fault, and
free ones for what was ours or the machine's. Out of memory is neither: the same again would fail
the same way, so it is only retried larger (``--on-oom double``). Where an engine says more of a
failure than its kind (`Again`), that counts: Spot taken back is tried on Spot once more and then on
demand; what has found no room waits, and costs nothing meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Rate, charge_usd, minimum_usd
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Again, FailureKind
from jupyter_flotilla.model.resources import (
    INCLUDED_DISK_GIB,
    MAX_DISK_GIB,
    Resources,
    doubled,
    next_legal,
)
from jupyter_flotilla.model.stop import STOP_S

#: Free retries of a run, over all its attempts, where an engine says no more than a kind.
INFRASTRUCTURE_RETRIES = 2
#: The same where it does: it tells a machine that broke from an image that is not there.
JUDGED_RETRIES = 5
#: Doublings of memory where no cap was given: 16 times the first size.
OOM_DOUBLINGS = 4
#: Retries after Spot was taken back: the first on Spot again, the second on demand.
SPOT_RETRIES = 2
#: Refusals for want of Spot capacity in a row after which it is asked for on demand.
SPOT_REFUSALS = 3
#: First pause after a refusal for want of capacity or quota, in seconds; then twice as long.
CAPACITY_DELAY_S = 15.0
#: How long a run waits for a quota that is in use, in seconds: others' jobs may take a day.
HOLD_S = 24 * 3600.0
#: Longest pause before a further attempt, in seconds.
MAX_DELAY_S = 300.0

#: Not the job's fault: the user's retries are not spent on it.
FREE_KINDS = frozenset({FailureKind.LOST, FailureKind.INFRASTRUCTURE, FailureKind.SPOT_RECLAIMED})
#: May go away by itself, or not: the user decides with ``--retries``. All other kinds (out of
#: memory, cost cap, image, environment, quota) fail again until something is changed.
USER_KINDS = frozenset({FailureKind.USER_ERROR, FailureKind.TIMEOUT})
#: Attempts that never began, and cost nothing.
_WAITS = frozenset({Again.CAPACITY, Again.HOLD})


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """What an engine's failures allow; the default is of one that says kinds only."""

    #: Free retries of a run; at most `INFRASTRUCTURE_RETRIES` for an ending without a word.
    free: int = INFRASTRUCTURE_RETRIES
    #: The size after out of memory, within a cap in MiB; None: there is no larger one.
    larger: Callable[[Resources, int | None], Resources | None] = doubled
    #: True where a full disk can be answered with a larger one.
    grows_disk: bool = False
    #: Seconds from the first of several refusals for want of capacity until it is given up.
    start_timeout_s: float = 3600.0


def fargate_policy(start_timeout_s: float) -> RetryPolicy:
    """Return the policy of an engine that judges its failures and has Fargate's sizes."""
    return RetryPolicy(
        free=JUDGED_RETRIES, larger=next_legal, grows_disk=True, start_timeout_s=start_timeout_s
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A further attempt that is to be made."""

    #: Not before this.
    at: datetime
    #: What it gets.
    resources: Resources
    #: Why it is made, for people.
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pause:
    """How long to wait: seconds that double, half of them by chance."""

    now: datetime
    #: In [0, 1).
    jitter: float

    def until(self, first_s: float, count: int) -> datetime:
        delay_s = min(MAX_DELAY_S, first_s * 2**count) * (0.5 + self.jitter / 2)
        return self.now + timedelta(seconds=delay_s)


def next_attempt(
    spec: JobSpec,
    attempts: Sequence[Attempt],
    now: datetime,
    *,
    base_s: float,
    jitter: float,
    policy: RetryPolicy | None = None,
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
    policy
        The engine's; None: the default.
    """
    if _is_too_old(attempts[-1], now):
        return None
    policy, pause = policy or RetryPolicy(), _Pause(now=now, jitter=jitter)
    again = again_of(attempts[-1])
    if again is Again.OOM:
        return _larger(spec, attempts, now, policy)
    if again is Again.DISK:
        return _more_disk(attempts, now, policy)
    if again is Again.SPOT and attempts[-1].resources.spot:
        return _after_spot(attempts, pause, base_s)
    if again in _WAITS:
        return _wait(attempts, again, pause, policy)
    if again is Again.USER:
        return _counted(attempts, Again.USER, spec.retries, "retry", pause, base_s)
    if again in (Again.FREE, Again.SPOT):
        is_judged = attempts[-1].again is not None
        budget = policy.free if is_judged else min(policy.free, INFRASTRUCTURE_RETRIES)
        return _counted(attempts, Again.FREE, budget, "free retry", pause, base_s)
    return None  # never; or nobody knows whether it runs, and then only the same launch is repeated


def _is_too_old(failed: Attempt, now: datetime) -> bool:
    """Say whether an attempt that others have started ended too long ago to be repeated unasked."""
    if failed.retry_within_s is None or failed.ended_at is None:
        return False
    return (now - failed.ended_at).total_seconds() > failed.retry_within_s


def again_of(attempt: Attempt) -> Again:
    """Return whether the like of a failed attempt may be tried again: as its engine, or kind, says.

    Spot that was taken back counts as free where the job was not on Spot, or nobody says so.
    """
    if attempt.again is not None:
        is_on_demand = attempt.again is Again.SPOT and not attempt.resources.spot
        return Again.FREE if is_on_demand else attempt.again
    if attempt.failure_kind is FailureKind.OUT_OF_MEMORY:
        return Again.OOM
    if attempt.failure_kind in FREE_KINDS:
        return Again.FREE
    return Again.USER if attempt.failure_kind in USER_KINDS else Again.NEVER


def possible_attempts(spec: JobSpec, policy: RetryPolicy | None = None) -> list[Resources]:
    """Return the size of every attempt that could be made and cost something.

    That is what a ceiling must count. All are on demand: a job on Spot may get there, and what Spot
    costs floats. Refusals for want of capacity or quota cost nothing and are not among them.
    """
    policy = policy or RetryPolicy()
    sizes = [on_demand(spec.resources)]
    while (larger := _grown(spec, sizes[-1], len(sizes) - 1, policy)) is not None:
        sizes.append(larger)
    # Retries are made at the size that was reached: the ceiling takes the largest.
    further = spec.retries + policy.free + (SPOT_RETRIES if spec.resources.spot else 0)
    further += policy.grows_disk and _with_more_disk(spec.resources) is not None
    return sizes + [sizes[-1]] * further


def ceiling_rates(
    spec: JobSpec, policy: RetryPolicy, rate_of: Callable[[Resources], Rate | None]
) -> list[Rate | None]:
    """Return what each of `possible_attempts` costs; a larger disk counts where it has a price."""
    sizes = possible_attempts(spec, policy)
    larger = _with_more_disk(sizes[0]) if policy.grows_disk else None
    if larger is not None and rate_of(larger) is not None:
        disk = {"disk_gib": larger.disk_gib}
        sizes = [sizes[0], *(size.model_copy(update=disk) for size in sizes[1:])]
    return [rate_of(size) for size in sizes]


def on_demand(resources: Resources) -> Resources:
    """Return the same on capacity that nobody takes back."""
    return resources.model_copy(update={"spot": False})


def is_payable(
    retry: Retry,
    last: Attempt,
    remaining: float | None,
    rate_of: Callable[[Resources], Rate | None],
) -> bool:
    """Say whether a retry may start: it is priced, if what it follows was, and a cap buys it.

    Prices on demand are compared: those of Spot may be unknown from the beginning.
    """
    was_known = rate_of(on_demand(last.resources)) is not None
    if was_known and rate_of(on_demand(retry.resources)) is None:
        return False
    return is_affordable(rate_of(retry.resources), remaining)


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


def _counted(
    attempts: Sequence[Attempt], again: Again, budget: int, which: str, pause: _Pause, base_s: float
) -> Retry | None:
    """Return the same again, as long as a budget lasts."""
    made = sum(again_of(attempt) is again for attempt in attempts[:-1])
    if made >= budget:
        return None
    last = attempts[-1]
    return Retry(
        at=pause.until(base_s, made),
        resources=last.resources,
        reason=f"{last.failure_kind}: {which} {made + 1} of {budget}",
    )


def _after_spot(attempts: Sequence[Attempt], pause: _Pause, base_s: float) -> Retry | None:
    """Return what follows an attempt whose Spot capacity was taken back: not the user's matter."""
    made = sum(again_of(attempt) is Again.SPOT for attempt in attempts[:-1])
    if made >= SPOT_RETRIES:
        return None
    is_last = made + 1 == SPOT_RETRIES
    last = attempts[-1]
    return Retry(
        at=pause.until(base_s, made),
        resources=on_demand(last.resources) if is_last else last.resources,
        reason=f"{last.failure_kind}: " + ("on demand next" if is_last else "once more on Spot"),
    )


def _wait(
    attempts: Sequence[Attempt], again: Again, pause: _Pause, policy: RetryPolicy
) -> Retry | None:
    """Return when to ask once more for what there was no room for."""
    last, waits = attempts[-1], _waits(attempts)
    alike = [one for one in waits if one.again is again]
    patience_s = HOLD_S if again is Again.HOLD else policy.start_timeout_s
    began = alike[0].ended_at or alike[0].claimed_at
    give_up_at = began + timedelta(seconds=patience_s)
    if pause.now >= give_up_at:
        return None
    here = [one for one in alike if one.resources.spot == last.resources.spot]
    if again is Again.CAPACITY and last.resources.spot and len(here) >= SPOT_REFUSALS:
        return Retry(
            at=pause.now, resources=on_demand(last.resources),
            reason="no Spot capacity: on demand next",
        )  # fmt: skip
    what = "the quota is in use" if again is Again.HOLD else "no capacity"
    return Retry(
        at=min(pause.until(CAPACITY_DELAY_S, len(here) - 1), give_up_at),
        resources=last.resources,
        reason=f"{what}: waits, until {give_up_at:%Y-%m-%d %H:%M} UTC at most",
    )


def _waits(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the attempts at the end that have found no room, one after the other."""
    count = 0
    for attempt in reversed(attempts):
        if again_of(attempt) not in _WAITS:
            break
        count += 1
    return list(attempts[len(attempts) - count :])


def _more_disk(attempts: Sequence[Attempt], now: datetime, policy: RetryPolicy) -> Retry | None:
    """Return the same with twice the disk, once."""
    if not policy.grows_disk or any(again_of(one) is Again.DISK for one in attempts[:-1]):
        return None
    larger = _with_more_disk(attempts[-1].resources)
    if larger is None:
        return None
    return Retry(at=now, resources=larger, reason=f"disk full: {larger.disk_gib} GiB next")


def _with_more_disk(resources: Resources) -> Resources | None:
    disk_gib = min(MAX_DISK_GIB, 2 * (resources.disk_gib or INCLUDED_DISK_GIB))
    if disk_gib <= (resources.disk_gib or INCLUDED_DISK_GIB):
        return None
    return resources.model_copy(update={"disk_gib": disk_gib})


def _larger(
    spec: JobSpec, attempts: Sequence[Attempt], now: datetime, policy: RetryPolicy
) -> Retry | None:
    last = attempts[-1]
    first_mib = spec.resources.memory_mib or last.resources.memory_mib or 1
    by_size = 0
    while first_mib * 2**by_size < (last.resources.memory_mib or 0):
        by_size += 1
    # a step may be less than twice the memory, and then there are no more steps either
    made = sum(again_of(attempt) is Again.OOM for attempt in attempts[:-1])
    larger = _grown(spec, last.resources, max(by_size, made), policy)
    if larger is None:
        return None
    return Retry(at=now, resources=larger, reason=f"out-of-memory: {larger.memory_mib} MiB next")


def _grown(spec: JobSpec, size: Resources, steps: int, policy: RetryPolicy) -> Resources | None:
    """Return the next larger size that ``--on-oom`` and the engine allow."""
    if spec.on_oom is None or size.memory_mib is None:
        return None
    if spec.on_oom.cap_mib is None and steps >= OOM_DOUBLINGS:
        return None
    return policy.larger(size, spec.on_oom.cap_mib)
