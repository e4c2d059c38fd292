"""`dispatch.poller` with an engine that judges its failures: what follows, and what it cost."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from witness import NOW

from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.poller import Poller
from jupyter_flotilla.engines.ecs.prices import fargate_rate
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import Again, Ending, FailureKind, Handle, Observation
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.retry import RetryPolicy, fargate_policy
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine

SPOT = Resources(cpu=1, memory_mib=4096, spot=True)
DEMAND = Resources(cpu=1, memory_mib=4096)
#: Between two looks.
_STEP = timedelta(minutes=10)


class Judging(FakeEngine):
    """Says of every attempt what the test has written into ``says``."""

    retry_policy: RetryPolicy = fargate_policy(3600.0)  # type: ignore[assignment]
    says: Observation = Observation(state="pending")

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        return [self.says for _ in handles]

    def rate(self, resources: Resources) -> Rate | None:
        return fargate_rate(resources, "us-east-1", is_hypothetical=False)


class Ground:
    """A run on that engine, followed step by step with a clock of its own."""

    def __init__(self, store: Store, home: Path, make_run: Callable[..., Run]) -> None:
        self.store, self.now = store, NOW
        self.engine = Judging(home / "fake")
        self.run = make_run(resources=SPOT.model_dump(), retries=0)
        self._launcher = Launcher(store, LocalArtifacts(home), self.engine, 1)
        self._poller = Poller(store, self.engine, self._launcher, retry_base_s=1.0)

    def see(self, **seen: Any) -> Run:
        """Launch what is due, and look once."""
        self.now += _STEP
        self.engine.says = Observation(**seen)
        self._launcher.step(self.now)
        self._poller.step(self.now)
        with self.store.read() as tx:
            return runs.get(tx, self.run.id)

    def end(self, again: Again, kind: FailureKind, **fields: Any) -> Run:
        """Let the attempt that is due, or goes on, fail."""
        ending = Ending(
            outcome="failed", failure_kind=kind, again=again, message="it failed",
            ended_at=self.now + _STEP, duration_s=30.0, **fields,
        )  # fmt: skip
        return self.see(state="ended", ending=ending)

    @property
    def made(self) -> list[Attempt]:
        with self.store.read() as tx:
            return attempts.of_run(tx, self.run.id)


@pytest.fixture
def ground(store: Store, home: Path, make_run: Callable[..., Run]) -> Ground:
    """A queued run on Spot, and what follows it."""
    return Ground(store, home, make_run)


def test_spot_that_is_taken_back_twice_goes_on_on_demand(ground: Ground) -> None:
    for _ in range(2):
        ground.end(Again.SPOT, FailureKind.SPOT_RECLAIMED)
    ground.see(state="running", started_at=NOW)

    assert [attempt.resources for attempt in ground.made] == [SPOT, SPOT, DEMAND]
    assert [attempt.rate.provider for attempt in ground.made if attempt.rate] == [
        "FARGATE_SPOT",
        "FARGATE_SPOT",
        "FARGATE",
    ]


def test_what_cannot_be_mended_by_itself_is_the_end(ground: Ground) -> None:
    run = ground.end(Again.NEVER, FailureKind.INFRASTRUCTURE, next_step="set ecs.cluster")

    assert (run.status, run.attempt) == ("FAILED", 1)
    assert ground.made[0].next_step == "set ecs.cluster"


def test_waiting_for_capacity_costs_nothing_and_ends_after_its_time(ground: Ground) -> None:
    waits = [ground.end(Again.CAPACITY, FailureKind.INFRASTRUCTURE, billed_s=0) for _ in range(6)]
    run = ground.end(Again.CAPACITY, FailureKind.INFRASTRUCTURE, billed_s=0)

    assert {wait.status for wait in waits} == {"QUEUED"}
    assert "no capacity: waits" in (waits[0].message or "")
    assert run.status == "FAILED"
    assert [attempt.charge_usd for attempt in ground.made] == [0.0] * 7
    assert [attempt.resources.spot for attempt in ground.made] == [True] * 3 + [False] * 4


def test_what_it_really_ran_on_is_charged(ground: Ground) -> None:
    rate = ground.engine.rate(DEMAND)

    ground.end(Again.NEVER, FailureKind.USER_ERROR, billed_s=3600, rate=rate)

    [attempt] = ground.made
    assert rate is not None
    assert attempt.rate == rate
    assert attempt.charge_usd == pytest.approx(rate.usd_per_h)


def test_since_when_it_is_billed_is_written_while_it_is_pulled(ground: Ground) -> None:
    ground.see(state="pending")
    began = ground.now

    ground.see(state="pending", billed_since=began, rate=ground.engine.rate(DEMAND))

    [attempt] = ground.made
    assert attempt.billed_since == began
    assert attempt.rate == ground.engine.rate(DEMAND)
