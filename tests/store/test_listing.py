import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import pytest
from witness import NOW

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import attempts, events, listing, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.listing import RunFilter, Sort

MakeRun = Callable[..., Run]


@pytest.fixture
def many(store: Store, make_run: MakeRun) -> list[Run]:
    """Forty runs, some of one moment, some of one name, some launched."""
    chances = random.Random(7)
    made = [
        make_run(
            name=chances.choice(["a", "b", "c"]),
            created_at=NOW + timedelta(minutes=chances.randrange(12)),
            tags={"team": chances.choice("xy")},
            path=chances.choice([None, "/home/ada/train.ipynb"]),
        )
        for _ in range(40)
    ]
    with store.write() as tx:
        for number in range(10):
            attempt = attempts.claim(tx, "fake", "nowhere", 99, NOW)
            assert attempt is not None
            update = {"ended_at": NOW, "charge_usd": number / 7, "duration_s": float(number % 3)}
            attempts.update(tx, attempt.model_copy(update=update))
    return made


@pytest.mark.parametrize("is_descending", [True, False])
@pytest.mark.parametrize("sort", get_args(Sort))
def test_pages_together_have_each_run_once_and_in_order(
    store: Store, many: list[Run], sort: Sort, is_descending: bool
) -> None:
    found, after = list[Any](), None
    while True:
        with store.read() as tx:
            rows, after = listing.page(
                tx, RunFilter(), sort=sort, is_descending=is_descending, after=after, limit=7
            )
        found += rows
        if after is None:
            break

    assert sorted(row.run["id"] for row in found) == sorted(run.id for run in many)
    with store.read() as tx:
        whole, _ = listing.page(tx, RunFilter(), sort=sort, is_descending=is_descending, limit=500)
    assert [row.run["id"] for row in found] == [row.run["id"] for row in whole]
    keys = [row.run.get(sort, row.charged_usd) for row in whole]
    if sort in ("created_at", "name", "cost"):
        assert keys == sorted(keys, reverse=is_descending)


@pytest.mark.parametrize(
    ("which", "is_meant"),
    [
        (RunFilter(statuses=(RunStatus.PENDING,)), lambda run: False),
        (RunFilter(tag=("team", "x")), lambda run: run.spec.tags["team"] == "x"),
        (RunFilter(tag=("team", None)), lambda run: True),
        (RunFilter(tag=("size", None)), lambda run: False),
        (RunFilter(path="/home/ada/train.ipynb"), lambda run: run.spec.path is not None),
        (RunFilter(text="TRAIN"), lambda run: run.spec.path is not None),
        (RunFilter(text="%"), lambda run: False),
        (RunFilter(owner="me", engine="fake"), lambda run: True),
        (RunFilter(owner="you"), lambda run: False),
        (
            RunFilter(since=NOW + timedelta(minutes=3), until=NOW + timedelta(minutes=9)),
            lambda run: timedelta(minutes=3) <= run.created_at - NOW < timedelta(minutes=9),
        ),
    ],
)
def test_a_filter_leaves_what_it_means(
    store: Store, many: list[Run], which: RunFilter, is_meant: Callable[[Run], bool]
) -> None:
    with store.read() as tx:
        rows, _ = listing.page(tx, which, limit=100)
        count = listing.count(tx, which)
        launched = {row.run["id"] for row in listing.page(tx, RunFilter(statuses=(
            RunStatus.PENDING,)), limit=100)[0]}  # fmt: skip

    meant = {run.id for run in many if is_meant(run)}
    if which.statuses:
        meant = launched
        assert len(launched) == 10
    assert {row.run["id"] for row in rows} == meant
    assert count == len(meant)


def test_a_row_has_what_its_run_has(store: Store, make_run: MakeRun) -> None:
    run = make_run(tags={"team": "x"}, resources={"memory_mib": 2048})

    with store.read() as tx:
        [row] = listing.rows_of(tx, [run.id, "rgone00000000"])
        short = runs.short_id(tx, run.id)

    assert (row.run["id"], row.short_id, row.tags) == (run.id, short, {"team": "x"})
    assert row.resources["memory_mib"] == 2048
    assert row.seq > 0
    assert row.latest is None


def test_what_an_attempt_has_cost_is_unknown_where_the_price_of_one_is(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run()
    with store.write() as tx:
        attempt = attempts.claim(tx, "fake", "nowhere", 9, NOW)
        assert attempt is not None
        attempts.update(tx, attempt.model_copy(update={"ended_at": NOW}))
        [row] = listing.rows_of(tx, [run.id])

    assert row.charged_usd is None
    assert row.latest is not None
    assert row.latest["number"] == 1


def test_events_tell_what_has_happened_since(store: Store, make_run: MakeRun) -> None:
    first, second = make_run(), make_run()
    with store.read() as tx:
        seq = events.latest_seq(tx)
    with store.write() as tx:
        attempts.claim(tx, "fake", "nowhere", 9, NOW)

    with store.read() as tx:
        assert [run_id for _, run_id, _ in listing.events_after(tx, 0, 10)][:2] == [
            first.id, second.id,
        ]  # fmt: skip
        [(later, run_id, name)] = listing.events_after(tx, seq, 10)
        facts = listing.open_facts(tx)

    assert (later > seq, name) == (True, "QUEUED→PENDING")
    assert list(facts) == [run_id]


@pytest.mark.parametrize(
    ("sort", "after"),
    [("created_at", ("then", -1, "r")), ("created_at", ("2026-11-24", -1, "r")),
     ("name", (3, -1, "r")), ("cost", ("a", -1, "r"))],
)  # fmt: skip
def test_a_position_of_another_list_is_refused(store: Store, sort: Sort, after: Any) -> None:
    with store.read() as tx, pytest.raises(InvalidOption, match="cursor"):
        listing.page(tx, RunFilter(), sort=sort, after=after)
