"""`engines.ecs.prices`: what Fargate costs, region by region."""

import pytest

from jupyter_flotilla.engines.ecs.prices import (
    PRICES_FILE,
    PriceList,
    RegionPrices,
    SizePrice,
    UnitPrice,
    fargate_rate,
    load_prices,
    priced_regions,
    shipped_prices,
)
from jupyter_flotilla.model.cost import Provider
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


#: (region, Spot?, arch) → US dollars per vCPU-hour and GB-hour: public copies of the price list
#: and of the Spot feed of 2026-09-28.
OTHER_PRICES = {
    ("us-east-1", False, "arm64"): (0.03238, 0.00356),
    ("eu-west-1", False, "arm64"): (0.03238, 0.00356),
    ("ap-south-1", False, "arm64"): (0.02383, 0.00261),
    ("eu-west-2", False, "arm64"): (0.03725, 0.00409),
    ("sa-east-1", False, "arm64"): (0.0557, 0.00612),
    ("us-east-1", True, "x86_64"): (0.01288871, 0.00141527),
    ("eu-west-1", True, "x86_64"): (0.01224056, 0.0013441),
    ("ap-south-2", True, "x86_64"): (0.012768, 0.0013965),
    ("us-east-1", True, "arm64"): (0.01030969, 0.00113349),
    ("eu-west-1", True, "arm64"): (0.00979124, 0.00107649),
    ("ap-south-2", True, "arm64"): (0.007149, 0.000783),
}
DISK = {"us-east-1": 0.000111, "eu-west-2": 0.000129, "ap-northeast-1": 0.000133}


def rate_of(region="us-east-1", *, has_public_ipv4=False, prices=None, **fields):
    resources = Resources(**({"cpu": 2, "memory_mib": 8 * GIB} | fields))
    return fargate_rate(
        resources,
        region,
        is_hypothetical=False,
        has_public_ipv4=has_public_ipv4,
        prices=prices,
    )


@pytest.mark.parametrize(("region", "spot", "arch"), OTHER_PRICES, ids=str)
def test_spot_and_arm_cost_what_their_source_says(region, spot, arch):
    vcpu_hour, gb_hour = OTHER_PRICES[region, spot, arch]

    rate = rate_of(region, spot=spot, arch=arch)

    assert rate.usd_per_h == pytest.approx(2 * vcpu_hour + 8 * gb_hour, abs=1e-9)
    assert (rate.provider, rate.arch) == ("FARGATE_SPOT" if spot else "FARGATE", arch)


@pytest.mark.parametrize("region", sorted({*PRICES, *UNKNOWN}))
@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
@pytest.mark.parametrize("spot", [False, True], ids=["on demand", "spot"])
def test_spot_and_arm_are_never_derived_from_another_price(region, arch, spot):
    is_known = (region, spot, arch) in OTHER_PRICES or (
        not spot and arch == "x86_64" and region in PRICES
    )

    assert (rate_of(region, spot=spot, arch=arch) is not None) == is_known


def test_only_spot_is_said_to_float():
    spot, on_demand = rate_of(spot=True), rate_of()

    assert spot.is_floating
    assert spot.source == (
        "AWS Fargate Spot feed, a public copy, read 2026-09-28; Spot price at start, floating"
    )
    assert not on_demand.is_floating
    assert "Spot" not in on_demand.source


@pytest.mark.parametrize("region", DISK)
def test_disk_costs_what_is_above_the_20_gib_included(region):
    extra = rate_of(region, disk_gib=50).usd_per_h - rate_of(region).usd_per_h

    assert extra == pytest.approx(30 * DISK[region], abs=1e-9)


def test_disk_without_a_price_makes_the_whole_rate_unknown():
    assert rate_of("eu-west-1") is not None
    assert rate_of("eu-west-1", disk_gib=21) is None


def test_a_public_address_costs_half_a_cent_an_hour():
    extra = rate_of(has_public_ipv4=True).usd_per_h - rate_of().usd_per_h

    assert extra == pytest.approx(0.005)


def test_each_source_of_a_rate_is_named_once():
    rate = rate_of(disk_gib=50, has_public_ipv4=True)

    copy = "AWS price list, a public copy"
    assert rate.source == f"{copy}, read 2026-09-29; {copy}, read 2026-10"


@pytest.mark.parametrize(
    ("region", "fields", "words"),
    [
        ("us-east-1", {}, None),
        ("us-east-1", {"spot": True, "arch": "arm64", "disk_gib": 50}, None),
        ("eu-central-1", {"arch": "arm64"}, "arm64 on demand"),
        ("eu-central-1", {"spot": True}, "x86_64 Spot"),
        ("eu-central-1", {"disk_gib": 50}, "the disk"),
        ("nowhere", {}, "x86_64 on demand"),
    ],
    ids=str,
)
def test_what_has_no_price_is_named(region, fields, words):
    assert shipped_prices().unknown(Resources(**fields), region) == words


def prices_of(read, vcpu_hour=1.0):
    price = SizePrice(vcpu_hour=vcpu_hour, gb_hour=0.1, source=f"read {read}", read=read)
    disk = UnitPrice(usd_hour=vcpu_hour, source="disk", read=read)
    regions = {"us-east-1": RegionPrices(on_demand={"x86_64": price}, disk=disk)}
    return PriceList(regions=regions, public_ipv4=disk)


@pytest.mark.parametrize(
    ("ours", "theirs", "winner"),
    [
        ("2026-09-29", "2026-10-02", "theirs"),
        ("2026-10-02", "2026-09-29", "ours"),
        ("2026-10", "2026-10-02", "theirs"),
        ("2026-10", "2026-09-29", "ours"),
    ],
)
def test_each_price_is_of_the_list_that_read_it_last(ours, theirs, winner):
    merged = prices_of(ours, 1.0).newer(prices_of(theirs, 2.0))

    prices = merged.region("us-east-1")
    expected = 1.0 if winner == "ours" else 2.0
    assert prices.on_demand["x86_64"].vcpu_hour == expected
    assert (prices.disk.usd_hour, merged.public_ipv4.usd_hour) == (expected, expected)


def test_prices_that_only_one_list_has_stay():
    merged = shipped_prices().newer(prices_of("2026-11-20"))

    assert rate_of("eu-west-1", prices=merged) == rate_of("eu-west-1")
    assert rate_of(spot=True, prices=merged) == rate_of(spot=True)
    assert rate_of(prices=merged).usd_per_h == pytest.approx(2 * 1.0 + 8 * 0.1)


def test_prices_of_the_home_count_where_they_are_newer(tmp_path):
    (tmp_path / PRICES_FILE).write_text(prices_of("2026-11-20").model_dump_json())

    rate = rate_of(prices=load_prices(tmp_path))

    assert rate.source == "read 2026-11-20, read 2026-11-20"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"regions": {"us-east-1": {"spot": 1}}}'])
def test_a_damaged_list_in_the_home_counts_as_none(tmp_path, text):
    if text is not None:
        (tmp_path / PRICES_FILE).write_text(text)

    assert load_prices(tmp_path) == shipped_prices()


def test_rate_of_an_older_version_has_no_provider(make_rate):
    old = make_rate().model_dump(exclude={"provider", "arch"})

    loaded = type(make_rate()).model_validate(old)

    assert (loaded.provider, loaded.arch, loaded.is_floating) == (None, None, False)
    assert Provider("EC2") is Provider.EC2
