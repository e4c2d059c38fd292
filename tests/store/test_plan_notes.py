"""`planning`: what is said of size and price before a launch."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.engines.ecs.machines import machine_rate
from jupyter_flotilla.engines.ecs.prices import fargate_rate, shipped_prices
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.planning import plan_job
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine

GIB = 1024


class Fargate(FakeEngine):
    """Runs nothing, at the prices of Fargate."""

    region = "us-east-1"

    def rate(self, resources: Resources) -> Rate | None:
        return fargate_rate(resources, self.region, is_hypothetical=not self.bills)


class FreeFargate(Fargate):
    """The same where nobody is billed."""

    bills = False


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Callable[..., tuple[str, ...]]]:
    """What is noted of a job with these resources."""
    opened = Store(tmp_path / "flotilla.db")

    def of(
        kind: type[Fargate], region: str = "us-east-1", cap: float | None = None, **fields: Any
    ) -> tuple[str, ...]:
        engine = kind(tmp_path / "tasks")
        engine.region = region
        spec = JobSpec(
            kind="command", name="job", command=("true",), cwd="/", interpreter="python",
            engine="fake", place="nowhere", resources=Resources(**fields), max_cost_usd=cap,
        )  # fmt: skip
        settings = Settings(home=tmp_path, region=region)
        return plan_job(Draft(spec=spec), engine, opened, settings).notes

    yield of
    opened.close()


@pytest.mark.parametrize("kind", [Fargate, FreeFargate], ids=["billed", "hypothetical"])
def test_a_cheaper_neighbour_is_named(
    notes: Callable[..., tuple[str, ...]], kind: type[Fargate]
) -> None:
    assert "64 G needs 16 vCPU, $0.93/h; 60 G with 8 vCPU, $0.59/h" in notes(
        kind, memory_mib=64 * GIB
    )


@pytest.mark.parametrize(
    ("kind", "what"), [(Fargate, "it gets"), (FreeFargate, "priced as")], ids=str
)
def test_an_illegal_pair_is_rounded_up_and_said(
    notes: Callable[..., tuple[str, ...]], kind: type[Fargate], what: str
) -> None:
    said = notes(kind, cpu=3, memory_mib=5000)

    assert said == (f"Fargate has no such size: {what} 4 vCPU, 8 G",)


def test_a_legal_pair_without_a_neighbour_needs_no_words(
    notes: Callable[..., tuple[str, ...]],
) -> None:
    assert notes(Fargate, cpu=1, memory_mib=4 * GIB) == ()


def test_spot_is_said_to_float(notes: Callable[..., tuple[str, ...]]) -> None:
    [said] = notes(Fargate, spot=True)

    assert said.startswith("Spot's price floats, this one is of 2026-09-28; ")


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({}, "x86_64 on demand"),
        ({"spot": True, "arch": "arm64"}, "arm64 Spot"),
    ],
    ids=str,
)
def test_an_unknown_price_is_said_with_what_would_tell_it(
    notes: Callable[..., tuple[str, ...]], fields: dict[str, Any], what: str
) -> None:
    [said] = notes(Fargate, region="mx-central-1", cap=2.0, **fields)

    assert said == (
        f"the price in this region is unknown ({what}, mx-central-1), and so --max-cost cannot be "
        "enforced; 'jupyter flotilla cost --refresh-prices' asks AWS"
    )


class Machines(Fargate):
    """Runs nothing, at the price of a machine with a GPU."""

    def rate(self, resources: Resources) -> Rate | None:
        return machine_rate("g4dn.xlarge", self.region, shipped_prices(), has_public_ipv4=True)


def test_of_a_job_with_a_gpu_it_is_said_that_the_machine_is_paid_for_and_when(
    notes: Callable[..., tuple[str, ...]],
) -> None:
    assert notes(Machines, gpu=1) == (
        "it is charged a whole g4dn.xlarge, 4 vCPU and 16 G; not charged, but paid for: the "
        "machine's start, some minutes, and about 15 minutes after its last job",
    )


def test_of_a_gpu_without_a_price_it_is_said_that_no_cap_can_be_kept(
    notes: Callable[..., tuple[str, ...]],
) -> None:
    assert notes(Machines, region="mx-central-1", cap=1.0, gpu=1) == (
        "Fargate has no GPUs: what its machine costs is unknown, and so --max-cost cannot be "
        "enforced",
    )


def test_what_no_task_is_large_enough_for_is_said(notes: Callable[..., tuple[str, ...]]) -> None:
    assert notes(Fargate, memory_mib=245 * GIB) == (
        "no Fargate task is that large (32 vCPU, 244 G): its price is unknown",
    )
