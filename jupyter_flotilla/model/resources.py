"""How much of a machine a job gets, and which Fargate task that would be."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from jupyter_flotilla.model.base import Stored

#: What a job without ``--memory`` is priced as (the process engine sets no limit then).
DEFAULT_MEMORY_MIB = 4096
#: vCPU that a job without ``--cpu`` is priced as.
DEFAULT_CPU = 1.0
#: Ephemeral storage of a Fargate task in GiB: what is included, and the most that can be had.
#: Source: "Fargate task ephemeral storage", docs.aws.amazon.com/AmazonECS/latest/developerguide/
#: fargate-task-storage.html, read 2026-10; platform version 1.4.0.
INCLUDED_DISK_GIB = 20
MAX_DISK_GIB = 200
#: Processor architectures that a job can be for.
Arch = Literal["x86_64", "arm64"]


class Resources(Stored):
    """What one attempt of a job may use."""

    #: vCPU; on the process engine a hint to thread pools, not a limit.
    cpu: float = DEFAULT_CPU
    #: Memory limit in MiB over all the job's processes; None: no limit.
    memory_mib: int | None = None
    #: GPUs.
    gpu: int = 0
    #: True: on spare capacity, which may be taken back.
    spot: bool = False
    arch: Arch = "x86_64"
    #: Total ephemeral storage in GiB; None: the `INCLUDED_DISK_GIB` that nobody pays for.
    disk_gib: int | None = Field(default=None, gt=INCLUDED_DISK_GIB, le=MAX_DISK_GIB)


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateSize:
    """A legal size of a Fargate task."""

    #: vCPU, 0.25 to 32.
    cpu: float
    #: Memory in MiB.
    memory_mib: int


def _gib(*ranges: range) -> tuple[int, ...]:
    return tuple(gib * 1024 for one in ranges for gib in one)


#: vCPU → legal memory in MiB, ascending. Linux, platform version 1.4.0. Source: "Task CPU and
#: memory", docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html,
#: read 2026-10; 32 vCPU is in newer pages only.
FARGATE_SIZES: dict[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: _gib(range(1, 5)),
    1: _gib(range(2, 9)),
    2: _gib(range(4, 17)),
    4: _gib(range(8, 31)),
    8: _gib(range(16, 61, 4)),
    16: _gib(range(32, 121, 8)),
    32: (61440, 122880, 249856),
}


def fargate_size(resources: Resources) -> FargateSize | None:
    """Return the cheapest legal Fargate size that is at least these resources.

    Fewest vCPU first: a vCPU costs about nine times a GiB. None where no task is large enough
    (more than 32 vCPU or 244 GiB, or a GPU).

    >>> fargate_size(Resources(cpu=1, memory_mib=10 * 1024))
    FargateSize(cpu=2, memory_mib=10240)
    """
    if resources.gpu:
        return None
    memory_mib = resources.memory_mib or DEFAULT_MEMORY_MIB
    for cpu, memories in FARGATE_SIZES.items():
        if cpu < resources.cpu:
            continue
        for legal in memories:
            if legal >= memory_mib:
                return FargateSize(cpu=cpu, memory_mib=legal)
    return None


def is_rounded_up(resources: Resources, size: FargateSize) -> bool:
    """Say whether the Fargate size is larger than what was asked for in words."""
    return size.cpu > resources.cpu or (
        resources.memory_mib is not None and size.memory_mib > resources.memory_mib
    )


def doubled(resources: Resources, cap_mib: int | None = None) -> Resources | None:
    """Return the same with twice the memory, or as much as a cap allows; None: there is no more.

    Without a memory limit there is nothing to double.
    """
    if resources.memory_mib is None:
        return None
    memory_mib = resources.memory_mib * 2
    if cap_mib is not None:
        memory_mib = min(cap_mib, memory_mib)
    if memory_mib <= resources.memory_mib:
        return None
    return resources.model_copy(update={"memory_mib": memory_mib})


def next_legal(resources: Resources, cap_mib: int | None = None) -> Resources | None:
    """Return the Fargate task to try after one that was out of memory; None: there is no larger.

    Of those with 1.5 to 2 times the memory it is the largest that needs the fewest vCPU. Where
    there are none, 1.25 to 1.5 times do; then the smallest above twice, then what is left.

    >>> larger = next_legal(Resources(cpu=8, memory_mib=60 * 1024))
    >>> larger.cpu, larger.memory_mib // 1024
    (16, 120)
    """
    have_mib = resources.memory_mib or DEFAULT_MEMORY_MIB
    asked = ({"memory_mib": mib} for memories in FARGATE_SIZES.values() for mib in memories)
    sizes = [fargate_size(resources.model_copy(update=update)) for update in asked]
    larger = [
        size
        for size in sizes
        if size is not None
        and size.memory_mib > have_mib
        and (cap_mib is None or size.memory_mib <= cap_mib)
    ]
    if not larger:
        return None
    best = min(larger, key=lambda size: _after_oom(size, size.memory_mib / have_mib))
    return resources.model_copy(
        update={"cpu": max(resources.cpu, best.cpu), "memory_mib": best.memory_mib}
    )


def _after_oom(size: FargateSize, times: float) -> tuple[int, float, int]:
    """Return how well a size suits, the smaller the better."""
    if times > 2:
        return (2, size.memory_mib, 0)
    rank = 0 if times >= 1.5 else 1 if times >= 1.25 else 3
    return (rank, size.cpu, -size.memory_mib)
