"""Jobs with GPUs: on machines of EC2 that are there only while such jobs are. Pure.

Fargate has no GPUs. `setup-aws --gpu` makes a capacity provider that scales to zero; a job on it
gets its GPUs' share of the machine, or more if it asks for more, and the machine's own network: a
task on EC2 that has an interface of its own has no public address, and so no way out without a NAT
gateway, which costs by the hour ("Allocate a network interface for an Amazon ECS task",
docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html, read 2026-11).
"""

from dataclasses import dataclass

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.ecs.machines import (
    DEFAULT_MACHINE,
    Machine,
    cheapest,
    machine_rate,
    machines,
)
from jupyter_flotilla.engines.ecs.prices import PriceList
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.resources import DEFAULT_MEMORY_MIB, Resources
from jupyter_flotilla.model.units import format_money, format_size

#: GiB of a machine's disk, which images and all its jobs share.
DISK_GIB = 100
#: Minutes that a machine stays after its last job: it is taken away when that many looks, one a
#: minute, have found it idle ("Deep Dive on Amazon ECS Cluster Auto Scaling",
#: aws.amazon.com/blogs/containers, and aws-cdk#25969, read 2026-11).
IDLE_MINUTES = 15
#: Beginning of a type's name → code of the quota of its vCPU, and what it counts (Service Quotas,
#: "Amazon EC2"; codes as skypilot-catalog's instance_quota_mapping.csv has them, read 2026-11).
_QUOTAS = {"g": ("L-DB2E81BA", "G and VT"), "p": ("L-417A185B", "P")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """Where jobs with GPUs run."""

    #: Capacity provider of the cluster.
    provider: str
    #: Type of its machines; perhaps one that `machines` does not have.
    type: str
    #: How many of them there may be at a time.
    most: int

    @property
    def machine(self) -> Machine | None:
        """What such a machine has; None: that is not known here."""
        return machines().get(self.type)


def gpu_of(ecs: EcsSettings) -> Gpu | None:
    """Return where jobs with GPUs run; None: it is not set up."""
    if ecs.gpu_capacity is None:
        return None
    return Gpu(provider=ecs.gpu_capacity, type=ecs.gpu_type, most=ecs.gpu_machines)


def gpu_size(resources: Resources, gpu: Gpu) -> Resources:
    """Return what a job gets: its GPUs' share of the machine at least.

    Raises
    ------
    LaunchError
        If no machine of the type has that much.
    """
    machine = gpu.machine
    if machine is None:
        memory_mib = resources.memory_mib or DEFAULT_MEMORY_MIB
        return resources.model_copy(update={"memory_mib": memory_mib})
    share = min(1.0, resources.gpu / machine.gpus)
    cpu = max(resources.cpu, machine.cpu * share)
    memory_mib = max(resources.memory_mib or 0, int(machine.for_jobs_mib * share))
    if not _has(machine, resources.model_copy(update={"cpu": cpu, "memory_mib": memory_mib})):
        raise LaunchError(
            f"{_words(resources)} is more than a {machine.name} has for jobs: {_of(machine)}"
        )
    return resources.model_copy(update={"cpu": cpu, "memory_mib": memory_mib})


def shared_mib(resources: Resources, gpu: Gpu) -> int:
    """Return the size of a job's ``/dev/shm`` in MiB: half of its memory, as on any Linux.

    The workers of PyTorch's loaders need more than Docker's 64. Raises as `gpu_size`.
    """
    return (gpu_size(resources, gpu).memory_mib or DEFAULT_MEMORY_MIB) // 2


def gpu_rate(
    resources: Resources, gpu: Gpu, region: str, prices: PriceList, *, has_public_ipv4: bool
) -> Rate | None:
    """Return what an attempt costs: the whole machine; None where that is unknown."""
    try:
        gpu_size(resources, gpu)
    except LaunchError:
        return None
    return machine_rate(gpu.type, region, prices, has_public_ipv4=has_public_ipv4)


def why_not(
    resources: Resources, gpu: Gpu | None, region: str, prices: PriceList
) -> tuple[str, str] | None:
    """Return why a job cannot have its GPUs, and what to do; None: it can."""
    if gpu is None:
        return (
            f"--gpu {resources.gpu}: Fargate has no GPUs, and machines that have are not set up",
            offer(resources, region, prices),
        )
    if resources.spot:
        return "--spot: machines with GPUs are on demand here", "--no-spot"
    if resources.arch != "x86_64":
        return f"--arch {resources.arch}: machines with GPUs are x86_64 here", "leave --arch out"
    if resources.disk_gib is not None:
        return (
            f"--disk: jobs with GPUs share their machine's disk of {DISK_GIB} GiB",
            "leave --disk out",
        )
    try:
        gpu_size(resources, gpu)
    except LaunchError as error:
        return error.message, f"a smaller job, or {offer(resources, region, prices)}"
    return None


def offer(resources: Resources, region: str, prices: PriceList) -> str:
    """Return the command that makes room for a job with GPUs, and what that costs."""
    fitting = [one for one in machines().values() if _has(one, resources)]
    if not fitting:
        return "no type that is known here has as much"
    usual = machines()[DEFAULT_MACHINE]
    found = usual if usual in fitting else cheapest(region, prices, fitting) or fitting[0]
    rate = machine_rate(found.name, region, prices, has_public_ipv4=False)
    price = f"a price that is unknown in {region}"
    if rate is not None:
        price = f"{format_money(rate.usd_per_h)} an hour ({rate.source})"
    return (
        f"jupyter flotilla setup-aws --gpu {found.name} --apply: {_of(found)}, $0.00 while no job "
        f"has one, else {price}"
    )


def quota_of(type_name: str) -> tuple[str, str] | None:
    """Return code and name of the quota of a type's vCPU; None: which one is not known.

    >>> quota_of("g4dn.xlarge")
    ('L-DB2E81BA', 'G and VT')
    """
    return _QUOTAS.get(type_name[:1])


def _has(machine: Machine, asked: Resources) -> bool:
    """Say whether a machine is large enough, were it empty."""
    return (
        machine.gpus >= asked.gpu
        and machine.cpu >= asked.cpu
        and machine.for_jobs_mib >= (asked.memory_mib or 0)
    )


def _words(asked: Resources) -> str:
    memory = "" if asked.memory_mib is None else f" --memory {format_size(asked.memory_mib)}"
    return f"--gpu {asked.gpu} --cpu {asked.cpu:g}{memory}"


def _of(machine: Machine) -> str:
    return f"{machine.gpus} {machine.gpu}, {machine.cpu} vCPU, {format_size(machine.for_jobs_mib)}"
