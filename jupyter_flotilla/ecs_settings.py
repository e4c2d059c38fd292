"""The table ``[ecs]`` of the settings: where in an AWS account jobs run, and as whom.

``jupyter flotilla setup-aws`` writes it; the region and the bucket are settings of their own, as
other engines use them too.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from jupyter_flotilla.errors import InvalidSettings

#: Capacity that has a word of its own; any other is the name of a capacity provider.
FARGATE, EC2 = "fargate", "ec2"
#: What stands for the owner in ``task_role``.
OWNER = "{owner}"
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@{}/-]+")


def _listed(value: Any) -> Any:
    """Return what a list may be written as: ``a,b`` in a variable, an array in the file."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _named(value: Any) -> Any:
    """Return the tables of a table, each with its name: a tuple can be hashed, a dict cannot."""
    if not isinstance(value, Mapping):
        return value
    return tuple(
        {"name": name, **table} if isinstance(table, Mapping) else table
        for name, table in value.items()
    )


#: Limits of a task's network, at RunTask (AwsVpcConfiguration of
#: docs.aws.amazon.com/AmazonECS/latest/APIReference, read 2026-11).
_Subnets = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=16)]
_SecurityGroups = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=5)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EcsNetwork(_Table):
    """Where in a VPC a task's network interface is."""

    #: Word for ``--network``.
    name: str
    subnets: _Subnets = Field(min_length=1)
    #: Empty: those of ``[ecs]``.
    security_groups: _SecurityGroups = ()
    #: None: as ``[ecs]`` says.
    assign_public_ip: bool | None = None


class EcsRole(_Table):
    """As whom a job acts in AWS."""

    #: Word for ``--role``.
    name: str
    #: ARN; None: that of ``[ecs]``.
    task_role: str | None = None
    #: ARN; None: that of ``[ecs]``.
    execution_role: str | None = None

    @field_validator("task_role", "execution_role")
    @classmethod
    def _is_arn(cls, value: str | None) -> str | None:
        return _checked_arn(value)


_Alias = TypeVar("_Alias", EcsNetwork, EcsRole)


class EcsSettings(_Table):
    """What can be set of ECS, with its defaults."""

    profile: str | None = Field(
        default=None, description="AWS profile that launches; unset: as AWS's own tools choose."
    )
    cluster: str | None = Field(
        default=None, description="Name or ARN of the cluster; unset: ECS is not set up."
    )
    subnets: _Subnets = Field(
        default=(), description="Subnets of tasks; several zones have more capacity."
    )
    security_groups: _SecurityGroups = Field(
        default=(), description="Security groups of tasks; none: the VPC's default one."
    )
    assign_public_ip: bool = Field(
        default=True,
        description="Whether tasks get a public address: the way out where no NAT gateway is.",
    )
    execution_role: str | None = Field(
        default=None, description="ARN of the role by which ECS gets images, secrets and logs."
    )
    task_role: str | None = Field(
        default=None,
        description="ARN of the role of jobs; {owner} in it stands for the owner.",
    )
    owner: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$",
        description="Whose jobs these are, in tags and for {owner}; unset: the user's name here.",
    )
    log_group: str | None = Field(
        default=None, description="Log group of what jobs print before the runner is there."
    )
    queue_url: str | None = Field(
        default=None,
        description="SQS queue of task events; unset: tasks are asked about at intervals.",
    )
    scheduler_role: str | None = Field(
        default=None,
        description="ARN of the role by which EventBridge Scheduler starts tasks; unset: no "
        "schedule can run in the cloud.",
    )
    schedule_group: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z_.-]{1,64}$",
        description="Group of EventBridge Scheduler that holds the schedules.",
    )
    dropped_queue: str | None = Field(
        default=None,
        description="SQS queue of the ticks that EventBridge Scheduler gave up.",
    )
    alerts: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$",
        description="ARN of the SNS topic by which AWS says that a schedule's run failed or "
        "never began.",
    )
    capacity: str = Field(
        default=FARGATE,
        min_length=1,
        description="fargate, ec2, or the name of a capacity provider of the cluster.",
    )
    gpu_capacity: str | None = Field(
        default=None,
        min_length=1,
        description="Capacity provider of jobs with --gpu, whose machines have a way out; unset: "
        "there are none.",
    )
    gpu_type: str = Field(
        default="g4dn.xlarge",
        pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$",
        description="Type of the machines of gpu_capacity.",
    )
    gpu_machines: int = Field(
        default=1, ge=1, le=1000, description="Most machines of gpu_capacity at a time."
    )
    max_running: int = Field(
        default=100, ge=1, le=10_000, description="Most runs at a time on ECS."
    )
    start_timeout_s: float = Field(
        default=3600.0,
        ge=0,
        le=7 * 86_400,
        allow_inf_nan=False,
        description="Seconds after the first refusal for want of capacity until it is given up.",
    )
    api_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the account's API rates to use, which all in it share.",
    )
    networks: Annotated[tuple[EcsNetwork, ...], BeforeValidator(_named)] = Field(
        default=(), description="[ecs.networks.NAME]: what --network NAME stands for."
    )
    roles: Annotated[tuple[EcsRole, ...], BeforeValidator(_named)] = Field(
        default=(), description="[ecs.roles.NAME]: what --role NAME stands for."
    )

    @field_validator("task_role", "execution_role", "scheduler_role")
    @classmethod
    def _is_arn(cls, value: str | None) -> str | None:
        return _checked_arn(value)

    @field_validator("subnets", "security_groups")
    @classmethod
    def _is_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    def network(self, name: str | None = None) -> EcsNetwork:
        """Return a task's network, whole: that of an alias, or the one for all.

        Raises
        ------
        InvalidSettings
            If there is no alias of that name, or no subnet at all.
        """
        if name is not None:
            one = _found(self.networks, name, "networks", 'subnets = ["subnet-…"]')
        elif self.subnets:
            one = EcsNetwork(name="default", subnets=self.subnets)
        else:
            raise InvalidSettings(
                "ecs.subnets is not set: no task can have a network",
                next_step="jupyter flotilla setup-aws",
            )
        is_public = one.assign_public_ip
        return EcsNetwork(
            name=one.name,
            subnets=one.subnets,
            security_groups=one.security_groups or self.security_groups,
            assign_public_ip=self.assign_public_ip if is_public is None else is_public,
        )

    def role(self, name: str | None = None, *, owner: str) -> EcsRole:
        """Return as whom a job of an owner acts: by an alias, or as all of that owner's.

        Raises
        ------
        InvalidSettings
            If there is no alias of that name.
        """
        one = EcsRole(name="default")
        if name is not None:
            one = _found(self.roles, name, "roles", 'task_role = "arn:aws:iam::…:role/…"')
        task_role = one.task_role or self.task_role
        return EcsRole(
            name=one.name,
            task_role=task_role and task_role.replace(OWNER, self.owner or owner),
            execution_role=one.execution_role or self.execution_role,
        )


def _found(aliases: tuple[_Alias, ...], name: str, table: str, example: str) -> _Alias:
    for alias in aliases:
        if alias.name == name:
            return alias
    known = ", ".join(alias.name for alias in aliases) or "none"
    raise InvalidSettings(
        f"there is no [ecs.{table}.{name}] in the settings; there is {known}",
        next_step=f"write [ecs.{table}.{name}] {example} into flotilla.toml",
    )


def _checked_arn(value: str | None) -> str | None:
    if value is not None and not _ROLE_ARN.fullmatch(value):
        raise ValueError("no ARN of a role (arn:aws:iam::123456789012:role/NAME)")
    return value
