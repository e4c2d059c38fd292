"""What is launched, what it would cost, and what a form needs for that."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jupyter_flotilla.model.guard import Expectation
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.server.wire.base import In, Out
from jupyter_flotilla.server.wire.runs import RunOut

#: Largest text of a notebook's cells that is submitted, in characters.
MAX_SOURCE = 2_000_000


class FileJob(In):
    """A notebook or Python file."""

    kind: Literal["file"]
    #: Relative to the server's folder.
    path: str = Field(min_length=1, max_length=4096)


class SourceJob(In):
    """Text that runs as one cell of a fresh kernel."""

    kind: Literal["source"]
    source: str = Field(max_length=MAX_SOURCE)
    #: Notebook that it is of, relative to the server's folder: it runs in its folder.
    path: str | None = Field(default=None, max_length=4096)


class CommandJob(In):
    """A program with its arguments."""

    kind: Literal["command"]
    argv: list[str] = Field(min_length=1, max_length=1000)
    #: Where it runs, relative to the server's folder.
    folder: str = Field(default="", max_length=4096)


class RetryJob(In):
    """An earlier run again."""

    kind: Literal["retry"]
    #: Its whole id.
    run: str = Field(max_length=100)


What = Annotated[FileJob | SourceJob | CommandJob | RetryJob, Field(discriminator="kind")]
#: By their keywords in Python, in the forms that people write: ``{"memory": "16G"}``.
Options = Annotated[dict[str, Any], Field(max_length=100)]


class PlanIn(In):
    """What is to be planned."""

    what: What
    options: Options = {}


class SubmitIn(PlanIn):
    """What is to be launched."""

    #: False: whatever must be agreed to is agreed to.
    confirm: bool = True


class RetryIn(In):
    """What is to be changed of a job."""

    options: Options = {}
    confirm: bool = True


class CancelIn(In):
    """How a run is to end."""

    #: Seconds between the first, polite signal and force.
    grace_s: float = Field(default=10.0, ge=0, le=3600, allow_inf_nan=False)


class KeepIn(In):
    """Whether a run is kept whatever its age."""

    is_kept: bool = True


class RunCreated(Out):
    """A run that was submitted, or a grid of them."""

    #: The first one of a grid.
    run: RunOut
    grid: str | None = None
    runs: int = 1


class FileSize(Out):
    """A file that travels with a job."""

    path: str
    size_bytes: int


class Recommendation(Out):
    """A size that earlier runs of the job would have done with."""

    options: dict[str, Any]
    text: str


class Commands(Out):
    """The same launch in other words."""

    magic: str
    cli: str
    python: str


class PlanOut(Out):
    """What a launch would do and cost."""

    name: str
    engine: str
    place: str
    resources: Resources
    timeout_s: int | None
    usd_per_h: float | None
    is_hypothetical: bool
    #: What it cannot exceed; null: nothing limits it.
    ceiling_usd: float | None
    #: How many runs it would be.
    runs: int
    expected: Expectation | None
    notes: list[str]
    #: What must be agreed to first.
    asks: list[str]
    packages: list[str]
    files: list[FileSize]
    month_usd: float
    monthly_budget_usd: float | None
    recommendation: Recommendation | None
    commands: Commands


class FormIn(In):
    """What a form is for; null: nothing yet."""

    what: What | None = None


class SizeOut(Out):
    """Legal memory for a number of vCPU."""

    cpu: float
    memory_mib: list[int]


class EngineOut(Out):
    """A place where jobs can run."""

    name: str
    ok: bool
    message: str
    next: str | None
    bills: bool
    is_default: bool
    #: True where jobs see this machine's files.
    is_here: bool
    #: Null: any size.
    sizes: list[SizeOut] | None
    #: Keywords of options that only some engines take, and this one does.
    honours: list[str]
    default: Resources


class OptionOut(Out):
    """One option."""

    name: str
    keyword: str
    field: str
    label: str
    metavar: str
    help: str
    group: str
    alias: str | None
    repeats: bool
    is_flag: bool
    is_of_some: bool


class ParameterOut(Out):
    """A parameter of a notebook."""

    name: str
    #: ``int``, ``float``, ``str``, ``bool``, ``list`` or ``dict``; null: any.
    type: str | None
    #: JSON value; null where it is no plain literal.
    default: Any
    default_text: str
    help: str


class DefaultOut(Out):
    """What an option is where nobody gives it, and who said so."""

    value: Any
    source: str


class FormOut(Out):
    """All that a form needs."""

    engines: list[EngineOut]
    options: list[OptionOut]
    #: Of a schedule, beside those of its job.
    schedule_options: list[OptionOut]
    #: Null where there is no ``parameters`` cell.
    parameters: list[ParameterOut] | None
    profiles: list[str]
    defaults: dict[str, DefaultOut]


class EnginesOut(Out):
    """Where jobs can run."""

    engines: list[EngineOut]
