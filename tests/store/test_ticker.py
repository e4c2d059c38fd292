"""Ticks become runs, once each, whatever happens; real SQLite and PostgreSQL."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import ticking_race
from schedule_ground import BEGIN, PlainMaker, schedule_of

from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.errors import (
    InvalidNotebook,
    InvalidOption,
    ScheduleChanged,
    ScheduleNotFound,
    StoreUnreadable,
)
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.schedule import Schedule, Tick, TickStatus
from jupyter_flotilla.model.when import after_others, cron, interval
from jupyter_flotilla.store import runs, schedules, ticks
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.schema import schedules as table


def minute(number: float) -> datetime:
    return BEGIN + timedelta(minutes=number)


def put(store: Store, schedule: Schedule) -> Schedule:
    with store.write() as tx:
        schedules.insert(tx, schedule)
    return schedule


def seen(store: Store, schedule: Schedule) -> list[tuple[int, str]]:
    """Return the minute and the status of each tick, the oldest first."""
    with store.read() as tx:
        found = ticks.history(tx, schedule.id, 10_000)
    return [
        (int((one.scheduled_at - BEGIN).total_seconds()) // 60, one.status.value)
        for one in reversed(found)
    ]


def runs_of(store: Store) -> list[Run]:
    with store.read() as tx:
        return runs.latest(tx, limit=1_000_000)


def finish(store: Store, run: Run, status: RunStatus = RunStatus.SUCCEEDED) -> None:
    with store.write() as tx:
        current = runs.get(tx, run.id)
        for step in (RunStatus.PENDING, RunStatus.RUNNING, status):
            kind = FailureKind.USER_ERROR if step is RunStatus.FAILED else None
            moved = current.advance(step, BEGIN, failure_kind=kind)
            assert runs.apply(tx, current, moved, BEGIN)
            current = moved


@pytest.fixture
def maker() -> PlainMaker:
    return PlainMaker()


@pytest.fixture
def ticker(store: Store, maker: PlainMaker) -> Ticker:
    return Ticker(store, maker, "here")


def test_a_tick_makes_one_run_that_knows_its_schedule(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of(overlap="allow"))

    moved = [ticker.step(minute(0.5)), ticker.step(minute(1)), ticker.step(minute(1.2))]

    assert moved == [0, 1, 0]
    [run] = runs_of(store)
    assert (run.schedule_id, run.scheduled_at, run.status) == (schedule.id, minute(1), "QUEUED")
    assert ticker.next_at == minute(2)
    assert ticker.stays


def test_what_notebooks_need_is_imported_right_before_a_tick_that_needs_it(
    store: Store, ticker: Ticker, maker: PlainMaker
) -> None:
    plain = put(store, schedule_of("plain", overlap="allow"))
    ticker.step(minute(0.95))
    before = maker.warmed
    what = plain.what.model_copy(update={"injects": True})
    put(store, schedule_of("notebook", cursor=minute(5)).model_copy(update={"what": what}))

    ticker.step(minute(5.5))
    long_before = maker.warmed
    for number in (5.9, 5.95):
        ticker.step(minute(number))

    assert (before, long_before, maker.warmed) == (0, 0, 1)


def test_nothing_of_a_paused_schedule_or_of_another_host_is_made(
    store: Store, ticker: Ticker
) -> None:
    put(store, schedule_of("away", host="there"))
    put(store, schedule_of("paused").model_copy(update={"paused_at": BEGIN}))

    assert ticker.step(minute(3)) == 0
    assert runs_of(store) == []
    assert (ticker.next_at, ticker.stays) == (None, False)


def test_a_broken_schedule_is_told_in_its_history_and_stops_no_other(
    store: Store, ticker: Ticker
) -> None:
    broken, strange = put(store, schedule_of("broken")), put(store, schedule_of("strange"))
    good = put(store, schedule_of("good", overlap="allow"))

    for number in (1, 2):
        ticker.step(minute(number))

    assert seen(store, good) == [(1, "MADE"), (2, "MADE")]
    assert seen(store, broken) == [(1, "FAILED"), (2, "FAILED")]
    with store.read() as tx:
        assert "no file report.ipynb" in str(ticks.history(tx, broken.id, 1)[0].reason)
        assert "ZeroDivisionError" in str(ticks.history(tx, strange.id, 1)[0].reason)


@pytest.mark.parametrize("overlap", ["skip", "allow"])
def test_what_is_away_is_tried_again_and_what_is_wrong_is_not(
    store: Store, maker: PlainMaker, ticker: Ticker, overlap: str
) -> None:
    away = put(store, schedule_of("away", interval(3600), overlap=overlap))
    maker.away = 3

    tried = []
    for number in (60, 60.1, 60.5, 61, 61.5, 62, 63):
        ticker.step(minute(number))
        tried.append((maker.away, seen(store, away)[0][1]))
    with store.read() as tx:
        before = ticks.get(tx, away.id, minute(60))
    ticker.step(minute(64.1))

    assert tried[:4] == [(2, "WAITING"), (2, "WAITING"), (1, "WAITING"), (1, "WAITING")]
    assert tried[4:] == [(0, "WAITING")] * 3
    assert before is not None and "does not answer" in str(before.reason)
    assert seen(store, away) == [(60, "MADE")]
    with store.read() as tx:
        tick = ticks.get(tx, away.id, minute(60))
    assert tick is not None and tick.reason is None


def test_what_stays_away_is_failed_after_some_minutes_also_by_another_dispatcher(
    store: Store, maker: PlainMaker, ticker: Ticker
) -> None:
    away = put(store, schedule_of("away", interval(3600)))
    maker.away = 1000
    for number in (60, 60.4):
        ticker.step(minute(number))

    later = Ticker(store, maker, "here")
    waits = [later.step(minute(number)) and seen(store, away) for number in (62, 62.1)]
    assert not later.is_due(minute(63.9))
    assert later.is_due(minute(64))
    later.step(minute(64))

    assert waits[0] == [(60, "WAITING")]
    assert seen(store, away) == [(60, "FAILED")]
    assert maker.away == 1000 - 4
    with store.read() as tx:
        assert "does not answer" in str(ticks.history(tx, away.id, 1)[0].reason)


def test_a_row_that_cannot_be_read_stops_no_other_and_is_told_once(
    store: Store, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [put(store, schedule_of(name)) for name in ("newer", "torn")]
    chain = put(store, schedule_of("chain", after_others(), after=("sgone",)))
    good = put(store, schedule_of("good", overlap="allow"))
    with store.write() as tx:
        rows = {bad[0].id: {"cron": 7}, bad[1].id: {"kind": "tide"}, chain.id: {}}
        for schedule_id, when in rows.items():
            tx.execute(table.update().where(table.c.id == schedule_id).values(when=when))

    for number in (1, 1.1, 1.2, 2):
        ticker.step(minute(number))

    assert seen(store, good) == [(1, "MADE"), (2, "MADE")]
    with store.read() as tx:
        assert [one.name for one in schedules.all_of(tx)] == ["good"]
        with pytest.raises(StoreUnreadable, match="cannot be read"):
            schedules.find(tx, "torn")
    told = [r.getMessage() for r in caplog.records if "cannot be ticked" in r.getMessage()]
    assert sorted(line.split()[1] for line in told) == sorted(rows)


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", [(29, "MISSED"), (30, "MADE")]),
        ("last", [(29, "MISSED"), (30, "MADE")]),
        ("all", [(number, "MADE") for number in range(1, 31)]),
    ],
)
def test_ticks_that_nobody_was_there_for(
    store: Store, ticker: Ticker, missed: str, expected: list[tuple[int, str]]
) -> None:
    schedule = put(store, schedule_of(missed=missed, overlap="allow"))

    ticker.step(minute(30.1))

    assert seen(store, schedule) == expected
    if missed != "all":
        with store.read() as tx:
            row = ticks.get(tx, schedule.id, minute(29))
        assert row is not None
        assert (row.count, row.first_at) == (29, minute(1))


def test_much_to_do_at_a_time_is_not_missed(
    store: Store, ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.dispatch.ticker._AT_ONCE", 1)
    rules = {"overlap": "allow", "missed": "skip"}
    many = [put(store, schedule_of(f"job{one}", interval(600), **rules)) for one in range(3)]

    for number in (9.5, 10, 10.9, 11.8, 12.7):
        ticker.step(minute(number))

    assert [seen(store, one) for one in many] == [[(10, "MADE")]] * 3


def test_a_clock_set_back_an_hour_makes_no_tick_twice_and_goes_on(
    store: Store, ticker: Ticker
) -> None:
    schedule = put(store, schedule_of(overlap="allow", missed="all"))
    for number in range(60, 76):
        ticker.step(minute(number))

    for number in range(8, 78):
        ticker.step(minute(number))

    assert seen(store, schedule) == [(number, "MADE") for number in range(1, 78)]
    assert len(runs_of(store)) == 77


def test_a_clock_that_was_a_week_ahead_does_not_silence_a_schedule(
    store: Store, ticker: Ticker
) -> None:
    schedule = put(store, schedule_of(overlap="allow"))
    week = 7 * 24 * 60

    for number in (1, week, 2, 3):
        ticker.step(minute(number))

    assert seen(store, schedule) == [
        (1, "MADE"), (2, "MADE"), (3, "MADE"), (week - 1, "MISSED"), (week, "MADE"),
    ]  # fmt: skip


def test_skip_leaves_out_what_meets_a_run_that_goes_on(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of(overlap="skip"))

    ticker.step(minute(1))
    ticker.step(minute(2))
    finish(store, runs_of(store)[0])
    ticker.step(minute(3))

    assert seen(store, schedule) == [(1, "MADE"), (2, "SKIPPED"), (3, "MADE")]


def test_queue_makes_runs_one_after_another(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of(overlap="queue"))
    for number in (1, 2, 3):
        ticker.step(minute(number))
    assert seen(store, schedule) == [(1, "MADE"), (2, "WAITING"), (3, "WAITING")]

    finish(store, runs_of(store)[0])
    ticker.step(minute(3.1))

    assert seen(store, schedule) == [(1, "MADE"), (2, "MADE"), (3, "WAITING")]


def test_replace_stops_the_run_that_goes_on_and_then_begins(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of(overlap="replace"))
    ticker.step(minute(1))
    with store.write() as tx:
        [first] = runs.latest(tx)
        runs.apply(tx, first, first.advance(RunStatus.PENDING, BEGIN), BEGIN)

    ticker.step(minute(2))
    ticker.step(minute(3))
    with store.write() as tx:
        going = runs.get(tx, first.id)
        assert going.cancel_requested_at is not None
        runs.apply(tx, going, going.advance(RunStatus.CANCELLED, BEGIN), BEGIN)
    ticker.step(minute(3.1))

    assert seen(store, schedule) == [(1, "MADE"), (2, "SKIPPED"), (3, "MADE")]


def backfill(store: Store, schedule: Schedule, count: int) -> None:
    """Have ticks of the days before wait."""
    with store.write() as tx:
        for day in range(count, 0, -1):
            at = BEGIN - timedelta(days=day)
            tick = Tick(schedule_id=schedule.id, scheduled_at=at, status=TickStatus.WAITING,
                        trigger="backfill", decided_at=BEGIN)  # fmt: skip
            assert ticks.insert(tx, tick)


def of_its_own(store: Store, schedule: Schedule) -> list[tuple[int, str]]:
    return [one for one in seen(store, schedule) if one[0] > 0]


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_a_backfill_keeps_no_tick_of_the_schedules_own_from_its_time(
    store: Store, ticker: Ticker, overlap: str
) -> None:
    schedule = put(store, schedule_of(overlap=overlap))
    backfill(store, schedule, 4)
    ticker.step(minute(0.5))
    [of_backfill] = runs_of(store)

    ticker.step(minute(1))
    [own] = [run for run in runs_of(store) if run.id != of_backfill.id]
    finish(store, own)
    ticker.step(minute(2))

    assert of_its_own(store, schedule) == [(1, "MADE"), (2, "MADE")]
    with store.read() as tx:
        assert runs.get(tx, of_backfill.id).cancel_requested_at is None
        assert len(ticks.waiting(tx, schedule.id)) == 3


def test_a_backfill_goes_on_when_nothing_else_of_the_schedule_runs(
    store: Store, ticker: Ticker
) -> None:
    schedule = put(store, schedule_of(when=interval(3600)))
    backfill(store, schedule, 2)

    open_at_once = []
    for number in range(4):
        ticker.step(minute(0.1 + number / 10))
        still = [run for run in runs_of(store) if not run.status.is_final]
        open_at_once.append(len(still))
        for run in still:
            finish(store, run)

    assert open_at_once == [1, 1, 0, 0]


def test_nothing_of_a_backfill_begins_while_the_schedule_is_paused(
    store: Store, ticker: Ticker
) -> None:
    schedule = put(store, schedule_of(overlap="allow"))
    backfill(store, schedule, 2)
    with store.write() as tx:
        paused = schedule.model_copy(update={"paused_at": BEGIN})
        paused = schedules.edit(tx, paused, 1, is_retimed=False)

    ticker.step(minute(1))
    before = (runs_of(store), ticker.stays)
    with store.write() as tx:
        resumed = {"paused_at": None, "edited_at": minute(2)}
        schedules.edit(tx, paused.model_copy(update=resumed), 2, is_retimed=False)
    ticker.step(minute(2))

    assert before == ([], False)
    with store.read() as tx:
        assert ticks.waiting(tx, schedule.id) == []


def test_a_tick_that_waited_is_made_of_what_the_schedule_is_then(
    store: Store, maker: PlainMaker, ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = put(store, schedule_of(overlap="queue"))
    for number in (1, 2):
        ticker.step(minute(number))
    finish(store, runs_of(store)[0])
    make = maker.make

    def edited_meanwhile(seen: Schedule, tick: Tick) -> Run:
        with store.write() as tx:
            renewed = {"edited_at": minute(3), "owner": "renewed"}
            schedules.edit(tx, seen.model_copy(update=renewed), 1, is_retimed=False)
        monkeypatch.undo()
        raise InvalidNotebook("its snapshot is gone")

    monkeypatch.setattr(maker, "make", edited_meanwhile)
    ticker.step(minute(2.1))
    before = seen(store, schedule)
    ticker.step(minute(2.2))

    assert maker.make == make
    assert before[-1] == (2, "WAITING")
    assert seen(store, schedule)[-1] == (2, "MADE")


def test_all_that_was_missed_runs_one_after_another(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of(when=interval(600), overlap="skip", missed="all"))

    ticker.step(minute(35))
    before = seen(store, schedule)
    for _ in range(2):
        finish(store, next(run for run in runs_of(store) if not run.status.is_final))
        ticker.step(minute(35.1))

    assert before == [(10, "MADE"), (20, "WAITING"), (30, "WAITING")]
    assert seen(store, schedule) == [(10, "MADE"), (20, "MADE"), (30, "MADE")]


def test_what_would_pass_the_months_limit_is_not_made(
    store: Store, ticker: Ticker, maker: PlainMaker
) -> None:
    schedule = put(store, schedule_of(overlap="allow", month_usd=2.5))

    for number in (1, 2, 3):
        ticker.step(minute(number))

    assert seen(store, schedule) == [(1, "MADE"), (2, "MADE"), (3, "SKIPPED")]
    with store.read() as tx:
        assert "$2.50 a month" in str(ticks.history(tx, schedule.id, 1)[0].reason)
    assert maker.discarded == maker.made[2:]


def test_a_chain_runs_after_each_success_and_only_then(store: Store, ticker: Ticker) -> None:
    first = put(store, schedule_of("first", overlap="allow"))
    chained = put(store, schedule_of("then", after_others(), after=(first.id,)))
    ticker.step(minute(1))
    [failed] = runs_of(store)
    finish(store, failed, RunStatus.FAILED)
    ticker.step(minute(2))
    assert seen(store, chained) == []

    finish(store, next(run for run in runs_of(store) if not run.status.is_final))
    ticker.step(minute(2.1))
    ticker.step(minute(2.2))

    assert seen(store, chained) == [(2, "MADE")]
    with store.read() as tx:
        tick = ticks.get(tx, chained.id, minute(2))
    assert tick is not None
    assert len(tick.after_runs) == 1


def test_a_chain_whose_one_look_failed_is_looked_at_again(
    store: Store, ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = put(store, schedule_of("first"))
    chained = put(store, schedule_of("then", after_others(), after=(first.id,)))
    ticker.step(minute(1))
    with store.write() as tx:
        paused = schedules.find(tx, "first").model_copy(update={"paused_at": BEGIN})
        schedules.edit(tx, paused, 1, is_retimed=False)
    ticker.step(minute(1.01))
    finish(store, runs_of(store)[0])
    with monkeypatch.context() as patch:
        patch.setattr(ticks, "latest_success", _locked)
        ticker.step(minute(1.02))
    before = (seen(store, chained), ticker.is_due(minute(1.03)))

    assert ticker.is_due(minute(1.2))
    ticker.step(minute(1.2))

    assert before == ([], False)
    assert seen(store, chained) == [(1, "MADE")]


def _locked(*words: object) -> None:
    raise OSError("the database is locked")


def test_a_clock_that_was_years_ahead_does_not_silence_a_chain(
    store: Store, ticker: Ticker
) -> None:
    first = put(store, schedule_of("first", overlap="allow"))
    chained = put(store, schedule_of("then", after_others(), after=(first.id,)))
    years = 60 * 24 * 365 * 3

    for number in (1, years, 3, 4, 5):
        for _ in range(2):
            ticker.step(minute(number))
            for run in runs_of(store):
                if not run.status.is_final:
                    finish(store, run)
        ticker.step(minute(number))

    assert seen(store, chained) == [(number, "MADE") for number in (1, 3, 4, 5, years)]


def test_a_chain_of_several_waits_for_all_of_them(store: Store, ticker: Ticker) -> None:
    one = put(store, schedule_of("one", overlap="allow"))
    two = put(store, schedule_of("two", overlap="allow"))
    chained = put(store, schedule_of("then", after_others(), after=(one.id, two.id)))
    ticker.step(minute(1))
    of_one = next(run for run in runs_of(store) if run.schedule_id == one.id)
    of_two = next(run for run in runs_of(store) if run.schedule_id == two.id)

    finish(store, of_one)
    ticker.step(minute(1.1))
    before = seen(store, chained)
    finish(store, of_two)
    ticker.step(minute(1.2))

    assert (before, seen(store, chained)) == ([], [(1, "MADE")])


def test_after_a_run_that_has_succeeded_it_runs_once(store: Store, ticker: Ticker) -> None:
    put(store, schedule_of("first"))
    ticker.step(minute(1))
    [run] = runs_of(store)
    finish(store, run)
    chained = schedule_of("then", after_others(), after=(run.id,))
    put(store, chained.model_copy(update={"cursor": BEGIN - timedelta(microseconds=1)}))

    ticker.step(minute(1.1))
    ticker.step(minute(1.2))

    assert len(seen(store, chained)) == 1


def test_after_a_run_that_has_failed_it_is_told_once_that_it_never_runs(
    store: Store, ticker: Ticker
) -> None:
    put(store, schedule_of("first"))
    ticker.step(minute(1))
    [run] = runs_of(store)
    chained = schedule_of("then", after_others(), after=(run.id,))
    put(store, chained.model_copy(update={"cursor": BEGIN - timedelta(microseconds=1)}))

    finish(store, run, RunStatus.FAILED)
    ticker.step(minute(1.1))
    ticker.step(minute(1.2))

    assert [status for _, status in seen(store, chained)] == ["SKIPPED"]
    with store.read() as tx:
        assert run.id in str(ticks.history(tx, chained.id, 1)[0].reason)


def test_an_edit_of_what_was_changed_meanwhile_is_a_conflict_that_is_told(store: Store) -> None:
    schedule = put(store, schedule_of())
    mine = schedule.model_copy(update={"name": "mine", "edited_by": "ana"})
    theirs = schedule.model_copy(update={"name": "theirs", "edited_by": "bo"})

    with store.write() as tx:
        saved = schedules.edit(tx, mine, schedule.revision, is_retimed=False)
    with pytest.raises(ScheduleChanged, match="changed by ana"), store.write() as tx:
        schedules.edit(tx, theirs, schedule.revision, is_retimed=False)

    assert saved.revision == 2
    with store.read() as tx:
        assert schedules.find(tx, "mine") == saved
        with pytest.raises(ScheduleNotFound, match="'theirs'"):
            schedules.find(tx, "theirs")


def test_an_edit_does_not_take_back_what_was_ticked_meanwhile(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of(overlap="allow"))
    ticker.step(minute(1))

    with store.write() as tx:
        schedules.edit(tx, schedule, schedule.revision, is_retimed=False)
    ticker.step(minute(1.5))

    assert seen(store, schedule) == [(1, "MADE")]


def test_a_name_is_one_schedules(store: Store) -> None:
    put(store, schedule_of("nightly"))

    with pytest.raises(InvalidOption, match="a schedule 'nightly' already"), store.write() as tx:
        schedules.insert(tx, schedule_of("nightly"))


def test_the_snapshots_that_schedules_name_are_known(store: Store) -> None:
    named = schedule_of("named")
    what = named.what.model_copy(update={"snapshot_id": "s0123456789ab"})
    put(store, named.model_copy(update={"what": what}))
    put(store, schedule_of("other"))

    with store.read() as tx:
        assert schedules.snapshots(tx) == {"s0123456789ab", None}


def test_a_deleted_schedule_leaves_its_runs(store: Store, ticker: Ticker) -> None:
    schedule = put(store, schedule_of())
    ticker.step(minute(1))

    with store.write() as tx:
        assert schedules.delete(tx, schedule.id)

    assert ticker.step(minute(2)) == 0
    assert len(runs_of(store)) == 1


def test_old_ticks_are_forgotten_once_nothing_is_left_of_their_runs(
    store: Store, ticker: Ticker
) -> None:
    schedule = put(store, schedule_of(overlap="skip"))
    for number in (1, 2, 3):
        ticker.step(minute(number))

    with store.write() as tx:
        forgotten = ticks.forget(tx, minute(3))

    assert forgotten == 1
    assert seen(store, schedule) == [(1, "MADE"), (3, "SKIPPED")]


def test_a_tick_comes_once_in_the_hour_that_comes_twice(store: Store, ticker: Ticker) -> None:
    begin = datetime.fromisoformat("2026-10-24T22:00:00+00:00")
    when = cron("30 2 * * *", "Europe/Berlin")
    first = datetime.fromisoformat("2026-10-25T00:30:00+00:00")
    schedule = put(store, schedule_of("dst", when, cursor=begin, next_at=first, overlap="allow"))

    for step in range(2 * 28):
        ticker.step(begin + timedelta(minutes=30 * step))

    with store.read() as tx:
        found = ticks.history(tx, schedule.id, 10)
    assert [tick.scheduled_at for tick in found] == [first + timedelta(days=1, hours=1), first]


def test_the_row_and_its_run_come_together_or_not_at_all(
    store: Store, maker: PlainMaker, ticker: Ticker
) -> None:
    """Who comes second finds the row, and throws its own run away."""
    schedule = put(store, schedule_of())
    with store.write() as tx:
        tick = Tick(schedule_id=schedule.id, scheduled_at=minute(1), status=TickStatus.SKIPPED,
                    decided_at=BEGIN)  # fmt: skip
        ticks.insert(tx, tick)

    ticker.step(minute(1))

    assert (runs_of(store), maker.made) == ([], [])


def test_four_tickers_that_are_killed_at_random_lose_nothing_and_double_nothing(
    store: Store, where: Path | str
) -> None:
    ticking_race.race(store, where, count=160, kill_every_s=1.0)
