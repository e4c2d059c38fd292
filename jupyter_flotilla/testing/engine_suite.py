"""What every engine must do. Subclass `EngineSuite` in a test module and give it fixtures."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla.engines.base import Engine, LaunchOrder
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Handle, Observation
from jupyter_flotilla.model.resources import Resources

#: Longest time that a task of the suite may take to get anywhere, in seconds.
_PATIENCE_S = 30


class EngineSuite:
    """Facts about engines, as tests.

    A subclass provides two pytest fixtures: ``engine``, an `Engine` that can be used here, and
    ``spec``, a function from a shell script to a `JobSpec` of that engine; and a third one,
    ``work``, where its jobs do not run in ``tmp_path``: the folder that they do run in, as it is
    seen from here.
    """

    @pytest.fixture
    def work(self, tmp_path: Path) -> Path:
        """The working directory of jobs."""
        return tmp_path

    def test_a_good_command_succeeds(
        self, engine: Engine, spec: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        handle = engine.launch(_order(spec("true"), tmp_path))

        seen = _until_ended(engine, handle)

        assert seen.ending is not None
        assert (seen.ending.outcome, seen.ending.failure_kind) == ("succeeded", None)

    def test_a_bad_command_is_a_user_error_with_its_exit_code(
        self, engine: Engine, spec: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        handle = engine.launch(_order(spec("exit 7"), tmp_path))

        seen = _until_ended(engine, handle)

        assert seen.ending is not None
        assert (seen.ending.outcome, seen.ending.exit_code) == ("failed", 7)
        assert seen.ending.failure_kind == "user-error"

    def test_the_same_launch_key_never_starts_twice(
        self, engine: Engine, spec: Callable[..., JobSpec], tmp_path: Path, work: Path
    ) -> None:
        order = _order(spec("echo start >> oracle; sleep 1"), tmp_path)

        handles = [engine.launch(order) for _ in range(3)]
        seen = [_until_ended(engine, handle) for handle in handles]
        again = _until_ended(engine, engine.launch(order))

        assert (work / "oracle").read_text() == "start\n"
        endings = [one.ending for one in [*seen, again]]
        assert {ending.outcome for ending in endings if ending} == {"succeeded"}

    def test_a_stop_ends_what_ignores_it(
        self, engine: Engine, spec: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        order = _order(spec("trap '' INT TERM; while true; do sleep 0.1; done"), tmp_path)
        handle = engine.launch(order)
        _until(engine, handle, lambda seen: seen.state == "running")

        engine.stop(handle, 0.5)
        seen = _until_ended(engine, handle)

        assert seen.ending is not None
        assert seen.ending.outcome == "cancelled"

    def test_a_stop_lets_clean_up_code_run(
        self, engine: Engine, spec: Callable[..., JobSpec], tmp_path: Path, work: Path
    ) -> None:
        script = "trap 'echo yes > cleaned; exit 1' INT; touch ready; "
        order = _order(spec(script + "while true; do sleep 0.1; done"), tmp_path)
        handle = engine.launch(order)
        _until(engine, handle, lambda seen: (work / "ready").exists())

        engine.stop(handle, 20)
        _until_ended(engine, handle)

        assert (work / "cleaned").read_text() == "yes\n"

    def test_an_ended_task_stays_ended(
        self, engine: Engine, spec: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        handle = engine.launch(_order(spec("true"), tmp_path))
        first = _until_ended(engine, handle)

        engine.stop(handle, 0)
        [second] = engine.poll([handle])

        assert second.ending == first.ending

    def test_polling_nothing_gives_nothing(self, engine: Engine) -> None:
        assert engine.poll([]) == []

    def test_a_size_has_a_rate(self, engine: Engine) -> None:
        rate = engine.rate(Resources(cpu=1, memory_mib=2048))

        assert rate is not None
        assert rate.usd_per_h > 0


def _order(spec: JobSpec, folder: Path) -> LaunchOrder:
    attempt_folder, input_folder = folder / "attempt", folder / "input"
    for path in (attempt_folder, input_folder):
        path.mkdir(exist_ok=True)
    return LaunchOrder(
        run_id="rsuite",
        # of this test alone: tests of one daemon may run at the same time
        launch_key=f"rsuite-{uuid.uuid4().hex[:12]}",
        spec=spec,
        resources=spec.resources,
        max_cost_usd=None,
        input_folder=input_folder,
        attempt_folder=attempt_folder,
        rate=None,
    )


def _until_ended(engine: Engine, handle: Handle) -> Observation:
    return _until(engine, handle, lambda seen: seen.state == "ended")


def _until(engine: Engine, handle: Handle, is_so: Callable[[Observation], Any]) -> Observation:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        [seen] = engine.poll([handle])
        if is_so(seen):
            return seen
        time.sleep(0.02)
    raise AssertionError(f"still {seen} after {_PATIENCE_S} s")
