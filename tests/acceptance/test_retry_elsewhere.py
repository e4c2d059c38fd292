"""A run of one engine is repeated on another, and goes on from what it had saved."""

import json
from collections.abc import Iterator
from pathlib import Path

import ecs_jobs
import pytest
import witness
from docker_jobs import Jobs
from ecs_ground import EcsGround

import jupyter_flotilla as fl

#: Counts in its checkpoint folder; fails until it has done so twice.
_COUNT = """
import os, pathlib, sys
path = pathlib.Path(os.environ["FLOTILLA_CHECKPOINT_DIR"], "inner", "count 'é'")
count = int(path.read_text()) if path.exists() else 0
print("from", count, "in", os.path.exists("/flotilla") and "folders" or "a bucket", flush=True)
path.parent.mkdir(exist_ok=True)
path.write_text(str(count + 1))
"""
_EAT = "if count < 1:\n    x = []\n    while True: x.append(bytearray(10**7))\n"
_FAIL = "sys.exit(count < 1)\n"


@pytest.fixture
def docker(settings_file: Path, docker_ground: str, tmp_path: Path) -> Iterator[None]:
    """At first, jobs run in containers of this machine, whose folders are mounted."""
    _write(settings_file, {"engine": "docker", "image": docker_ground})
    jobs = Jobs(docker_ground, tmp_path)
    yield
    jobs.remove_all()


def _write(settings_file: Path, settings: dict[str, object]) -> None:
    of_all = {"idle_s": 1, "retry_delay_s": 0.1, "checkpoint_every_s": 1, **settings}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in of_all.items()]
    settings_file.write_text("".join(lines))


def _set_up_ecs(
    ground: EcsGround, settings_file: Path, patch: pytest.MonkeyPatch, engine: str = "docker"
) -> None:
    ecs_jobs.use_ecs(ground, settings_file, patch, engine=engine, idle_s=1, checkpoint_every_s=1)


def _again(run: fl.RunHandle, **options: object) -> fl.RunHandle:
    """Return a retry of a run, under the settings as they are now."""
    return fl.get(run.id).retry(**options).wait()  # type: ignore[arg-type]


def _said(run: fl.RunHandle) -> list[str]:
    return [line for line in str(run.logs()).splitlines() if line.startswith("from")]


def test_what_had_too_little_memory_here_goes_on_there(
    docker: None, ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fl.submit(["python3", "-c", _COUNT + _EAT], memory="300M").wait()
    assert first.snapshot.failure_kind == "out-of-memory"
    _set_up_ecs(ecs_ground, settings_file, monkeypatch)

    second = _again(first, engine="ecs", memory="2G")

    assert second.status == "SUCCEEDED", second.explain()
    assert [_said(run) for run in (first, second)] == [
        ["from 0 in folders"],
        ["from 1 in a bucket"],
    ]
    assert second.snapshot.spec.timeout_s == 3600
    [task] = ecs_jobs.tasks_of(ecs_ground, second)
    assert int(task["memory"]) == 2048


def test_a_notebook_moves_with_its_packages_and_comes_back_by_the_command_line(
    docker: None, ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    path = witness.notebook(tmp_path / "n.ipynb", "print(alpha)\n1 / (alpha - 1)",
                            parameters="alpha = 1")  # fmt: skip
    first = fl.run_notebook(path, wait=True)
    assert first.snapshot.failure_kind == "user-error"
    _set_up_ecs(ecs_ground, settings_file, monkeypatch)

    ran = witness.flotilla("retry", first.id, "--engine", "ecs", "--param", "alpha=3", "--yes")

    assert ran.returncode == 0, ran.stderr
    assert "frozen for docker" in ran.stderr
    [second] = [run for run in fl.runs() if run.id != first.id]
    assert second.snapshot.spec.engine == "ecs"
    assert "0.5" in str(second.logs())


def test_through_one_bucket_it_goes_on_there_and_back(
    docker_ground: str, ecs_ground: EcsGround, settings_file: Path,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    _set_up_ecs(ecs_ground, settings_file, monkeypatch, engine="ecs")
    code = _COUNT + "sys.exit(count < 2)\n"
    jobs = Jobs(docker_ground, tmp_path)
    try:
        first = fl.submit(["python3", "-c", code], spot=True).wait()
        second = _again(first, engine="docker")
        third = _again(second, engine="ecs")
    finally:
        jobs.remove_all()

    runs = (first, second, third)
    assert [run.snapshot.spec.engine for run in runs] == ["ecs", "docker", "ecs"]
    assert [_said(run) for run in runs] == [[f"from {n} in a bucket"] for n in range(3)]
    assert third.status == "SUCCEEDED"


def test_a_save_in_a_bucket_that_the_other_has_not_is_said(
    docker_ground: str, ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_up_ecs(ecs_ground, settings_file, monkeypatch, engine="ecs")
    first = fl.submit(["python3", "-c", _COUNT + _FAIL]).wait()
    assert _said(first) == ["from 0 in a bucket"]
    _write(settings_file, {"engine": "docker", "image": docker_ground})

    second = _again(first, engine="docker")

    assert second.status == "FAILED"
    said = str(second.explain())
    assert f"its checkpoint is in s3://{ecs_ground.bucket}/" in said
    assert "in folders of this machine" in said
    assert "retry it where it ran" in said


def test_what_ran_on_this_machine_itself_is_not_moved(
    ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_up_ecs(ecs_ground, settings_file, monkeypatch, engine="process")
    first = fl.submit(["true"]).wait()

    refused = witness.flotilla("retry", first.id, "--engine", "ecs")

    assert refused.returncode == 2
    assert "frozen for process runs there only" in refused.stderr
    assert "Next: submit the job anew: jupyter flotilla run --engine ecs" in refused.stderr
