"""What AWS bills for a task, read off its description. Pure.

Fargate bills "from the time you start to download your container image until the … Task …
terminates, rounded up to the nearest second" (aws.amazon.com/fargate/pricing, read 2026-10), a
minute at least, for the size of the task and at the price of what it really ran on. A machine of
EC2 is billed by the second, too, a minute at least (aws.amazon.com/ec2/pricing/on-demand, read
2026-11): from its start to its end, which are nobody's job's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from jupyter_flotilla.engines.ecs.machines import machine_rate
from jupyter_flotilla.engines.ecs.prices import PriceList, task_rate
from jupyter_flotilla.model.cost import FARGATE_MINIMUM_S, Provider, Rate
from jupyter_flotilla.model.resources import Arch, FargateSize

#: Attribute of a task that says for which processors it is.
_ARCHITECTURE = "ecs.cpu-architecture"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What is billed for a task, so far or in all."""

    #: Whole seconds, as they are billed; 0: the image was never pulled.
    billed_s: float
    #: From when seconds count; None: they do not yet.
    since: datetime | None
    #: Of what it really ran on; None where a price is unknown.
    rate: Rate | None


def billed(
    task: Mapping[str, Any],
    now: datetime,
    prices: PriceList,
    *,
    asked_arch: Arch = "x86_64",
    has_public_ipv4: bool = False,
    machine: str | None = None,
) -> Bill | None:
    """Return what is billed for a task until ``now`` or its end.

    None where nobody knows: on EC2 one pays for the machine, whatever runs on it. Where that is one
    of ours (`gpu`), it is counted whole, for the same time.

    Parameters
    ----------
    task
        An entry of DescribeTasks, or ``detail`` of its event: times are ISO 8601 there.
    asked_arch
        What was asked for; the task's own word counts before it.
    has_public_ipv4
        Whether its network interface has a public address; the description does not say.
    machine
        Type of machine that it was started on; None: on none of ours.
    """
    provider = actual_provider(task)
    is_ours = provider is Provider.EC2 and machine is not None
    if provider not in (Provider.FARGATE, Provider.FARGATE_SPOT) and not is_ours:
        return None
    since = moment(task.get("pullStartedAt"))
    seconds = 0.0
    if since is not None:
        until = moment(task.get("stoppedAt")) or now
        seconds = float(max(FARGATE_MINIMUM_S, math.ceil((until - since).total_seconds())))
    if provider is Provider.EC2 and machine is not None:
        rate = machine_rate(machine, _region(task), prices, has_public_ipv4=has_public_ipv4)
        return Bill(billed_s=seconds, since=since, rate=rate)
    size = _size(task)
    rate = None
    if size is not None and not str(task.get("platformFamily") or "").startswith("Windows"):
        rate = task_rate(
            size,
            _region(task),
            prices,
            spot=provider is Provider.FARGATE_SPOT,
            arch=_arch(task) or asked_arch,
            disk_gib=_disk_gib(task),
            has_public_ipv4=has_public_ipv4,
            is_hypothetical=False,
        )
    return Bill(billed_s=seconds, since=since, rate=rate)


def actual_provider(task: Mapping[str, Any]) -> Provider | None:
    """Return whose capacity a task runs on; None: nobody says yet, or it is none of these."""
    name = str(task.get("capacityProviderName") or task.get("launchType") or "")
    if name in (Provider.FARGATE, Provider.FARGATE_SPOT):
        return Provider(name)
    # a capacity provider of EC2 has a name of its own
    return Provider.EC2 if task.get("launchType") == "EC2" else None


def pull_share(task: Mapping[str, Any], now: datetime) -> float | None:
    """Return which share of what is billed went into pulling the image; None: nothing is yet."""
    since, pulled = moment(task.get("pullStartedAt")), moment(task.get("pullStoppedAt"))
    if since is None or pulled is None:
        return None
    until = moment(task.get("stoppedAt")) or now
    billed_s = max(FARGATE_MINIMUM_S, (until - since).total_seconds())
    return min(1.0, max(0.0, (pulled - since).total_seconds() / billed_s))


def moment(value: Any) -> datetime | None:
    """Return a time of ECS's: aware from boto3, ISO 8601 in an event, seconds in raw JSON."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _size(task: Mapping[str, Any]) -> FargateSize | None:
    try:
        return FargateSize(cpu=int(task["cpu"]) / 1024, memory_mib=int(task["memory"]))
    except (KeyError, TypeError, ValueError):
        return None


def _region(task: Mapping[str, Any]) -> str:
    parts = str(task.get("taskArn") or "").split(":")
    return parts[3] if len(parts) > 3 else ""


def _arch(task: Mapping[str, Any]) -> Arch | None:
    named = {one.get("name"): one.get("value") for one in task.get("attributes") or ()}
    return next((arch for arch in get_args(Arch) if arch == named.get(_ARCHITECTURE)), None)


def _disk_gib(task: Mapping[str, Any]) -> int | None:
    for name in ("fargateEphemeralStorage", "ephemeralStorage"):
        size = (task.get(name) or {}).get("sizeInGiB")
        if size is not None:
            return int(size)
    return None
