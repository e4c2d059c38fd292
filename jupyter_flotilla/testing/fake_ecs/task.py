"""One task: what was asked, what happens to it, and how the API shows it."""

from dataclasses import dataclass, field
from typing import Literal

from jupyter_flotilla.testing.fake_ecs.definitions import Definition
from jupyter_flotilla.testing.fake_ecs.endings import Script
from jupyter_flotilla.testing.fake_ecs.refusals import Json

Status = Literal["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]

#: Times of a task, by their names on the wire, in the order in which they come.
_TIMES = (
    "connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt",
    "executionStoppedAt", "stoppedAt",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Task:
    """One task. Tests may read it; only the fake changes it."""

    arn: str
    cluster_arn: str
    definition: Definition
    #: The RunTask request that it comes from.
    request: Json
    script: Script
    created_at: float
    #: FARGATE, FARGATE_SPOT, the name of an EC2 provider, or None when a launch type was asked.
    provider: str | None
    launch_type: str
    cpu: str
    memory: str
    availability_zone: str
    network_interface: Json | None
    container_arns: list[str]
    status: Status = "PROVISIONING"
    desired: Literal["RUNNING", "STOPPED"] = "RUNNING"
    version: int = 1
    tags: list[Json] = field(default_factory=list)
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    container_reason: str | None = None
    #: By the names on the wire, in seconds since 1970.
    times: dict[str, float] = field(default_factory=dict)
    #: Grows when a plan for the rest of its life is made: what was planned before is void.
    plan: int = 0
    shown: Json | None = None

    @property
    def started_by(self) -> str | None:
        """What the caller marked it with."""
        mark: str | None = self.request.get("startedBy")
        return mark

    @property
    def is_spot(self) -> bool:
        return self.provider == "FARGATE_SPOT"

    @property
    def has_started(self) -> bool:
        """Whether a container of it ever ran."""
        return "startedAt" in self.times

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the first container: the definition's, then the overrides'."""
        container = self.definition.containers[0]
        pairs = [*container.get("environment", ()), *self._override().get("environment", ())]
        return {pair["name"]: pair["value"] for pair in pairs}

    @property
    def command(self) -> list[str]:
        """Command of the first container."""
        default: list[str] = self.definition.containers[0].get("command", [])
        asked: list[str] | None = self._override().get("command")
        return list(default if asked is None else asked)

    @property
    def stop_timeout_s(self) -> float:
        """How long its program has between SIGTERM and SIGKILL: 30 s, at most 120 (Fargate)."""
        return min(120.0, float(self.definition.containers[0].get("stopTimeout", 30)))

    def _override(self) -> Json:
        name = self.definition.containers[0]["name"]
        overrides = self.request.get("overrides", {}).get("containerOverrides", ())
        return next((one for one in overrides if one.get("name") == name), {})

    def describe(self) -> Json:
        """Return it as DescribeTasks shows it, without its tags; times are numbers."""
        if self.shown is None:
            self.shown = self._describe()
        return self.shown

    def _describe(self) -> Json:
        shown: Json = {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.definition.arn,
            "lastStatus": self.status,
            "desiredStatus": self.desired,
            "version": self.version,
            "createdAt": self.created_at,
            **{name: self.times[name] for name in _TIMES if name in self.times},
            "cpu": self.cpu,
            "memory": self.memory,
            "launchType": self.launch_type,
            "availabilityZone": self.availability_zone,
            "group": self.request.get("group", f"family:{self.definition.family}"),
            "healthStatus": "UNKNOWN",
            "enableExecuteCommand": False,
            "overrides": self._overrides_shown(),
            "attributes": [{"name": "ecs.cpu-architecture", "value": self._architecture()}],
            "attachments": self._attachments(),
            "containers": self._containers(),
        }
        known = {
            "capacityProviderName": self.provider,
            "startedBy": self.started_by,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
            "connectivity": "CONNECTED" if "connectivityAt" in self.times else None,
        }
        shown.update({name: value for name, value in known.items() if value is not None})
        if self.launch_type == "FARGATE":
            disk = {"sizeInGiB": self._disk_gib()}
            shown.update(platformFamily="Linux", platformVersion="1.4.0",
                         ephemeralStorage=disk, fargateEphemeralStorage=disk)  # fmt: skip
        return shown

    def _overrides_shown(self) -> Json:
        asked = self.request.get("overrides", {})
        by_name = {one.get("name"): one for one in asked.get("containerOverrides", ())}
        every = [
            by_name.get(container["name"], {"name": container["name"]})
            for container in self.definition.containers
        ]
        return {"inferenceAcceleratorOverrides": [], **asked, "containerOverrides": every}

    def _disk_gib(self) -> int:
        asked = self.request.get("overrides", {}).get("ephemeralStorage")
        disk = asked or self.definition.fields.get("ephemeralStorage") or {}
        return int(disk.get("sizeInGiB", 20))

    def _architecture(self) -> str:
        platform = self.definition.fields.get("runtimePlatform", {})
        return "arm64" if platform.get("cpuArchitecture") == "ARM64" else "x86_64"

    def _attachments(self) -> list[Json]:
        if self.network_interface is None:
            return []
        states = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}
        state = states.get(self.status, "ATTACHED")
        return [{**self.network_interface, "status": state}]

    def _containers(self) -> list[Json]:
        if not self.script.ending.is_placed:
            return []
        has_ended = "executionStoppedAt" in self.times or self.status == "STOPPED"
        status = "STOPPED" if has_ended else "RUNNING" if self.has_started else "PENDING"
        return [
            self._container(arn, container, status)
            for arn, container in zip(self.container_arns, self.definition.containers, strict=True)
        ]

    def _container(self, arn: str, definition: Json, status: str) -> Json:
        shown: Json = {
            "containerArn": arn,
            "taskArn": self.arn,
            "name": definition["name"],
            "image": definition.get("image", ""),
            "lastStatus": status,
            "networkInterfaces": [],
            "healthStatus": "UNKNOWN",
            "cpu": str(definition.get("cpu", 0)),
        }
        if "pullStoppedAt" in self.times:
            shown["imageDigest"] = "sha256:" + "ab" * 32
            shown["runtimeId"] = arn.rsplit("/", 1)[-1][:32]
        if self.exit_code is not None:
            # what is not essential is stopped with the rest
            shown["exitCode"] = self.exit_code if definition.get("essential", True) else 0
        if self.container_reason is not None and definition.get("essential", True):
            shown["reason"] = self.container_reason[:1024]
        return shown
