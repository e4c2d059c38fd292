"""What every engine must do. Subclass `EngineSuite` in a test module and give it fixtures."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla.engines.base import Engine, LaunchOrder
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Observation
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.protocol import StreamReader

MakeOrder = Callable[[str], LaunchOrder]

#: Longest time that a task of the suite may take to get anywhere, in seconds.
_PATIENCE_S = 90


class EngineSuite:
    """Facts about engines, as tests.

    A subclass provides two pytest fixtures: ``engine``, an `Engine` that can be used here, and
    ``spec``, a function from a shell script to a `JobSpec` of that engine; and a third one,
    ``work``, where its jobs do not run in ``tmp_path``: the folder in which what they have left in
    their working directory is found once they have ended. Where that is brought back only for
    those who ask, ``spec`` asks for it (``fetch``).
    """

    @pytest.fixture
    def work(self, tmp_path: Path) -> Path:
        """Where the files of ended jobs are."""
        return tmp_path

    @pytest.fixture
    def order(self, run_id: str, spec: Callable[..., JobSpec], tmp_path: Path) -> MakeOrder:
        """Makes the order of the first attempt at a shell script."""
        return lambda script: _order(run_id, spec(script), tmp_path)

    @pytest.fixture
    def run_id(self) -> str:
        """Of this test alone: tests of one daemon may run at the same time."""
        return f"r{uuid.uuid4().hex[:12]}"

    def test_a_good_command_succeeds(self, engine: Engine, order: MakeOrder) -> None:
        seen = _ended(engine, order("true"))

        assert seen.ending is not None
        assert (seen.ending.outcome, seen.ending.failure_kind) == ("succeeded", None)

    def test_a_bad_command_is_a_user_error_with_its_exit_code(
        self, engine: Engine, order: MakeOrder
    ) -> None:
        seen = _ended(engine, order("exit 7"))

        assert seen.ending is not None
        assert (seen.ending.outcome, seen.ending.exit_code) == ("failed", 7)
        assert seen.ending.failure_kind == "user-error"

    def test_the_same_launch_key_never_starts_twice(
        self, engine: Engine, order: MakeOrder, work: Path
    ) -> None:
        one = order("echo start >> oracle; sleep 1")

        for _ in range(3):
            engine.launch(one)
        seen = [_ended(engine, one) for _ in range(2)]

        assert (work / "oracle").read_text() == "start\n"
        assert {found.ending.outcome for found in seen if found.ending} == {"succeeded"}

    def test_what_a_job_says_is_seen_while_it_runs(self, engine: Engine, order: MakeOrder) -> None:
        one = order("echo on; while true; do sleep 0.1; done")

        seen = _until(engine, one, lambda seen: "on" in _said(one))
        engine.stop(engine.launch(one), 0)
        _ended(engine, one)

        assert seen.state == "running"

    def test_a_stop_ends_what_ignores_it(self, engine: Engine, order: MakeOrder) -> None:
        one = order("trap '' INT TERM; while true; do sleep 0.1; done")
        _until(engine, one, lambda seen: seen.state == "running")

        engine.stop(engine.launch(one), 0.5)
        seen = _ended(engine, one)

        assert seen.ending is not None
        assert seen.ending.outcome == "cancelled"

    def test_a_stop_lets_clean_up_code_run(
        self, engine: Engine, order: MakeOrder, work: Path
    ) -> None:
        script = "trap 'echo yes > cleaned; exit 1' INT; echo ready; "
        one = order(script + "while true; do sleep 0.1; done")
        _until(engine, one, lambda seen: "ready" in _said(one))

        engine.stop(engine.launch(one), 20)
        _ended(engine, one)

        assert (work / "cleaned").read_text() == "yes\n"

    def test_an_ended_task_stays_ended(self, engine: Engine, order: MakeOrder) -> None:
        one = order("true")
        first = _ended(engine, one)

        handle = engine.launch(one)
        engine.stop(handle, 0)
        [second] = engine.poll([handle])

        assert second.ending == first.ending

    def test_polling_nothing_gives_nothing(self, engine: Engine) -> None:
        assert engine.poll([]) == []

    def test_a_size_has_a_rate(self, engine: Engine) -> None:
        rate = engine.rate(Resources(cpu=1, memory_mib=2048))

        assert rate is not None
        assert rate.usd_per_h > 0


def _order(run_id: str, spec: JobSpec, folder: Path) -> LaunchOrder:
    attempt_folder, input_folder = folder / "attempt", folder / "input"
    for path in (attempt_folder, input_folder):
        path.mkdir(exist_ok=True)
    return LaunchOrder(
        run_id=run_id,
        launch_key=f"{run_id}-1",
        spec=spec,
        resources=spec.resources,
        max_cost_usd=None,
        input_folder=input_folder,
        attempt_folder=attempt_folder,
        rate=None,
    )


def _said(order: LaunchOrder) -> str:
    """Return what an attempt has written to its standard output by now."""
    records = StreamReader(str(order.attempt_folder)).read()
    return "".join(one["text"] for one in records if one["kind"] == "stdout")


def _ended(engine: Engine, order: LaunchOrder) -> Observation:
    return _until(engine, order, lambda seen: seen.state == "ended")


def _until(engine: Engine, order: LaunchOrder, is_so: Callable[[Observation], Any]) -> Observation:
    """Follow an attempt as a dispatcher does, which repeats a launch that nothing is known of."""
    handle = engine.launch(order)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        [seen] = engine.poll([handle])
        if is_so(seen):
            return seen
        if seen.state == "unconfirmed":
            handle = engine.launch(order)
        time.sleep(0.02)
    raise AssertionError(f"still {seen} after {_PATIENCE_S} s")
