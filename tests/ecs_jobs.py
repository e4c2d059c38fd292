"""Has whatever is submitted run as tasks of ECS, and looks at those tasks."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import container_ground
import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl


def use_ecs(
    ground: EcsGround,
    settings_file: Path,
    patch: pytest.MonkeyPatch,
    *,
    ecs: Mapping[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Have all that is submitted run on ECS, with keys of the emulator and no others.

    Parameters
    ----------
    settings_file
        Written anew; keys in the bucket are named after its folder.
    ecs
        More for the table ``[ecs]``.
    settings
        More for the top of the file.
    """
    container_ground.use_only(ground.environment, patch)
    of_all = {"engine": "ecs", "idle_s": 5, "retry_delay_s": 0.1, **settings}
    lines = [f"{name} = {json.dumps(value)}" for name, value in of_all.items()]
    settings_file.write_text("\n".join(lines) + "\n")
    ground.write_settings(settings_file, prefix=settings_file.parent.name, **(ecs or {}))


def tasks_of(ground: EcsGround, run: fl.RunHandle) -> list[Any]:
    """Return all tasks that were ever started for a run, as DescribeTasks shows them."""
    return [task for task in ground.tasks() if f"/{run.id}-" in task.get("startedBy", "")]


def task_of(ground: EcsGround, run: fl.RunHandle, number: int = 1) -> Any:
    """Return the task of an attempt, once there is one."""

    def find() -> Any:
        found = [one for one in tasks_of(ground, run)
                 if one.get("startedBy", "").endswith(f"/{run.id}-{number}")]  # fmt: skip
        return found[0] if found else None

    return witness.until(find, f"a task of {run.id}-{number}")


def until_said(run: fl.RunHandle, word: str) -> None:
    """Return when the latest attempt of a run has said a word."""
    witness.until(lambda: word in str(run.logs()), f"{word!r} in the logs of {run.id}")


def containers_of(run: fl.RunHandle) -> list[str]:
    """Return the ids of all containers that know a run, whatever they do."""
    ids = _docker("ps", "-aq", "--no-trunc").split()
    # one may be gone by now, and then the others are said all the same
    shown = json.loads(_docker("inspect", *ids) or "[]") if ids else []
    return [one["Id"] for one in shown if run.id in json.dumps(one["Config"])]


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout
