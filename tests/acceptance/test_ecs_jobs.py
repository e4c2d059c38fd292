"""Jobs as tasks of ECS, in real containers: what a user has of them.

They are all submitted at once, and each test looks at one: most of their time is waiting.
"""

import importlib
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl
from jupyter_flotilla.model.stop import GRACE_S

pytestmark = pytest.mark.xdist_group("jobs on ECS")

_MODULE = "def add(a, b):\n    return {'sum': a + b}\n"
_FAILS = "print('before')\ndef inner():\n    raise KeyError('gone astray')\ninner()"
_EAT = "x = bytearray(800_000_000); print('fed', len(x))"
_SECRET = "hush-hush-hush"
_GONE = "registry.example.com/nobody/python:3.12-slim"

Jobs = SimpleNamespace


@pytest.fixture(scope="module")
def jobs(_ecs_ground: EcsGround, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """One job of each kind, all of them ended."""
    folder = tmp_path_factory.mktemp("jobs")
    home = folder / "flo tilla's hömé"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOTILLA_HOME", str(home))
        patch.setenv("FLOTILLA_CONFIG", str(folder / "flotilla.toml"))
        ecs_jobs.use_ecs(_ecs_ground, folder / "flotilla.toml", patch)
        _ecs_ground.client("ssm").put_parameter(
            Name=f"/{folder.name}/token", Value=_SECRET, Type="SecureString", Overwrite=True
        )
        patch.chdir(folder)
        made = _submitted(folder, patch)
        for run in vars(made).values():
            if run != made.cancelled:
                run.wait()
        ecs_jobs.until_said(made.cancelled, "second")
        made.cancelled.cancel().wait()
        made.home = home
        yield made
    for pid in witness.processes_of_home(home):
        witness.kill(pid)


def _submitted(folder: Path, patch: pytest.MonkeyPatch) -> Jobs:
    (folder / "data").mkdir()
    (folder / "data" / "odd name 'é").write_text("from here\n")
    (folder / "adding.py").write_text(_MODULE)
    patch.syspath_prepend(str(folder))
    notebook = witness.notebook(
        folder / "grid.ipynb",
        "print('alpha is', alpha)\nopen('made.txt', 'w').write('x' * alpha)\n{'beta': beta}",
        parameters="alpha = 1\nbeta = 'b'",
    )
    slow = witness.notebook(
        folder / "slow.ipynb", "print('first')",
        "import time\nprint('second', flush=True)\ntry:\n    time.sleep(600)\nfinally:\n"
        "    print('cleaned')",
        "print('third')",
    )  # fmt: skip
    small: dict[str, Any] = {"cpu": 0.25, "memory": "512M"}
    script = "cat data/*; ls /flotilla 2>&1; grep -c /runs/ /proc/mounts; exit 3"
    return Jobs(
        # 4 vCPU and 8 G cost 3.3 m$ a minute, the shortest that is billed
        capped=fl.submit(["sleep", "99"], cpu=4, memory="8G", max_cost=0.0034),
        cancelled=fl.run_notebook(slow),
        command=fl.submit(["sh", "-c", script], files=["data"]),
        call=fl.submit(importlib.import_module("adding").add, 40, 2),
        cell=fl.run_source("import sys\nprint(sys.version_info[0], file=sys.stderr)\n6 * 7"),
        notebook=fl.run_notebook(notebook, params={"alpha": 3}, fetch=["made.txt"]),
        failing=fl.run_source(_FAILS),
        hungry=fl.submit(["python3", "-c", _EAT], on_oom="double", **small),
        timed_out=fl.submit(["sleep", "99"], timeout="2s"),
        no_image=fl.submit(["true"], image=_GONE, retries=3),
        secret=fl.submit(["sh", "-c", "test ${#TOKEN} = 14 && echo $TOKEN is known"],
                         secrets=[f"TOKEN=ssm:/{folder.name}/token"]),
        no_secret=fl.submit(["true"], secrets=["TOKEN=ssm:/not/there"], retries=3),
    )  # fmt: skip


def test_a_command_has_its_files_and_its_exit_code_comes_back(jobs: Jobs) -> None:
    said = str(jobs.command.logs())

    assert said.split("\n")[0] == "from here"
    assert said.strip().endswith("0")  # nothing of this machine is mounted
    assert (jobs.command.status, jobs.command.attempts[0].exit_code) == ("FAILED", 3)
    assert jobs.command.snapshot.failure_kind == "user-error"


def test_a_call_brings_its_module_and_its_value_comes_back(jobs: Jobs) -> None:
    assert jobs.call.result() == {"sum": 42}


def test_a_cell_comes_back_with_what_it_writes_and_its_last_value(jobs: Jobs) -> None:
    assert jobs.cell.result() == {"text/plain": "42"}
    assert str(jobs.cell.logs()) == f"{sys.version_info[0]}\n42\n"


def test_a_notebook_has_its_parameters_and_comes_back_with_its_files(
    jobs: Jobs, tmp_path: Path
) -> None:
    run = jobs.notebook

    outputs = [out for cell in run.result().cells for out in cell.get("outputs", [])]
    assert [out.get("text") or out["data"]["text/plain"] for out in outputs] == [
        "alpha is 3\n",
        "{'beta': 'b'}",
    ]
    run.download("made.txt", to=tmp_path)
    assert (tmp_path / "made.txt").read_text() == "xxx"


def test_failing_code_comes_back_with_its_traceback(jobs: Jobs) -> None:
    assert (jobs.failing.status, jobs.failing.snapshot.failure_kind) == ("FAILED", "user-error")
    with pytest.raises(fl.RunFailed, match="KeyError: 'gone astray'"):
        jobs.failing.result()
    said = str(jobs.failing.logs())
    assert said.startswith("before\n")
    assert "in inner()" in re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert len(jobs.failing.attempts) == 1


def test_what_is_out_of_memory_runs_again_with_more(jobs: Jobs) -> None:
    first, second = jobs.hungry.attempts

    assert jobs.hungry.status == "SUCCEEDED", jobs.hungry.explain()
    assert first.failure_kind == "out-of-memory"
    assert [one.resources.memory_mib for one in (first, second)] == [512, 1024]
    assert str(jobs.hungry.logs()) == "fed 800000000\n"
    assert (second.charge_usd or 0) > (first.charge_usd or 0) > 0


def test_a_timeout_ends_a_job(jobs: Jobs) -> None:
    [attempt] = jobs.timed_out.attempts

    assert (jobs.timed_out.status, attempt.failure_kind) == ("FAILED", "timeout")
    assert "Timeout: stopped after 2s" in (attempt.message or "")


def test_a_cost_cap_ends_a_job_before_it_costs_more(jobs: Jobs) -> None:
    [attempt] = jobs.capped.attempts

    assert attempt.failure_kind == "cost-cap"
    assert "Cost cap: $0.0034" in (attempt.message or "")
    assert attempt.rate is not None
    assert attempt.duration_s is not None
    # how long it takes to take a container away is this machine's, and AWS's
    assert attempt.duration_s + GRACE_S < 0.0034 / attempt.rate.usd_per_h * 3600
    assert (attempt.charge_usd or 0) > 0


def test_a_cancel_lets_clean_up_run_and_brings_the_notebook_as_far_as_it_was(jobs: Jobs) -> None:
    run = jobs.cancelled

    assert run.status == "CANCELLED"
    said = str(run.logs())
    assert "cleaned" in said
    assert "third" not in said
    saved = run.notebook_path.read_text()
    assert "first" in saved
    assert "cleaned" in saved
    assert run.attempts[0].charge_usd is not None


def test_an_image_that_is_not_there_is_said_and_not_asked_for_again(jobs: Jobs) -> None:
    [attempt] = jobs.no_image.attempts

    assert (jobs.no_image.status, attempt.failure_kind) == ("FAILED", "image")
    assert "There is no such image" in (attempt.message or "")
    assert _GONE in (attempt.message or "")
    assert "--image" in (attempt.next_step or "")


def test_a_secret_that_is_not_there_is_said_and_not_asked_for_again(jobs: Jobs) -> None:
    [attempt] = jobs.no_secret.attempts

    assert (jobs.no_secret.status, attempt.failure_kind) == ("FAILED", "environment")
    assert "/not/there" in (attempt.message or "")


def test_a_secret_reaches_the_job_and_is_written_nowhere(
    jobs: Jobs, _ecs_ground: EcsGround
) -> None:
    run = jobs.secret
    assert (run.status, str(run.logs())) == ("SUCCEEDED", "*** is known\n")

    [task] = ecs_jobs.tasks_of(_ecs_ground, run)
    ecs, s3 = _ecs_ground.client("ecs"), _ecs_ground.client("s3")
    defined = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
    [container] = defined["taskDefinition"]["containerDefinitions"]
    assert [one["name"] for one in container["secrets"]] == ["TOKEN"]
    assert container["secrets"][0]["valueFrom"].endswith("/token")

    places = {"task": str(task), "definition": str(defined)}
    places["log"] = "".join(_ecs_ground.log(task["taskArn"]))
    places["dispatcher"] = witness.flotilla("show", run.id, env=_environment(jobs)).stdout
    # by another program: whoever opens and closes a store's file gives up all locks on it
    places["home"] = witness.program("grep", "-rF", _SECRET, jobs.home).stdout
    assert run.id in witness.program("grep", "-rlF", run.id, jobs.home).stdout
    prefix = f"{jobs.home.parent.name}/runs/{run.id[1:3]}/{run.id}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=_ecs_ground.bucket, Prefix=prefix)
    for page in pages:
        for one in page["Contents"]:
            body = s3.get_object(Bucket=_ecs_ground.bucket, Key=one["Key"])["Body"].read()
            places[one["Key"]] = body.decode(errors="replace")
    assert [place for place, text in places.items() if _SECRET in text] == []
    assert any("is known" in text for text in places.values())


def test_each_attempt_is_billed_for_what_its_task_had_and_how_long(
    jobs: Jobs, _ecs_ground: EcsGround
) -> None:
    run = jobs.hungry
    tasks = [ecs_jobs.task_of(_ecs_ground, run, one.number) for one in run.attempts]

    for attempt, task in zip(run.attempts, tasks, strict=True):
        assert attempt.rate is not None
        assert (attempt.rate.provider, attempt.rate.is_hypothetical) == ("FARGATE", False)
        # prices of us-east-1 an hour: a vCPU, a GiB, an address; a minute at least
        gib = int(task["memory"]) / 1024
        usd_per_h = int(task["cpu"]) / 1024 * 0.04048 + gib * 0.004445 + 0.005
        seconds = max(60, math.ceil(task["stoppedAt"] - task["pullStartedAt"]))
        assert attempt.charge_usd == pytest.approx(usd_per_h * seconds / 3600, rel=1e-6)
    assert run.cost.billed_usd == sum(one.charge_usd or 0 for one in run.attempts)


def test_nothing_is_left_of_ended_jobs(jobs: Jobs, _ecs_ground: EcsGround) -> None:
    runs = [run for run in vars(jobs).values() if isinstance(run, fl.RunHandle)]

    assert len(runs) == 12
    for run in runs:
        tasks = ecs_jobs.tasks_of(_ecs_ground, run)
        assert len(tasks) == len(run.attempts)
        witness.until(
            lambda run=run: all(
                task["lastStatus"] == "STOPPED" for task in ecs_jobs.tasks_of(_ecs_ground, run)
            ),
            "its tasks have stopped",
        )
        assert ecs_jobs.containers_of(run) == []


def _environment(jobs: Jobs) -> Mapping[str, str]:
    folder = jobs.home.parent
    ours = {"FLOTILLA_HOME": str(jobs.home), "FLOTILLA_CONFIG": str(folder / "flotilla.toml")}
    return {**os.environ, **ours}
