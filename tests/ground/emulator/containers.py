"""From a container of a task definition to what the Docker daemon is asked for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.task import Container, Task
from emulator.wire import Json

_MIB = 1024 * 1024
_LEAST_MEMORY = 6 * _MIB  # of Docker


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What containers here can reach."""

    #: Where they find AWS: this emulator, at the address of Docker's bridge.
    endpoint: str
    #: Whether 169.254.170.2 leads here too, as it does on Fargate.
    has_task_address: bool


def body(
    task: Task, container: Container, place: Place, secrets: Mapping[str, str], label: str
) -> Json:
    """Return the daemon's create request.

    Parameters
    ----------
    task, container
        What is to be made.
    place
        What it can reach.
    secrets
        Variable to value, of the definition's ``secrets``.
    label
        ``NAME=VALUE``, by which all containers of this emulator are found again.
    """
    definition = container.definition
    name, _, value = label.partition("=")
    created: Json = {
        "Image": definition["image"],
        "Env": [f"{name}={value}" for name, value in _environment(task, container, place, secrets)],
        "Labels": {name: value, "flotilla.task": task.arn},
        "HostConfig": {
            "Memory": _memory(task, container),
            "MemorySwap": _memory(task, container),  # Fargate has no swap
            "NanoCpus": _nano_cpus(task),
            "Init": bool((definition.get("linuxParameters") or {}).get("initProcessEnabled")),
            "ReadonlyRootfs": bool(definition.get("readonlyRootFilesystem")),
            "Ulimits": [
                {"Name": one["name"], "Soft": one["softLimit"], "Hard": one["hardLimit"]}
                for one in definition.get("ulimits", ())
            ],
        },
    }
    # where the definition says nothing, the image does
    for ours, theirs in (("entryPoint", "Entrypoint"), ("command", "Cmd"), ("user", "User"),
                         ("workingDirectory", "WorkingDir")):  # fmt: skip
        if definition.get(ours):
            created[theirs] = definition[ours]
    return created


def _environment(
    task: Task, container: Container, place: Place, secrets: Mapping[str, str]
) -> list[tuple[str, str]]:
    region = task.caller.region
    given = {pair["name"]: pair["value"] for pair in container.definition.get("environment", ())}
    # Fargate sets the regions; the endpoint is this emulator's own
    found = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": place.endpoint}
    if task.launch_type == "FARGATE":
        found["AWS_EXECUTION_ENV"] = "AWS_ECS_FARGATE"
    host = "http://169.254.170.2" if place.has_task_address else place.endpoint
    own = {"ECS_CONTAINER_METADATA_URI_V4": f"{host}/v4/{container.token}"}
    if task.task_role and place.has_task_address:
        own["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/v2/credentials/{task.credentials_id}"
    elif task.task_role:
        # No SDK takes keys from another address. These are nobody's: the emulator takes any.
        own |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return list({**found, **given, **secrets, **own}.items())


def _memory(task: Task, container: Container) -> int:
    """Return the bytes it may use: its own limit or the task's, the smaller."""
    limits = [int(one) for one in (container.definition.get("memory"), task.memory) if one]
    return max(_LEAST_MEMORY, min(limits) * _MIB) if limits else 0


def _nano_cpus(task: Task) -> int:
    """Return a billionth of what it may use of CPUs; the daemon refuses more than there are."""
    return int(min(int(task.cpu or 0) / 1024, os.cpu_count() or 1) * 1e9)
