"""What Fargate costs, from the price list that ships with the package."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.resources import Resources, fargate_size


def fargate_rate(resources: Resources, region: str, *, is_hypothetical: bool) -> Rate | None:
    """Return what the smallest Fargate task with these resources costs in a region.

    None where the region's price is unknown or no task is large enough: never a guess.
    """
    price = _prices().get(region)
    size = fargate_size(resources)
    if price is None or size is None:
        return None
    usd_per_h = size.cpu * price["vcpu_hour"] + size.memory_mib / 1024 * price["gb_hour"]
    return Rate(
        usd_per_h=round(usd_per_h, 9),
        cpu=size.cpu,
        memory_mib=size.memory_mib,
        region=region,
        source=f"{price['source']}, read {price['read']}",
        is_hypothetical=is_hypothetical,
    )


def priced_regions() -> list[str]:
    """Return the regions whose price is known."""
    return sorted(_prices())


@cache
def _prices() -> dict[str, dict[str, Any]]:
    text = (files(__package__) / "fargate_prices.json").read_text(encoding="utf-8")
    regions: dict[str, dict[str, Any]] = json.loads(text)["regions"]
    return regions
