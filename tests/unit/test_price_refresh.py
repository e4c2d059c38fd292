"""`engines.ecs.price_refresh`: today's prices, read from AWS into the home."""

import json
from datetime import UTC, datetime

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from jupyter_flotilla.engines.ecs.price_refresh import refresh_prices
from jupyter_flotilla.engines.ecs.prices import (
    PRICES_FILE,
    fargate_rate,
    load_prices,
    shipped_prices,
)
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.settings import Settings

NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
ASKED = {
    "ServiceCode": "AmazonECS",
    "FormatVersion": "aws_v1",
    "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-central-1"}],
}


def product(usagetype, usd, **attributes):
    """Return a row of the price list, in the shape that the Pricing API has."""
    return json.dumps(
        {
            "product": {
                "productFamily": "Compute",
                "sku": "2NAWGGVS5CNDC4MC",
                "attributes": {
                    "regionCode": "eu-central-1",
                    "servicecode": "AmazonECS",
                    "usagetype": usagetype,
                    "locationType": "AWS Region",
                    **attributes,
                },
            },
            "serviceCode": "AmazonECS",
            "terms": {
                "OnDemand": {
                    "2NAWGGVS5CNDC4MC.JRTCKXETXF": {
                        "priceDimensions": {
                            "2NAWGGVS5CNDC4MC.JRTCKXETXF.6YS6EN2CT7": {
                                "unit": "hours",
                                "endRange": "Inf",
                                "beginRange": "0",
                                "pricePerUnit": {"USD": usd},
                            }
                        },
                        "effectiveDate": "2026-11-01T00:00:00Z",
                        "termAttributes": {},
                    }
                }
            },
        }
    )


#: Rows that mean something, and those that resemble them and must not count.
PRODUCTS = [
    product("EUC1-Fargate-vCPU-Hours:perCPU", "0.0470000000"),
    product("EUC1-Fargate-GB-Hours", "0.0052000000"),
    product("EUC1-Fargate-ARM-vCPU-Hours:perCPU", "0.0370000000", cpuArchitecture="ARM"),
    product("EUC1-Fargate-ARM-GB-Hours", "0.0041000000", cpuArchitecture="ARM"),
    product("EUC1-Fargate-EphemeralStorage-GB-Hours", "0.0001270000", storagetype="default"),
    product("EUC1-SpotUsage-Fargate-vCPU-Hours:perCPU", "0.0100000000"),
    product("EUC1-SpotUsage-Fargate-GB-Hours", "0.0010000000"),
    product("EUC1-Fargate-Windows-vCPU-Hours:perCPU", "0.0910000000", operatingSystem="Windows"),
    product("EUC1-Fargate-vCPU-Hours:perCPU", "0.0910000000", operatingSystem="Windows"),
    product("EUC1-Fargate-Windows-OS-Hours:perCPU", "0.0460000000", operatingSystem="Windows"),
    product("EUC1-ECS-EC2-GB-Hours", "0.0000000000"),
    product("EUC1-ECS-Anywhere-Instance-hours", "0.0102500000"),
    json.dumps({"product": {"attributes": {}}, "terms": {}}),
]


def feed_row(unit, usd, region="eu-central-1"):
    return {"unit": unit, "price": {"USD": usd}, "attributes": {"aws:region": region}}


FEED = {
    "manifest": {"serviceId": "fargate"},
    "prices": [
        feed_row("vCPU-Hours", "0.014"),
        feed_row("GB-Hours", "0.0015"),
        feed_row("ARM-vCPU-Hours", "0.011"),
        feed_row("ARM-GB-Hours", "0.0012"),
        feed_row("vCPU-Hours", "0.5", "us-east-1"),
        feed_row("Windows-vCPU-Hours", "0.5"),
    ],
}


@pytest.fixture(scope="module")
def pricing_session():
    """Return a session with keys that are no one's."""
    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "not-a-real-secret-key")
    return session


@pytest.fixture
def pricing(pricing_session, monkeypatch):
    """Return a client of the Pricing API and what answers for it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = pricing_session.create_client("pricing", region_name="us-east-1")
    with Stubber(client) as stubber:
        yield client, stubber


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "ho me", region="eu-central-1")


def refresh(settings, pricing, pages=(PRODUCTS,), feed=FEED, region="eu-central-1"):
    client, stubber = pricing
    for number, page in enumerate(pages):
        filters = [{**ASKED["Filters"][0], "Value": region}]
        asked = {**ASKED, "Filters": filters} | ({"NextToken": str(number)} if number else {})
        more = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
        stubber.add_response("get_products", {"PriceList": page, **more}, asked)

    def fetch():
        if isinstance(feed, Exception):
            raise feed
        return feed if isinstance(feed, bytes) else json.dumps(feed).encode()

    return refresh_prices(settings, NOW, make_client=lambda: client, fetch_spot=fetch)


def rate(settings, **fields):
    resources = Resources(**({"cpu": 1, "memory_mib": 2048} | fields))
    return fargate_rate(
        resources, settings.region, is_hypothetical=False, prices=load_prices(settings.home)
    )


@pytest.mark.parametrize(
    ("fields", "usd_per_h"),
    [
        ({}, 0.047 + 2 * 0.0052),
        ({"arch": "arm64"}, 0.037 + 2 * 0.0041),
        ({"spot": True}, 0.014 + 2 * 0.0015),
        ({"spot": True, "arch": "arm64"}, 0.011 + 2 * 0.0012),
        ({"disk_gib": 50}, 0.047 + 2 * 0.0052 + 30 * 0.000127),
    ],
    ids=str,
)
def test_what_aws_tells_is_what_counts_from_then_on(settings, pricing, fields, usd_per_h):
    refresh(settings, pricing)

    assert rate(settings, **fields).usd_per_h == pytest.approx(usd_per_h)


def test_source_and_date_are_kept_with_each_price(settings, pricing):
    refresh(settings, pricing)

    assert rate(settings).source == "AWS Pricing API, read 2026-11-25"
    assert rate(settings, spot=True).source == (
        "AWS Fargate Spot feed, read 2026-11-25; Spot price at start, floating"
    )


def test_pages_are_read_to_the_last(settings, pricing):
    refresh(settings, pricing, pages=(PRODUCTS[:1], PRODUCTS[1:]))

    assert rate(settings).usd_per_h == pytest.approx(0.047 + 2 * 0.0052)


@pytest.mark.parametrize("prefix", ["", "EU-", "USE1-", "APN1-"])
def test_usage_is_known_by_its_end_whatever_the_regions_prefix(settings, pricing, prefix):
    rows = [
        product(f"{prefix}Fargate-vCPU-Hours:perCPU", "0.05"),
        product(f"{prefix}Fargate-GB-Hours", "0.006"),
    ]

    assert refresh(settings, pricing, pages=(rows,)).prices.on_demand["x86_64"].vcpu_hour == 0.05


def test_two_prices_for_one_thing_are_none(settings, pricing):
    rows = [*PRODUCTS, product("EUC1-Fargate-ARM-GB-Hours", "0.0099")]

    refreshed = refresh(settings, pricing, pages=(rows,))

    assert set(refreshed.prices.on_demand) == {"x86_64"}


@pytest.mark.parametrize(
    "feed",
    [
        OSError("timed out"),
        b"<html>Access denied</html>",
        b"\xff\xfe",
        b"[]",
        {"prices": [{"unit": "vCPU-Hours"}]},
        {"prices": [feed_row("vCPU-Hours", "free")]},
        {"prices": None},
    ],
    ids=str,
)
def test_a_feed_that_fails_is_said_and_the_rest_counts(settings, pricing, feed):
    refreshed = refresh(settings, pricing, feed=feed)

    [note] = refreshed.notes
    assert note.startswith("Spot's prices could not be read, those known before stay: ")
    assert rate(settings).source == "AWS Pricing API, read 2026-11-25"
    assert rate(settings, spot=True) is None


def test_spot_prices_that_were_known_stay_when_the_feed_fails(settings, pricing):
    refresh(settings, pricing)
    before = rate(settings, spot=True)

    refresh(settings, pricing, feed=OSError("away"))

    assert rate(settings, spot=True) == before


def test_prices_of_other_regions_stay(settings, pricing):
    refresh(settings, pricing)
    other = settings.model_copy(update={"region": "mx-central-1"})

    refresh(other, pricing, region="mx-central-1")

    assert rate(settings).source == rate(other).source == "AWS Pricing API, read 2026-11-25"


@pytest.mark.parametrize(
    ("rows", "usd", "noted"),
    [
        ([product("EUC1-BoxUsage:g4dn.xlarge", "0.6600000000")], 0.66, ()),
        (["0.66", "0.7"], None, ("the price list has 2 prices of g4dn.xlarge in eu-central-1",)),
        ([], None, ("the price list has 0 prices of g4dn.xlarge in eu-central-1",)),
    ],
    ids=["one", "two that differ", "none"],
)
def test_the_machines_of_jobs_with_gpus_are_asked_for_where_there_are_some(
    settings, pricing, rows, usd, noted
):
    ecs = settings.ecs.model_copy(update={"gpu_capacity": "gpu-flotilla"})
    settings = settings.model_copy(update={"ecs": ecs})
    client, stubber = pricing
    rows = [row if row.startswith("{") else product("x", row) for row in rows]
    asked = {
        "regionCode": "eu-central-1", "instanceType": "g4dn.xlarge", "operatingSystem": "Linux",
        "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used",
        "marketoption": "OnDemand",
    }  # fmt: skip
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": v} for name, v in asked.items()]
    stubber.add_response("get_products", {"PriceList": PRODUCTS}, ASKED)
    stubber.add_response(
        "get_products", {"PriceList": rows},
        {**ASKED, "ServiceCode": "AmazonEC2", "Filters": filters},
    )  # fmt: skip

    found = refresh_prices(
        settings, NOW, make_client=lambda: client, fetch_spot=lambda: json.dumps(FEED).encode()
    )

    assert found.notes == noted
    known = load_prices(settings.home).region("eu-central-1").machines["g4dn.xlarge"]
    shipped = shipped_prices().region("eu-central-1").machines["g4dn.xlarge"]
    assert known == shipped if usd is None else known.usd_hour == usd
    stubber.assert_no_pending_responses()


def broken(error):
    def make():
        raise error

    return make


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoCredentialsError(), "there are no AWS credentials"),
        (EndpointConnectionError(endpoint_url="https://api.pricing"), "AWS cannot be reached for"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_keeps_aws_from_telling_is_said_and_the_old_prices_stay(settings, error, words):
    with pytest.raises(EngineUnavailable) as caught:
        refresh_prices(settings, NOW, make_client=broken(error), fetch_spot=lambda: b"")

    assert words in caught.value.message
    assert caught.value.message.endswith("; the old prices stay")
    assert "\n" not in caught.value.message
    assert caught.value.next_step
    assert load_prices(settings.home) == shipped_prices()


def test_missing_permission_is_named(settings, pricing):
    client, stubber = pricing
    stubber.add_client_error(
        "get_products",
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: "
        "pricing:GetProducts because no identity-based policy allows it",
        400,
    )

    with pytest.raises(EngineUnavailable, match="may not pricing:GetProducts") as caught:
        refresh_prices(settings, NOW, make_client=lambda: client, fetch_spot=lambda: b"")

    assert "have pricing:GetProducts allowed" in caught.value.next_step
    assert not (settings.home / PRICES_FILE).exists()


def test_a_region_without_fargate_changes_nothing(settings, pricing):
    refresh(settings, pricing)
    before = (settings.home / PRICES_FILE).read_bytes()

    with pytest.raises(EngineUnavailable, match="has no Fargate in region 'eu-central-1'"):
        refresh(settings, pricing, pages=([],))

    assert (settings.home / PRICES_FILE).read_bytes() == before


def test_a_home_that_cannot_be_written_is_said(settings, pricing):
    settings.home.write_text("a file, where a folder should be")

    with pytest.raises(EngineUnavailable, match="cannot be written"):
        refresh(settings, pricing)
