from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
import witness
from sqlalchemy.exc import IntegrityError
from witness import NOW

from jupyter_flotilla.errors import AmbiguousRun, RunNotFound
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import events, runs
from jupyter_flotilla.store.connection import Store

MakeRun = Callable[..., Run]


def test_a_run_comes_back_as_it_went_in(store: Store, make_run: MakeRun) -> None:
    run = make_run(
        name="a.b_c-1",
        command=("echo", "'quotes' \"and\"\nnewlines", "ünïcödé 🚢", "<script>"),
        tags={"team": "<b>", "ключ": ""},
        env={"LANG": "C.UTF-8"},
    )

    with store.read() as tx:
        assert runs.get(tx, run.id) == run


def test_the_second_move_from_a_status_finds_it_gone(store: Store, make_run: MakeRun) -> None:
    run = make_run()
    pending = run.advance(RunStatus.PENDING, NOW)
    cancelled = run.advance(RunStatus.CANCELLED, NOW)

    with store.write() as tx:
        moves = [runs.apply(tx, run, pending, NOW), runs.apply(tx, run, cancelled, NOW)]

    assert moves == [True, False]
    with store.read() as tx:
        assert runs.get(tx, run.id).status is RunStatus.PENDING
        assert [event.name for event in events.of_run(tx, run.id)] == ["QUEUED", "QUEUED→PENDING"]


def test_a_move_that_is_rolled_back_leaves_no_event(store: Store, make_run: MakeRun) -> None:
    run = make_run()

    with pytest.raises(RuntimeError), store.write() as tx:
        runs.apply(tx, run, run.advance(RunStatus.PENDING, NOW), NOW)
        raise RuntimeError

    with store.read() as tx:
        assert runs.get(tx, run.id).status is RunStatus.QUEUED
        assert len(events.of_run(tx, run.id)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "FAILED", "ended_at": NOW},
        {"status": "RUNNING", "ended_at": NOW},
        {"status": "DONE", "ended_at": None},
    ],
    ids=["failed without a kind", "an end without being final", "no such status"],
)
def test_the_database_itself_refuses_what_the_model_forbids(
    store: Store, make_run: MakeRun, wrong: dict[str, object]
) -> None:
    run = make_run()

    with pytest.raises(IntegrityError), store.write() as tx:
        tx.execute(runs.runs.update().where(runs.runs.c.id == run.id).values(**wrong))


def test_a_queued_run_is_cancelled_at_once(store: Store, make_run: MakeRun) -> None:
    run = make_run()

    with store.write() as tx:
        after = runs.request_cancel(tx, run.id, NOW, 10)

    assert after.status is RunStatus.CANCELLED


def test_a_second_cancel_hurries_and_never_slows(store: Store, make_run: MakeRun) -> None:
    run = make_run()
    with store.write() as tx:
        runs.apply(tx, run, run.advance(RunStatus.PENDING, NOW), NOW)

    graces = []
    for grace_s in (10, 0, 30):
        with store.write() as tx:
            graces.append(runs.request_cancel(tx, run.id, NOW, grace_s).cancel_grace_s)

    assert graces == [10, 0, 0]


def test_cancelling_a_final_run_changes_nothing(store: Store, make_run: MakeRun) -> None:
    run = make_run()
    failed = run.advance(RunStatus.FAILED, NOW, failure_kind=FailureKind.LOST, message="gone")
    with store.write() as tx:
        runs.apply(tx, run, failed, NOW)

    with store.write() as tx:
        after = runs.request_cancel(tx, run.id, NOW, 10)

    assert after == failed


@pytest.mark.parametrize("reference", ["r1234567890ab", "r12345678", "train", "last", "-1"])
def test_a_run_is_found_by_id_prefix_name_and_age(
    store: Store, make_run: MakeRun, reference: str
) -> None:
    make_run(run_id="r9999999999zz", created_at=NOW - timedelta(hours=1), name="train")
    wanted = make_run(run_id="r1234567890ab", name="train")

    with store.read() as tx:
        assert runs.find(tx, reference) == wanted


def test_a_prefix_of_several_ids_is_refused(store: Store, make_run: MakeRun) -> None:
    make_run(run_id="r1234567890ab")
    make_run(run_id="r1234567890ac")

    with store.read() as tx, pytest.raises(AmbiguousRun, match="r1234567890a"):
        runs.find(tx, "r12345")


def test_a_whole_id_means_its_run_whatever_others_are_named(
    store: Store, make_run: MakeRun
) -> None:
    wanted = make_run(run_id="rae0567890abc")
    make_run(run_id="rzz0567890abc", name=wanted.id)

    with store.read() as tx:
        assert runs.find(tx, wanted.id) == wanted


def test_a_name_that_begins_another_runs_id_is_refused_with_both(
    store: Store, make_run: MakeRun
) -> None:
    named = make_run(run_id="rzz0567890abc", name="rae0")
    other = make_run(run_id="rae0567890abc", name="train")

    with store.read() as tx, pytest.raises(AmbiguousRun) as refused:
        runs.find(tx, "rae0")

    assert refused.value.message == (
        f"'rae0' is the name of run {named.id} and begins the id of run {other.id} (train)"
    )
    assert refused.value.next_step == f"write the whole id: {named.id} or {other.id}"


def test_a_name_that_begins_its_own_runs_id_is_found(store: Store, make_run: MakeRun) -> None:
    wanted = make_run(run_id="rae0567890abc", name="rae0")

    with store.read() as tx:
        assert runs.find(tx, "rae0") == wanted


def test_a_name_is_found_where_the_ids_that_begin_so_are_several(
    store: Store, make_run: MakeRun
) -> None:
    named = make_run(run_id="rzz0567890abc", name="rae0")
    make_run(run_id="rae0567890abc")
    make_run(run_id="rae0567890abd")

    with store.read() as tx:
        assert runs.find(tx, "rae0") == named


def test_one_character_is_the_beginning_of_no_id(store: Store, make_run: MakeRun) -> None:
    make_run(run_id="rae0567890abc")

    with store.read() as tx, pytest.raises(RunNotFound, match="at least 2 characters"):
        runs.find(tx, "r")


@pytest.mark.parametrize(
    "reference",
    ["", "nope", "-7", "-²", "-" + "9" * 5000, "r%", "' OR 1=1 --", "a\0b", "x" * 10_000_000],
)
def test_what_is_no_run_is_not_found(store: Store, make_run: MakeRun, reference: str) -> None:
    make_run()

    with store.read() as tx, pytest.raises(RunNotFound):
        runs.find(tx, reference)


def test_a_short_id_grows_until_it_is_unique(store: Store, make_run: MakeRun) -> None:
    make_run(run_id="r1234567890ab")
    make_run(run_id="r1234567890ac")
    make_run(run_id="r9000000000aa")

    with store.read() as tx:
        shown = [runs.short_id(tx, run_id) for run_id in ("r1234567890ab", "r9000000000aa")]

    assert shown == ["r1234567890ab", "r900000"]


def test_runs_are_listed_newest_first_and_by_status_and_tag(
    store: Store, make_run: MakeRun
) -> None:
    old = make_run(created_at=NOW - timedelta(hours=1), tags={"team": "x"})
    new = make_run(tags={"team": "y"})

    with store.read() as tx:
        assert runs.latest(tx) == [new, old]
        assert runs.latest(tx, limit=1) == [new]
        assert runs.latest(tx, tag=("team", "x")) == [old]
        assert runs.latest(tx, tag=("team", None)) == [new, old]
        assert runs.latest(tx, statuses=[RunStatus.RUNNING]) == []


def test_a_watch_sees_the_commits_of_others(store: Store, make_run: MakeRun) -> None:
    with closing(store.watch()) as watch:
        before = watch.has_changed()
        make_run()

        # PostgreSQL brings a notification a moment after the commit
        witness.until(watch.has_changed, "the watch sees the commit")
        assert (before, watch.has_changed()) == (False, False)
