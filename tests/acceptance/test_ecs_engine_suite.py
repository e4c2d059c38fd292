"""The ECS engine on real containers: what every engine must do, and launchers that are killed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.engine import EcsEngine
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.testing.engine_suite import EngineSuite, MakeOrder


class _Killed(BaseException):
    """The launcher is killed here."""


class _KilledAt(Account):
    """An account whose caller is killed before or after one of its calls."""

    def __init__(self, action: str, *, has_effect: bool) -> None:
        super().__init__(load_settings())
        self.is_reached = False
        self._action = action
        self._has_effect = has_effect

    def call(self, service: str, action: str, /, **given: Any) -> dict[str, Any]:
        if action != self._action:
            return super().call(service, action, **given)
        if self._has_effect:
            super().call(service, action, **given)
        self.is_reached = True
        raise _Killed


class TestEcsEngine(EngineSuite):
    @pytest.fixture
    def engine(
        self, ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Engine]:
        ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)
        engine = EcsEngine(load_settings())
        assert engine.check().ok
        yield engine

    @pytest.fixture
    def spec(self, ecs_ground: EcsGround, engine: Engine) -> Callable[..., JobSpec]:
        return lambda script: JobSpec(
            kind="command",
            name="suite",
            command=("sh", "-c", script),
            cwd="/nowhere",
            own_cwd=True,
            interpreter="python3",
            engine="ecs",
            place=engine.place,
            image=ecs_ground.image,
            bucket=engine.bucket,
            fetch=("*",),
        )

    @pytest.fixture
    def work(self, tmp_path: Path) -> Path:
        return tmp_path / "attempt" / "files"

    @pytest.mark.parametrize("has_effect", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("action", ["DescribeTaskDefinition", "RunTask"])
    def test_a_launcher_that_is_killed_at_a_call_leaves_a_job_that_runs_once(
        self,
        engine: Engine,
        order: MakeOrder,
        work: Path,
        ecs_ground: EcsGround,
        action: str,
        has_effect: bool,
    ) -> None:
        one = order("echo once >> ran")
        account = _KilledAt(action, has_effect=has_effect)
        EcsEngine(load_settings(), account).launch(one)
        witness.until(lambda: account.is_reached, "it is killed")

        handle = engine.launch(one)

        def outcome() -> str | None:
            nonlocal handle
            [seen] = engine.poll([handle])
            if seen.state == "unconfirmed":
                handle = engine.launch(one)
            return seen.ending.outcome if seen.ending else None

        assert witness.until(outcome, "its end") == "succeeded"
        assert (work / "ran").read_text() == "once\n"
        assert [task["startedBy"].rsplit("/")[-1] for task in ecs_ground.tasks()].count(
            one.launch_key
        ) == 1
