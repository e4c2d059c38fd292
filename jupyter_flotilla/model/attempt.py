"""One launch of a run, and all that is known of it."""

from datetime import datetime
from typing import Any, Self

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.cost import Rate, charge_usd
from jupyter_flotilla.model.observation import (
    Again,
    Ending,
    FailureKind,
    Handle,
    Observation,
    Phase,
    Progress,
    Usage,
)
from jupyter_flotilla.model.resources import Resources


def number_of(launch_key: str) -> int:
    """Return the number of the attempt that a launch key is of.

    >>> number_of("r0123456789ab-2")
    2
    """
    return int(launch_key.rpartition("-")[2])


class Attempt(Stored):
    """One launch of a run. Written by the dispatcher (or the submitter) only."""

    run_id: str
    #: From 1.
    number: int
    engine: str
    place: str
    #: What it gets; a retry may get more memory than the job first asked for.
    resources: Resources = Resources()
    #: When the intent to launch was written, before any outside effect.
    claimed_at: datetime
    #: When the launch was last sent to the engine; None before.
    sent_at: datetime | None = None
    #: None until the engine has answered the launch.
    handle: Handle | None = None
    phase: Phase | None = None
    #: When each phase was first seen.
    phases: dict[Phase, datetime] = {}
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: Seconds of running, by a clock that is never set; None before the end.
    duration_s: float | None = None
    #: When the engine was told to stop it, and with how much grace.
    stop_sent_at: datetime | None = None
    stop_grace_s: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    failure_kind: FailureKind | None = None
    #: What its engine said of trying again; None: nothing, or an older version wrote it.
    again: Again | None = None
    message: str | None = None
    failed_cell: int | None = None
    #: Last lines of what it wrote, where it failed: what is left when its folder is gone.
    last_lines: tuple[str, ...] = ()
    #: What the user can do about a failure: a command to paste, and what it would cost.
    next_step: str | None = None
    usage: Usage = Usage()
    progress: Progress | None = None
    #: Since when it is billed, where that is not since ``started_at``: Fargate counts the pull too.
    billed_since: datetime | None = None
    #: Seconds that were billed, where these are not ``duration_s``; None before the end.
    billed_s: float | None = None
    #: Share of that which went into pulling the image; None: unknown, or not billed.
    pull_share: float | None = None
    #: Of what it really runs on, once the engine has said so; None where the price is unknown.
    rate: Rate | None = None
    #: A further attempt follows only where its end is seen so soon, in seconds; None: whenever.
    retry_within_s: float | None = None
    #: US dollars, final once ``ended_at`` is set; None where the price is unknown.
    charge_usd: float | None = None

    @property
    def launch_key(self) -> str:
        """What makes a repeated launch harmless: container name, client token, exclusive file."""
        return f"{self.run_id}-{self.number}"

    @property
    def metrics(self) -> dict[str, float | None]:
        """Latest value of each metric that the job has logged; None: no number."""
        return {} if self.progress is None else self.progress.metrics

    @property
    def is_open(self) -> bool:
        """Say whether it may still be running."""
        return self.ended_at is None

    def sent(self, now: datetime, handle: Handle | None, message: str | None = None) -> Self:
        """Return this attempt after a launch was sent, with the engine's answer."""
        return self.model_copy(
            update={"sent_at": now, "handle": handle or self.handle, "message": message}
        )

    def observed(self, seen: Observation, now: datetime) -> Self:
        """Return this attempt with what the engine says of it now."""
        # how far an upload is says nothing of the job
        own = None if self.phase is Phase.UPLOADING else self.progress
        update: dict[str, Any] = {
            "phase": seen.phase or self.phase,
            "started_at": self.started_at or seen.started_at,
            "usage": seen.usage or self.usage,
            "progress": seen.progress or own,
            "billed_since": seen.billed_since or self.billed_since,
            "rate": seen.rate or self.rate,
        }
        if seen.phase is not None and seen.phase not in self.phases:
            update["phases"] = {**self.phases, seen.phase: now}
        if seen.ending is not None:
            update |= self._ended(seen.ending)
        return self.model_copy(update=update)

    def spent_usd(self, now: datetime, rate: Rate | None) -> float | None:
        """Return what it has cost, so far where it goes on; None where the price is unknown.

        Parameters
        ----------
        rate
            Of attempts of this size, where this one has none of its own yet.
        """
        if not self.is_open:
            return self.charge_usd
        since = self.billed_since or self.started_at
        if since is None:
            return 0.0
        rate = self.rate or rate
        return None if rate is None else charge_usd(rate, (now - since).total_seconds())

    def _ended(self, ending: Ending) -> dict[str, Any]:
        rate = ending.rate or self.rate
        return {
            "phase": None,
            "ended_at": ending.ended_at,
            "duration_s": ending.duration_s,
            "exit_code": ending.exit_code,
            "signal": ending.signal,
            "failure_kind": ending.failure_kind,
            "again": ending.again,
            "next_step": ending.next_step,
            "message": ending.message,
            "failed_cell": ending.failed_cell,
            "last_lines": ending.last_lines,
            "rate": rate,
            "billed_s": ending.billed_s,
            "pull_share": ending.pull_share,
            "charge_usd": _charge_usd(ending, rate),
        }


def _charge_usd(ending: Ending, rate: Rate | None) -> float | None:
    """Return what an attempt has cost; what never began to be billed costs nothing at any price."""
    if ending.billed_s == 0:
        return 0.0
    billed_s = ending.duration_s if ending.billed_s is None else ending.billed_s
    return None if rate is None else charge_usd(rate, billed_s)
