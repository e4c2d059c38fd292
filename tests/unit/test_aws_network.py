"""`setup.network`: which subnets are taken, and how they get out."""

import pytest
from fake_account import FakeAccount

from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.setup.network import network_of, ways_out

IGW = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}
DEAD = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0", "State": "blackhole"}


def subnet(name, zone="a", vpc="vpc-1"):
    """Return a subnet as EC2 describes it."""
    return {"SubnetId": name, "AvailabilityZone": f"eu-west-1{zone}", "VpcId": vpc}


def table(*routes, subnets=(), is_main=False):
    """Return a route table as EC2 describes it."""
    associations = [{"SubnetId": one, "Main": False} for one in subnets]
    return {"Routes": list(routes), "Associations": [*associations, {"Main": is_main}]}


def account(subnets, tables, endpoints=()):
    """Return an account with a default VPC ``vpc-1`` of these subnets and tables."""
    made = FakeAccount()
    made.answer("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1"}]})
    made.answer("ec2:DescribeSubnets", {"Subnets": subnets})
    made.answer("ec2:DescribeRouteTables", {"RouteTables": tables})
    found = [{"ServiceName": f"com.amazonaws.eu-west-1.{e}", "State": "available"}
             for e in endpoints]  # fmt: skip
    return made.answer("ec2:DescribeVpcEndpoints", {"VpcEndpoints": found})


def test_the_default_vpcs_public_subnets_are_taken_by_zone():
    aws = account([subnet("s-2", "b"), subnet("s-1", "a")], [table(LOCAL, IGW, is_main=True)])

    network = network_of(aws, None, ())

    assert (network.vpc, network.subnets, network.is_default) == ("vpc-1", ("s-1", "s-2"), True)
    assert (network.way, network.assign_public_ip) == ("internet", True)


def test_a_subnet_without_a_table_of_its_own_has_the_main_one():
    aws = account([], [table(LOCAL, NAT, subnets=["s-1"]), table(LOCAL, IGW, is_main=True)])

    assert ways_out(aws, "vpc-1", ["s-1", "s-2"]) == {"s-1": "nat", "s-2": "internet"}


def test_of_a_vpc_the_subnets_with_the_best_way_out_are_taken():
    tables = [table(LOCAL, IGW, subnets=["s-1"]), table(LOCAL, NAT, is_main=True)]
    aws = account([subnet("s-1"), subnet("s-2", "b")], tables)

    assert network_of(aws, "vpc-1", ()).subnets == ("s-1",)
    assert "ec2:DescribeVpcs" not in aws.names()


def test_behind_a_nat_tasks_need_no_public_address():
    aws = account([subnet("s-1")], [table(LOCAL, NAT, is_main=True)])

    network = network_of(aws, None, ["s-1"])

    assert (network.way, network.assign_public_ip) == ("nat", False)


def test_subnets_that_are_named_are_all_taken():
    tables = [table(LOCAL, IGW, subnets=["s-1"]), table(LOCAL, is_main=True)]
    aws = account([subnet("s-1"), subnet("s-2", "b")], tables)

    assert network_of(aws, None, ["s-1", "s-2"]).subnets == ("s-1", "s-2")


@pytest.mark.parametrize(
    ("endpoints", "way"),
    [
        pytest.param(("ecr.api", "ecr.dkr", "s3", "logs"), "endpoints", id="all"),
        pytest.param(("ecr.api", "ecr.dkr", "s3"), None, id="no logs"),
        pytest.param((), None, id="none"),
    ],
)
def test_without_a_gateway_all_four_endpoints_are_a_way_out(endpoints, way):
    aws = account([subnet("s-1")], [table(LOCAL, is_main=True)], endpoints)

    assert network_of(aws, None, ["s-1"]).way == way


def test_a_route_into_nothing_is_no_way_out():
    aws = account([subnet("s-1")], [table(LOCAL, DEAD, is_main=True)])

    assert network_of(aws, None, ["s-1"]).way is None


def test_sixteen_subnets_are_the_most():
    many = [subnet(f"s-{n:02}") for n in range(20)]
    aws = account(many, [table(IGW, is_main=True)])

    assert len(network_of(aws, None, ()).subnets) == 16


def test_subnets_on_several_pages_are_all_seen():
    aws = account([], [table(IGW, is_main=True)])
    aws.answer(
        "ec2:DescribeSubnets",
        {"Subnets": [subnet("s-1")], "NextToken": "more"},
        {"Subnets": [subnet("s-2", "b")]},
    )

    assert network_of(aws, "vpc-1", ()).subnets == ("s-1", "s-2")


def test_a_region_without_a_default_vpc_is_told_with_ways_on():
    aws = account([], []).answer("ec2:DescribeVpcs", {"Vpcs": []})

    with pytest.raises(EnvironmentProblem, match="eu-west-1 has no default VPC") as caught:
        network_of(aws, None, ())

    assert "aws ec2 create-default-vpc --region eu-west-1" in caught.value.next_step


def test_subnets_of_two_vpcs_are_refused():
    aws = account([subnet("s-1"), subnet("s-2", vpc="vpc-2")], [])

    with pytest.raises(EnvironmentProblem, match="s-1, s-2 are in 2 VPCs"):
        network_of(aws, None, ["s-1", "s-2"])


def test_a_vpc_without_subnets_is_told():
    with pytest.raises(EnvironmentProblem, match="VPC vpc-9 has no subnet"):
        network_of(account([], []), "vpc-9", ())
