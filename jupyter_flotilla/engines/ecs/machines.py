"""Machines of EC2 with GPUs: what they have, and what one costs.

A machine is paid for while it is there, whatever runs on it. Which types there are and what they
cost is data (``machines.json``); a type that is not in it can be used, at a price that is unknown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jupyter_flotilla.engines.ecs.prices import MACHINES_FILE, PriceList
from jupyter_flotilla.model.cost import Provider, Rate

#: The cheapest with a GPU that current drivers and libraries support.
DEFAULT_MACHINE = "g4dn.xlarge"
#: Share of a machine's memory that jobs can have: the rest is its kernel's and the ECS agent's.
#: What is registered is a few per cent less than the type's own figure ("Reserving Amazon ECS
#: Linux container instance memory", docs.aws.amazon.com/AmazonECS/latest/developerguide/
#: memory-management.html, read 2026-11); how much less was not seen.
_FOR_JOBS = 0.9
#: What a rate says beside its source: it is not all that one pays.
_ALSO_PAID = "also paid while the machine starts and idles"


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A type of machine."""

    #: AWS's word for it: ``g4dn.xlarge``.
    name: str
    #: vCPU.
    cpu: int
    memory_mib: int
    gpus: int
    #: Which ones, for people.
    gpu: str

    @property
    def for_jobs_mib(self) -> int:
        """Memory in MiB that its jobs can have together."""
        return int(self.memory_mib * _FOR_JOBS)


@cache
def machines() -> Mapping[str, Machine]:
    """Return the types that are known, by name."""
    types: dict[str, dict[str, Any]] = _data()["types"]
    return {
        name: Machine(
            name=name, cpu=one["cpu"], memory_mib=one["memory_gib"] * 1024, gpus=one["gpus"],
            gpu=one["gpu"],
        )
        for name, one in types.items()
    }  # fmt: skip


def machine_rate(
    name: str, region: str, prices: PriceList, *, has_public_ipv4: bool
) -> Rate | None:
    """Return what a machine of a type costs on demand, all of it; None where that is unknown.

    Parameters
    ----------
    has_public_ipv4
        Whether it has a public address, which costs too. Its disk is not counted: about a cent an
        hour.
    """
    machine, price = machines().get(name), prices.region(region).machines.get(name)
    address = prices.public_ipv4 if has_public_ipv4 else None
    if machine is None or price is None or (has_public_ipv4 and address is None):
        return None
    return Rate(
        usd_per_h=round(price.usd_hour + (address.usd_hour if address else 0.0), 9),
        cpu=machine.cpu,
        memory_mib=machine.memory_mib,
        region=region,
        source=f"{price.origin}; {_ALSO_PAID}",
        is_hypothetical=False,
        provider=Provider.EC2,
        arch="x86_64",
        machine=name,
    )


def cheapest(region: str, prices: PriceList, among: Iterable[Machine]) -> Machine | None:
    """Return the machine of the lowest price in a region; None: none of them has one there."""
    known = prices.region(region).machines
    priced = [(known[one.name].usd_hour, one.name) for one in among if one.name in known]
    return machines()[min(priced)[1]] if priced else None


def _data() -> dict[str, Any]:
    text = (files(__package__) / MACHINES_FILE).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
