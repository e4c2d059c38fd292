"""`engines.ecs.prices`: what Fargate costs, region by region."""

import pytest

from jupyter_flotilla.engines.ecs.prices import fargate_rate, priced_regions
from jupyter_flotilla.model.resources import Resources

#: Linux/x86 on demand, US dollars per vCPU-hour and GB-hour: AWS price list (AmazonECS, offer of
#: 2026-09-11), as checked by github.com/theuves/fgcalc on 2026-09-29.
PRICES = {
    "us-east-1": (0.04048, 0.004445),
    "us-east-2": (0.04048, 0.004445),
    "us-west-1": (0.04656, 0.00511),
    "us-west-2": (0.04048, 0.004445),
    "ca-central-1": (0.04456, 0.004865),
    "eu-west-1": (0.04048, 0.004445),
    "eu-west-2": (0.04656, 0.00511),
    "eu-west-3": (0.0486, 0.0053),
    "eu-central-1": (0.04656, 0.00511),
    "eu-north-1": (0.0445, 0.0049),
    "eu-south-1": (0.0486, 0.0053),
    "ap-south-1": (0.04256, 0.004655),
    "ap-northeast-1": (0.05056, 0.00553),
    "ap-northeast-2": (0.04656, 0.00511),
    "ap-southeast-1": (0.05056, 0.00553),
    "ap-southeast-2": (0.04856, 0.00532),
    "ap-east-1": (0.0556, 0.0061),
    "sa-east-1": (0.0696, 0.0076),
    "af-south-1": (0.0546, 0.006),
    "me-south-1": (0.0526, 0.0058),
    "us-gov-east-1": (0.0486, 0.0053),
    "us-gov-west-1": (0.0486, 0.0053),
}
#: Regions whose price nobody could tell us.
UNKNOWN = [
    "ap-northeast-3",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "mx-central-1",
    "cn-north-1",
]
GIB = 1024


def usd_per_h(region, cpu, gib):
    resources = Resources(cpu=cpu, memory_mib=gib * GIB)
    return fargate_rate(resources, region, is_hypothetical=True).usd_per_h


def test_priced_regions_are_these_22():
    assert priced_regions() == sorted(PRICES)


@pytest.mark.parametrize("region", PRICES)
def test_price_of_a_gb_is_the_list_price(region):
    per_gb = usd_per_h(region, 1, 8) - usd_per_h(region, 1, 7)

    assert per_gb == pytest.approx(PRICES[region][1], abs=1e-9)


@pytest.mark.parametrize("region", PRICES)
def test_price_of_a_vcpu_is_the_list_price(region):
    per_vcpu = usd_per_h(region, 2, 8) - usd_per_h(region, 1, 8)

    assert per_vcpu == pytest.approx(PRICES[region][0], abs=1e-9)


@pytest.mark.parametrize(("cpu", "gib"), [(0.25, 1), (1, 2), (4, 30), (16, 120), (32, 244)])
@pytest.mark.parametrize("region", PRICES)
def test_task_costs_its_vcpu_and_gb(region, cpu, gib):
    vcpu_hour, gb_hour = PRICES[region]

    assert usd_per_h(region, cpu, gib) == pytest.approx(cpu * vcpu_hour + gib * gb_hour, abs=1e-9)


@pytest.mark.parametrize("region", [*UNKNOWN, "", "US-EAST-1", "us-east-1 ", "us-east-1a"])
def test_unknown_price_is_never_guessed(region):
    assert fargate_rate(Resources(), region, is_hypothetical=True) is None


def test_task_that_does_not_exist_has_no_price():
    assert fargate_rate(Resources(cpu=64), "us-east-1", is_hypothetical=True) is None


def test_size_between_two_is_priced_as_the_larger():
    rate = fargate_rate(Resources(cpu=3, memory_mib=5000), "us-east-1", is_hypothetical=True)

    assert (rate.cpu, rate.memory_mib) == (4, 8 * GIB)
    assert rate.usd_per_h == pytest.approx(4 * 0.04048 + 8 * 0.004445)


def test_job_without_options_is_priced_as_1_vcpu_and_4_gb():
    rate = fargate_rate(Resources(), "us-east-1", is_hypothetical=True)

    assert rate.usd_per_h == pytest.approx(0.05826)


@pytest.mark.parametrize("region", PRICES)
def test_rate_says_its_region_and_source_with_a_date(region):
    rate = fargate_rate(Resources(), region, is_hypothetical=True)

    assert (rate.region, rate.source) == (region, "AWS price list, a public copy, read 2026-09-29")


@pytest.mark.parametrize("is_hypothetical", [True, False], ids=["hypothetical", "billed"])
def test_rate_says_whether_somebody_is_billed(is_hypothetical):
    rate = fargate_rate(Resources(), "us-east-1", is_hypothetical=is_hypothetical)

    assert rate.is_hypothetical is is_hypothetical
