"""What an end or a refusal of ECS's means for a run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from jupyter_flotilla.model.advice import QUOTA_URL
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import Again, Ending, FailureKind
from jupyter_flotilla.model.text import printable

#: What to do where the account has too few vCPU.
QUOTA_STEP = f"ask AWS for more vCPU: {QUOTA_URL}"
#: Characters of AWS's own text that are kept.
_LONGEST = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What is to be said of an attempt, and whether another may follow it."""

    outcome: Literal["failed", "cancelled"] = "failed"
    #: None for what was cancelled.
    failure_kind: FailureKind | None = None
    #: In words, with AWS's own.
    message: str
    #: What to do about it; None: that follows from the kind.
    next_step: str | None = None
    again: Again = Again.NEVER

    def ending(
        self,
        *,
        ended_at: datetime,
        duration_s: float,
        exit_code: int | None = None,
        billed_s: float | None = None,
        rate: Rate | None = None,
    ) -> Ending:
        """Return this as the end of an attempt."""
        return Ending(
            outcome=self.outcome,
            failure_kind=self.failure_kind,
            message=self.message,
            next_step=self.next_step,
            again=None if self.outcome == "cancelled" else self.again,
            exit_code=exit_code,
            ended_at=ended_at,
            duration_s=duration_s,
            billed_s=billed_s,
            rate=rate,
        )


def quoted(said: str) -> str:
    """Return AWS's own text as one line, its end left out where it is long.

    >>> quoted("  Essential container\\n in task exited ")
    'AWS says: Essential container in task exited'
    """
    line = " ".join(printable(said).split())
    if not line:
        return ""
    return "AWS says: " + (line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…")
