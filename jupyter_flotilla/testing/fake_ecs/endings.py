"""How tasks live and end: scripts for `FakeEcs`.

The words are AWS's where they are known: "Amazon ECS stopped tasks error messages",
docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html, and what users
have reported; read 2026-11, none seen on a real account.
"""

from dataclasses import dataclass
from typing import Literal

#: The part of a task's life in which it ends.
Part = Literal["provisioning", "pulling", "running"]
#: Exit code of a container that found that another has its work.
LEASE_TAKEN = 75


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a task ends; made by the functions of this module."""

    stop_code: str
    stopped_reason: str
    #: Of the essential containers; None: ECS does not know one.
    exit_code: int | None = None
    #: Why, as the container has it.
    container_reason: str | None = None
    part: Part = "running"
    #: Whether a signal comes first, and the containers may finish what they do.
    has_warning: bool = False
    #: Whether ECS found a place for it; else it has no containers.
    is_placed: bool = True


def exited(code: int = 0) -> Ending:
    """Return an ending: the program ended by itself."""
    return Ending(
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        exit_code=code,
    )


def out_of_memory() -> Ending:
    """Return an ending: the kernel killed it, and ECS saw why."""
    reason = "OutOfMemoryError: Container killed due to memory usage"
    return Ending(
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        exit_code=137,
        container_reason=reason,
    )


def spot_interrupted() -> Ending:
    """Return an ending: Fargate Spot takes its capacity back, with a warning."""
    return Ending(
        stop_code="SpotInterruption",
        stopped_reason="Your Spot Task was interrupted.",
        has_warning=True,
    )


def host_terminated(instance: str = "i-0123456789abcdef0") -> Ending:
    """Return an ending: the machine went away."""
    return Ending(
        stop_code="TerminationNotice",
        stopped_reason=f"Host EC2 (instance {instance}) terminated.",
    )


def unhealthy_infrastructure() -> Ending:
    """Return an ending: the newer stop code for a machine that failed (its words are made up)."""
    return Ending(
        stop_code="InfrastructureHealth",
        stopped_reason="Task stopped due to an infrastructure health event.",
    )


def stopped_by_user(reason: str = "Task stopped by user") -> Ending:
    """Return an ending: StopTask was called."""
    return Ending(stop_code="UserInitiated", stopped_reason=reason, has_warning=True)


def failed_to_start(reason: str, *, part: Part = "pulling") -> Ending:
    """Return an ending: no container ever ran.

    Parameters
    ----------
    reason
        As ``stoppedReason``, such as ``CannotPullContainerError: …`` or
        ``ResourceInitializationError: …``.
    part
        ``provisioning``: before an image was asked for; then nothing is billed.
    """
    return Ending(
        stop_code="TaskFailedToStart",
        stopped_reason=reason,
        container_reason=reason if part == "pulling" else None,
        part=part,
    )


def no_capacity() -> Ending:
    """Return an ending: an EC2 capacity provider never had a machine for it.

    Its ``containers`` are empty all the time (prefect's issue 22410); the words are made up.
    """
    return Ending(
        stop_code="TaskFailedToStart",
        stopped_reason="Task failed to start: no container instance had the capacity in time",
        part="provisioning",
        is_placed=False,
    )


_WELL = exited(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A task's life, in seconds. The defaults are about what Fargate takes for a small image."""

    #: PROVISIONING, until there is a machine.
    provisioning_s: float = 10.0
    #: PENDING, while the image is pulled.
    pulling_s: float = 15.0
    #: PENDING, from the image to the container's start.
    starting_s: float = 1.0
    #: RUNNING; None: until `FakeEcs.end` or StopTask.
    runs_s: float | None = 60.0
    ending: Ending = _WELL
    #: How long the program takes to leave after a SIGTERM; if longer than the container's
    #: stopTimeout it is killed then, with exit code 137.
    stops_in_s: float = 1.0
    #: What it then exits with.
    stop_exit_code: int = 143
    #: DEPROVISIONING, until STOPPED.
    deprovisioning_s: float = 10.0


#: A task that does all at once, for tests that look at other things.
INSTANT = Script(
    provisioning_s=0, pulling_s=0, starting_s=0, runs_s=0, stops_in_s=0, deprovisioning_s=0
)
#: A task for which no EC2 machine ever comes, given up after half an hour.
WITHOUT_CAPACITY = Script(provisioning_s=1800, ending=no_capacity(), deprovisioning_s=0)
