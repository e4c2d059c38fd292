"""`jupyter_flotilla.job`: what user code may call, inside a job and outside."""

import json
import threading

import pytest

from jupyter_flotilla import job
from jupyter_flotilla.protocol import ENV_RUN_ID, ENV_SAID


@pytest.fixture
def said(weird_path, monkeypatch):
    """Be inside a job; return what it says, one record a line."""
    path = weird_path / "said.jsonl"
    monkeypatch.setenv(ENV_RUN_ID, "r0123456789ab")
    monkeypatch.setenv(ENV_SAID, str(path))
    return lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def outside(monkeypatch):
    """Be outside of any job."""
    monkeypatch.delenv(ENV_RUN_ID, raising=False)
    monkeypatch.delenv(ENV_SAID, raising=False)


def test_public_functions_are_these():
    assert sorted(job.__all__) == [
        "checkpoint_dir",
        "is_inside",
        "log_metric",
        "progress",
        "run_id",
    ]


def test_outside_there_is_no_run(outside):
    assert (job.is_inside(), job.run_id()) == (False, None)


def test_inside_the_run_is_known(said):
    assert (job.is_inside(), job.run_id()) == (True, "r0123456789ab")


def test_progress_outside_says_nothing(outside, weird_path, monkeypatch):
    monkeypatch.chdir(weird_path)

    job.progress(1, 2, "fitting")

    assert list(weird_path.iterdir()) == []


def test_progress_is_one_line(said):
    job.progress(3, 10, "fitting\n'é' 漢")

    (record,) = said()
    assert record.pop("at") > 0
    assert record == {"kind": "progress", "done": 3.0, "total": 10.0, "message": "fitting\n'é' 漢"}


def test_total_may_be_unknown(said):
    job.progress(3)

    assert [(r["done"], r["total"], r["message"]) for r in said()] == [(3.0, None, "")]


def test_calls_are_kept_in_order(said):
    for done in range(5):
        job.progress(done, 5)

    assert [record["done"] for record in said()] == [0, 1, 2, 3, 4]


def test_message_is_cut_at_200_characters(said):
    job.progress(1, 1, "漢" * 10_000)

    assert said()[0]["message"] == "漢" * 200


def test_message_may_be_anything_with_a_text(said):
    job.progress(1, 1, ValueError("'é'"))

    assert said()[0]["message"] == "'é'"


def test_half_of_a_utf16_pair_in_a_message_does_not_fail_the_job(said):
    job.progress(1, 1, "\ud83d")

    assert said()[0]["message"] == "\ud83d"


def test_lines_of_several_threads_do_not_mix(said):
    threads = [
        threading.Thread(target=lambda n=n: [job.progress(n, 4, "é" * 200) for _ in range(50)])
        for n in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(record["done"] for record in said()) == [n for n in range(4) for _ in range(50)]


def test_progress_that_cannot_be_written_does_not_fail_the_job(weird_path, monkeypatch):
    monkeypatch.setenv(ENV_SAID, str(weird_path / "gone" / "said.jsonl"))

    job.progress(1, 2)

    assert list(weird_path.iterdir()) == []


def test_a_metric_is_one_line(said):
    job.log_metric("loss\n'é'", 0.25, step=3)

    (record,) = said()
    assert record.pop("at") > 0
    assert record == {"kind": "metric", "name": "loss\n'é'", "value": 0.25, "step": 3.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_what_is_no_number_is_logged_as_none(said, value):
    job.log_metric("loss", value)

    assert [(r["value"], r["step"]) for r in said()] == [(None, None)]
