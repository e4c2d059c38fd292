"""A cheaper Fargate size close to the one that was asked for: "64 G needs 16 vCPU"."""

from dataclasses import dataclass

from jupyter_flotilla.engines.ecs.prices import PriceList, fargate_rate
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.resources import FARGATE_SIZES, Resources
from jupyter_flotilla.model.units import format_money, format_size

#: How much of what was asked for a neighbour must have, and what it may cost of the price.
_CLOSE = 0.85
_CHEAPER = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A size that has nearly as much, and its price beside that of what was asked for."""

    asked: Rate
    cheaper: Rate

    @property
    def text(self) -> str:
        """``64 G needs 16 vCPU, $0.93/h; 60 G with 8 vCPU, $0.59/h``."""
        asked, cheaper = self.asked, self.cheaper
        prices = [f"{format_money(rate.usd_per_h)}/h" for rate in (asked, cheaper)]
        memories = [format_size(rate.memory_mib) for rate in (asked, cheaper)]
        if asked.memory_mib == cheaper.memory_mib:
            what = [f"{rate.cpu:g} vCPU with {memories[0]}" for rate in (asked, cheaper)]
        else:
            what = [
                f"{memories[0]} needs {asked.cpu:g} vCPU",
                f"{memories[1]} with {cheaper.cpu:g} vCPU",
            ]
        return f"{what[0]}, {prices[0]}; {what[1]}, {prices[1]}"


def neighbour(
    resources: Resources, region: str, prices: PriceList | None = None
) -> Neighbour | None:
    """Return a size with at least 85 % of what was asked for that costs a fifth less, or None.

    The closest counts, then the cheapest. Only a size with fewer vCPU is one: a little less memory
    alone saves little.
    """
    asked = fargate_rate(resources, region, is_hypothetical=False, prices=prices)
    if asked is None:
        return None
    wanted_mib = resources.memory_mib or asked.memory_mib
    found = []
    for cpu, memories in FARGATE_SIZES.items():
        if cpu < _CLOSE * resources.cpu or cpu >= asked.cpu:
            continue
        for memory_mib in memories:
            size = resources.model_copy(update={"cpu": cpu, "memory_mib": memory_mib})
            rate = fargate_rate(size, region, is_hypothetical=False, prices=prices)
            if memory_mib < _CLOSE * wanted_mib or rate is None:
                continue
            if rate.usd_per_h <= _CHEAPER * asked.usd_per_h:
                lack = max(0.0, 1 - cpu / resources.cpu) + max(0.0, 1 - memory_mib / wanted_mib)
                found.append((lack, rate.usd_per_h, rate))
    if not found:
        return None
    best = min(found, key=lambda one: one[:2])
    return Neighbour(asked=asked, cheaper=best[2])
