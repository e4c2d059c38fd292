import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from witness import NOW

from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine

_CLAIMANT = Path(__file__).with_name("claimant.py")


def _claim(store: Store, limit: int = 10) -> str | None:
    with store.write() as tx:
        attempt = attempts.claim(tx, "fake", "nowhere", limit, NOW)
    return None if attempt is None else attempt.run_id


def test_the_run_that_has_waited_longest_is_claimed_first(
    store: Store, make_run: Callable[..., Run]
) -> None:
    later = make_run(created_at=NOW)
    earlier = make_run(created_at=NOW.replace(hour=1))

    claimed = [_claim(store), _claim(store)]

    assert claimed == [earlier.id, later.id]


def test_a_claim_stops_at_the_limit(store: Store, make_run: Callable[..., Run]) -> None:
    for _ in range(3):
        make_run()

    claimed = [_claim(store, limit=2) for _ in range(3)]

    assert claimed[2] is None
    assert None not in claimed[:2]


def test_an_ended_attempt_makes_room(store: Store, make_run: Callable[..., Run]) -> None:
    make_run(), make_run()
    first = _claim(store, limit=1)
    assert first is not None

    with store.write() as tx:
        [attempt] = attempts.of_run(tx, first)
        attempts.update(tx, attempt.model_copy(update={"ended_at": NOW}))

    assert _claim(store, limit=1) is not None


@pytest.mark.parametrize(
    "elsewhere", [{"engine": "other"}, {"place": "another host"}], ids=["engine", "place"]
)
def test_runs_of_another_engine_or_place_are_not_claimed(
    store: Store, make_run: Callable[..., Run], elsewhere: dict[str, str]
) -> None:
    make_run(**elsewhere)

    assert _claim(store) is None


def test_a_claimed_run_is_pending_with_an_attempt_and_an_event(
    store: Store, make_run: Callable[..., Run]
) -> None:
    run = make_run()

    _claim(store)

    with store.read() as tx:
        assert runs.get(tx, run.id).status is RunStatus.PENDING
        assert [attempt.number for attempt in attempts.of_run(tx, run.id)] == [1]


def test_six_processes_launch_300_runs_once_each_and_never_more_than_four_at_a_time(
    store: Store, make_run: Callable[..., Run], home: Path, where: Path | str
) -> None:
    ids = {make_run().id for _ in range(300)}

    claimants = [
        subprocess.Popen(
            [sys.executable, _CLAIMANT, home, str(where), "4", "0.01"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    complaints = [claimant.communicate(timeout=120)[1] for claimant in claimants]

    assert complaints == [""] * 6
    lines = [line.split() for line in FakeEngine(home / "fake").oracle.read_text().splitlines()]
    starts = Counter(key for what, key in lines if what == "start")
    assert starts == Counter(f"{run_id}-1" for run_id in ids)
    running = peak = 0
    for what, _ in lines:
        running += 1 if what == "start" else -1
        peak = max(peak, running)
    assert peak == 4
    with store.read() as tx:
        found = runs.latest(tx, limit=1000)
    assert {run.status for run in found} == {RunStatus.SUCCEEDED}
