"""Checks of a RunTask request, in ECS's words where they are known.

Limits: botocore's model of ecs 2014-11-13 (1.44), read 2026-11. Wordings come from what users have
reported; those marked so are not known.
"""

import json
import re
from collections.abc import Sequence

from jupyter_flotilla.testing.fake_ecs import sizes
from jupyter_flotilla.testing.fake_ecs.definitions import Definition
from jupyter_flotilla.testing.fake_ecs.refusals import Json, invalid, no_fargate_size

#: Characters of all overrides, "including the JSON formatting characters".
MOST_OVERRIDE_CHARACTERS = 8192
#: What may be overridden for a container; not: image, entryPoint, secrets, logConfiguration.
_OVERRIDABLE = {
    "name", "command", "environment", "environmentFiles", "cpu", "memory", "memoryReservation",
    "resourceRequirements",
}  # fmt: skip
_STARTED_BY = re.compile(r"[A-Za-z0-9_/-]{0,128}")


def check(params: Json, definition: Definition, *, is_fargate: bool) -> None:
    """Raise what RunTask answers to a request that is wrong."""
    if not 1 <= params.get("count", 1) <= 10:
        raise invalid("Count should be between 1 and 10.")  # [unverified wording]
    if not _STARTED_BY.fullmatch(params.get("startedBy", "")):
        raise invalid("Invalid startedBy.")  # [unverified wording]
    _check_tags(params.get("tags", ()))
    _check_overrides(params.get("overrides", {}), definition)
    _check_network(params.get("networkConfiguration", {}), definition)
    if is_fargate:
        _check_fargate(params, definition)


def size(params: Json, definition: Definition) -> tuple[str, str]:
    """Return CPU units and MiB of the task that is asked for, as on the wire."""
    overrides = params.get("overrides", {})
    cpu, memory = (
        str(overrides.get(name) or definition.fields.get(name, "")) for name in ("cpu", "memory")
    )
    return cpu, memory


def _check_tags(tags: Sequence[Json]) -> None:
    if len(tags) > 50:
        raise invalid("The number of tags exceeds the maximum of 50.")  # [unverified wording]
    for tag in tags:
        if not 1 <= len(tag.get("key", "")) <= 128 or len(tag.get("value", "")) > 256:
            raise invalid(f"Invalid tag: {tag.get('key')}")  # [unverified wording]
        if tag["key"].lower().startswith("aws:"):
            raise invalid("Tag keys cannot start with aws:.")  # [unverified wording]


def _check_overrides(overrides: Json, definition: Definition) -> None:
    if overrides and len(json.dumps(overrides, separators=(",", ":"))) > MOST_OVERRIDE_CHARACTERS:
        raise invalid("Container Overrides length must be at most 8192")
    names = {container["name"] for container in definition.containers}
    for override in overrides.get("containerOverrides", ()):
        name = override.get("name")
        if name not in names:
            raise invalid(
                f"Override for container named {name} is not a container in the TaskDefinition."
            )
        if unknown := override.keys() - _OVERRIDABLE:
            # a real service ignores or refuses them; here nobody gets away with it
            raise invalid(f"Cannot override {', '.join(sorted(unknown))}.")


def _check_network(network: Json, definition: Definition) -> None:
    if definition.fields.get("networkMode") != "awsvpc":
        if network:
            raise invalid(
                "Network Configuration is not valid for the given networkMode of this task "
                "definition."
            )
        return
    vpc = network.get("awsvpcConfiguration", {})
    if not vpc.get("subnets"):
        raise invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if len(vpc["subnets"]) > 16:
        raise invalid("subnets can have at most 16 items.")  # [unverified wording]
    if len(vpc.get("securityGroups", ())) > 5:
        raise invalid("securityGroups can have at most 5 items.")  # [unverified wording]


def _check_fargate(params: Json, definition: Definition) -> None:
    if "FARGATE" not in definition.fields.get("requiresCompatibilities", ()):
        raise invalid("Task definition does not support launch_type FARGATE.")
    cpu, memory = size(params, definition)
    if not sizes.is_legal(cpu, memory):
        raise invalid(no_fargate_size(cpu, memory))
    disk = params.get("overrides", {}).get("ephemeralStorage")
    if disk and disk.get("sizeInGiB") not in sizes.DISK_GIB:
        raise invalid("Ephemeral storage must be between 21 and 200 GiB.")  # [unverified wording]
