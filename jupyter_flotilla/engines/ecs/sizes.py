"""How large a task is asked for, in ECS's own units."""

from jupyter_flotilla.engines.ecs.gpu import Gpu, gpu_size
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.resources import DEFAULT_MEMORY_MIB, Resources, fargate_size


def task_size(resources: Resources, *, is_fargate: bool, gpu: Gpu | None = None) -> tuple[int, int]:
    """Return CPU units (1,024 are a vCPU) and MiB of memory that a task is asked for.

    Parameters
    ----------
    gpu
        The machines with GPUs that it runs on; None: on others.

    Raises
    ------
    LaunchError
        If there is no task that large, or GPUs are wanted of Fargate.
    """
    if gpu is not None:
        resources = gpu_size(resources, gpu)
    if gpu is not None or not is_fargate:
        memory_mib = resources.memory_mib or DEFAULT_MEMORY_MIB
        # 128 units are the least: docs.aws.amazon.com/AmazonECS/latest/developerguide/
        # task_definition_parameters_ec2.html, read 2026-11
        return max(128, round(resources.cpu * 1024)), memory_mib
    size = fargate_size(resources)
    if size is not None:
        return round(size.cpu * 1024), size.memory_mib
    if resources.gpu:
        raise LaunchError(
            f"--gpu {resources.gpu}: Fargate has no GPUs",
            next_step="jupyter flotilla setup-aws --gpu",
        )
    raise LaunchError(
        f"no Fargate task has {resources.cpu:g} vCPU and {resources.memory_mib} MiB of memory: "
        "the largest have 32 vCPU and 244 GiB",
        next_step="a smaller --cpu and --memory, or a capacity provider of EC2 (ecs.capacity)",
    )
