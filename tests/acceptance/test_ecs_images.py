"""Images of jobs on ECS from a machine that has no Docker."""

from pathlib import Path

import pytest
import witness
from ecs_ground import EcsGround


@pytest.fixture(autouse=True)
def _on_ecs_without_docker(
    ecs_ground: EcsGround, settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ecs_ground.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    settings_file.write_text('engine = "ecs"\nidle_s = 5\n')
    ecs_ground.write_settings(settings_file, prefix=f"{tmp_path.name}/me")


def test_an_image_is_asked_by_a_task_and_then_runs_jobs(ecs_ground: EcsGround) -> None:
    unknown = witness.flotilla("run", "--", "echo", "from there")

    asked = witness.flotilla("image", "ask", ecs_ground.image)
    ran = witness.flotilla("run", "--", "echo", "from there")

    assert unknown.returncode != 0
    assert f"image ask {ecs_ground.image}" in unknown.stderr
    assert "Python 3" in asked.stdout
    assert ran.returncode == 0, ran.stderr
    assert "from there" in ran.stdout
    s3 = ecs_ground.client("s3")
    left = s3.list_objects_v2(Bucket=ecs_ground.bucket).get("Contents", [])
    assert not [one["Key"] for one in left if one["Key"].endswith("image.txt")]


def test_an_image_that_cannot_be_pulled_is_told_in_words() -> None:
    asked = witness.flotilla("image", "ask", "no-such-image:1")

    assert asked.returncode != 0
    assert "no-such-image:1" in asked.stderr
    assert "CannotPull" in asked.stderr
