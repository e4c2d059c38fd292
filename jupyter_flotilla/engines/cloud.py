"""The seam to a scheduler in the cloud: it starts ticks while no machine of ours is switched on."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jupyter_flotilla.bootstrap.tick import NUMBERS
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.model.cloud_when import Expression
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.observation import Handle

__all__ = ["NUMBERS", "Address", "Begun", "CloudScheduler", "Dropped", "Wanted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A schedule as the cloud is to have it."""

    schedule_id: str
    #: Counts what it runs and when: each has files of its own.
    revision: int
    name: str
    expressions: tuple[Expression, ...]
    starts_at: datetime | None
    ends_at: datetime | None
    #: Seconds after its time in which a tick is still started.
    max_age_s: int
    #: The job; what differs at each tick is a name in braces. It has files, and no attempt yet.
    order: LaunchOrder
    #: Of `model.cloud_calendar`.
    calendar: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where the cloud has a home's schedules, and under which names."""

    install: str
    group: str
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A tick whose job has begun."""

    scheduled_at: datetime
    run_id: str
    #: What runs it, in its engine's words; None: it did not know itself.
    task: str | None
    #: Of the schedule, as its job was uploaded then; None: not known.
    revision: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """A tick that the cloud has given up to start."""

    schedule_id: str
    scheduled_at: datetime
    #: In the cloud's words.
    reason: str
    given_up_at: datetime
    #: What `CloudScheduler.settle` takes.
    receipt: str


class CloudScheduler(ABC):
    """Starts ticks by itself. Every method may raise EngineUnavailable or ArtifactsUnavailable."""

    @abstractmethod
    def check(self) -> None:
        """Raise EngineUnavailable where it is not set up."""

    @property
    @abstractmethod
    def address(self) -> Address:
        """Where this home's schedules are, by the settings as they are now."""

    @abstractmethod
    def place(self, wanted: Wanted) -> None:
        """Bring it to what is wanted, whatever it was before; a repeat does no harm."""

    @abstractmethod
    def disable(self, schedule_id: str, address: Address) -> None:
        """Start no further tick of a schedule; what it has stays. A repeat does no harm."""

    @abstractmethod
    def remove(self, schedule_id: str, address: Address, bucket: Bucket) -> None:
        """Start no further tick of a schedule, and delete its files; a repeat does no harm."""

    @abstractmethod
    def begun(self, schedule_id: str, bucket: Bucket, after: datetime) -> Sequence[datetime]:
        """Return ticks later than one that say that they have begun, the first 1,000 of them."""

    @abstractmethod
    def begun_at(self, schedule_id: str, bucket: Bucket, moment: datetime) -> Begun | None:
        """Return one tick if it has begun, even if it could not say so; None: it has not.

        What has begun and does not say as which task counts once it has ended: nothing else of it
        could be followed.
        """

    @abstractmethod
    def spec(self, schedule_id: str, bucket: Bucket, revision: int) -> JobSpec | None:
        """Return the job of a schedule as it was placed at a revision; None: it is gone."""

    @abstractmethod
    def adopt(self, order: LaunchOrder, begun: Begun, schedule_id: str) -> Handle:
        """Return what is followed from now on, of a job that the cloud has started."""

    @abstractmethod
    def dropped(self) -> Sequence[Dropped]:
        """Return ticks that were given up; they come again until they are settled."""

    @abstractmethod
    def settle(self, receipts: Sequence[str]) -> None:
        """Forget ticks that were given up: they are written down."""
