"""What a job keeps in its checkpoint folder goes through the bucket to the next attempt."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import witness
from container_ground import S3Endpoint
from docker_jobs import Jobs, docker

import jupyter_flotilla as fl
from jupyter_flotilla.engines.docker.creation import container_name

_COUNT = """
import os, pathlib, sys, time
folder = pathlib.Path(os.environ["FLOTILLA_CHECKPOINT_DIR"])
path = folder / "inner" / "count 'é'"
count = int((folder / "latest").read_text()) if path.exists() else 0
print("from", count, flush=True)
path.parent.mkdir(exist_ok=True)
path.write_text(str(count + 1))
(folder / "latest").exists() or (folder / "latest").symlink_to("inner/count 'é'")
"""


@pytest.fixture(autouse=True)
def _through_s3(
    settings_file: Path,
    docker_ground: str,
    s3_endpoint: S3Endpoint,
    aws_environment: Mapping[str, str],
    tmp_path: Path,
) -> Iterator[None]:
    """Whatever is submitted to Docker has its files in a bucket."""
    settings = {
        "image": docker_ground,
        "artifacts": f"s3://{s3_endpoint.bucket}/{tmp_path.name}",
        "checkpoint_every_s": 1,
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    settings_file.write_text(settings_file.read_text() + lines)
    jobs = Jobs(docker_ground, tmp_path)
    yield
    jobs.remove_all()


def _python(code: str) -> list[str]:
    return ["python3", "-c", _COUNT + code]


def _counts(run: fl.RunHandle) -> list[str]:
    return [line for line in str(run.logs()).splitlines() if line.startswith("from")]


def test_the_next_attempt_and_a_retry_by_hand_go_on() -> None:
    first = fl.submit(_python("sys.exit(count < 2)"), engine="docker", retries=1).wait()

    second = first.retry().wait()

    assert [_counts(run) for run in (first, second)] == [["from 0", "from 1"], ["from 2"]]
    assert (first.status, second.status) == ("FAILED", "SUCCEEDED")
    assert "checkpoint restored: 1 file, 1 B" in str(second.logs())


def test_after_a_container_is_killed_the_last_save_is_gone_on_with() -> None:
    run = fl.submit(_python("time.sleep(0 if count else 99)"), engine="docker")
    witness.until(lambda: _is_saved(run), "a save is in the bucket")

    docker("kill", container_name(f"{run.id}-1"))
    run.wait()

    assert run.status == "SUCCEEDED", run.explain()
    assert _counts(run) == ["from 0", "from 1"]


def _is_saved(run: fl.RunHandle) -> bool:
    folder = run._flotilla.artifacts.attempt_folder(run.id, 1)
    return (folder / "checkpoint.json").exists()
