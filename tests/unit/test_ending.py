"""`protocol.ending`: how an attempt ended, from what was seen of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.observation import Ending
from jupyter_flotilla.protocol.ending import Evidence, decide

MIB = st.floats(0, 1e6)
ERRORS = st.fixed_dictionaries(
    {
        "ename": st.sampled_from(["ValueError", "DeadKernelError", "漢"]),
        "cell": st.none() | st.integers(0, 200),
    }
)
OUTCOMES = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["succeeded", "failed", "stopped"]),
        "exit_code": st.none() | st.integers(0, 255),
        "signal": st.none() | st.integers(1, 64),
        "failure_kind": st.sampled_from(["user-error", "environment", None]),
        "message": st.text(min_size=1),
        "error": st.none() | ERRORS,
    }
)
STOPS = st.fixed_dictionaries(
    {
        "reason": st.sampled_from(["cancel", "out-of-memory", "timeout", "cost-cap"]),
        "message": st.text(min_size=1),
    }
)
EVIDENCE = st.builds(
    Evidence,
    outcome=st.none() | OUTCOMES,
    stop=st.none() | STOPS,
    was_started=st.booleans(),
    runner_returncode=st.none() | st.integers(-64, 255),
    system_oom=st.booleans(),
    runner_log=st.text(),
    peak_memory_mib=MIB,
)


def evidence(**fields: Any) -> Evidence:
    given: dict[str, Any] = {
        "outcome": None,
        "stop": None,
        "was_started": True,
        "runner_returncode": 0,
        "system_oom": False,
        "runner_log": "",
        "peak_memory_mib": 0.0,
    }
    return Evidence(**(given | fields))


def failed(**fields: Any) -> dict[str, Any]:
    return {"outcome": "failed", "failure_kind": "user-error", "message": "It failed."} | fields


CELL_FAILED = failed(error={"ename": "ValueError", "cell": 4}, message="Cell 5 failed: é")
TIMEOUT = {"reason": "timeout", "message": "Timeout: stopped after 2h."}
CANCEL = {"reason": "cancel", "message": "Cancelled."}


@given(EVIDENCE)
def test_every_evidence_gives_a_legal_ending(now, evidence):
    assert Ending(**decide(evidence), ended_at=now, duration_s=1)


@given(EVIDENCE)
def test_every_failure_has_a_kind_and_words(evidence):
    ending = decide(evidence)

    assert (ending["failure_kind"] is not None) == (ending["outcome"] == "failed")
    assert ending["outcome"] == "succeeded" or ending["message"]


@given(EVIDENCE)
def test_a_job_that_reached_its_end_succeeded_whatever_came_after(evidence):
    reached = evidence.outcome is not None and evidence.outcome["outcome"] == "succeeded"

    assert (decide(evidence)["outcome"] == "succeeded") == reached


@given(EVIDENCE)
def test_only_what_was_cancelled_is_cancelled(evidence):
    ending = decide(evidence)

    assert ending["outcome"] != "cancelled" or evidence.stop["reason"] == "cancel"


def test_success_keeps_the_exit_code_and_says_nothing():
    ending = decide(evidence(outcome={"outcome": "succeeded", "exit_code": 0}))

    assert (ending["exit_code"], ending["failure_kind"], ending["message"]) == (0, None, None)


@pytest.mark.parametrize("reason", ["out-of-memory", "timeout", "cost-cap"])
def test_limit_that_stopped_a_job_is_why_it_failed(reason):
    stop = {"reason": reason, "message": f"{reason}!"}

    ending = decide(evidence(stop=stop, outcome={"outcome": "stopped"}))

    assert (ending["outcome"], ending["failure_kind"]) == ("failed", reason)
    assert ending["message"] == f"{reason}!"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param({"outcome": {"outcome": "stopped"}}, id="it obeyed"),
        pytest.param({"outcome": CELL_FAILED}, id="it failed while stopping"),
        pytest.param({"runner_returncode": -9}, id="it was killed"),
        pytest.param({"was_started": False, "runner_returncode": None}, id="it never began"),
        pytest.param({"system_oom": True, "runner_returncode": -9}, id="memory ran out as well"),
    ],
)
def test_cancelled_job_is_cancelled_however_it_went(seen):
    ending = decide(evidence(stop=CANCEL, **seen))

    assert (ending["outcome"], ending["message"]) == ("cancelled", "Cancelled.")


def test_stopped_job_keeps_what_the_runner_knows():
    outcome = {"outcome": "stopped", "exit_code": None, "signal": 2}

    ending = decide(evidence(stop=TIMEOUT, outcome=outcome))

    assert (ending["signal"], ending["exit_code"]) == (2, None)


def test_failed_cell_is_named():
    ending = decide(evidence(outcome=CELL_FAILED))

    assert (ending["failure_kind"], ending["failed_cell"]) == ("user-error", 4)
    assert ending["message"] == "Cell 5 failed: é"


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(failed(error={"ename": "DeadKernelError", "cell": 2}), id="kernel died"),
        pytest.param(failed(signal=9, error=None), id="command killed"),
    ],
)
def test_job_that_the_system_killed_for_memory_is_out_of_memory(outcome):
    ending = decide(evidence(outcome=outcome, system_oom=True, peak_memory_mib=1234.5))

    assert ending["failure_kind"] == "out-of-memory"
    assert "the system itself" in ending["message"]
    assert "1234 MiB" in ending["message"]


@pytest.mark.parametrize(
    ("outcome", "system_oom"),
    [
        pytest.param(failed(signal=9), False, id="killed, memory was enough"),
        pytest.param(CELL_FAILED, True, id="memory ran out elsewhere"),
        pytest.param(failed(signal=15), True, id="another signal"),
    ],
)
def test_job_that_the_system_did_not_kill_failed_by_itself(outcome, system_oom):
    ending = decide(evidence(outcome=outcome, system_oom=system_oom))

    assert ending["failure_kind"] == "user-error"


def test_runner_killed_for_memory_is_out_of_memory():
    ending = decide(evidence(runner_returncode=-9, system_oom=True))

    assert ending["failure_kind"] == "out-of-memory"


def test_python_that_does_not_start_is_the_environments_fault():
    ending = decide(evidence(was_started=False, runner_returncode=1, runner_log="No module 'é'"))

    assert ending["failure_kind"] == "environment"
    assert "exit code 1" in ending["message"]
    assert "No module 'é'" in ending["message"]


@pytest.mark.parametrize(
    ("code", "words"),
    [(-15, "killed by signal 15, not by Flotilla"), (3, "(exit code 3)"), (None, "is gone")],
    ids=str,
)
def test_runner_that_left_no_result_is_lost(code, words):
    ending = decide(evidence(runner_returncode=code, runner_log="Fatal <b>"))

    assert ending["failure_kind"] == "lost"
    assert words in ending["message"]
    assert "Its last words: Fatal <b>" in ending["message"]
    assert "None" not in ending["message"]


def test_a_job_that_somebody_else_has_interrupted_is_told_so():
    outcome = {"outcome": "stopped", "failure_kind": None, "message": None}

    ending = decide(evidence(outcome=outcome))

    assert (ending["outcome"], ending["failure_kind"]) == ("failed", "user-error")
    assert "a signal that Flotilla did not send" in ending["message"]
