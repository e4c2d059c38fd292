"""`render`: what a run waits for is said while it waits."""

from datetime import timedelta

import pytest

from jupyter_flotilla import render
from jupyter_flotilla.model.cost import Cost
from jupyter_flotilla.model.run import RunStatus

NOTHING = Cost(usd=None, ceiling_usd=None, rate=None, is_billed=False)


@pytest.mark.parametrize(
    ("before", "running", "text"),
    [
        pytest.param(1, 2, "2 of 2 running, 1 before you", id="behind another"),
        pytest.param(0, 2, "2 of 2 running, you are next", id="the next"),
        pytest.param(0, 1, "", id="its turn"),
        pytest.param(3, 1, "1 of 2 running, 3 before you", id="of a grid with less room"),
        pytest.param(3, None, "3 before you", id="too many to count"),
        pytest.param(0, None, "", id="too many to count, its turn"),
    ],
)
def test_queued_run_says_what_it_is_behind(make_run, now, before, running, text):
    queue = render.Queue(before=before, running=running, limit=2)

    [line] = render.status_lines(make_run(), None, NOTHING, now, "r01", queue)

    assert line == " · ".join(part for part in ("◷ QUEUED r01", "0s", text) if part)


@pytest.mark.parametrize(
    ("due_in_s", "expected"),
    [(90, "next attempt in 1m30s (lost)"), (-1, "2 of 2 running, you are next")],
    ids=["later", "due"],
)
def test_further_attempt_waits_for_its_time_and_then_in_the_queue(
    make_run, now, due_in_s, expected
):
    run = make_run(not_before=now + timedelta(seconds=due_in_s), message="lost")
    queue = render.Queue(before=0, running=2, limit=2)

    [line] = render.status_lines(run, None, NOTHING, now, "r01", queue)

    assert line.endswith(f" · {expected}")


def test_run_that_cannot_be_launched_says_why(make_run, make_attempt, now):
    run = make_run(status=RunStatus.PENDING, attempt=1)
    attempt = make_attempt(message="no room left at /home\n  Next: free some space")

    first, _ = render.status_lines(run, attempt, NOTHING, now, "r01")

    assert first == (
        "◌ PENDING r01 · 0s · not launched yet: no room left at /home   Next: free some space"
    )


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.PENDING])
def test_run_that_has_begun_waits_for_nothing(make_run, make_attempt, now, status):
    run = make_run(status=status, attempt=1, message="old", not_before=now)

    first, _ = render.status_lines(run, make_attempt(), NOTHING, now, "r01")

    assert first == f"{render.GLYPHS[status]} {status} r01 · 0s"
