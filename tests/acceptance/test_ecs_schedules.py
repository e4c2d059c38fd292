"""A schedule whose runs are tasks on ECS."""

from pathlib import Path

import pytest
import witness
from ecs_ground import EcsGround
from ecs_jobs import use_ecs
from witness import until

import jupyter_flotilla as fl
from jupyter_flotilla.model.run import RunStatus


@pytest.mark.heavy
def test_ticks_become_tasks_and_leave_nothing_of_the_snapshot(
    ecs_ground: EcsGround, home: Path, tmp_path: Path, settings_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    use_ecs(ecs_ground, settings_file, monkeypatch)
    parameters = "scheduled_at: str = ''"
    path = witness.notebook(tmp_path / "report.ipynb", "print(scheduled_at)", parameters=parameters)
    schedule = fl.schedule(path, when="every 20 seconds", timeout="10m", confirm=False)

    def first() -> fl.RunHandle | None:
        return next((one.run for one in schedule.history() if one.run is not None), None)

    run = until(first, "a run")
    schedule.pause()
    run.wait()

    assert run.status is RunStatus.SUCCEEDED, run.explain()
    assert run.snapshot.scheduled_at is not None
    assert str(run.snapshot.spec.params["scheduled_at"])[:16] in str(run.logs())
    schedule.delete()
    assert not list(home.glob("runs/*/s*"))
