"""A task whose disk is too small for what it brings: once more with a larger one, then told.

The room of the job is where Docker gives a container 64 MB and no more; unlike on Fargate, a larger
disk that is asked for does not enlarge it.
"""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl
from jupyter_flotilla.engines.remote import ROOM

_MORE_THAN_FITS = 80_000_000


@pytest.fixture
def small(ecs_ground: EcsGround) -> Iterator[str]:
    """An image in which the room of a job is on the small disk."""
    name = f"flotilla-test-small:{uuid.uuid4().hex[:8]}"
    recipe = f"FROM {ecs_ground.image}\nRUN ln -s /dev/shm {ROOM}\n"
    subprocess.run(
        ["docker", "build", "-q", "-t", name, "-"], input=recipe, text=True, check=True,
        capture_output=True,
    )  # fmt: skip
    yield name
    subprocess.run(["docker", "rmi", "-f", name], check=True, capture_output=True)


def test_a_full_disk_is_tried_once_with_twice_the_disk_and_then_told(
    ecs_ground: EcsGround,
    settings_file: Path,
    small: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(_MORE_THAN_FITS))
    monkeypatch.chdir(tmp_path)

    run = fl.submit(["true"], image=small, files=["big.bin"], timeout="5m")
    run.wait()
    shown = witness.flotilla("show", run.id).stdout

    assert (run.status, run.attempts[-1].failure_kind) == ("FAILED", "environment")
    assert [one.resources.disk_gib for one in run.attempts] == [None, 40]
    assert [one.exit_code for one in run.attempts] == [72, 72]
    assert "attempt    2, disk 40 G" in shown
    assert "Its disk is too small for its files." in shown
    assert "No space left on device" in shown
    assert "Next: --disk 100G" in shown
    asked = [task.get("overrides", {}).get("ephemeralStorage") for task in
             (ecs_jobs.task_of(ecs_ground, run, number) for number in (1, 2))]  # fmt: skip
    assert asked == [None, {"sizeInGiB": 40}]


def test_the_same_job_fits_where_the_disk_is_large_enough(
    ecs_ground: EcsGround,
    settings_file: Path,
    small: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)
    (tmp_path / "little.bin").write_bytes(bytes(1_000_000))
    monkeypatch.chdir(tmp_path)

    run = fl.submit(["wc", "-c", "little.bin"], image=small, files=["little.bin"], timeout="5m")

    assert run.wait().status == "SUCCEEDED"
    assert "1000000 little.bin" in str(run.logs())
