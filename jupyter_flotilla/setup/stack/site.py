"""What a set-up is made of, by name: known before anything is there.

All names are made from the stack's, so that policies can name exact ARNs before the first resource
exists.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_flotilla.ecs_settings import OWNER
from jupyter_flotilla.errors import InvalidOption

#: What ``--use`` can name, and what each value is.
REUSABLE = {
    "cluster": "name of a cluster",
    "bucket": "name of a bucket",
    "role": "ARN of the role of jobs; {owner} in it stands for the owner",
    "execution-role": "ARN of the execution role",
    "log-group": "name of a log group",
    "subnets": "subnets, with commas",
    "security-groups": "security groups, with commas",
}
#: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks.html, 2026-11.
_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}")
_OWNER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_INSTALL = re.compile(r"[0-9a-f]{8}")
#: docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html, read 2026-11.
_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")
#: Longest name of a role (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html) and
#: of a bucket (docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html), 2026-11.
_ROLE_LENGTH, _BUCKET_LENGTH = 64, 63


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Member:
    """One home that uses the stack, and whose it is."""

    owner: str
    #: Eight hexadecimal characters that are this home's own.
    install: str
    #: ARNs of roles that this home's jobs may have besides, by alias.
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineGroup:
    """Machines with GPUs: which, and how many at a time."""

    #: AWS's word: ``g4dn.xlarge``.
    type: str
    most: int
    #: Those of the set-up in whose zones the type is; empty: nobody has asked, so all.
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A set-up: which account, which names, who uses it, and what of it is somebody else's."""

    account: str
    region: str
    #: Who is being set up now.
    member: Member
    stack: str = "flotilla"
    partition: str = "aws"
    #: Everyone whom the stack is for, `member` among them.
    members: tuple[Member, ...] = ()
    #: Keys of `REUSABLE`.
    reuse: Mapping[str, str] = field(default_factory=dict)
    vpc: str | None = None
    subnets: tuple[str, ...] = ()
    #: Whether these subnets need a public address to get out.
    assign_public_ip: bool = True
    kms_key: str | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    #: Days after which the files of runs are deleted.
    expire_days: int = 30
    #: None: jobs have no GPUs.
    machines: MachineGroup | None = None
    #: Addresses to which AWS sends a mail when a schedule's run fails in the cloud.
    alerts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _must(_STACK, self.stack, "--stack-name", "letters, digits and hyphens, 31 at most")
        for member in (self.member, *self.members):
            _must(_OWNER_NAME, member.owner, "--owner", "letters, digits, . _ -; 32 at most")
            assert _INSTALL.fullmatch(member.install), member.install
            _short(self.scheduler_role_name(member.owner), _ROLE_LENGTH, "role")
        _short(self.bucket, _BUCKET_LENGTH, "bucket")
        for name in self.reuse:
            if name not in REUSABLE:
                raise InvalidOption(
                    f"--use {name}=…: there is no such part",
                    next_step=f"one of {', '.join(REUSABLE)}",
                )
        if self.machines is not None:
            self._check_machines(self.machines)

    def _check_machines(self, machines: MachineGroup) -> None:
        _must(_TYPE, machines.type, "--gpu", "a type of machine, as g4dn.xlarge")
        if "cluster" in self.reuse:
            raise InvalidOption(
                f"--gpu: the capacity providers of cluster {self.cluster} are yours, and stay as "
                "they are",
                next_step="leave --use cluster=… out; or add a provider of yours to it, and name "
                "that as ecs.gpu_capacity in flotilla.toml",
            )

    def everyone(self) -> tuple[Member, ...]:
        """Return all whom the stack is for, each once."""
        return tuple(sorted({self.member, *self.members}))

    def homes(self, owner: str) -> tuple[Member, ...]:
        """Return the homes of an owner."""
        return tuple(one for one in self.everyone() if one.owner == owner)

    def owners(self) -> tuple[str, ...]:
        """Return whose prefixes and roles there are, each once."""
        return tuple(sorted({member.owner for member in self.everyone()}))

    def arn(self, service: str, resource: str, *, is_global: bool = False) -> str:
        """Return a resource's ARN in this account."""
        place = ":" if is_global else f"{self.region}:"
        return f"arn:{self.partition}:{service}:{place}{self.account}:{resource}"

    @property
    def cluster(self) -> str:
        """Its name."""
        return self.reuse.get("cluster", self.stack).rpartition("/")[2]

    @property
    def cluster_arn(self) -> str:
        """Its ARN."""
        return self.arn("ecs", f"cluster/{self.cluster}")

    @property
    def bucket(self) -> str:
        """Its name; account and region are in it, as all the world's buckets share one space."""
        return self.reuse.get("bucket") or f"{self.stack.lower()}-{self.account}-{self.region}"

    @property
    def bucket_arn(self) -> str:
        """Its ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def log_group(self) -> str:
        """Its name."""
        return self.reuse.get("log-group") or f"/flotilla/{self.stack}"

    @property
    def log_group_arn(self) -> str:
        """Its ARN."""
        return self.arn("logs", f"log-group:{self.log_group}")

    @property
    def role_prefix(self) -> str:
        """Beginning of the names of its roles; these are of all regions, so the region is in it."""
        return f"{self.stack}-{self.region}"

    @property
    def execution_role_name(self) -> str:
        """Its name."""
        return f"{self.role_prefix}-execution"

    @property
    def execution_role_arn(self) -> str:
        """Its ARN."""
        return self.reuse.get("execution-role") or self._role_arn(self.execution_role_name)

    def task_role_name(self, owner: str) -> str:
        """Return the name of an owner's role."""
        return f"{self.role_prefix}-task-{owner}"

    def task_role_arn(self, owner: str) -> str:
        """Return the ARN of an owner's role."""
        return self.task_role_template.replace(OWNER, owner)

    @property
    def task_role_template(self) -> str:
        """ARN of every owner's role, with ``{owner}`` in it."""
        return self.reuse.get("role") or self._role_arn(self.task_role_name(OWNER))

    def scheduler_role_name(self, owner: str) -> str:
        """Return the name of the role by which an owner's schedules start tasks."""
        return f"{self.role_prefix}-scheduler-{owner}"

    def scheduler_role_arn(self, owner: str) -> str:
        """Return the ARN of the role by which an owner's schedules start tasks."""
        return self._role_arn(self.scheduler_role_name(owner))

    @property
    def machine_group(self) -> str:
        """Name of the launch template and of the group of machines with GPUs."""
        return f"{self.stack}-gpu"

    @property
    def machine_provider(self) -> str:
        """Name of the capacity provider of machines with GPUs.

        It may not begin with aws, ecs or fargate, as a stack's may (``name`` of
        CreateCapacityProvider, docs.aws.amazon.com/AmazonECS/latest/APIReference, read 2026-11).
        """
        return f"gpu-{self.stack}"

    @property
    def machine_role_name(self) -> str:
        """Name of the role of machines with GPUs, and of its instance profile."""
        return f"{self.role_prefix}-gpu"

    @property
    def security_groups(self) -> tuple[str, ...]:
        """Those of ``--use``; empty: the stack's own."""
        return listed(self.reuse.get("security-groups", ""))

    def queue_name(self, install: str) -> str:
        """Return the name of a home's queue of task events."""
        return f"{self.stack}-events-{install}"

    def queue_arn(self, install: str) -> str:
        """Return the ARN of a home's queue of task events."""
        return self.arn("sqs", self.queue_name(install))

    def rule_name(self, install: str) -> str:
        """Return the name of the rule that fills a home's queue."""
        return f"{self.stack}-events-{install}"

    def rule_arn(self, install: str) -> str:
        """Return the ARN of the rule that fills a home's queue."""
        return self.arn("events", f"rule/{self.rule_name(install)}")

    @property
    def schedule_group(self) -> str:
        """Name of the group of EventBridge Scheduler that holds everyone's schedules."""
        return self.stack

    def schedules_arn(self, install: str) -> str:
        """Return what matches the ARNs of a home's schedules: their names begin with it."""
        return self.arn("scheduler", f"schedule/{self.schedule_group}/{install}-*")

    @property
    def topic_name(self) -> str:
        """Name of the topic of alerts."""
        return f"{self.stack}-alerts"

    @property
    def topic_arn(self) -> str:
        """ARN of the topic of alerts."""
        return self.arn("sns", self.topic_name)

    def dropped_name(self, install: str) -> str:
        """Return the name of what a home has for ticks that were given up: queue and alarm."""
        return f"{self.stack}-dropped-{install}"

    def dropped_arn(self, install: str) -> str:
        """Return the ARN of a home's queue of ticks that were given up."""
        return self.arn("sqs", self.dropped_name(install))

    def failed_rule_name(self, install: str) -> str:
        """Return the name of the rule for a home's ticks whose task failed."""
        return f"{self.rule_name(install)}-failed"

    def unstarted_rule_name(self, install: str) -> str:
        """Return the name of the rule for a home's ticks that started no task."""
        return f"{self.rule_name(install)}-unstarted"

    def _role_arn(self, name: str) -> str:
        return self.arn("iam", f"role/{name}", is_global=True)

    def remembered(self) -> dict[str, Any]:
        """Return what the stack keeps of these choices, for whoever applies it next."""
        chosen: dict[str, Any] = {
            "reuse": dict(self.reuse),
            "vpc": self.vpc,
            "kms_key": self.kms_key,
            "permissions_boundary": self.permissions_boundary,
            "expire_days": self.expire_days,
            "alerts": list(self.alerts),
        }
        if self.machines is not None:
            chosen["gpu"] = {"type": self.machines.type, "most": self.machines.most}
        everyone = [
            {"owner": one.owner, "install": one.install}
            | ({"roles": list(one.roles)} if one.roles else {})
            for one in self.everyone()
        ]
        # CloudFormation takes no null
        return {"members": everyone} | {key: value for key, value in chosen.items() if value}


def logical(kind: str, of: str) -> str:
    """Return a name inside the template: letters and digits only, so `of` by its digest."""
    return f"{kind}{hashlib.sha256(of.encode()).hexdigest()[:8]}"


def listed(text: str) -> tuple[str, ...]:
    """Return the parts of a list with commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _must(form: re.Pattern[str], value: str, option: str, words: str) -> None:
    if not form.fullmatch(value):
        raise InvalidOption(f"{option} {value!r}: {words}", next_step=f"give another {option}")


def _short(name: str, most: int, kind: str) -> None:
    if len(name) > most:
        raise InvalidOption(
            f"the {kind} {name!r} would have a name of {len(name)} characters; AWS has room for "
            f"{most}",
            next_step="give a shorter --stack-name or --owner",
        )
