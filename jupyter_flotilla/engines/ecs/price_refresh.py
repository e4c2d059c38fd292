"""Today's prices of AWS, read into the home: ``cost --refresh-prices``.

Of Fargate, and of the machines of jobs with GPUs where there are some.

On demand from the Pricing API; Spot, which that does not tell, from the feed behind AWS's own
pricing page. That feed is documented nowhere: that it fails is normal, and said.
"""

import json
import os
import re
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, get_args

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.ecs import aws_session
from jupyter_flotilla.engines.ecs.aws_errors import is_secret, translated
from jupyter_flotilla.engines.ecs.prices import (
    PRICES_FILE,
    PriceList,
    RegionPrices,
    SizePrice,
    UnitPrice,
    read_own,
)
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.resources import Arch
from jupyter_flotilla.settings import Settings

#: Where the Pricing API answers; there are two more regions, and it tells the same in each
#: (endpoints.json of botocore 1.44.5).
_ENDPOINT_REGION = "us-east-1"
#: Read by a dozen public projects; units and attributes as they read them, 2026-11.
SPOT_FEED = "https://dftu77xade0tc.cloudfront.net/fargate-spot-prices.json"
_FEED_S = 10.0
_FEED_BYTES = 8 * 2**20
#: ``USE1-Fargate-ARM-vCPU-Hours:perCPU``: the prefix is irregular (none, USE1-, EU-). Rows of Spot
#: (``…-SpotUsage-Fargate-…``) and Windows have words in between, which this does not let pass.
_USAGE = re.compile(
    r"(?:[A-Z0-9]+-)?Fargate-"
    r"(?:(?P<arm>ARM-)?(?P<unit>vCPU-Hours:perCPU|GB-Hours)|(?P<disk>EphemeralStorage-GB-Hours))"
)
_FEED_UNIT = re.compile(r"(?P<arm>ARM-)?(?P<unit>vCPU-Hours|GB-Hours)")
_SOURCE = "AWS Pricing API"
#: A machine on demand with Linux and nothing else (attributes of AmazonEC2 as many public projects
#: filter by them; unverified).
_PLAIN = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA",
          "capacitystatus": "Used", "marketoption": "OnDemand"}  # fmt: skip
_FEED_SOURCE = "AWS Fargate Spot feed"

#: (architecture or "disk", "vcpu" or "gb") → every price that was found for it.
_Found = dict[tuple[str, str], set[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """What was read, and written into the home."""

    region: str
    prices: RegionPrices
    #: Sentences on what could not be read.
    notes: tuple[str, ...]


def refresh_prices(
    settings: Settings,
    now: datetime,
    *,
    make_client: Callable[[], Any] | None = None,
    fetch_spot: Callable[[], bytes] | None = None,
) -> Refreshed:
    """Read the prices of the settings' region and write them into the home, whole or not at all.

    Asks the network twice. What the home knew of other regions stays.

    Parameters
    ----------
    make_client, fetch_spot
        Return botocore's client of ``pricing``, and the feed of Spot prices; None: the real ones.

    Raises
    ------
    EngineUnavailable
        If AWS does not tell. Then the old prices stay.
    """
    region, read = settings.region, now.date().isoformat()
    client = make_client or (lambda: _client(settings))
    products = _products(settings, now, client, "AmazonECS", {})
    on_demand, disk = _on_demand(products, read)
    if not on_demand:
        raise EngineUnavailable(
            f"the price list of AWS has no Fargate in region {region!r}; the old prices stay",
            next_step="set region in flotilla.toml, e.g. us-east-1",
        )
    spot, notes = _spot(region, read, fetch_spot or _fetch_feed)
    machines, more = _machines(settings, now, client, read)
    found = RegionPrices(on_demand=on_demand, spot=spot, disk=disk, machines=machines)
    _write(settings, PriceList(regions={region: found}))
    return Refreshed(region=region, prices=found, notes=(*notes, *more))


def _write(settings: Settings, read: PriceList) -> None:
    own = read_own(settings.home)
    merged = read if own is None else own.newer(read)
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        protocol.write_json(str(settings.home / PRICES_FILE), merged.model_dump(mode="json"))
    except OSError as error:
        raise EngineUnavailable(
            f"{settings.home / PRICES_FILE} cannot be written: {error}",
            next_step="make room there, or mend the folder's permissions",
        ) from error


def _client(settings: Settings) -> Any:
    return aws_session.client(aws_session.opened(settings.ecs.profile), "pricing", _ENDPOINT_REGION)


def _products(
    settings: Settings,
    now: datetime,
    make_client: Callable[[], Any],
    service: str,
    like: Mapping[str, str],
) -> list[Mapping[str, Any]]:
    """Return all products of a service with these attributes in a region.

    Raises
    ------
    EngineUnavailable
    """
    wanted = {"regionCode": settings.region, **like}
    try:
        pages = (
            make_client()
            .get_paginator("get_products")
            .paginate(
                ServiceCode=service,
                FormatVersion="aws_v1",
                Filters=[
                    {"Type": "TERM_MATCH", "Field": field, "Value": value}
                    for field, value in wanted.items()
                ],
            )
        )
        return [json.loads(text) for page in pages for text in page["PriceList"]]
    except aws_session.errors() as error:
        access = aws_session.access(
            None,
            profile=settings.ecs.profile,
            region=settings.region,
            cluster="",
            environ=os.environ,
            now=now,
        )
        problem = translated(error, "pricing:GetProducts", access, now)
        raise EngineUnavailable(
            f"{problem.message}; the old prices stay", next_step=problem.next_step
        ) from (None if is_secret(problem) else error)


def _machines(
    settings: Settings, now: datetime, make_client: Callable[[], Any], read: str
) -> tuple[dict[str, UnitPrice], tuple[str, ...]]:
    """Return the price of the machines of jobs with GPUs, or why there is none."""
    if settings.ecs.gpu_capacity is None:
        return {}, ()
    name = settings.ecs.gpu_type
    products = _products(settings, now, make_client, "AmazonEC2", {"instanceType": name, **_PLAIN})
    prices = {usd for product in products for usd in _usd_of(product)}
    if len(prices) != 1:
        return {}, (f"the price list has {len(prices)} prices of {name} in {settings.region}",)
    return {name: UnitPrice(usd_hour=prices.pop(), source=_SOURCE, read=read)}, ()


def _on_demand(
    products: Iterable[Mapping[str, Any]], read: str
) -> tuple[dict[Arch, SizePrice], UnitPrice | None]:
    found: _Found = {}
    for product in products:
        attributes = product.get("product", {}).get("attributes", {})
        usage = _USAGE.fullmatch(str(attributes.get("usagetype", "")))
        if usage is None or attributes.get("operatingSystem", "Linux") != "Linux":
            continue
        key = ("disk", "gb") if usage["disk"] else _key(usage)
        found.setdefault(key, set()).update(_usd_of(product))
    disk = _the_one(found, "disk", "gb")
    return _sizes(found, _SOURCE, read), (
        None if disk is None else UnitPrice(usd_hour=disk, source=_SOURCE, read=read)
    )


def _usd_of(product: Mapping[str, Any]) -> list[float]:
    """Return what a product of the price list costs on demand, free parts left out."""
    return [
        usd
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term.get("priceDimensions", {}).values()
        if (usd := float(dimension.get("pricePerUnit", {}).get("USD", 0))) > 0
    ]


def _spot(
    region: str, read: str, fetch: Callable[[], bytes]
) -> tuple[dict[Arch, SizePrice], tuple[str, ...]]:
    """Return Spot's prices, or why there are none."""
    try:
        rows = json.loads(fetch())["prices"]
        found = _feed_rows(region, rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) or type(error).__name__
        note = f"Spot's prices could not be read, those known before stay: {why[:200]}"
        return {}, (note,)
    prices = _sizes(found, _FEED_SOURCE, read)
    return prices, () if prices else (f"the feed has no Spot prices of {region}",)


def _feed_rows(region: str, rows: Sequence[Mapping[str, Any]]) -> _Found:
    found: _Found = {}
    for row in rows:
        unit = _FEED_UNIT.fullmatch(str(row["unit"]))
        if unit is not None and row["attributes"].get("aws:region") == region:
            found.setdefault(_key(unit), set()).add(float(row["price"]["USD"]))
    return found


def _key(match: "re.Match[str]") -> tuple[str, str]:
    arch = "arm64" if match["arm"] else "x86_64"
    return arch, "vcpu" if match["unit"].startswith("vCPU") else "gb"


def _sizes(found: _Found, source: str, read: str) -> dict[Arch, SizePrice]:
    sizes: dict[Arch, SizePrice] = {}
    for arch in get_args(Arch):
        vcpu, gb = _the_one(found, arch, "vcpu"), _the_one(found, arch, "gb")
        if vcpu is not None and gb is not None:
            sizes[arch] = SizePrice(vcpu_hour=vcpu, gb_hour=gb, source=source, read=read)
    return sizes


def _the_one(found: _Found, what: str, unit: str) -> float | None:
    """Return a price that there is one of; of several that differ nobody knows which counts."""
    prices = found.get((what, unit), set())
    return next(iter(prices)) if len(prices) == 1 and min(prices) > 0 else None


def _fetch_feed() -> bytes:
    # the URL is ours, and what it says is only ever read as numbers
    with urllib.request.urlopen(SPOT_FEED, timeout=_FEED_S) as answer:
        return cast(bytes, answer.read(_FEED_BYTES))
