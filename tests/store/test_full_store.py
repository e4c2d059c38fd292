"""A store that has no room for anything: what is still done, and in which order."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import witness
from witness import NOW

from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.dispatch.canceller import Canceller
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.sweeper import Sweeper
from jupyter_flotilla.errors import DiskFull
from jupyter_flotilla.model.observation import Handle
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine

MakeRun = Callable[..., Run]


class FullStore(Store):
    """A store whose disk is full until some folder is gone."""

    def __init__(self, where: Path | str, until_gone: Path) -> None:
        super().__init__(where)
        self._until_gone = until_gone

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yield a connection; what it wrote is lost if there is no room."""
        with super().write() as connection:
            yield connection
            if self._until_gone.exists():
                raise DiskFull("no room left")


@pytest.fixture
def artifacts(home: Path) -> LocalArtifacts:
    """The folders of the test's home."""
    return LocalArtifacts(home)


@pytest.fixture
def engine(home: Path) -> FakeEngine:
    """An engine that counts."""
    return FakeEngine(home / "fake")


@pytest.fixture
def full(where: Path | str, store: Store, home: Path) -> Iterator[FullStore]:
    """The same store as ``store``, full as long as there are folders of runs."""
    opened = FullStore(where, home / "runs")
    (home / "runs").mkdir(exist_ok=True, parents=True)
    yield opened
    opened.close()


def _end(store: Store, run: Run) -> None:
    with store.write() as tx:
        assert runs.apply(tx, run, run.advance(RunStatus.CANCELLED, NOW), NOW)


def _canceller(store: Store, engine: FakeEngine, said: list[str]) -> Canceller:
    """Return what cancels, with room that can be given up twice and does not help the store."""
    pieces = [True, True]
    return Canceller(store, lambda name: engine, lambda: bool(pieces) and pieces.pop(), said.append)


def test_a_launched_run_is_stopped_by_its_engine_alone(
    store: Store, full: FullStore, artifacts: LocalArtifacts, engine: FakeEngine, make_run: MakeRun
) -> None:
    run, said = make_run(), list[str]()
    Launcher(store, artifacts, engine, limit=1).step(NOW)

    after = _canceller(full, engine, said).cancel(run.id, NOW, 10)

    assert witness.lines(engine.oracle) == [f"start {run.id}-1", f"end {run.id}-1"]
    assert (after.status, after.cancel_requested_at) == (RunStatus.PENDING, None)
    assert said == ["no room left to note the request: the job itself was told to stop"]


def test_a_stop_that_finds_no_room_is_tried_again_as_long_as_there_is_some_to_give_up(
    store: Store, full: FullStore, artifacts: LocalArtifacts, home: Path, make_run: MakeRun
) -> None:
    class LateEngine(FakeEngine):
        stops = 0

        def stop(self, handle: Handle, grace_s: float) -> None:
            self.stops += 1
            if self.stops < 3:
                raise OSError(errno.ENOSPC, "No space left on device")

    engine, run = LateEngine(home / "late"), make_run()
    Launcher(store, artifacts, engine, limit=1).step(NOW)

    _canceller(full, engine, []).cancel(run.id, NOW, 10)

    assert engine.stops == 3


def test_a_queued_run_cannot_be_cancelled_without_room(
    full: FullStore, engine: FakeEngine, make_run: MakeRun
) -> None:
    run = make_run()

    with pytest.raises(DiskFull):
        _canceller(full, engine, []).cancel(run.id, NOW, 10)


def test_with_the_room_that_is_given_up_the_store_knows_of_the_cancel(
    full: FullStore, engine: FakeEngine, make_run: MakeRun
) -> None:
    run, said = make_run(), list[str]()

    def make_room() -> bool:
        full._until_gone = Path("/gone")
        return False

    canceller = Canceller(full, lambda name: engine, make_room, said.append)

    assert canceller.cancel(run.id, NOW, 10).status is RunStatus.CANCELLED
    assert said == []


def test_folders_go_first_where_rows_cannot_and_rows_as_soon_as_they_can(
    store: Store, full: FullStore, artifacts: LocalArtifacts, home: Path, make_run: MakeRun
) -> None:
    made = [make_run() for _ in range(3)]
    for run in made:
        _end(store, run)
        artifacts.create(run.id)
    sweeper = Sweeper(full, artifacts, keep_days=1, keep_bytes=None)
    full._until_gone = artifacts.run_folder(made[1].id)

    sweeper.delete(sweeper.expired(NOW + timedelta(days=2)))

    assert list(home.glob("runs/*/*")) == []
    with store.read() as tx:
        assert runs.latest(tx) == []


def test_without_room_for_rows_an_error_remains_and_what_is_kept_stays_whole(
    store: Store, full: FullStore, artifacts: LocalArtifacts, home: Path, make_run: MakeRun
) -> None:
    gone, kept = made = [make_run(), make_run()]
    for run in made:
        _end(store, run)
        artifacts.create(run.id)
    sweeper = Sweeper(full, artifacts, keep_days=1, keep_bytes=None)
    due = sweeper.expired(NOW + timedelta(days=2))
    with store.write() as tx:
        runs.keep(tx, kept.id, NOW)  # while the user was asked

    with pytest.raises(DiskFull):
        sweeper.delete(due)

    assert [path.name for path in home.glob("runs/*/*")] == [kept.id]
    with store.read() as tx:
        assert {run.id for run in runs.latest(tx)} == {gone.id, kept.id}
