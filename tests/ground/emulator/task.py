"""One task: what was asked, what has become of it, and how the API shows it."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from emulator.wire import Caller, Json

Status = Literal["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]
SPOT_INTERRUPTED = ("SpotInterruption", "Your Spot Task was interrupted.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """Why a task ends."""

    stop_code: str
    reason: str
    #: Seconds from SIGTERM to SIGKILL; None: each container's ``stopTimeout``.
    grace_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What a test has in store for a task before it is there."""

    #: Seconds in PROVISIONING, as where capacity is short.
    start_delay_s: float = 0
    #: ``stoppedReason`` of a task that never starts.
    fails_to_start: str | None = None
    #: Seconds after its start at which it is stopped; None: never.
    stop_after_s: float | None = None
    stop_code: str = SPOT_INTERRUPTED[0]
    reason: str = SPOT_INTERRUPTED[1]
    grace_s: float | None = None
    #: Seconds after its start at which its containers are killed; None: never.
    kill_after_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Container:
    """One container of a task."""

    arn: str
    #: Of the task definition, with what the request overrides.
    definition: Json
    #: By which the metadata endpoint knows it.
    token: str
    docker_id: str | None = None
    image_digest: str | None = None
    address: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    has_ended: bool = False

    @property
    def name(self) -> str:
        return str(self.definition["name"])

    @property
    def is_essential(self) -> bool:
        return bool(self.definition.get("essential", True))

    @property
    def stop_timeout_s(self) -> float:
        """Seconds from SIGTERM to SIGKILL: 30 unless said, at most 120 on Fargate."""
        return min(120.0, float(self.definition.get("stopTimeout") or 30))

    @property
    def status(self) -> str:
        if self.has_ended:
            return "STOPPED"
        return "PENDING" if self.docker_id is None else "RUNNING"

    def describe(self, task_arn: str) -> Json:
        """Return it as the API shows it."""
        known = {
            "imageDigest": self.image_digest,
            "runtimeId": self.docker_id and f"{task_arn[-32:]}-{self.docker_id[:10]}",
            "exitCode": self.exit_code,
            "reason": self.reason and self.reason[:1024],
        }
        return {
            "containerArn": self.arn,
            "taskArn": task_arn,
            "name": self.name,
            "image": self.definition["image"],
            "lastStatus": self.status,
            "healthStatus": "UNKNOWN",
            "cpu": str(self.definition.get("cpu") or 0),
            "networkInterfaces": [],
            **{name: value for name, value in known.items() if value is not None},
        }


@dataclass(slots=True, kw_only=True)
class Task:
    """One task."""

    arn: str
    cluster_arn: str
    #: As whom ministack is asked: the account and region of the cluster.
    caller: Caller
    definition: Json
    #: The RunTask request.
    request: Json
    provider: str | None
    launch_type: str
    cpu: str
    memory: str
    containers: list[Container]
    tags: list[Json]
    created_at: float
    #: By which the credentials endpoint knows it.
    credentials_id: str
    fate: Fate = field(default_factory=Fate)
    status: Status = "PROVISIONING"
    desired: Literal["RUNNING", "STOPPED"] = "RUNNING"
    version: int = 1
    ending: Ending | None = None
    #: Set when somebody wants it to end.
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)
    #: ``pullStartedAt`` and its kin, by their names on the wire.
    times: dict[str, float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def cluster(self) -> str:
        return self.cluster_arn.rsplit("/", 1)[-1]

    @property
    def started_by(self) -> str | None:
        mark: str | None = self.request.get("startedBy")
        return mark

    @property
    def task_role(self) -> str | None:
        """ARN of the role that its containers act as."""
        overridden = self.request.get("overrides", {}).get("taskRoleArn")
        return overridden or self.definition.get("taskRoleArn") or None

    @property
    def architecture(self) -> str:
        platform = self.definition.get("runtimePlatform") or {}
        return "arm64" if platform.get("cpuArchitecture") == "ARM64" else "x86_64"

    def describe(self) -> Json:
        """Return it as DescribeTasks shows it, without tags; times in seconds since 1970."""
        known = {
            "capacityProviderName": self.provider,
            "startedBy": self.started_by,
            "stopCode": self.ending and self.ending.stop_code,
            "stoppedReason": self.ending and self.ending.reason,
            "connectivity": "CONNECTED" if "connectivityAt" in self.times else None,
        }
        shown: Json = {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.definition["taskDefinitionArn"],
            "group": self.request.get("group", f"family:{self.definition['family']}"),
            "launchType": self.launch_type,
            "lastStatus": self.status,
            "desiredStatus": self.desired,
            "version": self.version,
            "cpu": self.cpu,
            "memory": self.memory,
            "availabilityZone": self.caller.region + "a",
            "healthStatus": "UNKNOWN",
            "enableExecuteCommand": False,
            "createdAt": self.created_at,
            **self.times,
            "overrides": self._overrides(),
            "attributes": [{"name": "ecs.cpu-architecture", "value": self.architecture}],
            "attachments": self._attachments(),
            "containers": [one.describe(self.arn) for one in self.containers],
            **{name: value for name, value in known.items() if value is not None},
        }
        if self.launch_type == "FARGATE":
            disk = {"sizeInGiB": self._disk_gib()}
            shown |= {"platformVersion": "1.4.0", "platformFamily": "Linux",
                      "ephemeralStorage": disk, "fargateEphemeralStorage": disk}  # fmt: skip
        return shown

    def _overrides(self) -> Json:
        asked = self.request.get("overrides") or {}
        by_name = {one["name"]: one for one in asked.get("containerOverrides", ())}
        every = [by_name.get(one.name, {"name": one.name}) for one in self.containers]
        return {"inferenceAcceleratorOverrides": [], **asked, "containerOverrides": every}

    def _disk_gib(self) -> int:
        asked = (self.request.get("overrides") or {}).get("ephemeralStorage")
        disk = asked or self.definition.get("ephemeralStorage") or {}
        return int(disk.get("sizeInGiB", 20))

    def _attachments(self) -> list[Json]:
        network = self.request.get("networkConfiguration") or {}
        subnets = network.get("awsvpcConfiguration", {}).get("subnets")
        if not subnets:
            return []
        address = next((one.address for one in self.containers if one.address), None)
        details = {"subnetId": subnets[0], "networkInterfaceId": f"eni-{self.id[:17]}",
                   "privateIPv4Address": address}  # fmt: skip
        status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}.get(self.status, "ATTACHED")
        return [
            {
                "id": self.credentials_id,
                "type": "ElasticNetworkInterface",
                "status": status,
                "details": [{"name": name, "value": value} for name, value in details.items()
                            if value],
            }
        ]  # fmt: skip


def event_of(task: Task, now: float) -> Json:
    """Return the detail of its state-change event: no tags, and times as text."""
    shown = {**task.describe(), "updatedAt": now}
    return {name: iso(value) if name.endswith("At") else value for name, value in shown.items()}


def iso(seconds: float) -> str:
    """Return a time as events and metadata have it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
