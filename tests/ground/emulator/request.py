"""What RunTask and RegisterTaskDefinition refuse, and which capacity a request gets.

Limits: botocore's model of ecs 2014-11-13 (1.44), and "Amazon ECS task definition differences for
Fargate" (docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html), read
2026-11. Nothing here was compared with a real account, and where AWS's words are not known these
are ours.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from emulator.wire import Json, ServiceError

#: CPU units → MiB of memory.
_SIZES: Mapping[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
    32768: (61440, 122880, 249856),
}
_DISK_GIB = range(21, 200 + 1)
_FARGATE = ("FARGATE", "FARGATE_SPOT")
_MOST_OVERRIDE_CHARACTERS = 8192
_OVERRIDABLE = {"name", "command", "environment", "cpu", "memory", "memoryReservation"}
#: Of a container definition; a test that needs one of them would believe what is not so.
_NOT_EMULATED = ("dependsOn", "environmentFiles", "firelensConfiguration", "healthCheck",
                 "mountPoints", "resourceRequirements", "volumesFrom")  # fmt: skip
_STARTED_BY = re.compile(r"[A-Za-z0-9_/-]{0,128}")
_TOKEN = re.compile(r"[!-~]{1,64}")


def invalid(message: str) -> ServiceError:
    """Return the refusal of a parameter."""
    return ServiceError("InvalidParameterException", message)


def check_definition(params: Json) -> None:
    """Raise what RegisterTaskDefinition answers to a definition that Fargate cannot run."""
    if "FARGATE" not in params.get("requiresCompatibilities", ()):
        return
    if params.get("networkMode") != "awsvpc":
        raise ServiceError("ClientException", "Fargate only supports network mode ‘awsvpc’.")
    _check_size(params.get("cpu"), params.get("memory"), "ClientException")


def check(params: Json, definition: Json, *, is_fargate: bool) -> None:
    """Raise what RunTask answers to a request that is wrong."""
    if definition.get("status") != "ACTIVE":
        raise ServiceError("ClientException", "TaskDefinition is inactive")
    if not 1 <= params.get("count", 1) <= 10:
        raise invalid("Count should be between 1 and 10.")
    if not _STARTED_BY.fullmatch(params.get("startedBy", "")):
        raise invalid("Invalid startedBy.")
    if not _TOKEN.fullmatch(params.get("clientToken", "-")):
        raise invalid("clientToken must be 1 to 64 ASCII characters in the range of 33-126.")
    if len(params.get("tags", ())) > 50:
        raise invalid("The number of tags exceeds the maximum of 50.")
    _check_containers(definition)
    _check_overrides(params.get("overrides") or {}, definition)
    _check_network(params.get("networkConfiguration") or {}, definition)
    if is_fargate:
        if "FARGATE" not in definition.get("requiresCompatibilities", ()):
            raise invalid("Task definition does not support launch_type FARGATE.")
        _check_size(*size(params, definition), "InvalidParameterException")


def size(params: Json, definition: Json) -> tuple[str, str]:
    """Return CPU units and MiB of a task, both in digits as on the wire."""
    overrides = params.get("overrides") or {}
    cpu = overrides.get("cpu") or definition.get("cpu")
    memory = overrides.get("memory") or definition.get("memory")
    return _units(cpu, "vcpu"), _units(memory, "gb")


def capacity(params: Json, cluster: Json) -> tuple[str | None, str]:
    """Return the capacity provider, or None, and the launch type that a request gets."""
    strategy = params.get("capacityProviderStrategy")
    if strategy and params.get("launchType"):
        raise invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. "
            "Remove one and try again."
        )
    if params.get("launchType"):
        return None, params["launchType"]
    strategy = strategy or cluster.get("defaultCapacityProviderStrategy")
    if not strategy:
        return None, "EC2"
    if unknown := {one["capacityProvider"] for one in strategy} - set(cluster["capacityProviders"]):
        raise invalid(
            "The specified capacity provider strategy cannot contain a capacity provider that is "
            f"not associated with the cluster. {', '.join(sorted(unknown))}"
        )
    # one task: where it goes by base and weight, the first that has most of both
    chosen = max(strategy, key=lambda one: (one.get("base", 0), one.get("weight", 0)))
    provider = chosen["capacityProvider"]
    return provider, "FARGATE" if provider in _FARGATE else "EC2"


def merged(container: Json, overrides: Json) -> Json:
    """Return a container's definition with what a request overrides of it."""
    own: Json = next((one for one in overrides.get("containerOverrides", ())
                if one.get("name") == container["name"]), {})  # fmt: skip
    pairs = [*container.get("environment", ()), *own.get("environment", ())]
    environment = {pair["name"]: pair["value"] for pair in pairs}
    return {**container, **own,
            "environment": [{"name": k, "value": v} for k, v in environment.items()]}  # fmt: skip


def _check_containers(definition: Json) -> None:
    for container in definition["containerDefinitions"]:
        if found := [name for name in _NOT_EMULATED if container.get(name)]:
            raise ServiceError("ClientException", f"this emulator has no {', '.join(found)}")


def _check_overrides(overrides: Json, definition: Json) -> None:
    if overrides and len(json.dumps(overrides, separators=(",", ":"))) > _MOST_OVERRIDE_CHARACTERS:
        raise invalid("Container Overrides length must be at most 8192")
    names = {container["name"] for container in definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", ()):
        name = override.get("name")
        if name not in names:
            raise invalid(
                f"Override for container named {name} is not a container in the TaskDefinition."
            )
        if unknown := override.keys() - _OVERRIDABLE:
            raise invalid(f"Cannot override {', '.join(sorted(unknown))}.")
    disk = overrides.get("ephemeralStorage")
    if disk and disk.get("sizeInGiB") not in _DISK_GIB:
        raise invalid("Ephemeral storage must be between 21 and 200 GiB.")


def _check_network(network: Json, definition: Json) -> None:
    if definition.get("networkMode") != "awsvpc":
        return
    vpc = network.get("awsvpcConfiguration", {})
    if not vpc.get("subnets"):
        raise invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    for name, most in (("subnets", 16), ("securityGroups", 5)):
        if len(vpc.get(name, ())) > most:
            raise invalid(f"{name} can have at most {most} items.")


def _check_size(cpu: Any, memory: Any, code: str) -> None:
    cpu, memory = _units(cpu, "vcpu"), _units(memory, "gb")
    if int(memory or 0) not in _SIZES.get(int(cpu or 0), ()):
        raise ServiceError(code, "No Fargate configuration exists for given values: "
                                 f"{cpu} CPU, {memory} memory.")  # fmt: skip


def _units(value: Any, word: str) -> str:
    """Return ECS units of ``512``, ``"0.5 vCPU"`` or ``"1 GB"``, in digits; empty: none."""
    found = re.fullmatch(rf"([\d.]+)\s*({word})?", str(value or "").strip(), re.IGNORECASE)
    if not found:
        return ""
    return str(int(float(found[1]) * (1024 if found[2] else 1)))
