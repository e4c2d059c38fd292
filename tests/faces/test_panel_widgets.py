"""The notebook panel's side in the kernel: what it shows, what its buttons do, what it leaves."""

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from panel_runs import HOSTILE, FakeShell, Runs, Said
from witness import until

import jupyter_flotilla as fl
from jupyter_flotilla.commands import flotilla
from jupyter_flotilla.engines.process.engine import ProcessEngine
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.widget import kernel
from jupyter_flotilla.widget import panel as panels

ipywidgets = pytest.importorskip("ipywidgets")
pytest.importorskip("anywidget")

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def made(facade: Flotilla, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(Flotilla, "ensure_dispatcher", lambda self: None)
    return Runs(facade)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeShell]:
    """A kernel with a frontend; no panel of the test outlives it."""
    fake = FakeShell()
    monkeypatch.setattr(kernel, "current_shell", lambda: fake)
    monkeypatch.setattr(kernel, "current_origin", lambda: kernel.find_origin(fake))
    panels._displayed.cache_clear()
    yield fake
    for shown in list(panels._displayed()._panels):
        shown.close()


@pytest.fixture
def said(shell: FakeShell, made: Runs, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What is sent to the browser."""
    from jupyter_flotilla.widget.table import RunsTable

    said = Said()
    monkeypatch.setattr(RunsTable, "send", lambda self, *words: said(*words))
    return said


def display(panel: Any) -> list[dict[str, Any]]:
    """Display a panel; return the bundles that a notebook would keep."""
    with patch("IPython.display.publish_display_data") as published:
        panel._ipython_display_()
    return [call.args[0] for call in published.call_args_list]


class Page:
    """A panel as a page that shows it uses it."""

    def __init__(self, **wish: Any) -> None:
        self.panel = fl.panel(**wish)
        display(self.panel)
        self.tree: Any = self.panel._tree

    def say(self, kind: str, **body: Any) -> None:
        """Say something as a view does."""
        message = {"kind": kind, "view": "page", **body}
        self.tree._table._handle_custom_msg(message, [])

    def field(self, label: str) -> Any:
        """Return the first control with this label."""
        return next(one for one in self._all(self.tree.box) if one_label(one) == label)

    def _all(self, widget: Any) -> Iterator[Any]:
        for child in getattr(widget, "children", ()):
            yield child
            yield from self._all(child)


def one_label(widget: Any) -> str:
    return getattr(widget, "description", "")


def answers(said: Said) -> list[dict[str, Any]]:
    return [message for message in said.of("answer") if message["text"]]


def test_a_cell_shows_widgets_and_for_static_viewers_a_table(said: Said, made: Runs) -> None:
    made.rename(made.make(), HOSTILE)

    bundle, live = display(fl.panel())

    assert live[VIEW]["model_id"]
    assert "&lt;script&gt;" in bundle["text/html"] and "<script" not in bundle["text/html"]
    assert "<script>" in bundle["text/plain"]
    assert "\t" not in bundle["text/plain"]


def test_without_widgets_it_is_a_table_and_how_to_have_more(
    shell: FakeShell, made: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panels, "has_widgets", lambda: False)
    made.make("train")

    [bundle] = display(fl.panel())

    assert set(bundle) == {"text/html", "text/plain"}
    assert "pip install &#x27;jupyter_flotilla[panel]&#x27;" in bundle["text/html"]
    assert "train" in bundle["text/plain"]


def test_a_terminal_shows_a_table(made: Runs) -> None:
    made.move(made.make("train"), RunStatus.PENDING)

    panel = fl.panel()

    with pytest.raises(NotImplementedError):
        panel._ipython_display_()
    head, row, note = repr(panel).splitlines()
    assert head.split()[:3] == ["id", "name", "status"]
    assert row.split()[1:4] == ["train", "◌", "PENDING"]
    assert "%flotilla panel" in note


def test_the_command_shows_what_matches(made: Runs) -> None:
    made.make("train", tags={"team": "x"})
    made.make("etl")

    done = CliRunner().invoke(flotilla, ["panel", "--tag", "team=x"])

    assert done.exit_code == 0, done.output
    assert "train" in done.stdout and "etl" not in done.stdout


def test_a_store_that_cannot_be_read_is_told_in_its_place(
    said: Said, home: Path, made: Runs
) -> None:
    made.make()
    made.facade.close()
    home.rename(home.with_name("away"))
    home.write_text("no folder")

    still, live = display(fl.panel())

    assert "Next: " in still["text/plain"] and "No runs" not in still["text/html"]
    assert live[VIEW]["model_id"]
    assert repr(fl.panel()) == still["text/plain"]


def test_no_runs_are_said_to_be_none(made: Runs) -> None:
    assert repr(fl.panel()).startswith("No runs yet.")


@pytest.mark.parametrize(
    "wish", [{"status": "runing"}, {"only_this_notebook": True}], ids=["status", "notebook"]
)
def test_what_cannot_be_shown_is_refused(made: Runs, wish: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match="Next: "):
        fl.panel(**wish)


def test_the_panel_begins_with_the_latest_rows(said: Said, made: Runs) -> None:
    for number in range(30):
        made.make(f"run-{number}")

    kept = Page().tree._table.kept

    assert [row["name"] for row in kept[:2]] == ["run-29", "run-28"]
    assert len(kept) == 20


def test_filters_are_of_the_panel(said: Said, made: Runs) -> None:
    made.make("train", tags={"team": "x"})
    made.move(made.make("etl"), RunStatus.CANCELLED)
    page = Page(status="queued")

    page.say("hello")
    page.say("seen", is_seen=True)
    first = until(lambda: said.of("whole"))[-1]
    page.field("Status").value = "all"
    page.field("Tag").value = "team"
    until(lambda: said.of("whole")[1:])
    page.field("Tag").value = ""
    page.field("Filter").value = "ET"

    assert [row["name"] for row in first["rows"]] == ["train"]
    until(lambda: [row["name"] for row in said.of("whole")[-1]["rows"]] == ["etl"])


def test_only_this_notebook(said: Said, made: Runs, shell: FakeShell) -> None:
    shell.user_ns["__vsc_ipynb_file__"] = "/notebooks/a.ipynb"
    made.make("here", path="/notebooks/a.ipynb")
    made.make("elsewhere", path="/notebooks/b.ipynb")

    page = Page(only_this_notebook=True)

    assert [row["name"] for row in page.tree._table.kept] == ["here"]
    assert page.field("Only this notebook").value is True


def test_where_nobody_says_which_notebook_it_is_the_box_is_closed(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)

    assert Page().field("Only this notebook").disabled


def test_each_ask_is_heard_at_once(said: Said) -> None:
    Page().say("ping", ask=7)

    [heard] = said.of("heard")
    assert (heard["ask"], heard["to"]) == (7, "page")


def test_cancel_ends_a_queued_run(said: Said, made: Runs) -> None:
    run = made.make()

    Page().say("cancel", run=run.id, ask=1)

    assert until(lambda: answers(said))[0]["text"].endswith("cancelled")
    assert made.facade.get(run.id).status is RunStatus.CANCELLED


def test_cancel_twice_is_harder(said: Said, made: Runs) -> None:
    run = made.move(made.make(), RunStatus.PENDING, RunStatus.RUNNING)
    page = Page()

    page.say("cancel", run=run.id, ask=1)
    until(lambda: answers(said))
    first = made.facade.get(run.id).cancel_grace_s
    page.say("cancel", run=run.id, at_once=True, ask=2)
    until(lambda: answers(said)[1:])

    assert (first, made.facade.get(run.id).cancel_grace_s) == (10.0, 0.0)


@pytest.mark.parametrize("kind", ["cancel", "again"])
def test_a_run_that_was_deleted_meanwhile_is_an_answer(said: Said, kind: str) -> None:
    Page().say(kind, run="r00000000000<script>", ask=1)

    [answer] = until(lambda: answers(said))
    assert answer["is_trouble"]
    assert "no run" in answer["text"]


@pytest.mark.parametrize("message", [None, [], {"kind": 3}, {"kind": "open", "run": {"a": 1}}])
def test_nonsense_from_a_page_changes_nothing(said: Said, message: Any) -> None:
    Page().tree._table._handle_custom_msg(message, [])

    assert answers(said) == []


def open_form(page: Page, run_id: str, said: Said) -> None:
    page.say("again", run=run_id, ask=1)
    until(lambda: [m for m in said.of("form") if m["is_open"]])


def price(page: Page) -> str:
    return page.tree._form._price.value


def test_the_price_of_a_retry_is_there_before_its_button(said: Said, made: Runs) -> None:
    run = made.make("train", timeout_s=3600)
    page = Page()

    open_form(page, run.id, said)

    assert page.tree._form.box.layout.display is None
    assert "train" in page.tree._form._title.value
    until(lambda: "/h, at most $" in price(page))
    page.field("Memory").value = "much"
    until(lambda: "flotilla-trouble" in price(page))
    assert "much" in price(page)


def test_a_retry_has_the_changes(said: Said, made: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made.make("train", timeout_s=3600)
    page = Page()
    monkeypatch.setattr(ProcessEngine, "launches_at_submit", False)
    open_form(page, run.id, said)

    page.field("Memory").value = "2G"
    page.field("Retry").click()

    assert "launched" in until(lambda: answers(said))[0]["text"]
    [(new, _)] = made.facade.latest(limit=1)
    assert (new.retry_of, new.spec.resources.memory_mib) == (run.id, 2048)
    assert new.spec.timeout_s == 3600
    assert page.tree._form.box.layout.display == "none"


def test_what_must_be_agreed_to_is_asked_in_the_panel(
    said: Said, made: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessEngine, "bills", True)
    monkeypatch.setattr(ProcessEngine, "launches_at_submit", False)
    run = made.make("train", timeout_s=90_000)
    page = Page()
    open_form(page, run.id, said)

    page.field("Retry").click()
    anyway = page.field("Launch anyway")
    until(lambda: anyway.layout.display is None)
    assert "longer than 12 hours" in price(page)
    before = len(made.facade.latest())
    anyway.click()

    until(lambda: answers(said))
    assert len(made.facade.latest()) == before + 1


def test_nothing_is_printed(said: Said, made: Runs, capfd: pytest.CaptureFixture[str]) -> None:
    page = Page()
    page.say("cancel", run=made.make().id, ask=1)
    page.say("again", run="r0", ask=2)
    until(lambda: len(answers(said)) == 2)
    page.panel.close()

    assert capfd.readouterr() == ("", "")


def test_a_closed_panel_leaves_no_widget_no_thread_and_no_callback(
    said: Said, shell: FakeShell
) -> None:
    gc.collect()
    before = _count()

    for _ in range(20):
        page = Page()
        page.say("hello")
        page.say("seen", is_seen=True)
        page.panel.close()
        del page

    assert _count() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("flotilla-panel")]
    assert shell.events.callbacks == {"pre_run_cell": [], "post_run_cell": []}


def _count() -> int:
    from ipywidgets.widgets import widget

    return len(widget._instances)


def test_a_cell_that_is_executed_again_closes_its_earlier_panel(
    said: Said, shell: FakeShell
) -> None:
    first = Page().panel
    shell.request += 1

    Page()

    assert first._tree is None
    assert display(first)[-1][VIEW]["model_id"]  # displayed again, it is there again


def test_panels_of_one_cell_and_of_others_stay(said: Said, shell: FakeShell) -> None:
    one, two = Page().panel, Page().panel
    shell.cell_id, shell.request = "cell-2", 2
    three = Page().panel
    shell.cell_id = None
    Page()

    assert None not in (one._tree, two._tree, three._tree)


def test_where_cells_have_no_ids_panels_that_nobody_sees_lose_their_widgets(
    said: Said, shell: FakeShell
) -> None:
    shell.cell_id = None
    watched = Page()
    watched.say("seen", is_seen=True)
    shown = [Page() for _ in range(panels._MOST_OPEN + 5)]
    for page in shown:
        page.say("bye")

    Page()

    open_panels = [page for page in (watched, *shown) if page.panel._tree is not None]
    assert watched in open_panels
    assert len(open_panels) < panels._MOST_OPEN


def test_while_a_cell_goes_on_the_kernel_is_busy(shell: FakeShell) -> None:
    busy = kernel.Busy(shell)
    with shell.running_a_cell():
        assert busy()
    assert not busy()
    with shell.running_a_cell():
        assert busy()
    busy.close()
