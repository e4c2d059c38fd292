"""What a panel sends of the list of runs: the whole once, then only what differs."""

import json
from datetime import timedelta

import pytest
from panel_runs import HOSTILE, Runs
from witness import NOW

from jupyter_flotilla.listing import Listing
from jupyter_flotilla.model.observation import Progress, Usage
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import attempts
from jupyter_flotilla.store.listing import RunFilter
from jupyter_flotilla.widget.ledger import PAGE, Ledger
from jupyter_flotilla.widget.rows import difference, shown

LAUNCHED = (RunStatus.PENDING, RunStatus.RUNNING)


@pytest.fixture
def made(facade: Flotilla) -> Runs:
    return Runs(facade)


def opened(made: Runs, which: RunFilter | None = None) -> Ledger:
    ledger = Ledger(Listing(made.facade), which or RunFilter())
    ledger.read()
    return ledger


def names(ledger: Ledger) -> list[str]:
    return [row["name"] for row in ledger.whole()["rows"]]


def test_rows_come_newest_first_and_a_page_at_a_time(made: Runs) -> None:
    for number in range(PAGE + 3):
        made.make(f"run-{number}")

    ledger = opened(made)
    whole = ledger.whole()
    more = ledger.more()

    assert whole["rows"][0]["name"] == f"run-{PAGE + 2}"
    assert (len(whole["rows"]), whole["total"], whole["more"]) == (PAGE, PAGE + 3, True)
    assert more is not None
    assert [row["name"] for row in more["rows"]] == ["run-2", "run-1", "run-0"]
    assert more["more"] is False
    assert ledger.more() is None


def test_where_nothing_has_changed_there_is_nothing_to_send(made: Runs) -> None:
    made.make()
    ledger = opened(made)

    assert ledger.news() is None
    assert ledger.facts() is None


def test_of_a_run_that_moved_only_what_differs_is_sent(made: Runs) -> None:
    run = made.make()
    ledger = opened(made)

    made.move(run, RunStatus.PENDING)
    news = ledger.news()

    assert news is not None
    [change] = news["put"]
    assert {"id", "status", "attempt"} <= set(change)
    assert "name" not in change and "created" not in change
    assert len(json.dumps(news)) < 300
    assert ledger.news() is None


def test_a_new_run_is_put_on_top(made: Runs) -> None:
    made.make("first")
    ledger = opened(made)

    made.make("second")
    made.make("third")
    news = ledger.news()

    assert news is not None
    assert sorted(place for place, _ in news["new"]) == [0, 1]
    assert news["total"] == 3
    assert names(ledger) == ["third", "second", "first"]


def test_an_older_run_that_comes_to_match_gets_its_place_by_time(made: Runs) -> None:
    middle = made.make("middle")
    for name, late_s in (("old", -60), ("new", 60)):
        made.move(made.make(name, at=NOW + timedelta(seconds=late_s)), *LAUNCHED)
    ledger = opened(made, RunFilter(statuses=(RunStatus.RUNNING,)))

    made.move(middle, *LAUNCHED)
    ledger.news()

    assert names(ledger) == ["new", "middle", "old"]


def test_a_run_that_matches_no_longer_is_gone(made: Runs) -> None:
    run = made.make("queued")
    made.make("other")
    ledger = opened(made, RunFilter(statuses=(RunStatus.QUEUED,)))

    made.move(run, RunStatus.CANCELLED)
    news = ledger.news()

    assert news is not None
    assert news["gone"] == [run.id]
    assert news["total"] == 1
    assert names(ledger) == ["other"]


def test_a_run_beyond_what_was_scrolled_to_is_counted_and_not_sent(made: Runs) -> None:
    for _ in range(PAGE + 1):
        made.make()
    ledger = opened(made)

    made.make("ancient", at=NOW - timedelta(days=9))
    news = ledger.news()

    assert news == {"kind": "delta", "total": PAGE + 2}


def test_what_was_deleted_leaves_no_trace_and_so_all_is_sent_anew(made: Runs) -> None:
    gone = made.move(made.make("gone"), RunStatus.CANCELLED)
    made.make("stays")
    ledger = opened(made)

    made.delete(gone)
    news = ledger.news()

    assert news is not None
    assert news["kind"] == "whole"
    assert [row["name"] for row in news["rows"]] == ["stays"]


def test_a_list_that_grows_for_ever_forgets_its_end(
    made: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.widget.ledger._MOST_MORE", 10)
    ledger = opened(made)
    for number in range(PAGE + 11):
        made.make(f"run-{number}")

    ledger.news()
    made.make("newest")
    news = ledger.news()

    assert news is not None
    assert (news["kind"], len(news["rows"]), news["total"]) == ("whole", PAGE, PAGE + 12)
    assert news["rows"][0]["name"] == "newest"


def test_memory_and_progress_of_what_goes_on_are_no_events_and_are_sent(made: Runs) -> None:
    run = made.make()
    with made.facade.store.write() as tx:
        attempt = attempts.claim(tx, "process", "elsewhere", 9, NOW)
    assert attempt is not None
    made.move(made.facade.get(run.id), RunStatus.RUNNING)
    ledger = opened(made)
    with made.facade.store.write() as tx:
        usage = Usage(memory_mib=300.4, peak_memory_mib=310, cpu_percent=90)
        progress = Progress(done=1, total=3, message="fitting")
        attempts.update(tx, attempt.model_copy(update={"usage": usage, "progress": progress}))

    facts = ledger.facts()

    assert facts is not None
    [change] = facts["put"]
    assert (change["memory"], change["fraction"]) == (300, 0.333)
    assert "fitting" in change["says"]
    assert ledger.facts() is None


def test_a_hostile_name_travels_as_short_text(made: Runs) -> None:
    made.rename(made.make(), HOSTILE)

    [row] = opened(made).whole()["rows"]

    json.dumps(row, allow_nan=False).encode()
    assert row["name"].startswith("<script>")
    assert len(row["name"]) == 200


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 1e308, -1e308])
def test_no_number_keeps_a_row_from_travelling(made: Runs, number: float) -> None:
    made.make()
    [row] = Listing(made.facade).page(RunFilter()).runs

    sent = shown({**row, "cost_usd": number, "progress": {"fraction": number, "text": "x"}})

    json.loads(json.dumps(sent, allow_nan=False))


def test_half_a_letter_does_not_keep_a_row_from_travelling(made: Runs) -> None:
    made.make()
    [row] = Listing(made.facade).page(RunFilter()).runs

    sent = shown({**row, "name": "a\ud800b", "message": "\udcff"})

    assert (sent["name"], sent["message"]) == ("a?b", "?")


def test_of_a_row_that_is_the_same_nothing_is_sent(made: Runs) -> None:
    made.make()
    [row] = Listing(made.facade).page(RunFilter()).runs

    assert difference(shown(row), shown(row)) == {}


def test_ten_thousand_runs_are_a_page_and_a_count(made: Runs) -> None:
    made.make()
    with made.facade.store.write() as tx:
        columns = [row[1] for row in tx.exec_driver_sql("PRAGMA table_info(runs)")]
        values = ["'r' || printf('%012d', n)" if name == "id" else name for name in columns]
        numbers = "SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9999"
        tx.exec_driver_sql(
            f"WITH RECURSIVE numbers(n) AS ({numbers}) "
            f"INSERT INTO runs ({', '.join(columns)}) SELECT {', '.join(values)} FROM runs, numbers"
        )

    whole = opened(made).whole()

    assert (len(whole["rows"]), whole["total"]) == (PAGE, 10_000)
    assert len(json.dumps(whole)) < 60_000
