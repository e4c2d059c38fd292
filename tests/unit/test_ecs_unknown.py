"""Tasks on ECS of which ECS says nothing: not yet, no more, or never."""

from pathlib import Path
from typing import Any

import pytest
from ecs_tasks import Tasks

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.ecs import following
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.observation import Phase
from jupyter_flotilla.testing.fake_ecs import Settings


def test_a_task_that_began_before_ecs_knows_it_is_not_lost(home: Path, settings_file: Path) -> None:
    tasks = Tasks(home, settings_file, settings=Settings(throttles=False, missing_s=60))
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    tasks.advance(5)
    protocol.write_json(str(order.attempt_folder / protocol.STARTED), {"at": 1.0})

    seen = tasks.look(handle)

    assert seen.state == "running"
    tasks.end(order)
    tasks.advance(70)
    assert tasks.look(handle).ending is not None


def test_what_runs_although_ecs_does_not_know_it_is_asked_for_again(
    home: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = Tasks(home, settings_file, settings=Settings(throttles=False, missing_s=1e6))
    order = tasks.order()
    handle = tasks.launch(order)
    handle.detail["seen_at"] -= 7200
    runs = [True]
    monkeypatch.setattr(following, "is_listed", lambda *asked: runs[0])
    monkeypatch.setattr(following, "_LISTED_S", 0.0)

    tasks.look(handle)
    tasks.advance(3)
    alive = tasks.look(handle)
    runs[0] = False
    tasks.advance(3)
    gone = tasks.look(handle)

    assert alive.state == "pending"
    assert gone.ending is not None
    assert gone.ending.failure_kind == "lost"


def test_a_launch_of_which_nothing_is_known_ends_when_its_user_cancels_it(
    home: Path, settings_file: Path
) -> None:
    tasks = Tasks(home, settings_file)
    order = tasks.order()
    asked: dict[str, Any] = {
        "cluster": "default", "startedBy": f"flotilla/x/{order.launch_key}",
        "clientToken": order.launch_key,
        "taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/flotilla-x:1",
    }  # fmt: skip
    tasks.journal.of(order.launch_key)(asked)
    tasks.journal.age_s = 46 * 60
    with pytest.raises(LaunchError, match="whether it ran is not known"):
        tasks.launch(order)
    handle = tasks.engine._handle(order, None)
    assert tasks.look(handle).phase is Phase.UNCONFIRMED

    tasks.engine.stop(handle, 10)
    tasks.now += 120
    tasks.launch(order)
    seen = tasks.look(handle)

    assert seen.ending is not None
    assert seen.ending.outcome == "cancelled"
    assert tasks.fake.launched == {}
