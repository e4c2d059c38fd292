"""Whatever is killed, and whenever: a job on ECS runs once, and its results come."""

import os
import signal
from pathlib import Path

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl
from jupyter_flotilla.commands.dispatch import dispatcher_status
from jupyter_flotilla.service import Flotilla

_JOB = ["sh", "-c", "echo start; sleep $0; echo made > result; echo end"]


@pytest.fixture(autouse=True)
def _on_ecs(ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)


def _dispatcher(facade: Flotilla) -> int:
    """Return the pid of the dispatcher that lives, once one does."""

    def holder() -> int | None:
        alive = [row for row in dispatcher_status(facade) if row["is_alive"]]
        return int(str(alive[0]["pid"])) if alive else None

    return int(witness.until(holder, "a dispatcher"))


def _submit(seconds: int) -> fl.RunHandle:
    return fl.submit([*_JOB, str(seconds)], fetch=["result"])


def _check_whole(run: fl.RunHandle, ground: EcsGround, folder: Path) -> None:
    """Fail unless the job of a run has run once, and all of it has come."""
    run.wait()
    assert run.status == "SUCCEEDED", run.explain()
    assert str(run.logs()).startswith("start\nend\n[flotilla: brought back 1 file")
    run.download("result", to=folder)
    assert (folder / "result").read_text() == "made\n"
    assert len(ecs_jobs.tasks_of(ground, run)) == 1
    [attempt] = run.attempts
    assert (attempt.charge_usd or 0) > 0


@pytest.mark.parametrize("has_effect", [False, True], ids=["before the effect", "after it"])
def test_a_dispatcher_that_is_killed_in_a_launch_leaves_one_task(
    ecs_ground: EcsGround, facade: Flotilla, tmp_path: Path, has_effect: bool
) -> None:
    ecs_ground.plan(hangs_s=30, has_effect=has_effect)
    run = _submit(0)
    witness.until(lambda: not ecs_ground.planned(), "RunTask is asked, and has no answer")

    witness.kill(_dispatcher(facade))

    _check_whole(run, ecs_ground, tmp_path / "brought")
    assert ecs_ground.calls()["RunTask"] == 2


def test_a_dispatcher_that_is_killed_while_the_input_is_sent_leaves_one_task(
    ecs_ground: EcsGround, facade: Flotilla, tmp_path: Path
) -> None:
    run = _submit(0)
    folder = run._flotilla.attempt_folder(run.id, 1)
    witness.until((folder / "job.json").exists, "the launch has begun")

    witness.kill(_dispatcher(facade))

    _check_whole(run, ecs_ground, tmp_path / "brought")


def test_a_job_outlives_the_dispatchers_that_are_killed_while_it_runs(
    ecs_ground: EcsGround, facade: Flotilla, tmp_path: Path
) -> None:
    run = _submit(4)
    ecs_jobs.until_said(run, "start")

    for _ in range(2):
        witness.kill(_dispatcher(facade))
        fl.runs()  # whoever looks brings the next

    _check_whole(run, ecs_ground, tmp_path / "brought")


def test_what_ends_while_nobody_looks_is_whole_for_whoever_comes(
    ecs_ground: EcsGround, facade: Flotilla, tmp_path: Path
) -> None:
    run = _submit(1)
    pid = _dispatcher(facade)
    task = ecs_jobs.task_of(ecs_ground, run)
    os.kill(pid, signal.SIGSTOP)
    try:
        ecs_ground.wait(task["taskArn"])
    finally:
        witness.kill(pid)

    _check_whole(run, ecs_ground, tmp_path / "brought")
    assert len(ecs_jobs.tasks_of(ecs_ground, run)) == 1


def test_a_dispatcher_that_is_killed_while_results_are_saved_loses_none(
    ecs_ground: EcsGround, facade: Flotilla, tmp_path: Path
) -> None:
    run = _submit(1)
    folder = run._flotilla.attempt_folder(run.id, 1)
    witness.until((folder / "exit.json").exists, "its end is here, and its task goes on")

    witness.kill(_dispatcher(facade))

    _check_whole(run, ecs_ground, tmp_path / "brought")
