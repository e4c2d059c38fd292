"""Cancels and deadlines of a job in a container, also with nobody of ours on the host."""

import time

import pytest
import witness
from docker_jobs import Jobs, Killed, KilledBefore, docker, name_of, name_of_order, work

from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import FailureKind

_STUBBORN = "trap '' INT TERM; touch ready; while true; do sleep 0.1; done"
_TIDY = "trap 'echo yes > cleaned; exit 1' INT; touch ready; while true; do sleep 0.1; done"


def test_what_ignores_signals_is_killed_when_its_grace_is_over(jobs: Jobs) -> None:
    handle = jobs.begin(_STUBBORN)

    jobs.engine.stop(handle, 0.5)

    assert jobs.end(handle).outcome == "cancelled"
    witness.until(lambda: jobs.inspect(handle)["State"]["Status"] == "exited")


def test_a_second_stop_hurries_the_first(jobs: Jobs) -> None:
    handle = jobs.begin(_STUBBORN)
    began = time.monotonic()

    jobs.engine.stop(handle, 60)
    witness.until((work(handle).parent / "stop.json").exists)
    jobs.engine.stop(handle, 0)

    assert jobs.end(handle).outcome == "cancelled"
    assert time.monotonic() - began < 20


def test_children_in_sessions_of_their_own_end_with_a_stop(jobs: Jobs) -> None:
    script = f'for i in 1 2 3; do setsid sh -c "{_STUBBORN}" & done; wait'
    handle = jobs.begin(script)

    jobs.engine.stop(handle, 0)

    assert jobs.end(handle).outcome == "cancelled"


def test_a_job_that_is_cancelled_before_it_is_created_never_begins(jobs: Jobs) -> None:
    order = jobs.order("true")

    jobs.engine.stop(jobs.handle(order), 10)
    handle = jobs.engine.launch(order)

    assert jobs.end(handle).outcome == "cancelled"
    assert jobs.daemon.containers(jobs.engine.home_label) == {}


def test_a_job_that_is_cancelled_before_it_is_started_never_begins(jobs: Jobs) -> None:
    order = jobs.order("true")
    handle = jobs.handle(order)
    with pytest.raises(Killed):
        jobs.another_engine(KilledBefore("start")).launch(order)

    jobs.engine.stop(handle, 10)
    docker("start", name_of_order(order))

    assert jobs.end(handle).outcome == "cancelled"
    assert not work(handle).exists()


def test_a_timeout_is_kept_with_nobody_on_the_host(jobs: Jobs) -> None:
    handle = jobs.launch(_TIDY, timeout_s=1)

    docker("wait", name_of(handle))  # and nobody polls

    assert (work(handle) / "cleaned").exists()
    ending = jobs.end(handle)
    assert ending.failure_kind is FailureKind.TIMEOUT
    assert ending.message == "Timeout: stopped after 1s."


def test_a_cost_cap_is_kept_inside(jobs: Jobs) -> None:
    rate = Rate(
        usd_per_h=3.6, cpu=1, memory_mib=1024, region="us-east-1", source="a test",
        is_hypothetical=True,
    )  # fmt: skip
    # a minute is the least that is billed, and a stop takes up to 28 s of it
    ending = jobs.run(_TIDY, max_cost_usd=0.029, rate=rate)

    assert ending.failure_kind is FailureKind.COST_CAP
