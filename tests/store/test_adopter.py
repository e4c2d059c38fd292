"""What the cloud has started becomes runs, once each; what it has not is told. Real databases."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from schedule_ground import BEGIN, PlainMaker, schedule_of

from jupyter_flotilla.dispatch.adopter import Adopter, expect
from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.engines.cloud import Begun, Dropped
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import Handle
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Placed, Schedule, Tick, What
from jupyter_flotilla.model.when import cron, interval
from jupyter_flotilla.store import attempts, notices, runs, schedules, ticks
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.schema import schedules as table

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
    def alone(self, schedule: Schedule, wait_s: float = 0.0) -> Iterator[None]:
        if self.is_away:
            raise EngineUnavailable("AWS is away")
        yield

    def place(self, schedule: Schedule) -> None:
        self.placed.append(schedule.revision)
        is_off = schedule.where == "here" or schedule.paused_at is not None
        with self.store.write() as tx:
            is_awaited = bool(ticks.awaited(tx, schedule.id, BEGIN + timedelta(days=99), 1))
            is_gone = schedule.where == "here" and not is_awaited
            placed = None if is_gone else _placed(schedule.revision, is_off=is_off)
            schedules.set_placed(tx, schedule.id, placed)

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
    return Begun(
        scheduled_at=minute(number), run_id=f"r{number:012}", task=f"arn:{number}", revision=1
    )


def _placed(revision: int = 1, *, is_off: bool = False) -> Placed:
    return Placed(
        revision=revision, engine="fake", install="0" * 8, group="g", region="nowhere",
        bucket=BUCKET, until=BEGIN + timedelta(days=1000), is_off=is_off,
    )  # fmt: skip


@pytest.fixture
def cloud(store: Store) -> FakeCloud:
    return FakeCloud(store)


@pytest.fixture
def adopter(store: Store, cloud: FakeCloud) -> Adopter:
    return Adopter(store, cloud, "here")


def put(store: Store, name: str = "load", **update: object) -> Schedule:
    schedule = schedule_of(name, overlap="allow").model_copy(
        update={"where": "cloud", "placed": _placed(), **update}
    )
    with store.write() as tx:
        schedules.insert(tx, schedule)
    return schedule


def seen(store: Store, schedule: Schedule) -> dict[int, str]:
    """Return what became of each tick, by its minute."""
    with store.read() as tx:
        found = ticks.history(tx, schedule.id, 1000)
    return {int((one.scheduled_at - BEGIN).total_seconds()) // 60: one.status for one in found}


def runs_of(store: Store) -> list[Run]:
    with store.read() as tx:
        return runs.latest(tx, limit=1000)


def cursor(store: Store, schedule: Schedule) -> datetime:
    with store.read() as tx:
        found = schedules.get(tx, schedule.id)
    assert found is not None
    return found.cursor


def test_a_tick_that_has_begun_is_a_run_that_is_followed(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.said = [1]

    adopter.step(minute(1.5))

    [run] = runs_of(store)
    with store.read() as tx:
        [attempt] = attempts.open_of(tx, "fake", "nowhere")
    assert (run.id, run.status, run.attempt) == ("r000000000001", "PENDING", 1)
    assert (run.schedule_id, run.scheduled_at) == (schedule.id, minute(1))
    assert attempt.handle is not None
    assert seen(store, schedule) == {1: "MADE"}
    assert cursor(store, schedule) == minute(1)


def test_it_is_taken_over_once_by_however_many(store: Store, cloud: FakeCloud) -> None:
    schedule = put(store)
    cloud.said = [1, 2, 3]

    for _ in range(2):
        for adopter in (Adopter(store, cloud, "here"), Adopter(store, cloud, "here")):
            adopter.step(minute(3.5))

    assert len(runs_of(store)) == 3
    assert seen(store, schedule) == {1: "MADE", 2: "MADE", 3: "MADE"}


def test_what_comes_late_is_awaited_and_holds_up_nothing(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.said = [2]
    adopter.step(minute(2.5))
    first = seen(store, schedule)

    cloud.said = [1, 2]
    adopter.step(minute(4))

    assert first == {1: "AWAITED", 2: "MADE"}
    assert seen(store, schedule) == {1: "MADE", 2: "MADE", 3: "AWAITED", 4: "AWAITED"}
    assert adopter.stays


def test_what_left_nothing_when_it_must_have_begun_was_missed(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.said = [2]
    adopter.step(minute(1 + 74))
    before = seen(store, schedule)[1]
    adopter.step(minute(1 + 76))

    assert before == "AWAITED"
    assert seen(store, schedule)[1] == "MISSED"


def test_what_was_missed_in_a_row_is_one_row_with_its_number(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.said = [3]
    adopter.step(minute(81.5))  # six of them can come no more

    with store.read() as tx:
        found = [one for one in ticks.history(tx, schedule.id, 100) if one.status != "AWAITED"]
    assert [(one.status, one.scheduled_at, one.count) for one in found] == [
        ("MISSED", minute(6), 3), ("MADE", minute(3), 1), ("MISSED", minute(2), 2),
    ]  # fmt: skip


def test_what_begins_after_it_was_given_up_is_a_run_all_the_same(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store, when=cron("0 */6 * * *"), cursor=BEGIN, next_at=minute(240))
    adopter.step(minute(240 + 80))
    before = seen(store, schedule)
    cloud.said = [240]
    adopter.step(minute(600 + 1))  # its next tick

    assert before == {240: "MISSED"}
    assert seen(store, schedule) == {240: "MADE", 600: "AWAITED"}


def test_after_a_month_all_is_taken_over_some_at_a_time(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.said = [*range(1, 131)]
    for number in range(4):
        adopter.step(minute(130.5 + number / 10))
    assert {*seen(store, schedule).values()} == {"MADE"}
    assert len(runs_of(store)) == 130


def test_many_that_come_late_hold_up_none_that_has_begun(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.said = [70]
    adopter.step(minute(70.5))
    found = seen(store, schedule)
    assert (found[1], found[69], found[70]) == ("AWAITED", "AWAITED", "MADE")


def test_what_has_begun_and_could_not_say_so_was_not_missed(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    cloud.silent = [1]

    adopter.step(minute(90))

    assert seen(store, schedule)[1] == "MADE"


def test_what_aws_has_given_up_failed_with_its_reason_of_whichever_schedule(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    load, other = put(store), put(store, "other")
    cloud.dead = {"a": (load.id, 1), "b": (other.id, 2), "c": ("s000000000000", 3)}

    adopter.step(minute(4))

    with store.read() as tx:
        found = ticks.get(tx, load.id, minute(1)), ticks.get(tx, other.id, minute(2))
    reached = [(one.status, one.reason) for one in found if one is not None]
    adopter.step(minute(5.5))
    assert seen(store, other)[2] == "FAILED"
    assert ("FAILED", "AccessDenied: no") in reached
    assert len(cloud.dead) == 3, "AWS's own alarm is to see them, too"
    adopter.step(minute(70))
    assert cloud.dead == {}, "written down, and told"


def test_what_a_hostile_job_says_of_moments_that_are_no_ticks_is_nothing(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store, when=cron("0 * * * *"), next_at=minute(60))
    cloud.said = [7, 61, 90, 600_000]
    adopter.step(minute(61.5))

    assert seen(store, schedule) == {60: "AWAITED"}
    assert runs_of(store) == []


@pytest.mark.parametrize("change", ["pause", "retime", "move"])
def test_what_is_awaited_stays_so_whatever_is_changed(
    store: Store, cloud: FakeCloud, adopter: Adopter, change: str
) -> None:
    schedule = put(store)
    now = minute(2.5)
    expect(store, schedule.id, now)
    changes = {
        "pause": {"paused_at": now},
        "retime": {"when": interval(7200), "cursor": now, "next_at": minute(122)},
        "move": {"where": "here", "cursor": now, "next_at": minute(3)},
    }[change]
    with store.write() as tx:
        edited = schedule.model_copy(update=changes)
        schedules.edit(tx, edited, 1, is_retimed=change != "pause")
    ticker = Ticker(store, PlainMaker(), "here")
    ticker.step(minute(2.6))
    adopter.step(minute(2.7))
    before = seen(store, schedule)
    cloud.said = [1, 2]
    adopter.step(minute(4.9))

    assert before == {1: "AWAITED", 2: "AWAITED"}
    assert {n: status for n, status in seen(store, schedule).items() if n < 3} == {
        1: "MADE", 2: "MADE",
    }  # fmt: skip
    assert {one.id for one in runs_of(store)} >= {"r000000000001", "r000000000002"}


def test_a_month_of_what_was_expected_is_written_down_before_a_change(store: Store) -> None:
    schedule = put(store)
    expect(store, schedule.id, minute(1300.5))
    with store.read() as tx:
        found = ticks.awaited(tx, schedule.id, minute(9999), 9999)
        after = schedules.get(tx, schedule.id)
    assert len(found) == 1300
    assert after is not None
    assert (after.cursor, after.next_at) == (minute(1300), minute(1301))


def test_a_clock_that_was_ahead_loses_nothing(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store)
    adopter.step(minute(200.5))  # it is not: three hours ahead
    cloud.said = [1, 2]
    adopter.step(minute(2.5))
    adopter.step(minute(3.5))

    found = seen(store, schedule)
    assert (found[1], found[2], found[3]) == ("MADE", "MADE", "AWAITED")


def test_nothing_is_missed_of_what_is_paused(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    schedule = put(store, paused_at=BEGIN, placed=_placed(is_off=True))
    adopter.step(minute(500))
    assert seen(store, schedule) == {}
    assert not adopter.stays


def test_the_cloud_is_brought_to_what_was_saved_by_whoever_was_killed(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    put(store, "new", placed=None)
    put(store, "here again", where="here", next_at=minute(900), cursor=minute(800))
    put(store, "paused", paused_at=BEGIN)

    adopter.step(minute(0.5))
    adopter.step(minute(0.6))

    with store.read() as tx:
        found = {one.name: (one.is_placed, one.placed) for one in schedules.all_of(tx)}
    assert found == {
        "new": (True, _placed()),
        "here again": (True, None),
        "paused": (True, _placed(is_off=True)),
    }


def test_who_is_late_is_not_told_of_what_runs_elsewhere(
    store: Store, cloud: FakeCloud, adopter: Adopter
) -> None:
    plain = put(store)
    spec = plain.what.spec.model_copy(update={"notify": ("hook:late,failure",)})
    what = plain.what.model_copy(update={"spec": spec})
    put(store, "told", what=what)
    cloud.said = [1]
    adopter.step(minute(1.5))

    with store.read() as tx:
        assert not notices.of_late(tx, minute(99), minute(50), 9)


def test_where_aws_is_away_others_tick(store: Store, cloud: FakeCloud, adopter: Adopter) -> None:
    load = put(store)
    here = put(store, "here", where="here", placed=None)
    cloud.is_away = True
    ticker = Ticker(store, PlainMaker(), "here")

    for step in (adopter.step, ticker.step):
        step(minute(1.5))
    cloud.is_away, cloud.said = False, [1]
    adopter.step(minute(1.6))
    soon = seen(store, load)
    adopter.step(minute(2.9))

    assert seen(store, here)[1] == "MADE"
    assert soon == {}, "asked again after a minute only"
    assert seen(store, load)[1] == "MADE"
    assert ticker.step(minute(1.5)) == 0


def test_programs_that_know_of_no_cloud_leave_its_schedules_alone(store: Store) -> None:
    put(store)
    with store.read() as tx:
        what = tx.execute(table.select()).one().what
        found = schedules.all_of(tx)
    with pytest.raises(ValueError, match="source"):
        What.model_validate(what)
    assert [one.what.source for one in found] == ["snapshot"]
