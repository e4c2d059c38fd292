"""What an engine may say of a task it was given."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import field_validator

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.text import plain


class Phase(StrEnum):
    """Where inside PENDING or RUNNING an attempt is."""

    UPLOADING = "uploading"
    WAITING_FOR_CAPACITY = "waiting-for-capacity"
    PULLING = "pulling"
    SETTING_UP = "setting-up"
    RUNNING = "running"
    SAVING = "saving"
    #: The engine cannot say at present what became of the task.
    UNCONFIRMED = "unconfirmed"


class FailureKind(StrEnum):
    """Why a run FAILED."""

    USER_ERROR = "user-error"
    OUT_OF_MEMORY = "out-of-memory"
    TIMEOUT = "timeout"
    COST_CAP = "cost-cap"
    SPOT_RECLAIMED = "spot-reclaimed"
    LOST = "lost"
    IMAGE = "image"
    ENVIRONMENT = "environment"
    QUOTA = "quota"
    INFRASTRUCTURE = "infrastructure"


class Again(StrEnum):
    """Whether the same may be tried again, and at whose cost: what an engine says of a failure."""

    NEVER = "never"
    #: The machine's or the provider's fault: free retries are for that.
    FREE = "free"
    #: There was no room for it, and it has not begun.
    CAPACITY = "capacity"
    #: Spare capacity was taken back.
    SPOT = "spot"
    #: Nobody knows whether it was done, or it was not for haste: the same launch is sent again.
    SAME_TOKEN = "same-token"
    #: The account's quota is in use: it waits in our queue.
    HOLD = "hold"
    #: The job's own fault: the user's retries are for that.
    USER = "user"
    #: Only with more memory.
    OOM = "oom"
    #: Only with more disk.
    DISK = "disk"


class Handle(Stored):
    """What finds a launched task again, from any process and after any crash."""

    engine: str
    #: Where it runs: a host for process, a daemon for docker, account/region/cluster for ecs.
    place: str
    #: The engine's own address of the task: an attempt's folder, a container, an ARN.
    ref: str
    #: What else the engine needs to be sure; for process ``boot_id``, ``pid`` and ``birth``.
    detail: dict[str, Any] = {}


class Progress(Stored):
    """How far a job is, by its cells and by its own word."""

    #: Index of the cell that runs, from 0, and how many there are; None for a command.
    cell: int | None = None
    cells: int | None = None
    #: What user code says through `jupyter_flotilla.job`, in any unit; None if it says nothing.
    done: float | None = None
    total: float | None = None
    message: str = ""
    #: Latest value of each metric that the job has logged; None: no number.
    metrics: dict[str, float | None] = {}


class Usage(Stored):
    """What all processes of an attempt use together."""

    memory_mib: float = 0.0
    peak_memory_mib: float = 0.0
    #: CPU seconds so far, processes that have ended included as far as they were seen.
    cpu_s: float = 0.0
    #: Percent of one CPU at the last look: 371 is nearly four CPUs.
    cpu_percent: float = 0.0


class Ending(Stored):
    """How a task ended, in the engine's true words."""

    outcome: Literal["succeeded", "failed", "cancelled"]
    failure_kind: FailureKind | None = None
    #: Exit code of the job's program; None where a signal ended it or nobody saw it end.
    exit_code: int | None = None
    #: Signal that ended the job's program.
    signal: int | None = None
    #: What happened, with evidence, for people. None for a plain success.
    message: str | None = None
    #: What an engine knows of trying again; None: that follows from the kind.
    again: Again | None = None
    #: What to do about it, where the engine knows better than `model.advice`.
    next_step: str | None = None
    #: Index of the notebook cell that failed.
    failed_cell: int | None = None
    #: Last lines of what the job wrote, of a failure.
    last_lines: tuple[str, ...] = ()
    ended_at: datetime

    @field_validator("message")
    @classmethod
    def _storable(cls, message: str | None) -> str | None:
        # The job's own words may be in it: they must not steer the reader's terminal, and
        # PostgreSQL stores no NUL.
        return None if message is None else plain(message)

    #: Seconds from start to end by a clock that is never set.
    duration_s: float
    #: Seconds that are billed; None: ``duration_s`` is what counts.
    billed_s: float | None = None
    #: What it really ran on costs; None: what was reckoned with at the launch.
    rate: Rate | None = None
    #: Share of what is billed that went into pulling the image; None: unknown, or not billed.
    pull_share: float | None = None


class Observation(Stored):
    """What an engine says of one task at one look."""

    #: ``pending`` and ``running`` are sure; ``unconfirmed`` asks for the launch to be repeated,
    #: which is harmless; ``ended`` is for ever and comes with ``ending``.
    state: Literal["pending", "running", "unconfirmed", "ended"]
    phase: Phase | None = None
    started_at: datetime | None = None
    usage: Usage | None = None
    progress: Progress | None = None
    #: Since when it is billed; None: since it started, or not yet.
    billed_since: datetime | None = None
    #: What it really runs on costs; None: what was reckoned with at the launch.
    rate: Rate | None = None
    ending: Ending | None = None
