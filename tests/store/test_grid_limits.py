"""Limits that the runs of a grid share, decided where runs are claimed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from witness import NOW

from jupyter_flotilla.errors import AmbiguousRun, RunNotFound
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.grid import Grid
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.store import attempts, grids, runs
from jupyter_flotilla.store.connection import Store

MakeGrid = Callable[..., list[Run]]


@pytest.fixture
def make_grid(store: Store, make_run: Callable[..., Run]) -> MakeGrid:
    """Insert a grid of queued runs; return them in order."""

    def make(
        size: int,
        *,
        grid_id: str = "g0123456789ab",
        max_parallel: int = 10,
        budget_usd: float | None = None,
        ceiling_usd: float | None = None,
    ) -> list[Run]:
        grid = Grid(
            id=grid_id, name="train", owner="me", created_at=NOW, size=size,
            max_parallel=max_parallel, budget_usd=budget_usd,
        )  # fmt: skip
        lender = make_run(created_at=NOW - timedelta(days=1))
        with store.write() as tx:
            runs.request_cancel(tx, lender.id, NOW, 0)  # it only lends its spec
            grids.insert(tx, grid)
            for index in range(size):
                run = lender.model_copy(
                    update={"id": new_run_id(), "created_at": NOW, "grid_id": grid_id,
                            "grid_index": index, "ceiling_usd": ceiling_usd}
                )  # fmt: skip
                runs.insert(tx, run)
        with store.read() as tx:
            return runs.of_grid(tx, grid_id)

    return make


def claim(store: Store, limit: int = 100) -> Attempt | None:
    with store.write() as tx:
        return attempts.claim(tx, "fake", "nowhere", limit, NOW)


def end(store: Store, attempt: Attempt, usd: float) -> None:
    """Let an attempt end and its run succeed, for so much."""
    with store.write() as tx:
        attempts.update(tx, attempt.model_copy(update={"ended_at": NOW, "charge_usd": usd}))
        pending = runs.get(tx, attempt.run_id)
        running = pending.advance(RunStatus.RUNNING, NOW)
        runs.apply(tx, pending, running, NOW)
        runs.apply(tx, running, running.advance(RunStatus.SUCCEEDED, NOW), NOW)


def statuses(store: Store, grid_id: str = "g0123456789ab") -> list[str]:
    with store.read() as tx:
        return [run.status.value for run in runs.of_grid(tx, grid_id)]


def test_a_grid_comes_back_as_it_went_in(store: Store, make_grid: MakeGrid) -> None:
    made = make_grid(3, max_parallel=2, budget_usd=1.5)

    with store.read() as tx:
        grid = grids.get(tx, "g0123456789ab")
    assert (grid.size, grid.max_parallel, grid.budget_usd) == (3, 2, 1.5)
    assert [run.grid_index for run in made] == [0, 1, 2]


def test_runs_of_a_grid_start_in_the_order_of_its_points(store: Store, make_grid: MakeGrid) -> None:
    made = make_grid(3)

    claimed = [attempt.run_id for _ in range(3) if (attempt := claim(store))]

    assert claimed == [run.id for run in made]


def test_no_more_go_on_at_a_time_than_the_grid_allows(store: Store, make_grid: MakeGrid) -> None:
    make_grid(3, max_parallel=2)

    first = [claim(store) for _ in range(3)]
    assert first[0] is not None
    end(store, first[0], 0.0)

    assert first[2] is None
    assert claim(store) is not None
    assert claim(store) is None


def test_a_grid_that_is_full_holds_up_nobody_else(
    store: Store, make_grid: MakeGrid, make_run: Callable[..., Run]
) -> None:
    first = make_grid(3, max_parallel=1)
    other = make_grid(2, grid_id="g9999999999zz", max_parallel=1)
    alone = make_run(created_at=NOW + timedelta(hours=1))

    claimed = [attempt.run_id if (attempt := claim(store)) else None for _ in range(4)]

    assert set(claimed[:2]) == {first[0].id, other[0].id}
    assert claimed[2:] == [alone.id, None]


def test_ceilings_are_reserved_and_what_was_not_needed_comes_back(
    store: Store, make_grid: MakeGrid
) -> None:
    make_grid(4, budget_usd=1.0, ceiling_usd=0.4)

    first, second, third = claim(store), claim(store), claim(store)
    assert first is not None
    assert third is None  # 0.8 are reserved, and may not be needed
    end(store, first, 0.1)

    assert second is not None
    assert claim(store) is not None
    assert statuses(store)[3] == "QUEUED"


def test_what_the_budget_does_not_buy_is_failed_with_the_sums(
    store: Store, make_grid: MakeGrid
) -> None:
    make_grid(4, budget_usd=1.0, ceiling_usd=0.4)
    for _ in range(2):
        attempt = claim(store)
        assert attempt is not None
        end(store, attempt, 0.4)

    assert claim(store) is None

    assert statuses(store) == ["SUCCEEDED", "SUCCEEDED", "FAILED", "FAILED"]
    with store.read() as tx:
        refused = runs.of_grid(tx, "g0123456789ab")[3]
    assert refused.failure_kind == "cost-cap"
    assert "$1.00, $0.80 is spent" in (refused.message or "")


def test_a_further_attempt_needs_no_budget_but_room(store: Store, make_grid: MakeGrid) -> None:
    make_grid(2, budget_usd=0.5, ceiling_usd=0.4, max_parallel=1)
    attempt = claim(store)
    assert attempt is not None
    with store.write() as tx:
        attempts.update(tx, attempt.model_copy(update={"ended_at": NOW, "charge_usd": 0.3}))
        pending = runs.get(tx, attempt.run_id)
        runs.apply(tx, pending, pending.advance(RunStatus.QUEUED, NOW), NOW)

    again = claim(store)

    assert again is not None
    assert (again.run_id, again.number) == (attempt.run_id, 2)
    assert claim(store) is None


def test_a_grid_is_found_by_a_prefix_of_its_id(store: Store, make_grid: MakeGrid) -> None:
    make_grid(1, grid_id="g0123456789ab")
    make_grid(1, grid_id="g0123456789ac")
    make_grid(1, grid_id="g9000000000aa")

    with store.read() as tx:
        found = grids.find(tx, "g90")
        assert found is not None
        assert found.id == "g9000000000aa"
        assert [grids.find(tx, word) for word in ("g", "nope", "gx", "g' OR 1=1", "r90")] == [
            None
        ] * 5
        with pytest.raises(AmbiguousRun):
            grids.find(tx, "g01")
        with pytest.raises(RunNotFound):
            grids.get(tx, "g0")


def test_a_run_that_is_named_like_the_beginning_of_a_grids_id_is_not_taken_for_the_grid(
    store: Store, make_grid: MakeGrid, make_run: Callable[..., Run]
) -> None:
    make_grid(1, grid_id="g12aaaaaaaaaa")
    make_run(name="g12")

    with store.read() as tx:
        assert grids.find(tx, "g12") is None
        assert grids.find(tx, "g12a") == grids.get(tx, "g12aaaaaaaaaa")


def test_the_last_run_of_a_grid_takes_it_along(store: Store, make_grid: MakeGrid) -> None:
    made = make_grid(2)
    with store.write() as tx:
        for run in made:
            runs.request_cancel(tx, run.id, NOW, 0)

    found = []
    for run in made:
        with store.write() as tx:
            runs.delete(tx, run.id)
            found.append(grids.find(tx, "g0123456789ab"))

    assert [grid is None for grid in found] == [False, True]
