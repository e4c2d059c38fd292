"""The step that publishes: the latest stays, what is away is tried again."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from witness import NOW

from jupyter_flotilla.dispatch.publisher import Publisher
from jupyter_flotilla.errors import ArtifactsUnavailable, EnvironmentProblem
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.store import publications, runs
from jupyter_flotilla.store.connection import Store


class _Place:
    """Where things are published, or cannot be."""

    def __init__(self) -> None:
        self.there: list[str] = []
        self.raises: Exception | None = None

    def publish(self, run: Run, name: str, path: str | None) -> str | None:
        if self.raises is not None:
            raise self.raises
        self.there.append(run.id)
        return f"s3://bucket/{name}"


@pytest.fixture
def place() -> _Place:
    return _Place()


@pytest.fixture
def publisher(store: Store, place: _Place) -> Publisher:
    return Publisher(store, place.publish)


@pytest.fixture
def succeed(store: Store, make_run: Callable[..., Run]) -> Callable[..., Run]:
    """Have a run succeed that publishes ``sales.html``."""

    def succeeded(scheduled_at: datetime | None = None, created_at: datetime = NOW) -> Run:
        plain = make_run()
        spec = plain.spec.model_copy(update={"publish": ("sales.html",)})
        new = {"id": new_run_id(), "spec": spec, "scheduled_at": scheduled_at}
        run = plain.model_copy(update={**new, "created_at": created_at})
        with store.write() as tx:
            runs.insert(tx, run)
            for status in (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.SUCCEEDED):
                moved = run.advance(status, NOW)
                assert runs.apply(tx, run, moved, NOW)
                run = moved
        return run

    return succeeded


def _statuses(store: Store, run: Run) -> list[str]:
    with store.read() as tx:
        return [one.status.value for one in publications.of_run(tx, run.id)]


def test_the_run_of_the_latest_tick_stays_in_whatever_order_they_end(
    store, succeed, publisher, place
):
    days = [timedelta(days=-30), timedelta(0), timedelta(days=-29)]
    made = []
    for number, day in enumerate(days):  # a backfill after the run of today
        made.append(succeed(NOW + day, NOW + timedelta(minutes=number)))
        publisher.step(NOW)

    assert place.there == [made[0].id, made[1].id]
    assert [_statuses(store, run) for run in made] == [["DROPPED"], ["PUBLISHED"], ["DROPPED"]]
    with store.read() as tx:
        [published] = publications.published(tx)
    assert (published.run_id, published.url) == (made[1].id, "s3://bucket/sales.html")
    assert not publisher.stays


def test_a_bucket_that_is_away_is_tried_again_and_not_for_ever(store, succeed, publisher, place):
    place.raises = ArtifactsUnavailable("the bucket cannot be reached")
    run = succeed()

    publisher.step(NOW)
    waits, stays = _statuses(store, run), publisher.stays
    publisher.step(NOW + timedelta(seconds=30))
    place.raises = None
    publisher.step(NOW + timedelta(seconds=61))

    assert (waits, stays) == (["WAITING"], True)
    assert _statuses(store, run) == ["PUBLISHED"]

    place.raises = ArtifactsUnavailable("the bucket cannot be reached")
    late = succeed(created_at=NOW + timedelta(days=1))
    for hour in range(10):
        publisher.step(NOW + timedelta(hours=3 * hour))
    assert _statuses(store, late) == ["FAILED"]
    assert _statuses(store, run) == ["PUBLISHED"]


def test_what_is_not_there_is_not_tried_again(store, succeed, publisher, place):
    place.raises = EnvironmentProblem("the run has no notebook")
    run = succeed()

    publisher.step(NOW)

    assert _statuses(store, run) == ["FAILED"]
    assert not publisher.stays


def test_a_run_of_another_host_is_left_to_that_one(store, succeed, publisher, place, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("jupyter_flotilla.machine.host", lambda: "elsewhere")
        run = succeed()

    publisher.step(NOW)

    assert (place.there, _statuses(store, run)) == ([], ["WAITING"])
    assert not publisher.stays
