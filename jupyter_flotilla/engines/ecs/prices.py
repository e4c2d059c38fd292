"""What Fargate and machines of EC2 cost, by the list that ships with the package or a newer one.

A `PriceList` is a value: it is loaded once, and asked as often as one likes.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.cost import Provider, Rate
from jupyter_flotilla.model.resources import (
    INCLUDED_DISK_GIB,
    Arch,
    FargateSize,
    Resources,
    fargate_size,
)

#: Name of the list that `price_refresh` writes into the home.
PRICES_FILE = "prices.json"
#: Types of machines with GPUs, and what they cost.
MACHINES_FILE = "machines.json"


class Sourced(Stored):
    """Where a price comes from."""

    source: str
    #: Date on which it was read there, ISO 8601; perhaps the month only.
    read: str

    @property
    def origin(self) -> str:
        """Source and date, as they stand beside a rate."""
        return f"{self.source}, read {self.read}"


class SizePrice(Sourced):
    """What the size of a task costs, in US dollars an hour."""

    #: Of one vCPU.
    vcpu_hour: float = Field(gt=0)
    #: Of one GiB of memory (AWS: GB).
    gb_hour: float = Field(gt=0)


class UnitPrice(Sourced):
    """What one piece of something costs, in US dollars an hour."""

    usd_hour: float = Field(gt=0)


_Key = TypeVar("_Key")
_Price = TypeVar("_Price", bound=Sourced)


class RegionPrices(Stored):
    """Prices of a region; what is not here is unknown."""

    on_demand: dict[Arch, SizePrice] = Field(default_factory=dict)
    spot: dict[Arch, SizePrice] = Field(default_factory=dict)
    #: A GiB of ephemeral storage above what is included.
    disk: UnitPrice | None = None
    #: Machines of EC2, on demand, Linux, by type.
    machines: dict[str, UnitPrice] = Field(default_factory=dict)

    def newer(self, other: "RegionPrices") -> "RegionPrices":
        """Return each price from whichever of the two has read it last."""
        return RegionPrices(
            on_demand=_newer_of_each(self.on_demand, other.on_demand),
            spot=_newer_of_each(self.spot, other.spot),
            disk=max(filter(None, (self.disk, other.disk)), key=lambda p: p.read, default=None),
            machines=_newer_of_each(self.machines, other.machines),
        )


class PriceList(Stored):
    """Prices of Fargate and of machines, Linux, by region."""

    regions: dict[str, RegionPrices]
    #: A public IPv4 address, in any region; None: unknown.
    public_ipv4: UnitPrice | None = None

    def newer(self, other: "PriceList") -> "PriceList":
        """Return each price from whichever of the two lists has read it last."""
        regions = {
            region: self.region(region).newer(other.region(region))
            for region in (*self.regions, *other.regions)
        }
        known = filter(None, (self.public_ipv4, other.public_ipv4))
        address = max(known, key=lambda price: price.read, default=None)
        return PriceList(regions=regions, public_ipv4=address)

    def region(self, name: str) -> RegionPrices:
        """Return the prices of a region; nothing is known of one that is not in the list."""
        return self.regions.get(name, RegionPrices())

    def unknown(self, resources: Resources, region: str) -> str | None:
        """Return what of a size has no price in a region, in words; None: all has one."""
        prices = self.region(region)
        sizes = prices.spot if resources.spot else prices.on_demand
        if resources.arch not in sizes:
            how = "Spot" if resources.spot else "on demand"
            return f"{resources.arch} {how}"
        return "the disk" if resources.disk_gib is not None and prices.disk is None else None


def fargate_rate(
    resources: Resources,
    region: str,
    *,
    is_hypothetical: bool,
    prices: PriceList | None = None,
    has_public_ipv4: bool = False,
) -> Rate | None:
    """Return what the smallest Fargate task with these resources costs in a region.

    None where a price is unknown or no task is large enough: never a guess.

    Parameters
    ----------
    prices
        None: the list that ships with the package.
    has_public_ipv4
        Whether the task gets a public address, which costs too.
    """
    size = fargate_size(resources)
    if size is None:
        return None
    return task_rate(
        size,
        region,
        prices or shipped_prices(),
        spot=resources.spot,
        arch=resources.arch,
        disk_gib=resources.disk_gib,
        has_public_ipv4=has_public_ipv4,
        is_hypothetical=is_hypothetical,
    )


def task_rate(
    size: FargateSize,
    region: str,
    prices: PriceList,
    *,
    spot: bool,
    arch: Arch,
    disk_gib: int | None,
    has_public_ipv4: bool,
    is_hypothetical: bool,
) -> Rate | None:
    """Return what a Fargate task of exactly this size costs; None where a price is unknown."""
    known = prices.region(region)
    price = (known.spot if spot else known.on_demand).get(arch)
    if price is None:
        return None
    parts: list[tuple[Sourced, float]] = [
        (price, size.cpu * price.vcpu_hour + size.memory_mib / 1024 * price.gb_hour)
    ]
    extra_gib = max(0, (disk_gib or 0) - INCLUDED_DISK_GIB)
    for unit, count in ((known.disk, extra_gib), (prices.public_ipv4, int(has_public_ipv4))):
        if count and unit is None:
            return None
        if count and unit is not None:
            parts.append((unit, count * unit.usd_hour))
    return Rate(
        usd_per_h=round(sum(usd for _, usd in parts), 9),
        cpu=size.cpu,
        memory_mib=size.memory_mib,
        region=region,
        source=_sources([sourced for sourced, _ in parts], is_spot=spot),
        is_hypothetical=is_hypothetical,
        provider=Provider.FARGATE_SPOT if spot else Provider.FARGATE,
        arch=arch,
    )


def priced_regions() -> list[str]:
    """Return the regions whose price on demand ships with the package."""
    regions = shipped_prices().regions
    return sorted(region for region, prices in regions.items() if "x86_64" in prices.on_demand)


@cache
def shipped_prices() -> PriceList:
    """Return the price list that ships with the package."""
    return PriceList.model_validate(_shipped("fargate_prices.json")).newer(_of_machines())


def _of_machines() -> PriceList:
    found = _shipped(MACHINES_FILE)
    sourced = {"source": found["source"], "read": found["read"]}
    regions = {
        region: {"machines": {name: {"usd_hour": usd, **sourced} for name, usd in types.items()}}
        for region, types in found["usd_hour"].items()
    }
    return PriceList.model_validate({"regions": regions})


def _shipped(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files(__package__) / name).read_text(encoding="utf-8"))
    return found


def load_prices(home: Path) -> PriceList:
    """Return the shipped prices, with those of the home where they were read later.

    Reads a file. One that is damaged counts as none: prices must not keep anybody from working.
    """
    shipped = shipped_prices()
    own = read_own(home)
    return shipped if own is None else shipped.newer(own)


def read_own(home: Path) -> PriceList | None:
    """Return the prices that were read into the home; None: there are none that can be read."""
    try:
        return PriceList.model_validate(json.loads((home / PRICES_FILE).read_bytes()))
    except (OSError, ValueError):
        return None


def _newer_of_each(one: dict[_Key, _Price], other: dict[_Key, _Price]) -> dict[_Key, _Price]:
    newest = dict(one)
    for key, price in other.items():
        if key not in newest or price.read >= newest[key].read:
            newest[key] = price
    return newest


def _sources(parts: list[Sourced], *, is_spot: bool) -> str:
    origins = list(dict.fromkeys(part.origin for part in parts))
    # of Spot nobody knows more: its price may change while the job runs
    return "; ".join([*origins, "Spot price at start, floating"] if is_spot else origins)
