"""The seam between dispatching and running: five verbs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.observation import Handle, Observation
from jupyter_flotilla.model.resources import Arch, Resources
from jupyter_flotilla.model.retry import RetryPolicy
from jupyter_flotilla.model.units import format_size
from jupyter_flotilla.protocol import CHECKPOINT_LIST

if TYPE_CHECKING:
    from jupyter_flotilla.engines.cloud import CloudScheduler


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Whether an engine can be used here and now."""

    ok: bool
    #: What was found, for people.
    message: str
    #: What to do if it is not ok.
    next_step: str | None = None


def too_much_memory(resources: Resources | None, there_is_mib: int, whose: str) -> Check | None:
    """Return why a job of this size has no room; None: it has, or asks for none."""
    asked = (resources.memory_mib if resources else None) or 0
    if asked <= there_is_mib:
        return None
    return Check(
        ok=False,
        message=f"--memory {format_size(asked)} is more than {whose} has "
        f"({format_size(there_is_mib)})",
        next_step=f"--memory {there_is_mib * 9 // 10}M at most, or a larger machine",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeper:
    """How whoever runs a job can see to it that a dispatcher lives."""

    #: Lock that a living dispatcher holds.
    lock: Path
    #: Command that starts one; it leaves by itself where one lives already.
    argv: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Save:
    """What an attempt has saved last of its checkpoint folder."""

    run_id: str
    number: int
    #: Folder of the save, in the attempt's; where it is in the run's bucket, its list.
    path: Path

    @property
    def is_in_bucket(self) -> bool:
        """Say whether the save is in the bucket, and only its list here."""
        return self.path.name == CHECKPOINT_LIST


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A request to an engine's own service, as the store has it since before it was first sent."""

    #: JSON values; not always what was just to be written: the first writer's counts.
    request: Mapping[str, Any]
    #: Seconds since the first was written, by the wall clock.
    age_s: float
    #: False where it stood there before: it may have been sent, and have had its effect.
    is_new: bool = True


def not_written(request: Mapping[str, Any]) -> Written:
    """Return a request that no store has: of an engine that is used without one."""
    return Written(request=request, age_s=0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchOrder:
    """All that an engine needs to start one attempt."""

    run_id: str
    #: The same order with the same key never starts user code twice.
    launch_key: str
    spec: JobSpec
    #: What this attempt gets: perhaps more than ``spec.resources``.
    resources: Resources
    #: What this attempt may cost, in US dollars: what is left of the run's cap. None: no cap.
    max_cost_usd: float | None
    input_folder: Path
    attempt_folder: Path
    #: None where the price is unknown; decides how long the cap lasts.
    rate: Rate | None
    #: Folder of packages that the image lacks; None: nothing is brought.
    layer: Path | None = None
    #: What an earlier attempt has saved last; None: nothing.
    restore: Save | None = None
    keeper: Keeper | None = None
    #: Commits a request to the attempt's row: called before it is sent, each time.
    write_ahead: Callable[[Mapping[str, Any]], Written] = not_written
    #: Returns what stands in that row; None: nothing was ever sent.
    already_written: Callable[[], Written | None] = lambda: None


class Engine(ABC):
    """A place where attempts run.

    No method may be called inside a store transaction. Engines turn their libraries' errors into
    `EngineUnavailable` and `LaunchError`.
    """

    #: Word for ``--engine``.
    name: ClassVar[str]

    @property
    @abstractmethod
    def place(self) -> str:
        """Where this engine runs things, as seen from here (`Handle.place`); asks nobody."""

    def find_place(self) -> str:
        """Return `place`, for a submit: whoever must be asked is asked.

        Raises
        ------
        EngineUnavailable
        """
        return self.place

    #: False where nobody is billed for what runs.
    bills: ClassVar[bool] = True
    #: True where jobs see this machine's files, interpreter and environment.
    is_here: ClassVar[bool] = True
    #: Keywords of options that not every engine can honour, and this one does.
    honours: ClassVar[frozenset[str]] = frozenset()
    #: True where a launch takes milliseconds and nobody's call budget: whoever submits does it.
    launches_at_submit: ClassVar[bool] = False

    #: Seconds after which a job is stopped that names no time; None: never.
    default_timeout_s: ClassVar[int | None] = None
    #: What a job gets that asks for nothing.
    default_resources: ClassVar[Resources] = Resources()
    #: vCPU → legal memory in MiB; None: any size.
    sizes: ClassVar[Mapping[float, tuple[int, ...]] | None] = None

    def enlarged(self, resources: Resources) -> Resources:
        """Return what a job of this size gets where nobody else can have the rest; asks nobody."""
        return resources

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known before any job is launched."""
        return ()

    @property
    def retry_policy(self) -> RetryPolicy:
        """What its failures allow of further attempts."""
        return RetryPolicy()

    @property
    def max_running(self) -> int | None:
        """Most attempts at a time; None: the setting that is for this machine's engines."""
        return None

    def most_running(self, usual: int) -> int:
        """Return how many attempts there may be at a time, by `max_running` or the setting."""
        return self.max_running or usual

    @property
    def image(self) -> str | None:
        """Image of jobs that name none; None: jobs need none."""
        return None

    def image_digest(self, image: str) -> str:
        """Return what names an image's content; it is got first where it is not here.

        Raises
        ------
        EngineUnavailable
            If it cannot be had.
        """
        raise NotImplementedError(f"engine {self.name} has no images")

    def ask_image(self, image: str, program: str, arch: Arch = "x86_64") -> str:
        """Return what a Python program prints, run in an image; raises as `image_digest`.

        Parameters
        ----------
        arch
            Of the machine that the jobs will have.
        """
        raise NotImplementedError(f"engine {self.name} has no images")

    def probe_image(self, image: str, program: str, arch: Arch = "x86_64") -> str:
        """Return the same where `ask_image` cannot know it: by whatever takes time and money."""
        return self.ask_image(image, program, arch)

    @property
    def bucket(self) -> Bucket | None:
        """Where jobs get and give their files; None: in folders of this machine."""
        return None

    def check_files(self) -> None:
        """Ask whether jobs can get and give their files: over the network, so only at a submit.

        Raises
        ------
        ArtifactsUnavailable
        """
        return None

    @abstractmethod
    def check(self, resources: Resources | None = None) -> Check:
        """Say whether the engine can be used here and now, and has room for such a job."""

    def fits(self, resources: Resources) -> bool:
        """Say whether a further attempt of this size can be had; asks nobody for long."""
        return self.check(resources).ok

    def check_job(self, spec: JobSpec) -> None:
        """Say before a submit what of a job this engine will never be able to give it.

        Raises
        ------
        UsageError, EnvironmentProblem
        """
        return None

    @abstractmethod
    def launch(self, order: LaunchOrder) -> Handle:
        """Start an attempt, or find the one that this key has started before.

        Raises
        ------
        LaunchError
            If it could not be started; ``retryable`` says whether to try again.
        """

    @abstractmethod
    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """Return what is true of each task now, in the order of the handles."""

    @abstractmethod
    def stop(self, handle: Handle, grace_s: float) -> None:
        """Ask for a task to end: politely for ``grace_s`` seconds, then by force.

        Returns at once; a repeat with less grace hurries it.
        """

    @property
    def cloud(self) -> "CloudScheduler | None":
        """What starts its jobs with no machine of ours switched on; None: nothing does."""
        return None

    def tidy(self) -> int:
        """Remove what ended attempts have left outside of their folders; return how much.

        Called now and then, and by whoever wants it clean; may raise EngineUnavailable.
        """
        return 0

    @abstractmethod
    def rate(self, resources: Resources) -> Rate | None:
        """Return what an attempt of this size costs; None where the price is unknown."""
