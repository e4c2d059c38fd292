"""Task definitions, named by what is in them: looked up before they are registered.

What is registered seldom is found often: ECS takes one registration a second (`throttle`), and many
launchers fail by making one a launch. What changes with each attempt is in the request's overrides
(`request`); what cannot be there is here.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_flotilla.engines.boot import boot
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.ledger import Entry, Ledger
from jupyter_flotilla.engines.remote import start_program
from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.model.resources import Arch

#: The container's name, in definitions and overrides.
CONTAINER = "job"
#: All of ours begin so; policies name them by it.
FAMILY = "flotilla-"
#: In front of log streams: ``flotilla/job/TASK``.
LOG_PREFIX = "flotilla"
#: Raised with every change of what `definition` returns that its inputs do not show.
_SCHEMA = 1
#: Seconds from SIGTERM to SIGKILL: the most on Fargate, for the last upload of a stopped job
#: (ContainerDefinition of docs.aws.amazon.com/AmazonECS/latest/APIReference, read 2026-11).
_STOP_S = 120
#: The smallest on Fargate, which must have some; the request says how much it is.
_CPU, _MEMORY = "256", "512"
#: What is printed must never hold up a job; beyond this much that was not sent yet, lines are lost
#: (docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html, read 2026-11).
_LOG_BUFFER = "4m"
_ARCHITECTURES: Mapping[Arch, str] = {"x86_64": "X86_64", "arm64": "ARM64"}
#: Seconds to wait for another process that registers; then two equal revisions do no harm.
_PATIENCE_S = 60.0
_UNUSED = timedelta(days=90)
#: docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html, read 2026-10.
_DELETED_AT_ONCE = 10
_GONE = ("taskdefinition is inactive", "taskdefinition not found", "unable to describe")


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A secret that ECS reads when it starts a task."""

    #: Environment variable.
    name: str
    #: ARN, or name of a parameter in the same region; never the value.
    value_from: str


def definition(
    *,
    image: str,
    region: str,
    arch: Arch = "x86_64",
    is_fargate: bool = True,
    gpus: int = 0,
    shared_mib: int | None = None,
    has_own_interface: bool = True,
    secrets: Sequence[Secret] = (),
    log_group: str | None = None,
    execution_role: str | None = None,
    task_role: str | None = None,
    program: str | None = None,
) -> dict[str, Any]:
    """Return a definition as RegisterTaskDefinition takes it; its family says what is in it.

    Parameters
    ----------
    region
        Of the log group.
    gpus
        How many the container gets; none on Fargate.
    shared_mib
        Size of ``/dev/shm`` in MiB; None: 64, and on Fargate always.
    has_own_interface
        False: it has the network of its machine, behind Docker's bridge, and the machine's address.
        Its role's keys come from the agent there as well ("Amazon ECS task IAM role",
        docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html, read 2026-11).
    log_group
        None: what is printed is not kept by AWS.
    execution_role, task_role
        ARNs. The first one is ECS's: it must be there for secrets and logs.
    program
        What the container's Python runs first; None: `remote.start_program`.
    """
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": image,
        "essential": True,
        "entryPoint": boot("-c", start_program() if program is None else program),
        "command": [],
        "stopTimeout": _STOP_S,
        # the runner is a container's first process on every engine, and reaps
        "linuxParameters": {"initProcessEnabled": False},
        "secrets": sorted(
            ({"name": one.name, "valueFrom": one.value_from} for one in secrets),
            key=lambda secret: secret["name"],
        ),
    }
    if gpus:
        # in overrides it could be too, where it replaces what stands here
        container["resourceRequirements"] = [{"type": "GPU", "value": str(gpus)}]
    if shared_mib is not None:
        container["linuxParameters"]["sharedMemorySize"] = shared_mib
    if log_group:
        container["logConfiguration"] = _logs(log_group, region)
    content: dict[str, Any] = {
        "networkMode": "awsvpc" if has_own_interface else "bridge",
        "requiresCompatibilities": ["FARGATE" if is_fargate else "EC2"],
        "cpu": _CPU,
        "memory": _MEMORY,
        "runtimePlatform": {
            "cpuArchitecture": _ARCHITECTURES[arch], "operatingSystemFamily": "LINUX",
        },
        "containerDefinitions": [container],
    }  # fmt: skip
    if execution_role:
        content["executionRoleArn"] = execution_role
    if task_role:
        content["taskRoleArn"] = task_role
    return {
        "family": family(content),
        **content,
        "tags": [{"key": "managed-by", "value": "flotilla"}],
    }


def family(content: Mapping[str, Any]) -> str:
    """Return the name of a definition with this content.

    >>> family({"cpu": "256", "volumes": []}) == family({"volumes": {}, "cpu": "256"})
    True
    """
    text = json.dumps(
        {"schema": _SCHEMA, **_without_empty(content)},
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
    return FAMILY + hashlib.sha256(text.encode()).hexdigest()[:32]


def is_gone(error: AwsError) -> bool:
    """Say whether RunTask was refused because its definition is no more."""
    return error.kind == "refused" and any(words in error.aws_message.lower() for words in _GONE)


def family_of(arn: str) -> str:
    """Return the name of the family that a definition's ARN is of.

    >>> family_of("arn:aws:ecs:us-east-1:123456789012:task-definition/flotilla-0a1b:3")
    'flotilla-0a1b'
    """
    return arn.rpartition("/")[2].partition(":")[0]


class Definitions:
    """The definitions of one home in one account and region. Safe from threads and processes.

    Parameters
    ----------
    folder
        Where the ledger is kept: `account.FOLDER` in the home.
    account
        Its number, which keeps what is another account's apart.
    """

    def __init__(self, aws: Account, folder: Path, account: str) -> None:
        self._aws = aws
        self._ledger = Ledger(folder / "definitions.json", f"{account} {aws.region}")
        self._lock = folder / "definitions.lock"
        #: Family → ARN, of what this process has used.
        self._known: dict[str, Entry] = {}

    def ensure(self, wanted: Mapping[str, Any], now: datetime) -> str:
        """Return the ARN, revision and all, of a definition that AWS has.

        Parameters
        ----------
        wanted
            From `definition`.

        Raises
        ------
        AwsError
            If it can neither be found nor registered.
        """
        name = str(wanted["family"])
        entry = self._known.get(name) or self._ledger.entry(name)
        if entry is None:
            entry = self._alone(wanted, now)
        elif entry.is_stale(now):
            entry = self._ledger.note(name, entry.arn, now)
        self._known[name] = entry
        return entry.arn

    def forget(self, name: str) -> None:
        """Look a family up again: AWS has said that its definition is gone (`is_gone`)."""
        self._known.pop(name, None)
        self._ledger.drop([name])

    def collect(self, now: datetime, in_use: Collection[str] = ()) -> int:
        """Delete definitions of this home that nobody has used for 90 days; return how many.

        Takes about a second each, ten at most a call; others' are never touched.

        Parameters
        ----------
        in_use
            ARNs of those to keep: of schedules.

        Raises
        ------
        AwsError
        """
        with self._locked(0.0) as is_alone:
            return self._collected(now, in_use) if is_alone else 0  # else another time

    def _collected(self, now: datetime, in_use: Collection[str]) -> int:
        old = [
            (name, entry)
            for name, entry in self._ledger.entries().items()
            if now - entry.used_at > _UNUSED and entry.arn not in in_use
        ][:_DELETED_AT_ONCE]
        for name, entry in old:
            self._known.pop(name, None)
            self._deregister(entry.arn)
        if old:
            arns = [entry.arn for _, entry in old]
            self._aws.call("ecs", "DeleteTaskDefinitions", taskDefinitions=arns)
            self._ledger.drop([name for name, _ in old])
        return len(old)

    def _alone(self, wanted: Mapping[str, Any], now: datetime) -> Entry:
        """Look up or register, one process at a time."""
        name = str(wanted["family"])
        with self._locked(_PATIENCE_S):
            entry = self._ledger.entry(name)  # another may have been first
            if entry is not None:
                return entry
            arn = self._found(name, wanted) or self._registered(wanted)
            return self._ledger.note(name, arn, now)

    @contextmanager
    def _locked(self, wait_s: float) -> Iterator[bool]:
        """Hold this home's lock, if it can be had: without it nothing breaks."""
        lock, is_alone = FileLock(self._lock), False
        with suppress(OSError):
            self._lock.parent.mkdir(mode=0o700, exist_ok=True)
            is_alone = lock.acquire(wait_s)
        try:
            yield is_alone
        finally:
            lock.release()

    def _found(self, name: str, wanted: Mapping[str, Any]) -> str | None:
        try:
            answer = self._aws.call("ecs", "DescribeTaskDefinition", taskDefinition=name)
        except AwsError as error:
            if is_gone(error):
                return None
            raise
        found = answer["taskDefinition"]
        # others may register what is called so: whose it is, what is in it says
        is_it = found.get("status") == "ACTIVE" and _is_same(found, wanted)
        return str(found["taskDefinitionArn"]) if is_it else None

    def _registered(self, wanted: Mapping[str, Any]) -> str:
        answer = self._aws.call("ecs", "RegisterTaskDefinition", **wanted)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def _deregister(self, arn: str) -> None:
        try:
            self._aws.call("ecs", "DeregisterTaskDefinition", taskDefinition=arn)
        except AwsError as error:
            if error.kind != "refused":  # else it is deregistered, or deleted, already
                raise


def _logs(group: str, region: str) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": group,
            "awslogs-region": region,
            "awslogs-stream-prefix": LOG_PREFIX,
            "mode": "non-blocking",
            "max-buffer-size": _LOG_BUFFER,
        },
    }


def _without_empty(value: Any) -> Any:
    """Return a value without what is empty in it: AWS gives both back as nothing."""
    if isinstance(value, Mapping):
        inner = {key: _without_empty(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one not in (None, "", [], {})}
    if isinstance(value, (list, tuple)):
        return [_without_empty(one) for one in value]
    return value


def _is_same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether a definition runs what is wanted, as whom it is wanted; AWS adds to the rest."""
    containers = found.get("containerDefinitions") or ()
    if len(containers) != len(wanted["containerDefinitions"]):
        return False
    pairs: list[tuple[Any, Any, tuple[str, ...]]] = [
        (found, wanted, ("executionRoleArn", "taskRoleArn", "networkMode"))
    ]
    own = ("image", "entryPoint", "command", "secrets", "resourceRequirements")
    for one, other in zip(containers, wanted["containerDefinitions"], strict=True):
        pairs.append((one, other, own))
    return all(
        _without_empty(one.get(key)) == _without_empty(other.get(key))
        for one, other, keys in pairs
        for key in keys
        if one.get(key) or other.get(key)
    )
