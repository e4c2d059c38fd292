"""`render`: what is said of further attempts, and of what to do next."""

from datetime import timedelta

import pytest

from jupyter_flotilla import render
from jupyter_flotilla.model.cost import Cost
from jupyter_flotilla.model.observation import FailureKind, Usage
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.retry import Retry
from jupyter_flotilla.model.run import RunStatus

NOTHING = Cost(usd=None, ceiling_usd=None, rate=None, is_billed=False)
USAGE = Usage(memory_mib=1536, peak_memory_mib=3072, cpu_s=1, cpu_percent=98.6)


@pytest.fixture
def running(make_run, now):
    """Return a run that asked for 2 G and whose second attempt runs."""
    spec = {"resources": Resources(memory_mib=2048)}
    return make_run(spec=spec, status=RunStatus.RUNNING, attempt=2, started_at=now)


@pytest.fixture
def larger(make_attempt, now):
    """Return that second attempt, which got 4 G, at its end."""
    return make_attempt(
        number=2,
        resources=Resources(memory_mib=4096),
        usage=USAGE,
        ended_at=now,
        duration_s=151.0,
        failure_kind=FailureKind.OUT_OF_MEMORY,
    )


def failed(run, now):
    return run.advance(
        RunStatus.FAILED, now, failure_kind=FailureKind.OUT_OF_MEMORY, message="Out of memory."
    )


@pytest.mark.parametrize(
    ("waited_s", "shown"), [(0, "1m30s"), (30, "1m"), (90, "0s"), (500, "0s")], ids=str
)
def test_status_line_between_attempts_says_when_and_why_the_next_begins(
    running, now, waited_s, shown
):
    reason = "user-error: retry 2 of 3"
    retry = Retry(at=now + timedelta(seconds=90), resources=Resources(), reason=reason)
    queued = running.requeue(retry, now)

    [first] = render.status_lines(queued, None, NOTHING, now + timedelta(seconds=waited_s), "r01")

    assert first.endswith(f" · next attempt in {shown} (user-error: retry 2 of 3)")
    assert first.startswith("◷ QUEUED r01 · ")


def test_memory_of_a_running_job_is_of_what_the_attempt_got(running, larger, now):
    attempt = larger.model_copy(update={"ended_at": None})

    _, second = render.status_lines(running, attempt, NOTHING, now, "r01")

    assert second == "mem 1.5 G of 4 G · cpu 99% · price unknown"


def test_memory_without_a_limit_is_shown_alone(running, larger, now):
    attempt = larger.model_copy(update={"ended_at": None, "resources": Resources()})

    _, second = render.status_lines(running, attempt, NOTHING, now, "r01")

    assert second == "mem 1.5 G · cpu 99% · price unknown"


def test_end_line_says_which_attempt_was_the_last(running, larger, now):
    line = render.end_line(failed(running, now), larger, NOTHING, "r01")

    assert line == (
        "✖ FAILED r01 (out-of-memory) · attempt 2 · 2m31s · peak 3 G of 4 G · price unknown"
    )


def test_end_line_of_a_first_attempt_does_not_count(running, larger, now):
    run = failed(running.model_copy(update={"attempt": 1}), now)

    assert "attempt" not in render.end_line(run, larger, NOTHING, "r01")


def test_explanation_offers_the_next_step_under_the_runs_short_id(running, larger, now):
    step = f"jupyter flotilla retry {running.id} --memory 8G"
    attempt = larger.model_copy(update={"next_step": step})

    text = render.explanation(failed(running, now), attempt, ["é"], "r01")

    assert text.splitlines() == [
        "r01 train FAILED (out-of-memory): Out of memory.",
        "  Evidence: peak memory 3 G of 4 G, after 2m31s",
        "  Last lines:",
        "    é",
        "  Next: jupyter flotilla retry r01 --memory 8G",
        "  All of it: jupyter flotilla logs r01",
    ]


def test_explanation_has_no_next_step_where_nobody_knows_one(running, larger, now):
    text = render.explanation(failed(running, now), larger, [], "r01")

    assert "Next" not in text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ([FailureKind.OUT_OF_MEMORY], "attempt 2 (after out-of-memory)"),
        (
            [FailureKind.LOST, FailureKind.USER_ERROR, FailureKind.LOST],
            "attempt 4 (after 2 × lost, user-error)",
        ),
        ([None], "attempt 2"),
    ],
    ids=["one", "several", "unknown"],
)
def test_end_line_names_what_earlier_attempts_ended_with(
    running, larger, make_attempt, now, ends, text
):
    run = failed(running.model_copy(update={"attempt": len(ends) + 1}), now)
    earlier = [make_attempt(number=n, failure_kind=end) for n, end in enumerate(ends, 1)]

    line = render.end_line(run, larger, NOTHING, "r01", earlier)

    assert f" · {text} · 2m31s · " in line
    assert render.attempt_heading(run.attempt, earlier) == f"── {text} ──"
