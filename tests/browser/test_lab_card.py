"""The card of a run in a notebook: what it shows, what it does, and that it lives on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import witness
from card_notebooks import a_card, an_edited_card, card_in, write_notebook
from playwright.sync_api import expect
from seeded import a_run, many_copies
from windows import JupyterServer, Window

from jupyter_flotilla.model.run import RunStatus

Runs = dict[str, str]
HOSTILE = "<img src=x onerror=window.hacked=3> " * 4

#: Says something, and ends when it is told.
WAITING = """%%flotilla_run --memory 512M
import time
from pathlib import Path
print('it has begun')
while not Path({go!r}).exists():
    time.sleep(0.05)
print('it has ended')
"""


@pytest.fixture(scope="module")
def runs(lab: JupyterServer) -> Runs:
    """Ids of runs by name: see card_runs.py."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("card_runs.py"))],
        cwd=lab.work,
        env=lab.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    hostile = a_run(lab.root / "home", name=HOSTILE, status=RunStatus.FAILED)
    return {**json.loads(done.stdout), "hostile": hostile}


def opened(window: Window, name: str) -> Any:
    """Open a notebook with all the room for it; returns it."""
    page = window.go(f"lab/tree/{name}?reset")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    return page.locator(".jp-NotebookPanel:visible")


def cards_of(notebook: Any) -> Any:
    return notebook.locator(".jp-OutputArea .jp-Flotilla-card")


def test_cards_show_what_the_store_knows_and_nothing_else(
    window: Window, lab: JupyterServer, runs: Runs
) -> None:
    cells = {f"# {name}": [a_card(run_id)] for name, run_id in runs.items()}
    cells["# elsewhere"] = [a_card("r00000000000x", text="a text of elsewhere")]
    cells["# edited"] = [an_edited_card(runs["hungry"])]
    cells["# no run"] = [an_edited_card("../../runs")]
    write_notebook(lab.work / "cards.ipynb", cells)
    page = window.page
    page.set_viewport_size({"width": 1280, "height": 1300})  # older versions draw what is in sight
    cards = cards_of(opened(window, "cards.ipynb"))

    expect(cards).to_have_count(len(cells), timeout=30_000)
    live, hungry, quick, hostile, elsewhere, edited, none = cards.all()
    for text in ("running", "Memory", "of 512 M", "nobody: it runs locally", "flotilla cancel"):
        expect(live).to_contain_text(text)
    expect(live.get_by_role("progressbar")).to_be_visible()
    expect(live.get_by_label("Phases")).to_contain_text("running")
    expect(live.get_by_role("button", name="Detach")).to_have_count(0)
    expect(hungry).to_contain_text("failed: out of memory")
    expect(hungry.get_by_role("button", name="Retry with 600 M")).to_be_visible()
    expect(quick).to_contain_text("succeeded")
    expect(hostile).to_contain_text(HOSTILE.strip())
    expect(elsewhere).to_contain_text("a text of elsewhere")
    expect(elsewhere).to_contain_text("not in the store of this server")
    expect(edited).to_contain_text("failed: out of memory")
    expect(edited.locator("details pre")).to_be_hidden()
    edited.locator("summary").click()
    expect(edited.locator("details pre")).to_contain_text("window.hacked")
    for part in ("Head", "Facts", "Answers"):
        expect(edited.locator(f".jp-Flotilla-card{part}")).not_to_contain_text("window.hacked")
    expect(none).to_contain_text("window.hacked")
    for card in (elsewhere, none):
        expect(card.get_by_role("button")).to_have_count(0)
    for theme in ("Dark", "Dark High Contrast", "Light"):
        page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {theme}",
        )
        expect(page.locator("body")).to_have_attribute("data-jp-theme-name", f"JupyterLab {theme}")
        window.check_axe(".jp-Flotilla-card")
        window.shot(f"lab-card-{theme.lower().replace(' ', '-')}")
    page.set_viewport_size({"width": 370, "height": 1400})
    page.wait_for_function("e => e.clientWidth < 260", arg=live.element_handle())
    for card in (live, hungry, hostile, elsewhere):
        assert card.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    window.shot("lab-card-narrow")
    assert page.evaluate("() => window.hacked") is None
    assert window.problems == []


def test_a_card_needs_no_mouse(window: Window, lab: JupyterServer, runs: Runs) -> None:
    write_notebook(lab.work / "keys.ipynb", {"# live": [a_card(runs["live"])]})
    notebook = opened(window, "keys.ipynb")
    page, card = window.page, cards_of(notebook).first
    cancel = card.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible(timeout=30_000)
    notebook.locator(".jp-Cell").first.focus()

    for _ in range(20):
        page.keyboard.press("Tab")
        if cancel.evaluate("e => e === document.activeElement"):
            break
    expect(cancel).to_be_focused()
    window.shot("lab-card-focus")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Cancel ⁨train⁩?")
    page.keyboard.press("Escape")
    expect(cancel).to_be_focused()
    page.keyboard.press("Space")
    expect(dialog.get_by_role("button", name="Cancel run")).to_be_focused()
    page.keyboard.press("Enter")

    expect(card).to_have_attribute("data-status", "CANCELLED", timeout=30_000)
    expect(card.get_by_role("status")).to_have_text("cancelled")
    expect(card.get_by_role("button", name="Retry")).to_be_visible()
    assert card.evaluate("e => e.contains(document.activeElement)")
    card.get_by_role("button", name="Open").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#flotilla-run-{runs['live']}")).to_be_visible()
    assert window.problems == []


def test_500_cards_cost_three_requests(window: Window, lab: JupyterServer) -> None:
    home = lab.root / "home"
    many_copies(home, a_run(home, name="one-of-many"), 500)
    cards_from = range(0, 500, 50)  # Lab shows no more outputs of a cell
    cells = {f"# {n}": [a_card(f"r{m:012d}") for m in range(n, n + 50)] for n in cards_from}
    write_notebook(lab.work / "many.ipynb", cells)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    notebook = opened(window, "many.ipynb")
    cards = cards_of(notebook)

    expect(cards.first).to_contain_text("copy-0", timeout=30_000)
    expect(cards).to_have_count(500)
    expect(cards.last).to_contain_text("copy-499")
    assert len([url for url in asked if "/api/runs?ids=" in url]) <= 3
    assert not [url for url in asked if "/api/runs/r" in url]
    window.shot("lab-card-many")
    assert window.problems == []


@pytest.fixture
def waiting(lab: JupyterServer) -> Path:
    """A notebook with two cells that go on until the file ``go`` is there."""
    (lab.root / "go").unlink(missing_ok=True)
    cell = WAITING.format(go=str(lab.root / "go"))
    cells = {"%load_ext jupyter_flotilla": [], cell: [], f"{cell}# again": []}
    write_notebook(lab.work / "waiting.ipynb", cells)
    return lab.work / "waiting.ipynb"


def run_cell(window: Window, notebook: Any, number: int) -> Any:
    """Execute a cell and wait until the kernel waits for its run; returns the cell."""
    window.page.evaluate(
        """number => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = number;
            void window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        number,
    )
    cell = notebook.locator(".jp-CodeCell").nth(number)
    if number:
        expect(cell.get_by_role("button", name="Detach")).to_be_visible(timeout=30_000)
        expect(cell.locator(".jp-OutputArea")).to_contain_text("it has begun")
    return cell


def dirty_after(window: Window, is_dirty: bool) -> None:
    """Wait until the notebook that is open has something to save, or has not."""
    window.page.wait_for_function(
        "is => window.jupyterapp.shell.currentWidget.context.model.dirty === is", arg=is_dirty
    )


def save(window: Window, path: Path, status: str) -> None:
    """Save the notebook that is open, once it tells that of both; returns when its file does."""
    window.page.wait_for_function(
        """status => [1, 2].every(number => {
            const { model } = window.jupyterapp.shell.currentWidget.content.widgets[number];
            const card = model.outputs.toJSON()[0]?.data;
            return card?.['application/vnd.flotilla.run.v1+json'].status === status;
        })""",
        arg=status,
    )
    window.command("docmanager:save")
    stored = {"status": status}
    witness.until(
        lambda: all((card_in(path, n) or {}).items() >= stored.items() for n in (1, 2)),
        f"{path} saved",
    )


def test_cells_live_on_without_kernel_and_page_and_under_another_name(
    window: Window, lab: JupyterServer, waiting: Path
) -> None:
    notebook = opened(window, "waiting.ipynb")
    run_cell(window, notebook, 0)
    detached = run_cell(window, notebook, 1)
    detached.get_by_role("button", name="Detach").click()
    expect(detached.get_by_role("button", name="Detach")).to_have_count(0, timeout=30_000)
    # what the kernel says of that is no part of what the run has said
    expect(detached.locator(".jp-OutputArea-child")).to_have_count(2)
    expect(detached.locator(".jp-OutputArea")).to_contain_text("it has begun")
    awaited = run_cell(window, notebook, 2)
    window.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
    )
    expect(awaited.get_by_role("button", name="Detach")).to_have_count(0, timeout=30_000)
    window.shot("lab-card-restarted")
    save(window, waiting, "RUNNING")
    (lab.work / "copy of it.ipynb").write_bytes(waiting.read_bytes())
    other = window.sibling()
    beside = opened(other, "waiting.ipynb")
    expect(cards_of(beside).last).to_have_attribute("data-status", "RUNNING", timeout=30_000)
    # Lab itself notes in what it opens which kernel it has
    other.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.context.model.dirty = false }"
    )

    other.command("docmanager:open", path="copy of it.ipynb")
    copy = other.page.locator(".jp-NotebookPanel:visible")
    expect(cards_of(copy)).to_have_count(2, timeout=30_000)
    other.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context.path === 'copy of it.ipynb'"
    )
    # Lab still copies it when it is there already, and its name must not change meanwhile
    made = lab.work / ".ipynb_checkpoints" / "copy of it-checkpoint.ipynb"
    witness.until(made.exists, "a checkpoint")
    other.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.rename('renamed.ipynb')"
    )
    (lab.root / "go").touch()

    for shown in (notebook, copy):
        for number in (1, 2):
            cell = shown.locator(".jp-CodeCell").nth(number)
            expect(cell.locator(".jp-OutputArea")).to_contain_text("it has ended", timeout=30_000)
            expect(cards_of(cell)).to_have_attribute("data-status", "SUCCEEDED", timeout=30_000)
    save(window, waiting, "SUCCEEDED")
    save(other, lab.work / "renamed.ipynb", "SUCCEEDED")
    other.page.get_by_role("tab", name="waiting.ipynb").click()
    expect(cards_of(beside).last).to_have_attribute("data-status", "SUCCEEDED", timeout=30_000)
    dirty_after(other, False)  # the other page has saved the end
    window.shot("lab-card-ended")
    # Lab itself says this of what a kernel tells another page
    problems = window.problems + other.problems
    assert [one for one in problems if not one.startswith("Comm not found")] == []
