"""Machines with GPUs in an account: where they can be had, and how they are ended."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.gpu import quota_of
from jupyter_flotilla.engines.ecs.machines import machines
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.setup.network import Network
from jupyter_flotilla.setup.stack.site import MachineGroup

#: Seconds between two looks at a group that empties, and how often to look.
_LOOK_S, _LOOKS = 5.0, 180
#: Of one SetInstanceProtection (docs.aws.amazon.com/autoscaling/ec2/APIReference, read 2026-11).
_AT_ONCE = 50
_LINK = "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{}?region={}"


def placed(account: Account, group: MachineGroup, network: Network) -> MachineGroup:
    """Return the group with those subnets in whose zones its machines can be had.

    Raises
    ------
    EnvironmentProblem
        If there is none.
    AwsError
    """
    found = account.call(
        "ec2", "DescribeInstanceTypeOfferings", LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [group.type]}],
    )["InstanceTypeOfferings"]  # fmt: skip
    zones = {one["Location"] for one in found}
    pairs = zip(network.subnets, network.zones, strict=True)
    subnets = tuple(subnet for subnet, zone in pairs if zone in zones)
    if not subnets:
        there = ", ".join(sorted(zones)) or "no zone of it"
        raise EnvironmentProblem(
            f"no {group.type} can be had where the subnets are ({', '.join(network.zones)}): "
            f"{account.region} has it in {there}",
            next_step="--gpu with another type, --use subnets=… with others, or another --region",
        )
    return replace(group, subnets=subnets)


def quota_problem(account: Account, machine_type: str) -> str | None:
    """Return why the account may not start such a machine, with what to do; None: it may.

    Many accounts may not until they have asked. Raises AwsError.
    """
    quota, machine = quota_of(machine_type), machines().get(machine_type)
    if quota is None or machine is None:
        return None
    code, name = quota
    answer = account.call("service-quotas", "GetServiceQuota", ServiceCode="ec2", QuotaCode=code)
    most = float(answer["Quota"].get("Value") or 0)
    if most >= machine.cpu:
        return None
    return (
        f"this account may use {most:g} vCPU of {name} instances, and a {machine_type} has "
        f"{machine.cpu}: ask AWS for more: {_LINK.format(code, account.region)}"
    )


def release(
    account: Account, group: str, say: Callable[[str], None], pause: Callable[[float], None]
) -> None:
    """End all machines of a group, whatever runs on them, and wait for that.

    ECS protects its machines from being ended, and leaves them protected when the capacity provider
    goes: CloudFormation would wait for them in vain (containers-roadmap#2862, aws-cdk#18179). How
    many there may be stays as it is: whoever changes their mind meanwhile can have some again.

    Raises
    ------
    EnvironmentProblem
        If they do not end.
    AwsError
    """
    told: int | None = None
    for _ in range(_LOOKS):
        left = _machines(account, group)
        if not left:
            return
        if len(left) != told:
            told = len(left)
            say(f"waiting for {told} machines of {group} to end")
        _unprotect(account, group, left)
        # after that: what is protected at this moment may never be looked at again
        account.call(
            "autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=group,
            MinSize=0, DesiredCapacity=0,
        )  # fmt: skip
        pause(_LOOK_S)
    raise EnvironmentProblem(
        f"{told} machines of {group} do not end",
        next_step=f"look at them in the EC2 console of {account.region}, then try again",
    )


def _unprotect(account: Account, group: str, left: list[Mapping[str, Any]]) -> None:
    protected = [one for one in left if one.get("ProtectedFromScaleIn")]
    ids = [str(o["InstanceId"]) for o in protected if o.get("LifecycleState") == "InService"]
    for first in range(0, len(ids), _AT_ONCE):
        account.call(
            "autoscaling", "SetInstanceProtection", AutoScalingGroupName=group,
            InstanceIds=ids[first : first + _AT_ONCE], ProtectedFromScaleIn=False,
        )  # fmt: skip


def _machines(account: Account, group: str) -> list[Mapping[str, Any]]:
    """Return the machines of a group; none where there is no such group."""
    found = account.call(
        "autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[group]
    )["AutoScalingGroups"]  # fmt: skip
    return list(found[0].get("Instances", ())) if found else []


def warning(account: Account, machine_type: str) -> str | None:
    """Return `quota_problem`; None also where nobody may say."""
    try:
        return quota_problem(account, machine_type)
    except AwsError:
        return None
