"""What is asked of RunTask for one attempt: the same bytes however often it is made.

A repeat with the same ``clientToken`` must be the same request, or ECS refuses it. So there is
nothing in it that depends on when it is made, and no secret: overrides can be read by whoever may
describe a task or sees its events.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from jupyter_flotilla.bootstrap.said import VARIABLE
from jupyter_flotilla.ecs_settings import EC2, FARGATE, EcsNetwork
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.ecs.definition import CONTAINER
from jupyter_flotilla.engines.ecs.gpu import Gpu
from jupyter_flotilla.engines.ecs.install import STARTED_BY
from jupyter_flotilla.engines.ecs.sizes import task_size
from jupyter_flotilla.errors import InvalidOption, LaunchError
from jupyter_flotilla.model.attempt import number_of
from jupyter_flotilla.model.resources import Resources

#: Half of what ECS takes, "including the JSON formatting characters" (TaskOverride of
#: docs.aws.amazon.com/AmazonECS/latest/APIReference, read 2026-10).
MOST_OVERRIDES = 4096
#: docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html, read 2026-11.
MOST_TAGS, _KEY_LENGTH, _VALUE_LENGTH = 50, 128, 256
#: What may be in a tag (ibid.); other letters and digits of any language may, too.
_NOT_IN_TAGS = re.compile(r"[^\w\s+\-=.:/@]")
_RESERVED = "aws:"
#: In front of the names of our own tags.
_OURS = "flotilla:"
#: A home has one queue, so that bills of several homes and later of several queues sum alike.
_QUEUE = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where tasks of a home are started, and for whom."""

    #: Name or ARN.
    cluster: str
    network: EcsNetwork
    #: ``fargate``, ``ec2``, or the name of a capacity provider.
    capacity: str = FARGATE
    #: Machines with GPUs that count in place of that; None: the job needs none.
    gpu: Gpu | None = None
    #: This home's, of `install.install_of`.
    install: str
    owner: str

    @property
    def is_fargate(self) -> bool:
        """Say whether AWS has the machines, and jobs a size that it offers."""
        return self.capacity == FARGATE and self.gpu is None


def run_task(
    order: LaunchOrder, *, definition_arn: str, place: Mapping[str, Any], site: Site
) -> dict[str, Any]:
    """Return the parameters of RunTask, which are JSON.

    Parameters
    ----------
    definition_arn
        Of `definition.Definitions.ensure`, with its revision.
    place
        Of `remote.Remote.send`, without keys: tasks have a role.

    Raises
    ------
    LaunchError
        If there is no task of that size, or the overrides are too long.
    InvalidOption
        If a tag is one that AWS does not take.
    """
    assert "keys" not in place, "keys are never to be seen in overrides"
    request: dict[str, Any] = {
        "cluster": site.cluster,
        "taskDefinition": definition_arn,
        "count": 1,
        "clientToken": order.launch_key,
        "startedBy": started_by(site.install, order.launch_key),
        **_network(site, order.launch_key),
        "overrides": _overrides(order, place, site),
        "enableExecuteCommand": False,
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
        "tags": [
            {"key": key, "value": value} for key, value in tags(order, site.owner).items()
        ],
        **_capacity(order.resources, site),
    }  # fmt: skip
    return request


def started_by(install: str, launch_key: str) -> str:
    """Return what tells an attempt's task from all others, in lists and events."""
    return STARTED_BY.format(install=install) + launch_key


def tags(order: LaunchOrder, owner: str) -> dict[str, str]:
    """Return the tags of an attempt's task: the user's, and ours, which bills are summed by.

    Raises
    ------
    InvalidOption
        As `check_tags`.
    """
    spec = order.spec
    ours = {"owner": owner, "queue": _QUEUE, "job": spec.name, "run": order.run_id}
    if spec.path:
        # its name alone: a bill is no place for the folders of somebody's home
        ours["notebook"] = PurePath(spec.path).name
    return check_tags(spec.tags) | {_OURS + name: _legal_value(v) for name, v in ours.items()}


def check_tags(given: Mapping[str, str]) -> dict[str, str]:
    """Return a user's tags as AWS takes them: other characters are ``_``, what is longer is cut.

    Raises
    ------
    InvalidOption
        For what AWS keeps to itself, and for too many.
    """
    for key, value in given.items():
        if key.lower().startswith(_RESERVED) or value.lower().startswith(_RESERVED):
            raise InvalidOption(
                f"--tag {key}={value}: AWS keeps what begins with {_RESERVED} to itself",
                next_step=f"--tag {key.replace(':', '-')}={value.replace(':', '-')}",
            )
    made = {
        key: _legal_value(value)
        for raw, value in given.items()
        if (key := _NOT_IN_TAGS.sub("_", raw)[:_KEY_LENGTH].strip())
    }
    most = MOST_TAGS - 10  # some are ours, some ECS's own
    if len(made) > most:
        raise InvalidOption(
            f"{len(made)} tags are more than a task can have beside Flotilla's own: {most}",
            next_step="leave some --tag out",
        )
    return made


def _legal_value(value: str) -> str:
    return _NOT_IN_TAGS.sub("_", value)[:_VALUE_LENGTH].strip()


def _network(site: Site, launch_key: str) -> dict[str, Any]:
    """Return the network, another subnet first at each attempt: capacity lacks zone by zone.

    What has its machine's network can have none (``networkConfiguration`` of RunTask, ibid.).
    """
    if site.gpu is not None:
        return {}
    subnets = list(site.network.subnets)
    turn = (number_of(launch_key) - 1) % len(subnets)
    network: dict[str, Any] = {"subnets": subnets[turn:] + subnets[:turn]}
    if site.network.security_groups:
        network["securityGroups"] = list(site.network.security_groups)
    # an interface of a task on EC2 cannot have one (AwsVpcConfiguration, ibid.)
    is_public = bool(site.network.assign_public_ip) and site.is_fargate
    network["assignPublicIp"] = "ENABLED" if is_public else "DISABLED"
    return {"networkConfiguration": {"awsvpcConfiguration": network}}


def _capacity(resources: Resources, site: Site) -> dict[str, Any]:
    if site.capacity == EC2 and site.gpu is None:
        return {"launchType": "EC2"}
    if not site.is_fargate:
        name = site.capacity if site.gpu is None else site.gpu.provider
        return {"capacityProviderStrategy": [{"capacityProvider": name, "weight": 1}]}
    provider = "FARGATE_SPOT" if resources.spot else "FARGATE"
    return {
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
        "platformVersion": "LATEST",
    }


def _overrides(order: LaunchOrder, place: Mapping[str, Any], site: Site) -> dict[str, Any]:
    resources = order.resources
    cpu, memory_mib = task_size(resources, is_fargate=site.is_fargate, gpu=site.gpu)
    names = sorted(ref.name for ref in order.spec.secrets)
    said = json.dumps({"s3": place, "secrets": names}, sort_keys=True, separators=(",", ":"))
    container: dict[str, Any] = {
        "name": CONTAINER,
        "environment": [{"name": VARIABLE, "value": said}],
    }
    overrides: dict[str, Any] = {
        "cpu": str(cpu),
        "memory": str(memory_mib),
        "containerOverrides": [container],
    }
    if resources.disk_gib is not None and site.is_fargate:
        overrides["ephemeralStorage"] = {"sizeInGiB": resources.disk_gib}
    length = len(json.dumps(overrides))
    if length > MOST_OVERRIDES:
        raise LaunchError(
            f"what a task must be told is {length:,} characters, of at most {MOST_OVERRIDES:,}",
            next_step="a shorter prefix of the bucket (artifacts in flotilla.toml)",
        )
    return overrides
