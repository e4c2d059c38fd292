"""What an attempt costs: the ceiling before it runs, the charge after.

Fargate bills requested vCPU and GB from image pull to the end, by the second, one minute at
least (aws.amazon.com/fargate/pricing, read 2026-10). The process engine bills nothing; there the
same sums say what the job *would* have cost, which is how one learns what a move to ECS means.
"""

import math
from enum import StrEnum

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.resources import Arch

#: Shortest time that Fargate bills for Linux, in seconds.
FARGATE_MINIMUM_S = 60


class Provider(StrEnum):
    """Whose capacity a task runs on, in the words of ECS."""

    FARGATE = "FARGATE"
    FARGATE_SPOT = "FARGATE_SPOT"
    EC2 = "EC2"


class Rate(Stored):
    """What one attempt costs while it runs."""

    #: US dollars an hour for the whole size.
    usd_per_h: float
    #: vCPU and MiB of the size that is priced.
    cpu: float
    memory_mib: int
    #: Where the price is valid.
    region: str
    #: Source of the price and the date it was read.
    source: str
    #: True where nobody is billed and the sum only says what Fargate would have taken.
    is_hypothetical: bool
    #: Whose price it is; None in what older versions have stored.
    provider: Provider | None = None
    arch: Arch | None = None
    #: Type of the machine that is paid for, all of it; None where only the job's size is.
    machine: str | None = None

    @property
    def is_floating(self) -> bool:
        """Say whether the price may change while the job runs."""
        return self.provider is Provider.FARGATE_SPOT


class Cost(Stored):
    """What a run has cost, or would have."""

    #: US dollars so far, over all attempts; None where the price is unknown.
    usd: float | None
    #: US dollars that it cannot exceed; None without a timeout or cost cap, or without a price.
    ceiling_usd: float | None
    #: See `Rate`; None where the price is unknown.
    rate: Rate | None
    #: False where nobody is billed, as on this machine.
    is_billed: bool

    @property
    def billed_usd(self) -> float | None:
        """What somebody is really billed, in US dollars; None where the price is unknown."""
        return self.usd if self.is_billed else 0.0


def charge_usd(rate: Rate, duration_s: float) -> float:
    """Return what an attempt of this duration costs, in US dollars."""
    if duration_s <= 0:
        return 0.0
    return rate.usd_per_h * max(FARGATE_MINIMUM_S, math.ceil(duration_s)) / 3600


def minimum_usd(rate: Rate) -> float:
    """Return what the shortest time that is billed costs, in US dollars."""
    return charge_usd(rate, FARGATE_MINIMUM_S)


def affordable_s(rate: Rate, max_cost_usd: float) -> float:
    """Return for how many seconds a cost cap lasts; 0 where it buys not even the minimum."""
    seconds = max_cost_usd / rate.usd_per_h * 3600
    return float(math.floor(seconds)) if seconds >= FARGATE_MINIMUM_S else 0.0
