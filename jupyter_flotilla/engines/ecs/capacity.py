"""Whether an account has room for a job, asked before anything is started or paid for.

AWS has the last word at RunTask. What is learned here only saves a user from waiting for what can
never be, and says why something waits; where it cannot be learned, nothing is held up.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from jupyter_flotilla.ecs_settings import EC2, FARGATE
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.gpu import Gpu, quota_of, why_not
from jupyter_flotilla.engines.ecs.observe import InUse
from jupyter_flotilla.engines.ecs.prices import PriceList, shipped_prices
from jupyter_flotilla.engines.ecs.sizes import task_size
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.protocol import read_json, write_json

#: Quotas of vCPU of Fargate: on demand, Spot. "Amazon ECS endpoints and quotas",
#: docs.aws.amazon.com/general/latest/gr/ecs-service.html, read 2026-10.
_ON_DEMAND, _SPOT = "L-3032A538", "L-36FBB829"
#: What the use of each is counted as: "AWS Fargate usage metrics", docs.aws.amazon.com/AmazonECS/
#: latest/userguide/monitoring-fargate-usage.html, read 2026-11.
_CLASSES = {_ON_DEMAND: "Standard/OnDemand", _SPOT: "Standard/Spot"}
_NAMES = {_ON_DEMAND: "Fargate", _SPOT: "Fargate Spot"}
#: The form of the link is not in the documentation; it is what the console shows.
_LINK = "https://console.aws.amazon.com/servicequotas/home/services/{}/quotas/{}?region={}"
_PROVIDERS = {False: "FARGATE", True: "FARGATE_SPOT"}
_QUOTA_KEPT, _USE_KEPT = timedelta(days=1), timedelta(minutes=1)
#: Points come every few minutes; older ones say nothing of now.
_LOOK_BACK = timedelta(minutes=15)
_PERIOD_S = 60
_TIMEOUT_S = 3.0
_MOST_INSTANCES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Feasibility:
    """Whether a task of some size can be started in an account.

    ``held``: once others have ended. ``unknown``: nobody may say, and nothing is to be held up.
    """

    verdict: Literal["fits", "held", "refused", "unknown"]
    #: Why, for people; empty where there is nothing to say (any more).
    message: str = ""
    next_step: str | None = None


_FITS = Feasibility(verdict="fits")


class Capacity:
    """What an account has room for.

    Parameters
    ----------
    folder
        Where quotas are kept: `account.FOLDER` in the home.
    account
        Its number.
    gpu
        Where jobs with GPUs run; None: where all run.
    prices
        Returns what machines cost.
    """

    def __init__(
        self,
        aws: Account,
        folder: Path,
        account: str,
        capacity: str = FARGATE,
        gpu: Gpu | None = None,
        prices: Callable[[], PriceList] = shipped_prices,
    ) -> None:
        self._aws = aws
        self._file = folder / "quotas.json"
        self._name = f"{account} {aws.region}"
        self._capacity = capacity
        self._gpu, self._prices = gpu, prices
        #: Quota → vCPU (None: not known), and when that was asked.
        self._quotas: dict[str, tuple[float | None, datetime]] = {}
        self._used: dict[str, tuple[float | None, datetime]] = {}
        #: What was said already.
        self._told: set[str] = set()

    def feasible(
        self,
        resources: Resources,
        now: datetime,
        ours: Callable[[str], InUse] = lambda provider: InUse(),
    ) -> Feasibility:
        """Say whether there is room for a task of this size.

        Parameters
        ----------
        ours
            Returns what our own tasks that go on use of a capacity provider: AWS's count of all is
            some minutes old.
        """
        if resources.gpu and (self._gpu is not None or self._capacity == FARGATE):
            return self._with_gpus(resources, now, ours)
        try:
            units, memory_mib = task_size(resources, is_fargate=self._capacity == FARGATE)
        except LaunchError as error:
            return Feasibility(verdict="refused", message=error.message, next_step=error.next_step)
        if self._capacity == FARGATE:
            used = ours(_PROVIDERS[resources.spot]).vcpu
            return self._on_fargate_now(units / 1024, resources.spot, now, used)
        if self._capacity == EC2:
            return self._on_machines(units, memory_mib, resources.gpu)
        return _FITS  # a capacity provider makes machines as they are needed

    def _with_gpus(
        self, resources: Resources, now: datetime, ours: Callable[[str], InUse]
    ) -> Feasibility:
        """Say whether a machine with GPUs has room, or may be started."""
        gpu = self._gpu
        no = why_not(resources, gpu, self._aws.region, self._prices())
        if no is not None or gpu is None:
            message, step = no or ("", None)
            return Feasibility(verdict="refused", message=message, next_step=step)
        of_quota = quota_of(gpu.type)
        found = _FITS
        if gpu.machine is not None and of_quota is not None:
            found = self._may_start(gpu.type, gpu.machine.cpu, *of_quota, now)
        if found.verdict == "refused":
            return found
        taken = ours(gpu.provider).gpus
        there = gpu.most * (1 if gpu.machine is None else gpu.machine.gpus)
        if taken and taken + resources.gpu > there:
            return Feasibility(
                verdict="held",
                message=f"{taken} of {there} GPUs ({gpu.most} {gpu.type}) are in use, and it needs "
                f"{resources.gpu}",
                next_step="it waits until there is room; more room: jupyter flotilla setup-aws "
                f"--gpu-machines {gpu.most + 1} --apply",
            )
        return found

    def _may_start(
        self, machine: str, cpu: int, quota: str, name: str, now: datetime
    ) -> Feasibility:
        """Say whether the account may have a machine at all: many may not, until they ask."""

        def asked() -> Feasibility:
            try:
                most = self._quota(quota, now, "ec2")
            except AwsError as error:
                return self._unknown(error)
            if most is None or most >= cpu:
                return _FITS
            link = _LINK.format("ec2", quota, self._aws.region)
            return Feasibility(
                verdict="refused",
                message=f"a {machine} has {cpu} vCPU, and this account may use {most:g} of {name} "
                f"instances in {self._aws.region}",
                next_step=f"ask AWS for more: {link}",
            )

        return self._by_a_fresh_quota(quota, asked, now)

    def _on_fargate_now(self, cpu: float, spot: bool, now: datetime, ours: float) -> Feasibility:
        quota = _SPOT if spot else _ON_DEMAND
        return self._by_a_fresh_quota(quota, lambda: self._on_fargate(cpu, spot, now, ours), now)

    def _by_a_fresh_quota(
        self, quota: str, ask: Callable[[], Feasibility], now: datetime
    ) -> Feasibility:
        """Say whether there is room; a no is never by a quota that was read long ago."""
        found = ask()
        known = self._quotas.get(quota)
        is_old = known is not None and not timedelta(0) <= now - known[1] < _USE_KEPT
        if found.verdict in ("refused", "held") and is_old:
            self._forget(quota)  # more may have been granted since
            return ask()
        return found

    def _on_fargate(self, cpu: float, spot: bool, now: datetime, ours: float) -> Feasibility:
        quota = _SPOT if spot else _ON_DEMAND
        try:
            most = self._quota(quota, now)
        except AwsError as error:
            return self._unknown(error)
        if most is None:
            return Feasibility(verdict="unknown")
        of = f"{_NAMES[quota]} in {self._aws.region}"
        link = _LINK.format("fargate", quota, self._aws.region)
        if cpu > most:
            return Feasibility(
                verdict="refused",
                message=f"{cpu:g} vCPU are more than all that this account may use of {of}: "
                f"{most:g}",
                next_step=f"a smaller --cpu, or ask AWS for more: {link}",
            )
        unknown = None
        try:
            taken = max(self._use(quota, now) or 0.0, ours)
        except AwsError as error:
            taken, unknown = ours, self._unknown(error)
        if taken + cpu > most:
            return Feasibility(
                verdict="held",
                message=f"{of}: {taken:g} of {most:g} vCPU are in use, and it needs {cpu:g}",
                next_step=f"it waits until there is room; more room: {link}",
            )
        return unknown or _FITS

    def _quota(self, quota: str, now: datetime, service: str = "fargate") -> float | None:
        """Return how many vCPU there may be, as it was within a day; None: not known."""
        known = self._quotas.get(quota) or self._kept(quota)
        if known is not None and timedelta(0) <= now - known[1] < _QUOTA_KEPT:
            self._quotas[quota] = known
            return known[0]
        try:
            answer = self._aws.call(
                "service-quotas", "GetServiceQuota", wait_s=_TIMEOUT_S,
                ServiceCode=service, QuotaCode=quota,
            )  # fmt: skip
            value = answer["Quota"].get("Value")
        except AwsError as error:
            if error.kind in ("permission", "refused"):  # the same for each job of the day
                self._quotas[quota] = (None, now)
            raise
        self._quotas[quota] = (value, now)
        self._keep(quota, value, now)
        return None if value is None else float(value)

    def _forget(self, quota: str) -> None:
        self._quotas.pop(quota, None)
        with suppress(OSError):
            kept = read_json(str(self._file)) or {}
            here = {**kept.get(self._name, {})}
            here.pop(quota, None)
            write_json(str(self._file), {**kept, self._name: here})

    def _use(self, quota: str, now: datetime) -> float | None:
        """Return how many vCPU are in use, as AWS counted within a minute; None: not known."""
        known = self._used.get(quota)
        if known is not None and timedelta(0) <= now - known[1] < _USE_KEPT:
            return known[0]
        self._used[quota] = (None, now)  # also where it cannot be had
        dimensions = {
            "Service": "Fargate", "Type": "Resource", "Resource": "vCPU", "Class": _CLASSES[quota],
        }  # fmt: skip
        answer = self._aws.call(
            "cloudwatch", "GetMetricStatistics", wait_s=_TIMEOUT_S,
            Namespace="AWS/Usage", MetricName="ResourceCount", Statistics=["Maximum"],
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - _LOOK_BACK, EndTime=now, Period=_PERIOD_S,
        )  # fmt: skip
        points = sorted(answer.get("Datapoints") or (), key=lambda point: point["Timestamp"])
        used = float(points[-1]["Maximum"]) if points else 0.0  # nothing in use is not counted
        self._used[quota] = (used, now)
        return used

    def _on_machines(self, units: int, memory_mib: int, gpu: int) -> Feasibility:
        """Say whether a machine of the cluster is large enough, were it empty."""
        try:
            machines = self._machines()
        except AwsError as error:
            return self._unknown(error)
        for machine in machines:
            has = {one["name"]: one for one in machine.get("registeredResources", ())}
            gpus = len(has.get("GPU", {}).get("stringSetValue", ()))
            if (
                has.get("CPU", {}).get("integerValue", 0) >= units
                and has.get("MEMORY", {}).get("integerValue", 0) >= memory_mib
                and gpus >= gpu
            ):
                return _FITS
        of_gpus = f", {gpu} GPU" if gpu else ""
        return Feasibility(
            verdict="refused",
            message=f"no machine of cluster {self._aws.cluster} has {units / 1024:g} vCPU, "
            f"{memory_mib} MiB{of_gpus}",
            next_step="a smaller job; or a capacity provider that starts such machines, as "
            "ecs.capacity in flotilla.toml (docs/ecs.md)",
        )

    def _machines(self) -> list[dict[str, Any]]:
        listed = self._aws.call(
            "ecs", "ListContainerInstances", cluster=self._aws.cluster, status="ACTIVE",
            maxResults=_MOST_INSTANCES,
        )["containerInstanceArns"]  # fmt: skip
        if not listed:
            return []
        answer = self._aws.call(
            "ecs",
            "DescribeContainerInstances",
            cluster=self._aws.cluster,
            containerInstances=listed,
        )
        machines: list[dict[str, Any]] = answer["containerInstances"]
        return machines

    def _unknown(self, error: AwsError) -> Feasibility:
        """Return that nobody may say, with the reason where that was not said before."""
        if error.kind != "permission" or error.action in self._told:
            return Feasibility(verdict="unknown")
        self._told.add(error.action)
        return Feasibility(
            verdict="unknown",
            message=f"whether there is room cannot be seen: {error.message}",
            next_step=error.next_step,
        )

    def _kept(self, quota: str) -> tuple[float, datetime] | None:
        try:
            found = (read_json(str(self._file)) or {})[self._name][quota]
            return float(found["vcpu"]), datetime.fromisoformat(found["at"]).astimezone(UTC)
        except (OSError, KeyError, TypeError, ValueError):
            return None

    def _keep(self, quota: str, value: float | None, now: datetime) -> None:
        with suppress(OSError):
            kept = read_json(str(self._file)) or {}
            here = kept.get(self._name)
            mine = dict(here) if isinstance(here, Mapping) else {}
            mine[quota] = {"vcpu": value, "at": now.isoformat()}
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            write_json(str(self._file), {**kept, self._name: mine})
