"""A run: one submission of a job, through all its attempts.

::

    QUEUED ──→ PENDING ──→ RUNNING ──→ SUCCEEDED
     │ ↑          │           ├──────→ FAILED
     │ │          │           └──────→ CANCELLED
     │ └──────────┴───────────┘             (a further attempt follows, decided before any end)
     └────────────┴──→ FAILED | CANCELLED   (refused at launch, cancelled before it ran)
"""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Self

from jupyter_flotilla.errors import InvalidTransition
from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.retry import Retry


class RunStatus(StrEnum):
    """Where a run is. Final means final."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Say whether no arrow leaves this status."""
        return not TRANSITIONS[self]


#: The only list of arrows.
TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.PENDING, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.PENDING: frozenset(
        {RunStatus.RUNNING, RunStatus.QUEUED, RunStatus.FAILED, RunStatus.CANCELLED}
    ),
    RunStatus.RUNNING: frozenset(
        {RunStatus.SUCCEEDED, RunStatus.QUEUED, RunStatus.FAILED, RunStatus.CANCELLED}
    ),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}

#: Statuses that no arrow leaves.
FINAL_STATUSES = frozenset(status for status in RunStatus if status.is_final)
#: The others, in the order of a run's way.
OPEN_STATUSES = tuple(status for status in RunStatus if not status.is_final)

#: Crockford's base 32 in lower case: no i, l, o or u, so ids survive being read aloud.
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def new_run_id() -> str:
    """Return ``r`` and 12 random characters (60 bits)."""
    return "r" + "".join(secrets.choice(CROCKFORD) for _ in range(12))


class Run(Stored):
    """One submission of a job."""

    id: str
    spec: JobSpec
    status: RunStatus = RunStatus.QUEUED
    #: User who submitted it, as the operating system knows them.
    owner: str
    created_at: datetime
    #: When the first attempt began to run; None before.
    started_at: datetime | None = None
    #: When it became final; None before.
    ended_at: datetime | None = None
    #: When somebody asked for it to be stopped; a request, not a status.
    cancel_requested_at: datetime | None = None
    #: Seconds that the job gets between SIGINT and being killed, once cancelled.
    cancel_grace_s: float = 10.0
    #: Number of the latest attempt, from 1; 0 before the first.
    attempt: int = 0
    failure_kind: FailureKind | None = None
    #: Why it FAILED, for people; of a QUEUED one, why there is a further attempt.
    message: str | None = None
    #: A further attempt does not start before this; None: at once.
    not_before: datetime | None = None
    #: What the next attempt gets, where that is not what the job asked for. A dispatcher of an
    #: older version writes the memory alone: the size counts only if it has the same.
    next_memory_mib: int | None = None
    next_size: Resources | None = None
    #: The run that this one repeats, with or without changes.
    retry_of: str | None = None
    #: The grid that it belongs to, and its place in it, from 0; None: to none.
    grid_id: str | None = None
    grid_index: int | None = None
    #: US dollars that it could not exceed by the prices at submit; None: nothing limited it.
    ceiling_usd: float | None = None
    #: The schedule that it belongs to, and the tick that it was made for; None: to none.
    schedule_id: str | None = None
    scheduled_at: datetime | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.spec.name

    @property
    def next_resources(self) -> Resources:
        """What the next attempt gets."""
        if self.next_size is not None and self.next_size.memory_mib == self.next_memory_mib:
            return self.next_size
        if self.next_memory_mib is None:
            return self.spec.resources
        return self.spec.resources.model_copy(update={"memory_mib": self.next_memory_mib})

    def requeue(self, retry: Retry, now: datetime) -> Self:
        """Return this run waiting for a further attempt."""
        return self.advance(RunStatus.QUEUED, now, message=retry.reason).model_copy(
            update={
                "not_before": retry.at,
                "next_memory_mib": retry.resources.memory_mib,
                "next_size": retry.resources,
            }
        )

    def advance(
        self,
        status: RunStatus,
        now: datetime,
        *,
        failure_kind: FailureKind | None = None,
        message: str | None = None,
    ) -> Self:
        """Return this run one arrow further.

        Raises
        ------
        InvalidTransition
            If ``TRANSITIONS`` has no such arrow.
        """
        if status not in TRANSITIONS[self.status]:
            raise InvalidTransition(f"run {self.id}: no arrow from {self.status} to {status}")
        return self.model_copy(
            update={
                "status": status,
                "started_at": self.started_at or (now if status is RunStatus.RUNNING else None),
                "not_before": None,
                "ended_at": now if status.is_final else None,
                "attempt": self.attempt + (status is RunStatus.PENDING),
                "failure_kind": failure_kind,
                "message": message,
            }
        )
