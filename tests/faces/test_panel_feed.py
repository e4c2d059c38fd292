"""The panel's one thread: there while somebody looks, and only then."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from panel_runs import Runs, Said
from witness import until

from jupyter_flotilla import protocol
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store.backend import ChangeWatch
from jupyter_flotilla.store.listing import RunFilter
from jupyter_flotilla.widget import viewers
from jupyter_flotilla.widget.feed import Feed
from jupyter_flotilla.widget.tail import LINES, Tail
from jupyter_flotilla.widget.viewers import LEASE_S, Viewers


@pytest.fixture
def made(facade: Flotilla, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(Flotilla, "ensure_dispatcher", lambda self: None)
    return Runs(facade)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def feed(made: Runs, said: Said) -> Iterator[Feed]:
    opened = Feed(said)
    yield opened
    opened.close()


def see(feed: Feed, view: str = "a", *, is_seen: bool = True) -> None:
    feed.hear({"kind": "seen", "view": view, "is_seen": is_seen})


def has_thread() -> bool:
    return any(thread.name == "flotilla-panel" for thread in threading.enumerate())


def test_a_view_that_says_hello_gets_the_whole(feed: Feed, made: Runs, said: Said) -> None:
    made.make("train")

    feed.hear({"kind": "hello", "view": "a"})
    see(feed)

    [whole] = until(lambda: said.of("whole"))
    assert whole["to"] == "a"
    assert [row["name"] for row in whole["rows"]] == ["train"]
    [summary] = until(lambda: [one for one in said.of("summary") if "to" not in one])
    assert summary["counts"]["QUEUED"] == 1


def test_changes_are_numbered_on_from_the_whole(feed: Feed, made: Runs, said: Said) -> None:
    see(feed)
    feed.hear({"kind": "hello", "view": "a"})
    [whole] = until(lambda: said.of("whole"))

    run = made.make("one")
    until(lambda: said.of("delta"))
    made.move(run, RunStatus.CANCELLED)
    until(lambda: [m for m in said.of("delta") if "put" in m])

    numbers = [m["number"] for m in said.messages if "to" not in m]
    after = [number for number in numbers if number > whole["number"]]
    assert after == list(range(whole["number"] + 1, whole["number"] + 1 + len(after)))


def test_nobody_who_looks_is_no_thread(feed: Feed, said: Said) -> None:
    feed.hear({"kind": "hello", "view": "a"})
    assert not has_thread()

    see(feed)
    assert has_thread()
    see(feed, is_seen=False)
    until(lambda: not has_thread())
    see(feed)
    assert has_thread()
    feed.hear({"kind": "bye", "view": "a"})
    until(lambda: not has_thread())


def test_a_look_while_the_thread_ends_makes_no_second_one(
    feed: Feed, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Flotilla.watch

    def watch(facade: Flotilla) -> ChangeWatch:
        found = opened(facade)
        close = found.close

        def slow() -> None:
            see(feed)  # a tab is switched back, just now
            close()

        monkeypatch.setattr(found, "close", slow)
        return found

    monkeypatch.setattr(Flotilla, "watch", watch)
    see(feed)
    first = until(lambda: feed._thread)
    until(lambda: said.of("summary"))
    see(feed, is_seen=False)

    until(lambda: not first.is_alive())
    assert feed._thread is not first
    assert feed.is_watched


def test_what_happened_out_of_sight_is_told_as_a_change(feed: Feed, made: Runs, said: Said) -> None:
    see(feed)
    feed.hear({"kind": "hello", "view": "a"})
    until(lambda: said.of("whole"))
    see(feed, is_seen=False)
    until(lambda: not has_thread())

    made.make("meanwhile")
    see(feed)

    [delta] = until(lambda: said.of("delta"))
    assert delta["new"][0][1]["name"] == "meanwhile"
    assert len(said.of("whole")) == 1


def test_a_view_counts_as_seen_until_its_lease_is_over() -> None:
    looking = Viewers()

    looking.see("a", 0.0, is_seen=True)

    assert looking.is_watched(LEASE_S - 1)
    assert not looking.is_watched(LEASE_S + 1)


def test_a_busy_kernel_hears_nobody_and_takes_them_to_look_still() -> None:
    looking = Viewers()
    looking.see("a", 0.0, is_seen=True)
    looking.see("hidden", 0.0, is_seen=False)

    looking.hold(10 * LEASE_S)

    assert looking.is_watched(10 * LEASE_S + 1)
    looking.leave("a")
    assert not looking.is_watched(10 * LEASE_S + 1)


def test_close_ends_the_thread_for_ever(feed: Feed, said: Said) -> None:
    see(feed)
    assert has_thread()

    feed.close()

    assert not has_thread()
    see(feed)
    assert not has_thread()


def test_a_filter_sends_what_matches(feed: Feed, made: Runs, said: Said) -> None:
    made.make("train")
    made.make("etl")
    see(feed)
    feed.hear({"kind": "hello", "view": "a"})
    until(lambda: said.of("whole"))

    feed.narrow(RunFilter(text="ETL"))

    whole = until(lambda: said.of("whole")[1:])[0]
    assert [row["name"] for row in whole["rows"]] == ["etl"]
    assert whole["number"] == 2 or "to" not in whole


def test_paused_it_tells_nothing_and_then_what_it_missed(
    feed: Feed, made: Runs, said: Said
) -> None:
    see(feed)
    feed.hear({"kind": "hello", "view": "a"})
    until(lambda: said.of("whole"))

    feed.pause(is_paused=True)
    made.make("meanwhile")
    feed.hear({"kind": "hello", "view": "b"})
    until(lambda: [m for m in said.of("whole") if m["to"] == "b"])
    assert said.of("delta") == []
    feed.pause(is_paused=False)

    assert until(lambda: said.of("delta"))[0]["new"][0][1]["name"] == "meanwhile"


def test_two_views_are_told_the_same(feed: Feed, made: Runs, said: Said) -> None:
    for view in ("a", "b"):
        see(feed, view)
        feed.hear({"kind": "hello", "view": view})

    until(lambda: {m["to"] for m in said.of("whole")} == {"a", "b"})
    see(feed, "a", is_seen=False)
    made.make("for b")

    until(lambda: said.of("delta"))
    assert has_thread()


def test_a_store_that_is_replaced_is_followed(
    feed: Feed, made: Runs, said: Said, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.widget.feed._STORE_EVERY_S", 0.05)
    made.make("old")
    see(feed)
    feed.hear({"kind": "hello", "view": "a"})
    until(lambda: said.of("whole"))

    for file in home.glob("flotilla.db*"):
        file.unlink()

    whole = until(lambda: [m for m in said.of("whole") if "to" not in m])[0]
    assert whole["rows"] == []


def test_a_store_that_cannot_be_read_is_said_until_it_can(
    feed: Feed, made: Runs, said: Said, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.widget.feed._STORE_EVERY_S", 0.05)
    monkeypatch.setattr("jupyter_flotilla.widget.feed._AGAIN_S", 0.05)
    made.make("kept")
    see(feed)
    feed.hear({"kind": "hello", "view": "a"})
    until(lambda: said.of("whole"))
    made.facade.close()
    away = home.with_name("away")

    home.rename(away)
    home.write_text("no folder")
    trouble = until(lambda: said.of("trouble"))[0]
    home.unlink()
    away.rename(home)

    assert "Next:" in trouble["text"]
    whole = until(lambda: [m for m in said.of("whole") if "to" not in m])[0]
    assert [row["name"] for row in whole["rows"]] == ["kept"]


def test_the_detail_of_a_run_that_was_deleted_says_so(feed: Feed, made: Runs, said: Said) -> None:
    see(feed)

    feed.hear({"kind": "open", "view": "a", "run": "r00000000000"})

    [tail] = until(lambda: said.of("tail"))
    assert (tail["why"], tail["lines"]) == ("It was deleted.", [])


@pytest.fixture
def written(made: Runs) -> Iterator[tuple[Any, Any, Flotilla]]:
    """A run that goes on, and the writer of its stream."""
    run = made.move(made.make(), RunStatus.PENDING, RunStatus.RUNNING)
    folder = made.facade.attempt_folder(run.id, 1)
    folder.mkdir(parents=True)
    with closing(protocol.StreamWriter(str(folder))) as writer:
        yield run, writer, made.facade


def test_the_end_of_a_log_is_at_most_so_many_lines(written: Any) -> None:
    run, writer, facade = written
    writer.text("stdout", "".join(f"line {n}\n" for n in range(3 * LINES)))

    whole = Tail(facade, run.id).whole()

    assert len(whole["lines"]) == LINES
    assert whole["lines"][-2:] == [f"line {3 * LINES - 1}", ""]


def test_of_a_log_that_grows_what_is_new_is_sent(
    written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.widget.tail._EVERY_S", 0.0)
    run, writer, facade = written
    writer.text("stdout", "one\ntwo\nthr")
    tail = Tail(facade, run.id)
    before = tail.whole()["lines"]

    writer.text("stdout", "ee\nfour")
    news = tail.news()

    assert news is not None
    assert news["lines"] == ["three", "four"]
    assert before[:-1][-news["keep"] :] + news["lines"] == ["one", "two", "three", "four"]
    assert tail.news() is None


def test_of_a_log_only_colours_are_left(written: Any) -> None:
    run, writer, facade = written
    writer.text("stdout", "10%\r50%\r\x1b[2J\x1b[31mdone\x1b[0m\x1b]0;title\x07\n" + "x" * 5_000)

    lines = Tail(facade, run.id).whole()["lines"]

    assert lines[0] == "\x1b[31mdone\x1b[0m"
    assert len(lines[1]) == 2_001


def test_viewers_forget_who_left() -> None:
    looking = viewers.Viewers()
    looking.see("a", 0.0, is_seen=True)
    looking.open("a", "r1")

    assert looking.opened(1.0) == {"a": "r1"}
    looking.open("a", None)
    assert looking.opened(1.0) == {}
