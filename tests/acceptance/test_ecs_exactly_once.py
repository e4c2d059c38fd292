"""Launches on ECS, whatever is killed when and whatever AWS answers: the fake counts the starts.

``pytest tests/acceptance/test_ecs_exactly_once.py --ecs-chaos-runs 1000 --chaos-seed 7`` is the
long form; from 500 runs on, dispatchers are killed at every statement of everything they do, below
that at every third one of a launch, and every fourth where the next one comes hours later.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import ecs_storm
import pytest
from ecs_chaos import World
from ecs_storm import LONG_GAPS, SHORT_GAPS, Storm

#: What AWS does beside the faults: reads that lag, events that are late, doubled or lost.
_ROUGH: dict[str, Any] = {
    "throttles": True, "missing_s": 20.0, "event_delay_s": (0.0, 40.0), "event_duplicates": 0.2,
    "event_losses": 0.1,
}  # fmt: skip
_WIDE = 500
_HOURS_S = 3 * 3600.0

pytestmark = [
    # the whole grows with --ecs-chaos-runs
    pytest.mark.timeout(3600),
    # what a process has open that is really killed, the system closes
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def promised(request: pytest.FixtureRequest) -> int:
    """How many runs each storm has."""
    return int(request.config.getoption("--ecs-chaos-runs"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--chaos-seed"))


@pytest.fixture
def folder(home: Path) -> Path:
    """The home, made."""
    home.mkdir()
    return home


@pytest.mark.parametrize("gap_s", [0.0, _HOURS_S], ids=["at once", "hours later"])
def test_a_dispatcher_killed_at_any_statement_of_a_launch_starts_it_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, promised: int, gap_s: float, capsys
) -> None:
    world = World(folder, monkeypatch)

    is_wide = promised >= _WIDE
    every = 1 if is_wide else 4 if gap_s else 3
    run_ids, places, unknown = ecs_storm.sweep(world, gap_s, is_wide=is_wide, every=every)

    said = f"killed at {len(run_ids) - 1} of {len(places)} statements, {gap_s:g} s"
    _tell(capsys, world, run_ids, unknown, said)
    assert len(places) > 100
    assert world.violations(run_ids) == []
    started = {key.rpartition("/")[2].partition("-")[0] for key in world.oracle.starts}
    assert set(run_ids) - started == set(unknown)
    assert not (unknown and gap_s == 0)


@pytest.mark.parametrize("has_lease", [False, True], ids=["without lease", "with lease"])
def test_no_fault_of_aws_starts_a_run_twice_or_loses_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, promised: int, seed: int, has_lease: bool, capsys
) -> None:
    world = World(folder, monkeypatch, seed=seed, has_lease=has_lease, of_fake=_ROUGH)
    storm = Storm(world, SHORT_GAPS)

    storm.rage(promised)

    _tell(capsys, world, storm.run_ids, [], f"storm, --chaos-seed {seed}: {dict(storm.counts)}")
    assert world.violations(storm.run_ids) == []
    assert _lost(storm, []) == []


@pytest.mark.parametrize("stalls", [False, True], ids=["gone", "gone or asleep, with lease"])
def test_dispatchers_that_are_gone_for_longer_than_a_token_start_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, promised: int, seed: int, stalls: bool, capsys
) -> None:
    # one that sleeps between two statements may send what ECS has forgotten: then the lease holds
    world = World(folder, monkeypatch, seed=seed, has_lease=stalls, of_fake=_ROUGH)
    storm = Storm(world, LONG_GAPS, stalls=stalls)

    storm.rage(promised)
    unknown = world.decide(storm.run_ids)

    said = f"hours away, --chaos-seed {seed}: {dict(storm.counts)}"
    _tell(capsys, world, storm.run_ids, unknown, said)
    assert world.violations(storm.run_ids) == []
    assert _lost(storm, unknown) == []


@pytest.mark.parametrize(
    "breaks", [ecs_storm.without_token, ecs_storm.without_guard, ecs_storm.without_row]
)
def test_the_count_tells_when_a_launch_loses_a_guard(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int, breaks: Any
) -> None:
    world = World(folder, monkeypatch, seed=seed, of_fake=_ROUGH)
    breaks(monkeypatch)
    storm = Storm(world, LONG_GAPS)

    for promised in range(5, 201, 5):
        storm.rage(promised)
        if any(" started " in sentence for sentence in world.violations(storm.run_ids)):
            return

    pytest.fail(f"nothing started twice: --chaos-seed {seed}")


def _lost(storm: Storm, unknown: list[str]) -> list[str]:
    """Return each run that did not succeed although nobody wanted it ended."""
    excused = storm.cancelled | set(unknown)
    found = [storm.world.run(run_id) for run_id in storm.run_ids if run_id not in excused]
    return [f"{run.id} {run.status}: {run.message}" for run in found if run.status != "SUCCEEDED"]


def _tell(capsys: Any, world: World, run_ids: list[str], unknown: list[str], what: str) -> None:
    found = [world.run(run_id) for run_id in run_ids]
    ends = Counter(f"{run.status} {run.failure_kind or ''}".strip() for run in found)
    made = sum(len(world.attempts(run_id)) for run_id in run_ids)
    with capsys.disabled():
        print(
            f"\n{what}; {len(found)} runs, {made} attempts, {sum(world.fake.launched.values())} "
            f"tasks, {sum(world.oracle.starts.values())} starts, {len(world.oracle.repeated)} "
            f"repeated, {len(unknown)} unknown, {dict(ends)}, "
            f"{sum(world.fake.faulted.values())} faults"
        )
