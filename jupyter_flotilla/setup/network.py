"""Which subnets tasks can be in, and whether anything goes out of them.

A task that cannot reach its image, S3 and the logs ends minutes later with a time-out: the most
common fault of a first set-up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.errors import EnvironmentProblem

#: ``internet``: with a public address; ``nat``: without; ``endpoints``: to AWS only.
Way = Literal["internet", "nat", "endpoints"]
_BEST_FIRST: tuple[Way, ...] = ("internet", "nat", "endpoints")
#: Most subnets of a task (AwsVpcConfiguration, docs.aws.amazon.com/AmazonECS/latest/APIReference,
#: read 2026-11).
_MOST_SUBNETS = 16
_ANYWHERE = ("0.0.0.0/0", "::/0")
#: What a Fargate task reaches by endpoints where nothing else goes out (docs.aws.amazon.com/
#: AmazonECR/latest/userguide/vpc-endpoints.html, read 2026-11).
_SERVICES = ("ecr.api", "ecr.dkr", "s3", "logs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Subnets of one VPC, and how they get out."""

    vpc: str
    subnets: tuple[str, ...]
    #: Zone of each subnet, in the same order.
    zones: tuple[str, ...]
    #: None: no way out was found.
    way: Way | None
    is_default: bool = False

    @property
    def assign_public_ip(self) -> bool:
        """Whether tasks need a public address to get out."""
        return self.way not in ("nat", "endpoints")


def network_of(account: Account, vpc: str | None, subnets: Sequence[str]) -> Network:
    """Return what tasks use: these subnets, those of this VPC, or those of the default VPC.

    Of a VPC's subnets only those with the best way out are taken.

    Raises
    ------
    EnvironmentProblem
        If there is none, or they are in several VPCs.
    AwsError
    """
    is_default = not subnets and vpc is None
    if subnets:
        found = account.call("ec2", "DescribeSubnets", SubnetIds=list(subnets))["Subnets"]
    else:
        vpc = vpc or _default_vpc(account)
        found = _in_vpc(account, "DescribeSubnets", "Subnets", vpc)
    vpcs = sorted({one["VpcId"] for one in found})
    if len(vpcs) != 1:
        raise EnvironmentProblem(
            f"the subnets {', '.join(subnets)} are in {len(vpcs)} VPCs"
            if vpcs
            else f"VPC {vpc} has no subnet",
            next_step="--use subnets=… with subnets of one VPC",
        )
    ways = ways_out(account, vpcs[0], [one["SubnetId"] for one in found])
    best = next((way for way in _BEST_FIRST if way in ways.values()), None)
    if not subnets:
        found = [one for one in found if ways[one["SubnetId"]] == best]
    found = sorted(found, key=lambda one: (one["AvailabilityZone"], one["SubnetId"]))
    return Network(
        vpc=vpcs[0],
        subnets=tuple(one["SubnetId"] for one in found[:_MOST_SUBNETS]),
        zones=tuple(one["AvailabilityZone"] for one in found[:_MOST_SUBNETS]),
        way=best,
        is_default=is_default,
    )


def ways_out(account: Account, vpc: str, subnets: Sequence[str]) -> Mapping[str, Way | None]:
    """Return how each of these subnets gets out; None: not at all."""
    tables = _in_vpc(account, "DescribeRouteTables", "RouteTables", vpc)
    of_subnet = {
        association["SubnetId"]: table
        for table in tables
        for association in table.get("Associations", ())
        if "SubnetId" in association
    }
    main = next((t for t in tables if any(a.get("Main") for a in t.get("Associations", ()))), {})
    ways = {subnet: _way(of_subnet.get(subnet, main)) for subnet in subnets}
    if None in ways.values() and _has_endpoints(account, vpc):
        return {subnet: way or "endpoints" for subnet, way in ways.items()}
    return ways


def _default_vpc(account: Account) -> str:
    chosen = [{"Name": "is-default", "Values": ["true"]}]
    found = account.call("ec2", "DescribeVpcs", Filters=chosen)["Vpcs"]
    if not found:
        raise EnvironmentProblem(
            f"region {account.region} has no default VPC",
            next_step="--vpc VPC or --use subnets=SUBNET,SUBNET; or make one: aws ec2 "
            f"create-default-vpc --region {account.region}",
        )
    return str(found[0]["VpcId"])


def _in_vpc(account: Account, action: str, key: str, vpc: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    request: dict[str, Any] = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    while True:
        page = account.call("ec2", action, **request)
        found += page[key]
        if not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]


def _way(table: Mapping[str, Any]) -> Way | None:
    for route in table.get("Routes", ()):
        to = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        if to not in _ANYWHERE or route.get("State") == "blackhole":
            continue
        # whatever else leads anywhere is a gateway, an appliance or a network of the user's own
        return "internet" if str(route.get("GatewayId", "")).startswith("igw-") else "nat"
    return None


def _has_endpoints(account: Account, vpc: str) -> bool:
    found = _in_vpc(account, "DescribeVpcEndpoints", "VpcEndpoints", vpc)
    names = {one["ServiceName"] for one in found if one.get("State", "").lower() == "available"}
    return all(any(name.endswith(f".{service}") for name in names) for service in _SERVICES)
