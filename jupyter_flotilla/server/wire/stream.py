"""What a job has said and left."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jupyter_flotilla.server.wire.base import In, Out


class StreamQuery(In):
    """Which part of an attempt's stream."""

    #: From 1; null: the latest.
    attempt: int | None = Field(default=None, ge=1, le=1_000_000)
    #: Records that follow this one.
    after: int | None = Field(default=None, ge=0, le=2**62)
    #: Records that come before this one; 0: the last ones.
    before: int | None = Field(default=None, ge=0, le=2**62)
    limit: int = Field(default=500, ge=1, le=5000)
    #: With ``after``: seconds that the answer is held until there is more.
    wait_s: float = Field(default=0.0, ge=0, le=20, allow_inf_nan=False)


class StreamOut(Out):
    """A part of an attempt's stream."""

    attempt: int
    #: As the job's runner writes them.
    records: list[dict[str, Any]]
    #: Numbers of the first and last of them; 0: there are none.
    first: int
    last: int
    at_start: bool
    at_end: bool
    #: True once nothing will follow.
    is_over: bool


class CellQuery(In):
    """What of a run's cell is known already."""

    #: Digests of the outputs that whoever asks has, first to last, with commas between.
    have: Annotated[str, Field(max_length=40_000, pattern=r"^[0-9a-f,]*$")] = ""
    #: Seconds that the answer is held until something differs from that.
    wait_s: float = Field(default=0.0, ge=0, le=20, allow_inf_nan=False)


class CellOut(Out):
    """A run as outputs of the cell that sent it: its card, then what it said and displayed."""

    run_id: str
    #: Of each output; equal where the outputs are.
    digests: list[str]
    #: As nbformat 4 has them; null where the digest at this place was given.
    outputs: list[dict[str, Any] | None]
    #: Whether anything differs from what was given.
    changed: bool
    #: True once nothing will change.
    is_final: bool


class SearchQuery(In):
    """What is searched for in an attempt's stream."""

    attempt: int | None = Field(default=None, ge=1, le=1_000_000)
    text: Annotated[str, Field(max_length=300)] = ""
    kind: Literal["error", "cell"] | None = None
    after: int = Field(default=0, ge=0, le=2**62)
    limit: int = Field(default=50, ge=1, le=500)


class Hit(Out):
    """A record that was searched for."""

    seq: int
    #: The line of it.
    text: str


class SearchOut(Out):
    """What a search has found."""

    hits: list[Hit]
    #: Number of the last record that was looked at.
    last: int
    at_end: bool


class AttemptQuery(In):
    """Which attempt; null: the latest."""

    attempt: int | None = Field(default=None, ge=1, le=1_000_000)


class UsagePoint(Out):
    """What was used at one moment."""

    #: Seconds since the start.
    t: float
    memory_mib: float
    cpu_percent: float


class UsageSeriesOut(Out):
    """What an attempt used over time."""

    points: list[UsagePoint]
    limit_mib: int | None


class NotebookOut(Out):
    """An executed notebook: so far, while it runs."""

    #: Format 4.
    notebook: dict[str, Any]
    path: str | None
    is_final: bool


class DownloadQuery(In):
    """How a file is given."""

    #: True: to be saved, never shown.
    download: bool = False
