"""What others do to a container, past Flotilla: told truly, and nothing waits for ever."""

import os
import signal
from pathlib import Path

import psutil
import pytest
import witness
from docker_jobs import Jobs, docker, name_of, work

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.docker import engine
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.runner import upload

_TIDY = "trap 'echo yes > cleaned; exit 1' INT; touch ready; while true; do sleep 0.1; done"
_STUBBORN = "trap '' INT TERM; touch ready; while true; do sleep 0.1; done"


def test_a_container_removed_by_hand_is_lost(jobs: Jobs) -> None:
    handle = jobs.begin(_STUBBORN)

    docker("rm", "-f", name_of(handle))

    ending = jobs.end(handle)
    assert ending.failure_kind is FailureKind.LOST
    assert ending.message == "Its container was removed from outside of Flotilla."


def test_a_container_removed_by_hand_is_never_started_again(jobs: Jobs) -> None:
    order = jobs.order("echo start >> starts; touch ready; sleep 60")
    handle = jobs.engine.launch(order)
    witness.until((work(handle) / "ready").exists)

    docker("rm", "-f", name_of(handle))
    jobs.engine.launch(order)
    jobs.end(handle)
    jobs.engine.launch(order)

    assert witness.lines(work(handle) / "starts") == ["start"]
    assert jobs.daemon.containers(jobs.engine.home_label) == {}


def test_a_container_removed_once_its_job_has_succeeded_has_succeeded(jobs: Jobs) -> None:
    handle = jobs.begin("sleep 60 & touch ready")
    docker("pause", name_of(handle))
    (work(handle).parent / protocol.OUTCOME).write_text('{"outcome": "succeeded", "exit_code": 0}')

    docker("rm", "-f", name_of(handle))

    assert jobs.end(handle).outcome == "succeeded"


def test_a_killed_container_is_lost(jobs: Jobs) -> None:
    handle = jobs.begin(_STUBBORN)

    docker("kill", name_of(handle))

    ending = jobs.end(handle)
    assert ending.failure_kind is FailureKind.LOST
    assert ending.message == "The job's runner was killed by signal 9, not by Flotilla."


def test_a_first_process_killed_from_the_host_is_lost(jobs: Jobs) -> None:
    handle = jobs.begin(_STUBBORN)

    os.kill(jobs.inspect(handle)["State"]["Pid"], signal.SIGKILL)

    assert jobs.end(handle).failure_kind is FailureKind.LOST


def test_a_killed_runner_is_lost_and_leaves_no_word_of_the_job(jobs: Jobs) -> None:
    handle = jobs.begin('echo secret >> "$FLOTILLA_SAID"; touch ready; sleep 60')
    [runner] = psutil.Process(jobs.inspect(handle)["State"]["Pid"]).children()

    runner.kill()

    assert jobs.end(handle).failure_kind is FailureKind.LOST
    assert not (work(handle).parent / protocol.SAID).exists()


def test_docker_stop_lets_clean_up_code_run(jobs: Jobs) -> None:
    handle = jobs.begin(_TIDY)

    docker("stop", name_of(handle))

    jobs.end(handle)
    assert (work(handle) / "cleaned").read_text() == "yes\n"


def test_docker_stop_is_told_as_what_it_is(jobs: Jobs) -> None:
    handle = jobs.begin(_TIDY)

    docker("stop", name_of(handle))

    ending = jobs.end(handle)
    assert ending.failure_kind is FailureKind.LOST
    assert (ending.message or "").startswith("Its container was stopped from outside of Flotilla")


def test_docker_stop_of_what_ends_well_all_the_same_is_a_success(jobs: Jobs) -> None:
    handle = jobs.begin("trap 'exit 0' INT; touch ready; while true; do sleep 0.1; done")

    docker("stop", name_of(handle))

    assert jobs.end(handle).outcome == "succeeded"


def test_docker_stop_waits_longer_than_a_stop_of_ours_takes(jobs: Jobs) -> None:
    handle = jobs.launch("true")

    # from SIGINT to SIGKILL, what the job leaves running, and the last upload with its breaking off
    longest_s = 10 + 3 + 15 + 2 + upload.HURRY_S + upload.BREAK_OFF_S
    assert jobs.inspect(handle)["Config"]["StopTimeout"] > longest_s + 5


def test_a_cancelled_job_that_somebody_paused_goes_on_to_clean_up(jobs: Jobs) -> None:
    handle = jobs.begin(_TIDY)
    docker("pause", name_of(handle))

    jobs.engine.stop(handle, 20)

    assert jobs.end(handle).outcome == "cancelled"
    assert (work(handle) / "cleaned").read_text() == "yes\n"


def test_a_paused_job_is_running(jobs: Jobs) -> None:
    handle = jobs.begin(_STUBBORN)

    docker("pause", name_of(handle))

    assert jobs.until(handle, lambda seen: seen.started_at is not None).state == "running"


def test_a_job_started_again_by_hand_does_not_run_again(jobs: Jobs) -> None:
    handle = jobs.launch("echo start >> starts")
    jobs.end(handle)

    docker("start", "--attach", name_of(handle))

    assert witness.lines(work(handle) / "starts") == ["start"]


def test_a_job_restarted_by_hand_in_the_middle_does_not_run_again(jobs: Jobs) -> None:
    handle = jobs.begin("echo start >> starts; touch ready; sleep 60")

    docker("restart", "--time", "0", name_of(handle))

    assert jobs.end(handle).failure_kind is FailureKind.LOST
    assert witness.lines(work(handle) / "starts") == ["start"]


def test_what_docker_exec_runs_is_spared_when_a_job_is_stopped(jobs: Jobs) -> None:
    handle = jobs.begin("trap 'sleep 1; exit 1' INT; touch ready; while true; do sleep 0.1; done")
    script = "trap 'echo hit > hit' INT TERM; touch inside; while true; do sleep 0.1; done"
    docker("exec", "-d", "-w", "/flotilla/attempt/work", name_of(handle), "sh", "-c", script)
    witness.until((work(handle) / "inside").exists)

    jobs.engine.stop(handle, 5)
    jobs.end(handle)

    assert not (work(handle) / "hit").exists()


def test_a_cancelled_job_whose_first_process_is_frozen_is_killed_from_outside(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM_S", "SAVE_S", "_OVERDUE_S"):
        monkeypatch.setattr(engine, name, 0.5)
    handle = jobs.begin(_STUBBORN)
    os.kill(jobs.inspect(handle)["State"]["Pid"], signal.SIGSTOP)

    jobs.engine.stop(handle, 0)

    ending = jobs.end(handle)
    assert ending.outcome == "cancelled"
    assert ending.message == "Cancelled; it had to be killed from outside."


def test_a_first_process_that_fails_leaves_its_last_words(jobs: Jobs) -> None:
    handle = jobs.begin("touch ready; sleep 60")
    (Path(handle.ref) / protocol.STARTED).write_text('{"at": 1}')

    ending = jobs.end(handle)

    assert ending.failure_kind is FailureKind.LOST
    assert "KeyError" in (ending.message or "")


def test_garbage_in_a_jobs_folder_keeps_nobody_waiting(jobs: Jobs) -> None:
    handle = jobs.begin("touch ready; sleep 60")

    (Path(handle.ref) / protocol.STOP_REQUEST).write_text('{"garbage": true}')

    assert "cannot be read" in (jobs.end(handle).message or "")
