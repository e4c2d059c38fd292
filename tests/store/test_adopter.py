"""What the cloud has started becomes runs, once each; what it has not is told. Real databases."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from schedule_ground import BEGIN, PlainMaker, schedule_of

from jupyter_flotilla.dispatch.adopter import Adopter
from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.engines.cloud import Begun, Dropped
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import Handle
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Placed, Schedule, Tick
from jupyter_flotilla.store import attempts, runs, schedules, ticks
from jupyter_flotilla.store.connection import Store

BUCKET = Bucket(url="s3://b/p", region="nowhere")


def minute(number: float) -> datetime:
    return BEGIN + timedelta(minutes=number)


class FakeCloud:
    """A cloud that has started what a test says."""

    def __init__(self, store: Store) -> None:
        self.store = store
        #: Minutes of ticks that have begun and said so; that have begun; that were given up.
        self.said: list[int] = []
        self.silent: list[int] = []
        self.dead: dict[str, tuple[str, int]] = {}
        self.placed: list[int] = []
        self.is_away = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        if self.is_away:
            raise EngineUnavailable("AWS is away")
        yield

    def place(self, schedule: Schedule) -> None:
        self.placed.append(schedule.revision)
        placed = Placed(revision=schedule.revision, engine="fake", bucket=BUCKET,
                        until=BEGIN + timedelta(days=1000))  # fmt: skip
        with self.store.write() as tx:
            schedules.set_placed(tx, schedule.id, placed if schedule.where == "cloud" else None)

    def begun(self, schedule: Schedule, after: datetime) -> Sequence[datetime]:
        return [minute(one) for one in self.said if minute(one) > after]

    def begun_at(self, schedule: Schedule, moment: datetime) -> Begun | None:
        known = {minute(one): one for one in (*self.said, *self.silent)}
        return _begun(known[moment]) if moment in known else None

    def adopt(self, schedule: Schedule, tick: Tick, begun: Begun) -> tuple[Run, Attempt]:
        run = PlainMaker().make(schedule, tick).model_copy(update={"id": begun.run_id})
        handle = Handle(engine="fake", place="nowhere", ref=begun.run_id)
        return run, Attempt(run_id=run.id, number=1, engine="fake", place="nowhere",
                            claimed_at=begun.scheduled_at, handle=handle)  # fmt: skip

    def dropped(self, schedule: Schedule) -> Sequence[Dropped]:
        return [
            Dropped(schedule_id=one, scheduled_at=minute(at), reason="AccessDenied: no",
                    given_up_at=minute(at + 1), receipt=receipt)
            for receipt, (one, at) in self.dead.items()
        ]  # fmt: skip

    def settle(self, schedule: Schedule, receipts: Sequence[str]) -> None:
        for receipt in receipts:
            del self.dead[receipt]


def _begun(number: int) -> Begun:
    return Begun(scheduled_at=minute(number), run_id=f"r{number:012}", task=f"arn:{number}")


@pytest.fixture
def cloud(store: Store) -> FakeCloud:
    return FakeCloud(store)


@pytest.fixture
def ticker(store: Store, cloud: FakeCloud) -> Ticker:
    return Ticker(store, PlainMaker(), "here", cloud=cloud)


def put(store: Store, name: str = "load", **update: object) -> Schedule:
    placed = Placed(revision=1, engine="fake", bucket=BUCKET, until=BEGIN + timedelta(days=1000))
    schedule = schedule_of(name, overlap="allow").model_copy(
        update={"where": "cloud", "placed": placed, **update}
    )
    with store.write() as tx:
        schedules.insert(tx, schedule)
    return schedule


def seen(store: Store, schedule: Schedule) -> dict[int, str]:
    """Return what became of each tick, by its minute."""
    with store.read() as tx:
        found = ticks.history(tx, schedule.id, 1000)
    return {int((one.scheduled_at - BEGIN).total_seconds()) // 60: one.status for one in found}


def cursor(store: Store, schedule: Schedule) -> datetime:
    with store.read() as tx:
        found = schedules.get(tx, schedule.id)
    assert found is not None
    return found.cursor


def test_a_tick_that_has_begun_is_a_run_that_is_followed(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store)
    cloud.said = [1]

    ticker.step(minute(1.5))

    with store.read() as tx:
        [run], [attempt] = runs.latest(tx, limit=9), attempts.open_of(tx, "fake", "nowhere")
    assert (run.id, run.status, run.attempt) == ("r000000000001", "PENDING", 1)
    assert (run.schedule_id, run.scheduled_at) == (schedule.id, minute(1))
    assert attempt.handle is not None
    assert seen(store, schedule) == {1: "MADE"}
    assert cursor(store, schedule) == minute(1)


def test_it_is_taken_over_once_by_however_many(store: Store, cloud: FakeCloud) -> None:
    schedule = put(store)
    cloud.said = [1, 2, 3]

    for _ in range(2):
        for adopter in (Adopter(store, cloud), Adopter(store, cloud)):
            adopter.look(schedule, minute(3.5))  # as it was at first, whoever was quicker

    with store.read() as tx:
        assert len(runs.latest(tx, limit=9)) == 3
    assert seen(store, schedule) == {1: "MADE", 2: "MADE", 3: "MADE"}


def test_what_comes_late_is_awaited_and_holds_up_nothing(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store)
    cloud.said = [2]
    ticker.step(minute(2.5))
    first = seen(store, schedule), cursor(store, schedule) < minute(1)

    cloud.said = [1, 2]
    ticker.step(minute(4))

    assert first == ({2: "MADE"}, True)
    assert seen(store, schedule) == {1: "MADE", 2: "MADE"}
    assert cursor(store, schedule) < minute(3)  # which is awaited now


def test_what_left_nothing_when_it_must_have_begun_was_missed(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store)
    cloud.said = [2]
    ticker.step(minute(1 + 74))
    before = 1 in seen(store, schedule)
    ticker.step(minute(1 + 76))

    assert not before
    assert seen(store, schedule)[1] == "MISSED"
    assert cursor(store, schedule) >= minute(2)


def test_what_was_missed_in_a_row_is_one_row_with_its_number(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store)
    cloud.said = [3]
    ticker.step(minute(81.5))  # six of them can come no more

    with store.read() as tx:
        found = ticks.history(tx, schedule.id, 100)
    assert [(one.status, one.scheduled_at, one.count) for one in found] == [
        ("MISSED", minute(6), 3), ("MADE", minute(3), 1), ("MISSED", minute(2), 2),
    ]  # fmt: skip


def test_after_a_month_all_is_taken_over_some_at_a_time(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store)
    cloud.said = [*range(1, 131)]
    for _ in range(4):
        ticker.step(minute(130.5))
    assert len(seen(store, schedule)) == 130


def test_what_has_begun_and_could_not_say_so_was_not_missed(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store)
    cloud.silent = [1]

    ticker.step(minute(90))

    assert seen(store, schedule)[1] == "MADE"


def test_what_aws_has_given_up_failed_with_its_reason_of_whichever_schedule(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    load, other = put(store), put(store, "other", paused_at=BEGIN)
    cloud.dead = {"a": (load.id, 1), "b": (other.id, 2), "c": ("s000000000000", 3)}

    ticker.step(minute(4))

    with store.read() as tx:
        tick = ticks.get(tx, load.id, minute(1))
    assert tick is not None
    assert (tick.status, tick.reason) == ("FAILED", "AccessDenied: no")
    assert seen(store, other) == {2: "FAILED"}
    assert len(cloud.dead) == 3, "AWS's own alarm is to see them, too"
    ticker.step(minute(70))
    assert cloud.dead == {}, "written down, and told"


def test_nothing_is_missed_of_what_is_paused(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    schedule = put(store, paused_at=BEGIN)
    ticker.step(minute(500))
    assert seen(store, schedule) == {}


def test_the_cloud_is_brought_to_what_was_saved_by_whoever_was_killed(
    store: Store, cloud: FakeCloud, ticker: Ticker
) -> None:
    put(store, "new", placed=None)
    gone = put(store, "here again", where="here", next_at=minute(900), cursor=minute(800))

    ticker.step(minute(0.5))

    assert cloud.placed == [1, 1]
    with store.read() as tx:
        found = {one.name: one.is_placed for one in schedules.all_of(tx)}
    assert found == {"new": True, "here again": True}
    assert seen(store, gone) == {}


def test_where_aws_is_away_others_tick(store: Store, cloud: FakeCloud, ticker: Ticker) -> None:
    load = put(store)
    here = put(store, "here", where="here", placed=None)
    cloud.is_away = True

    ticker.step(minute(1.5))
    cloud.is_away, cloud.said = False, [1]
    soon = ticker.step(minute(1.6)), seen(store, load)
    ticker.step(minute(2.9))

    assert seen(store, here)[1] == "MADE"
    assert soon[1] == {}, "asked again after a minute only"
    assert seen(store, load)[1] == "MADE"
