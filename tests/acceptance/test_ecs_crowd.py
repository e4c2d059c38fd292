"""Many tasks, several homes in one cluster, and AWS out of reach while jobs run."""

import os
from collections.abc import Mapping
from pathlib import Path

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl
from jupyter_flotilla.engines.ecs.install import STARTED_BY, install_of
from jupyter_flotilla.model.options import read_options
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_settings

_SMALL = {"cpu": 0.25, "memory": "512M"}
_SAY = ["sh", "-c", "echo $FLOTILLA_LAUNCH_KEY"]
_EXPIRED = {
    "code": "ExpiredTokenException",
    "message": "The security token included in the request is expired",
    "status": 400,
}
_BROKEN = {"code": "ServerException", "message": "DescribeTasks has a bad day", "status": 500}


@pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.heavy)])
def test_many_jobs_run_once_each(
    count: int, ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # not all at a time: whatever else runs on this machine must get somewhere, too
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch, ecs={"max_running": 30})
    facade = Flotilla(load_settings())
    draft = facade.draft_command(_SAY, read_options(_SMALL), Path.cwd())

    runs = [fl.RunHandle(facade, facade.submit(draft)) for _ in range(count)]
    for run in runs:
        run.wait()

    assert [run for run in runs if run.status != "SUCCEEDED"] == []
    assert [str(run.logs()) for run in runs] == [f"{run.id}-1\n" for run in runs]
    started = [task["startedBy"] for run in runs for task in ecs_jobs.tasks_of(ecs_ground, run)]
    assert len(set(started)) == len(started) == count
    calls = ecs_ground.calls()
    # beside other tests a machine is full at times, and is asked again; alone there is one each
    assert calls["RunTask"] >= count
    assert calls["DescribeTasks"] < max(count, 40), "many are asked about with one call"
    facade.close()


def test_two_homes_in_one_cluster_hear_of_their_own_tasks_by_events(
    ecs_ground: EcsGround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [tmp_path / "mine", tmp_path / "the other's"]
    prefixes = [STARTED_BY.format(install=install_of(home)) for home in homes]
    with ecs_ground.feed(prefixes[0]) as mine, ecs_ground.feed(prefixes[1]) as other:
        environments = [
            _environment(ecs_ground, home, queue, monkeypatch)
            for home, queue in zip(homes, (mine, other), strict=True)
        ]
        # nothing can be learnt by asking
        ecs_ground.plan("DescribeTasks", error=_BROKEN, times=1000)

        ran = [
            witness.flotilla("run", "--cpu", "0.25", "--memory", "512M", "--bg", "--", *_SAY,
                             env=environment)
            for environment in environments
        ]  # fmt: skip
        waited = [witness.flotilla("wait", "last", env=environment) for environment in environments]
        said = [witness.flotilla("logs", "last", env=environment) for environment in environments]

        assert [one.returncode for one in (*ran, *waited)] == [0, 0, 0, 0], (ran, waited)
        for prefix, log in zip(prefixes, said, strict=True):
            [own] = [started for one in ecs_ground.tasks()
                     if (started := one.get("startedBy", "")).startswith(prefix)]  # fmt: skip
            assert log.stdout == f"{own.removeprefix(prefix)}\n"
        sqs = ecs_ground.client("sqs")
        for queue in (mine, other):
            witness.until(lambda queue=queue: _waiting(sqs, queue) == 0, "its events are taken")
    for home in homes:
        for pid in witness.processes_of_home(home):
            witness.kill(pid)


def _environment(
    ground: EcsGround, home: Path, queue: str, patch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    """Return the environment of a home whose tasks are told of in a queue."""
    folder = home.with_name(f"{home.name} folder")
    folder.mkdir()
    ecs_jobs.use_ecs(ground, folder / "flotilla.toml", patch, ecs={"queue_url": queue})
    ours = {"FLOTILLA_HOME": str(home), "FLOTILLA_CONFIG": str(folder / "flotilla.toml")}
    return {**os.environ, **ours}


def _waiting(sqs: object, queue: str) -> int:
    """Return how many messages are in a queue, those included that somebody has just got."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    said = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names))  # type: ignore[attr-defined]
    return sum(int(said["Attributes"][name]) for name in names)


def test_with_expired_keys_nothing_is_lost_and_what_is_here_is_shown(
    ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)
    done = fl.submit(_SAY, wait=True, **_SMALL)
    run = fl.submit(["sh", "-c", "echo on; sleep 6; echo off"], **_SMALL)
    ecs_jobs.until_said(run, "on")

    for action in ("DescribeTasks", "ListTasks", "StopTask", "RunTask", "DescribeTaskDefinition"):
        # a look at what runs comes every 21 seconds
        ecs_ground.plan(action, error=_EXPIRED, times=1 if action == "DescribeTasks" else 3)
    without = {
        name: value for name, value in os.environ.items()
        if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }  # fmt: skip
    shown = [
        witness.flotilla(*words, env=without)
        for words in (("ls",), ("show", run.id), ("logs", run.id), ("logs", done.id))
    ]
    witness.until(
        lambda: "DescribeTasks" not in [one["action"] for one in ecs_ground.planned()],
        "the keys are good again",
    )

    assert [one.returncode for one in shown] == [0, 0, 0, 0], shown
    listed, detail, log, log_of_done = (one.stdout for one in shown)
    assert "RUNNING" in listed
    assert run.short_id in listed
    assert "RUNNING" in detail
    assert log == "on\n"
    assert log_of_done == f"{done.id}-1\n"
    assert run.wait().status == "SUCCEEDED", run.explain()
    assert str(run.logs()) == "on\noff\n"
    assert len(run.attempts) == 1


def test_without_keys_a_new_job_is_refused_with_what_to_do(
    ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    before = ecs_ground.calls().get("RunTask")
    refused = witness.flotilla("run", "--", "true")

    assert refused.returncode == 2
    assert "Next:" in refused.stderr
    assert "aws" in refused.stderr.split("Next:")[1]
    assert ecs_ground.calls().get("RunTask") == before
