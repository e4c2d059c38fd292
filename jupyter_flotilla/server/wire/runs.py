"""Runs in lists and alone."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.server.wire.base import In, Out, Word
from jupyter_flotilla.store.listing import Sort

RunId = Annotated[str, Field(pattern=r"^r[0-9a-hjkmnp-tv-z]{12}$")]


class UsageOut(Out):
    """What an attempt uses."""

    memory_mib: float
    peak_memory_mib: float
    cpu_percent: float


class ProgressOut(Out):
    """How far a job is."""

    #: From 0 to 1; null: nobody knows.
    fraction: float | None
    text: str


class RunOut(Out):
    """One run as a list shows it."""

    id: str
    short_id: str
    name: str
    kind: Literal["notebook", "cell", "command"]
    status: RunStatus
    phase: str | None
    failure_kind: str | None
    message: str | None
    engine: str
    place: str
    owner: str
    path: str | None
    #: Path relative to the server's folder; null where it is not below that.
    notebook: str | None
    #: Cell of that notebook that it was sent from; null: none, or nobody has said.
    cell_id: str | None
    tags: dict[str, str]
    created_at: str
    started_at: str | None
    ended_at: str | None
    cancel_requested_at: str | None
    attempt: int
    retry_of: str | None
    grid_id: str | None
    resources: Resources
    progress: ProgressOut | None
    usage: UsageOut | None
    #: Over all attempts, up to the moment of the answer; null: the price is unknown.
    cost_usd: float | None
    #: By how much that grows while it runs.
    usd_per_h: float | None
    #: False where nobody pays: then the cost is what Fargate would have taken.
    is_billed: bool
    ceiling_usd: float | None
    #: Number of its latest event.
    seq: int


class RunsQuery(In):
    """Which runs, in which order, from where on."""

    status: list[RunStatus] = []
    #: Whole ids; those that are not in the store are left out.
    ids: Annotated[list[RunId], Field(max_length=200)] = []
    owner: Word | None = None
    #: Path of a notebook: absolute, or relative to the server's folder.
    notebook: Annotated[str, Field(max_length=4096)] | None = None
    #: ``k=v``, or ``k`` for any value.
    tag: Word | None = None
    engine: Word | None = None
    grid: Word | None = None
    #: Submitted since then, and before then: ISO 8601 with a time zone.
    since: str | None = None
    until: str | None = None
    #: Part of a name, path, id, owner or message.
    text: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")] | None = None
    sort: Sort = "created_at"
    order: Literal["asc", "desc"] = "desc"
    limit: int = Field(default=50, ge=1, le=500)
    #: ``next`` of the page before.
    cursor: Annotated[str, Field(max_length=2000)] | None = None


class RunsPage(Out):
    """A part of a list of runs."""

    runs: list[RunOut]
    next: str | None
    #: How many runs the whole list has.
    total: int
    #: Number of the last event that it has seen: changes follow from there.
    seq: int
    now: str


class RateOut(Out):
    """What an attempt costs while it runs."""

    usd_per_h: float
    source: str
    region: str
    provider: str | None
    is_hypothetical: bool


class AttemptOut(Out):
    """One launch of a run."""

    number: int
    engine: str
    place: str
    resources: Resources
    phase: str | None
    #: When each phase was first seen.
    phases: dict[str, str]
    claimed_at: str
    started_at: str | None
    ended_at: str | None
    duration_s: float | None
    exit_code: int | None
    signal: int | None
    failure_kind: str | None
    message: str | None
    #: Index of the cell that failed, from 0.
    failed_cell: int | None
    next_step: str | None
    usage: UsageOut
    metrics: dict[str, float | None]
    charge_usd: float | None
    billed_s: float | None
    rate: RateOut | None
    last_lines: list[str]


class EventOut(Out):
    """One thing that happened to a run."""

    seq: int
    at: str
    name: str
    detail: dict[str, Any]


class Suggestion(Out):
    """A retry that may do better."""

    label: str
    options: dict[str, Any]


class OutputOut(Out):
    """A value that a cell has given back."""

    name: str
    type: str
    size_bytes: int


class FileOut(Out):
    """A file that an attempt has brought back."""

    attempt: int
    path: str
    size_bytes: int


class RunDetail(RunOut):
    """One run with all that is known of it."""

    attempts: list[AttemptOut]
    events: list[EventOut]
    #: The job as it was frozen; secrets are in it as references only.
    spec: dict[str, Any]
    #: Why it ended as it did, with evidence and what to do next.
    explanation: str
    suggestion: Suggestion | None
    #: What a queued run waits behind; empty: nothing.
    queue: str
    outputs: list[OutputOut]
    files: list[FileOut]
    has_notebook: bool
    #: Whether it stays whatever its age.
    is_kept: bool
    status_text: str
    cost_text: str
