"""The step that tells: once, again until it is taken, and nothing that did not happen."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import witness
from schedule_ground import schedule_of
from witness import NOW

from jupyter_flotilla.dispatch.teller import Teller
from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.errors import NotTold, StoreUnreadable
from jupyter_flotilla.model.notice import read_notify
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.model.schedule import Tick, TickStatus
from jupyter_flotilla.store import events, notices, runs, schedules, ticks
from jupyter_flotilla.store.connection import Store

Make = Callable[..., Run]


class _Post:
    """Takes messages, or does not."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.refuses = 0

    def send(self, target: str, title: str, body: str) -> None:
        if self.refuses:
            self.refuses -= 1
            raise NotTold(f"{target} is away")
        self.taken.append((target, title, body))


@pytest.fixture
def post() -> _Post:
    return _Post()


@pytest.fixture
def teller(store: Store, post: _Post) -> Teller:
    return Teller(store, post.send)


def _end(store: Store, run: Run, status: RunStatus) -> None:
    for one in (RunStatus.PENDING, RunStatus.RUNNING, status):
        moved = run.advance(one, NOW, failure_kind="user-error" if one == "FAILED" else None)
        with store.write() as tx:
            assert runs.apply(tx, run, moved, NOW)
        run = moved


def _statuses(store: Store, run: Run) -> dict[str, str]:
    with store.read() as tx:
        return {str(one.occasion): str(one.status) for one in notices.of(tx, run.id)}


def test_who_asked_is_told_once_and_only_of_what_happened(store, make_run, teller, post):
    run = make_run(notify=("team:success,failure,slow",))
    other = make_run()
    assert teller.step(NOW) == 0
    _end(store, run, RunStatus.FAILED)
    _end(store, other, RunStatus.FAILED)

    for _ in range(3):
        teller.step(NOW)

    assert [(target, title) for target, title, _ in post.taken] == [
        ("team", f"{run.name} failed (user-error)")
    ]
    assert _statuses(store, run) == {"success": "DROPPED", "failure": "TOLD", "slow": "DROPPED"}
    with store.read() as tx:
        [told] = [event for event in events.of_run(tx, run.id) if event.name == "told"]
    assert told.detail == {"target": "team", "occasion": "failure"}
    assert not teller.stays


def test_nobody_is_told_of_a_run_that_was_cancelled(store, make_run, teller, post):
    run = make_run(notify=("team:success,failure",))
    _end(store, run, RunStatus.CANCELLED)

    teller.step(NOW)

    assert post.taken == []
    assert set(_statuses(store, run).values()) == {"DROPPED"}


def test_a_target_that_is_away_is_tried_again_later_and_not_for_ever(store, make_run, teller, post):
    run = make_run(notify=("team:success", "boss:success"))
    _end(store, run, RunStatus.SUCCEEDED)
    post.refuses = 1

    teller.step(NOW)
    first = list(post.taken)
    stays = teller.stays
    teller.step(NOW + timedelta(seconds=1))
    before = list(post.taken)
    teller.step(NOW + timedelta(seconds=11))

    assert len(first) == len(before) == 1
    assert stays
    assert sorted(target for target, _, _ in post.taken) == ["boss", "team"]
    assert not teller.stays

    post.refuses = 100
    _end(store, late := make_run(notify=("team:success",)), RunStatus.SUCCEEDED)
    for hour in range(10):
        teller.step(NOW + timedelta(hours=3 * hour))
    assert _statuses(store, late) == {"success": "FAILED"}
    assert post.refuses == 94
    assert not teller.stays


def test_of_two_who_tell_at_once_one_does(store, make_run, post):
    run = make_run(notify=("team:success",))
    _end(store, run, RunStatus.SUCCEEDED)
    with store.read() as tx:
        [seen] = notices.of_ended(tx, NOW, (), 10)
    both = [Teller(store, post.send), Teller(store, post.send)]

    moved = [teller._tell(seen, run, NOW, []) for teller in both]

    assert moved == [1, 0]
    assert len(post.taken) == 1


def test_an_unforeseen_error_of_a_target_stops_no_other(store, make_run, post):
    def send(target: str, title: str, body: str) -> None:
        if target == "broken":
            raise RuntimeError("https://ana:s3cr3t@example.com")
        post.send(target, title, body)

    run = make_run(notify=("broken:success", "team:success"))
    _end(store, run, RunStatus.SUCCEEDED)

    Teller(store, send).step(NOW)

    assert [target for target, _, _ in post.taken] == ["team"]
    with store.read() as tx:
        told = str([*notices.of(tx, run.id), *events.of_run(tx, run.id)])
    assert "RuntimeError" in told
    assert "s3cr3t" not in told


def test_a_run_that_was_deleted_leaves_nothing_to_tell(store, make_run, teller, post):
    run = make_run(notify=("team:success",))
    _end(store, run, RunStatus.SUCCEEDED)
    with store.write() as tx:
        assert runs.delete(tx, run.id)

    teller.step(NOW)

    assert post.taken == []
    assert _statuses(store, run) == {}


def test_a_run_that_has_not_begun_some_minutes_after_its_tick_is_late(
    store, make_run, teller, post
):
    run = make_run().model_copy(update={"id": new_run_id(), "scheduled_at": NOW})
    spec = run.spec.model_copy(update={"notify": ("team:late",)})
    with store.write() as tx:
        runs.insert(tx, run.model_copy(update={"spec": spec}))
    make_run(notify=("team:late",))  # it has no time that it could be late for

    teller.step(NOW + timedelta(minutes=4))
    early = list(post.taken)
    for minute in (6, 7):
        teller.step(NOW + timedelta(minutes=minute))

    assert early == []
    [(target, title, body)] = post.taken
    assert (target, title) == ("team", f"{run.name} is late")
    assert "It was to begin at 2026-11-24 02:00:00 UTC: QUEUED." in body


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (TickStatus.FAILED, "report: its run could not be made"),
        (TickStatus.MISSED, "report: 3 runs were missed"),
        (TickStatus.SKIPPED, None),
    ],
)
def test_a_tick_without_a_run_is_told_to_those_whom_its_schedule_names(
    store, teller, post, status, title
):
    schedule = schedule_of("report")
    spec = schedule.what.spec.model_copy(update={"notify": read_notify("team:failure,late")})
    what = schedule.what.model_copy(update={"spec": spec})
    tick = Tick(
        schedule_id=schedule.id,
        scheduled_at=NOW,
        status=status,
        decided_at=NOW,
        reason="report.ipynb was deleted",
        count=3 if status is TickStatus.MISSED else 1,
    )
    with store.write() as tx:
        schedules.insert(tx, schedule.model_copy(update={"what": what}))
        assert ticks.insert(tx, tick)
        assert not ticks.insert(tx, tick)

    for _ in range(3):
        teller.step(NOW)

    assert [said for _, said, _ in post.taken] == ([] if title is None else [title])
    assert not teller.stays
    if status is TickStatus.FAILED:
        assert (
            "What was due at 2026-11-24 02:00:00 UTC did not begin: report.ipynb was deleted"
            in (post.taken[0][2])
        )


class _Hanging(_Post):
    """One target hangs until it is let go; the others take what they get."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def send(self, target: str, title: str, body: str) -> None:
        if target == "hangs":
            self.gate.wait(60)
        super().send(target, title, body)


def test_a_target_that_hangs_with_many_messages_holds_up_no_other(store, make_run):
    post = _Hanging()
    teller = Teller(store, post.send, Workers())
    for _ in range(60):
        _end(store, make_run(notify=("hangs:success",)), RunStatus.SUCCEEDED)
    _end(store, make_run(notify=("team:success",)), RunStatus.SUCCEEDED)

    witness.until(lambda: teller.step(NOW) >= 0 and post.taken)

    assert [target for target, _, _ in post.taken] == ["team"]
    post.gate.set()


def test_what_a_store_cannot_take_costs_no_thread(store, make_run, monkeypatch):
    post, workers = _Post(), Workers()
    teller = Teller(store, post.send, workers)
    with monkeypatch.context() as broken:
        broken.setattr(notices, "move", _broken_in_threads(notices.move))
        for number in range(6):
            _end(store, make_run(notify=(f"t{number}:success",)), RunStatus.SUCCEEDED)
        teller.step(NOW)
        witness.until(lambda: not workers.keys)
    _end(store, make_run(notify=("team:success",)), RunStatus.SUCCEEDED)

    witness.until(lambda: teller.step(NOW) >= 0 and ("team" in [one[0] for one in post.taken]))


def _broken_in_threads(move: Callable[..., bool]) -> Callable[..., bool]:
    def moved(*words: object) -> bool:
        if threading.current_thread() is not threading.main_thread():
            raise StoreUnreadable("the store is away")
        return move(*words)

    return moved


def test_another_hosts_wishes_are_left_to_it(store, make_run, teller, post, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("jupyter_flotilla.machine.host", lambda: "elsewhere")
        run = make_run(notify=("team:success",))
    _end(store, run, RunStatus.SUCCEEDED)

    teller.step(NOW)

    assert post.taken == []
    assert _statuses(store, run) == {"success": "WAITING"}
    assert not teller.stays
