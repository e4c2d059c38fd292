"""What a grid may do with its next run."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.grid import Grid, GridUse, gate, new_grid_id, refusal

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def make_grid(*, max_parallel=2, budget_usd=None):
    return Grid(
        id="g0123456789ab", name="train", owner="ana", created_at=NOW, size=8,
        max_parallel=max_parallel, budget_usd=budget_usd,
    )  # fmt: skip


def use(active=0, spent_usd=0.0, reserved_usd=0.0):
    return GridUse(active=active, spent_usd=spent_usd, reserved_usd=reserved_usd)


@pytest.mark.parametrize(
    ("used", "budget_usd", "attempts", "ceiling_usd", "expected"),
    [
        (use(active=1), None, 0, None, "launch"),
        (use(active=2), None, 0, None, "wait"),
        (use(), 1.0, 0, 1.0, "launch"),
        (use(), 1.0, 0, 1.01, "refuse"),
        (use(spent_usd=0.7), 1.0, 0, 0.3, "launch"),
        (use(spent_usd=0.8), 1.0, 0, 0.3, "refuse"),
        (use(active=1, reserved_usd=0.8), 1.0, 0, 0.3, "wait"),
        (use(reserved_usd=0.8), 1.0, 0, 0.3, "wait"),
        (use(spent_usd=9.0), 1.0, 1, 0.3, "launch"),
        (use(active=2, spent_usd=9.0), 1.0, 1, 0.3, "wait"),
        (use(), 1.0, 0, None, "refuse"),
    ],
    ids=[
        "there is room", "as many as may run do", "the budget is just enough",
        "the budget is too small", "what is left is just enough", "what is left is too little",
        "a run that is on may cost less than its ceiling", "so may one that waits for a retry",
        "a further attempt was reserved with the first", "a further attempt needs room",
        "nothing limits what it may cost",
    ],
)  # fmt: skip
def test_gate(used, budget_usd, attempts, ceiling_usd, expected):
    grid = make_grid(budget_usd=budget_usd)

    assert gate(grid, used, attempts=attempts, ceiling_usd=ceiling_usd) == expected


@given(
    ceilings=st.lists(st.floats(0.01, 3), min_size=1, max_size=30),
    shares=st.lists(st.floats(0, 1), min_size=30, max_size=30),
    budget_usd=st.floats(0.01, 20),
    max_parallel=st.integers(1, 5),
)
def test_no_order_of_ends_passes_a_limit_and_none_is_stuck(
    ceilings, shares, budget_usd, max_parallel
):
    grid = make_grid(max_parallel=max_parallel, budget_usd=budget_usd)
    waiting, running, spent = list(ceilings), [], 0.0

    while waiting or running:
        used = use(len(running), spent, sum(running))
        answer = gate(grid, used, attempts=0, ceiling_usd=waiting[0]) if waiting else "wait"
        if answer == "launch":
            running.append(waiting.pop(0))
        elif answer == "refuse":
            assert not running  # nobody's end could make room for it any more
            waiting.pop(0)
        else:
            assert running, "it waits, and nothing is on that it could wait for"
            spent += running.pop() * shares[len(waiting) % 30]
        assert len(running) <= max_parallel
        assert spent + sum(running) <= budget_usd + 1e-6


def test_the_refusal_names_the_sums():
    words = refusal(make_grid(budget_usd=5), use(spent_usd=4.9), 0.23)

    assert words == (
        "Not launched: of the grid's budget of $5.00, $4.90 is spent, "
        "and this run may cost up to $0.23."
    )


def test_ids_of_grids_begin_with_g():
    assert new_grid_id()[0] == "g"
    assert len(new_grid_id()) == 13
