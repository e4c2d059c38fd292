"""The notebook panel in a real browser: JupyterLab, Notebook 7 and the classic notebook."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from seeded import a_run, many_copies
from windows import JupyterServer, Window

from jupyter_flotilla.model.run import RunStatus

pytest.importorskip("anywidget")

from jupyter_flotilla.widget.table import module_text, style_text

PANEL = "import jupyter_flotilla as fl\nfl.panel()"
HOSTILE = "<img src=x onerror=window.hit=1>\n'\"$x$ \u202egnp.exe 🚀 " + "x" * 300
THEMES = ["JupyterLab Dark", "JupyterLab Dark High Contrast", "JupyterLab Light"]
TALKS = """
import time
for n in range(9999):
    print("\\x1b[31mline\\x1b[0m", n, flush=True)
    time.sleep(0.1)
"""
#: Before that it loses the widgets of cells that are executed.
CLASSIC_IS_READY = "() => window.Jupyter?.notebook?.kernel?.info_reply?.status === 'ok'"


def write_notebook(server: JupyterServer, name: str, *sources: str) -> None:
    cells = [
        {"cell_type": "code", "id": f"cell-{number}", "metadata": {}, "source": source,
         "outputs": [], "execution_count": None}
        for number, source in enumerate(sources)
    ]  # fmt: skip
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (server.work / name).write_text(json.dumps(content))


@pytest.fixture(scope="module")
def shown(browser: Any, lab: JupyterServer) -> Iterator[Window]:
    """A window of Lab on a notebook with two panels; each test leaves them as they were."""
    home = lab.root / "home"
    if not json.loads(lab.flotilla("ls", "--name", "copy-7", "--json")):  # other tests have more
        many_copies(home, a_run(home, name="seed"), 2_000)
    a_run(home, name="embed", status=RunStatus.FAILED)
    a_run(home, name=HOSTILE)
    write_notebook(lab, "panels.ipynb", PANEL, "fl.panel(status='failed')")
    window = Window(browser, lab)
    window.go("lab/tree/panels.ipynb?reset")
    window.command("notebook:run-all-cells")
    totals = window.page.locator(".flotilla-panel .flotilla-total")
    expect(totals.nth(1)).to_contain_text("run", timeout=30_000)
    yield window
    window.close()


@pytest.fixture
def panel(shown: Window) -> Any:
    """The first of the panels."""
    return shown.page.locator(".flotilla-panel").first


def row_of(panel: Any, name: str) -> Any:
    """Return the row of a run by its name."""
    return panel.get_by_role("listitem").filter(has=panel.page.get_by_text(name, exact=True))


def launch(server: JupyterServer, name: str, *command: str) -> None:
    server.flotilla("run", "--bg", "--timeout", "1h", "--name", name, "--", *command)


def kill_kernels(server: JupyterServer) -> None:
    """Kill the kernels of a server, as a system short of memory does."""
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if "ipykernel_launcher" in words and str(server.root) in words:
            os.kill(process.pid, signal.SIGKILL)


def test_a_run_is_followed_cancelled_and_retried_by_keyboard(
    shown: Window, panel: Any, lab: JupyterServer
) -> None:
    page = shown.page
    expect(page.locator(".flotilla-still")).to_have_count(2)
    expect(page.locator(".flotilla-still").first).to_be_hidden()

    launch(lab, "talks", "python", "-c", TALKS)
    row = row_of(panel, "talks")
    expect(row).to_have_attribute("data-status", "RUNNING", timeout=20_000)
    expect(panel.get_by_role("status").first).to_contain_text("talks: running")
    row.focus()
    page.keyboard.press("Enter")
    log = panel.get_by_role("region", name="Output")
    expect(log).to_be_focused()
    expect(log).to_contain_text("line 20", timeout=20_000)
    page.keyboard.press("Escape")
    expect(row).to_be_focused()

    page.keyboard.press("x")
    question = panel.get_by_role("alertdialog")
    expect(question.get_by_role("button", name="Cancel run")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    expect(row).to_be_focused()

    page.keyboard.press("r")
    memory = panel.get_by_label("Memory")
    expect(memory).to_be_focused()
    page.keyboard.type("3G")
    expect(memory).to_have_value("3G")
    expect(panel.locator(".flotilla-price")).to_contain_text("at most $")
    panel.get_by_role("button", name="Retry", exact=True).focus()
    page.keyboard.press("Enter")
    expect(panel.locator(".flotilla-note")).to_contain_text("launched", timeout=20_000)
    expect(row).to_have_count(2)
    expect(row.first.locator(".flotilla-memory")).to_contain_text("of 3 G", timeout=20_000)
    expect(panel.locator(":focus")).to_have_count(1)

    page.keyboard.press("/")
    page.keyboard.type("no such run")
    expect(panel.locator(".flotilla-total")).to_have_text("0 runs")
    page.keyboard.press("Escape")
    expect(row).to_have_count(2)
    lab.flotilla("cancel", "--now", "talks")
    expect(row.first).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    assert page.locator(".jp-Cell").count() == 2  # neither X nor R meant the notebook
    assert shown.problems == []


def test_axe_finds_nothing_in_any_theme(shown: Window, panel: Any) -> None:
    page = shown.page

    for theme in THEMES:
        shown.command("apputils:change-theme", theme=theme)
        expect(page.locator(f'body[data-jp-theme-name="{theme}"]')).to_be_attached(timeout=20_000)
        row_of(panel, "embed").first.focus()
        page.keyboard.press("Enter")
        expect(panel.get_by_role("region", name="Output")).to_be_focused()
        shown.check_axe(".flotilla-panel")
        shown.shot(f"panel-{theme.split(' ', 1)[1].lower().replace(' ', '-')}")
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        expect(panel.get_by_label("Memory")).to_be_focused()
        shown.check_axe(".flotilla-panel")
        page.keyboard.press("Escape")
        expect(panel.get_by_label("Memory")).to_be_hidden()
    assert shown.problems == []


def test_thousands_of_runs_are_scrolled_and_narrowed_and_names_are_only_text(
    shown: Window, panel: Any
) -> None:
    page = shown.page
    expect(panel.locator(".flotilla-total")).to_contain_text(",")

    rows = panel.get_by_role("listitem")
    scroller = panel.locator(".flotilla-scroller")
    page.wait_for_function(
        """e => {
            e.scrollTop = e.scrollHeight; // again and again: there are more rows each time
            return [...e.querySelectorAll('[aria-posinset]')].some(r => r.ariaPosInSet > 270);
        }""",
        arg=scroller.element_handle(),
    )
    places = rows.evaluate_all("rows => rows.map(row => Number(row.ariaPosInSet))")
    assert places == sorted(places)
    assert len(places) < 40

    panel.get_by_label("Filter").fill("gnp.exe")
    expect(rows).to_have_count(1)
    expect(rows.locator("bdi")).to_have_text(HOSTILE[:199] + "…")
    assert page.evaluate("() => window.hit") is None
    failed = page.locator(".flotilla-panel").nth(1)
    expect(failed.locator('.flotilla-row[data-status="FAILED"]').first).to_be_visible()
    expect(failed.locator('.flotilla-row:not([data-status="FAILED"])')).to_have_count(0)
    panel.get_by_label("Filter").fill("")
    expect(panel.locator(".flotilla-total")).to_contain_text(",")
    assert shown.problems == []


def test_a_dead_kernel_is_said_and_the_saved_notebook_shows_a_table(
    shown: Window, panel: Any, lab: JupyterServer
) -> None:
    page = shown.page
    kill_kernels(lab)

    row_of(panel, "embed").first.focus()
    page.keyboard.press("r")  # while it is dying: whatever comes of it, the panel says how it is
    expect(panel.locator(".flotilla-note")).to_contain_text("kernel is gone", timeout=30_000)
    expect(row_of(panel, "embed").first).to_be_visible()
    expect(panel.get_by_label("Filter")).to_be_hidden()
    shown.shot("panel-gone")
    shown.command("docmanager:save")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    shown.go("lab/tree/panels.ipynb?reset")
    still = page.locator(".flotilla-still").first
    expect(still).to_be_visible()
    expect(still).to_contain_text("run it again")
    assert (lab.work / "panels.ipynb").stat().st_size < 40_000


STRICT_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Panel</title>
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src 'nonce-own' blob:; style-src 'unsafe-inline'">
<style>%s body { background: #1e1e1e; %s }</style></head>
<body class="vscode-dark"><main><div class="flotilla-panel"><div id="place"></div></div></main>
<script nonce="own" type="module">
  const module = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
  const { default: panel } = await import(module);
  window.sent = [];
  const model = {
    get: () => [], set() {}, off() {}, send: (said) => sent.push(said.kind),
    on: (name, hear) => name === "msg:custom" && (window.hear = hear),
  };
  window.end = panel.render({ model, el: document.getElementById("place") });
  hear({ kind: "whole", number: 1, now: Date.now() / 1000, rows: %s, total: 6, more: false });
</script></body></html>"""
VSCODE_DARK = (
    "--vscode-editor-background: #1e1e1e; --vscode-editor-foreground: #d4d4d4;"
    "--vscode-descriptionForeground: #a0a0a0; --vscode-panel-border: #444;"
    "--vscode-list-hoverBackground: #2a2d2e; --vscode-focusBorder: #007fd4;"
)


def test_a_strict_page_with_the_colours_of_vs_code_shows_it(browser: Any) -> None:
    rows = [
        {"id": f"r{place}", "short": f"r{place}", "name": status, "status": status.value,
         "created": 1, "engine": "ecs", "place": "here", "attempt": 1, "billed": True}
        for place, status in enumerate(RunStatus)
    ]  # fmt: skip
    page = browser.new_page(color_scheme="dark")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    text = json.dumps(module_text()).replace("</", "<\\/")
    page.set_content(STRICT_PAGE % (style_text(), VSCODE_DARK, text, json.dumps(rows)))

    expect(page.get_by_role("listitem")).to_have_count(len(RunStatus))
    page.get_by_role("listitem").first.focus()
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Cancel run", exact=True)).to_be_focused()
    assert (found := Axe().run(page, context=".flotilla-panel")).violations_count == 0, (
        found.generate_report()
    )
    page.evaluate("end()")
    assert page.evaluate("[sent[0], sent.at(-1)]") == ["ping", "bye"]
    assert page.locator("#place > *").count() == 0
    assert said == []
    page.close()


def check_elsewhere(page: Any, server: JupyterServer) -> None:
    """See a run end, and that keys mean the panel alone."""
    panel = page.locator(".flotilla-panel")
    expect(panel.locator(".flotilla-total")).to_contain_text("run", timeout=30_000)
    launch(server, "elsewhere", "sleep", "600")
    row = row_of(panel, "elsewhere")
    expect(row).to_have_attribute("data-status", "RUNNING", timeout=20_000)

    row.focus()
    page.keyboard.press("r")
    expect(panel.get_by_label("Memory")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel.get_by_label("Memory")).to_be_hidden()
    expect(row).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("Enter")

    expect(row).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    expect(page.locator(".flotilla-still")).to_be_hidden()
    expect(page.locator(".jp-Cell, .code_cell")).to_have_count(2)


def test_notebook_7_shows_it_narrow_as_well(
    open_window: Callable[..., Window], notebook_7: JupyterServer
) -> None:
    window = open_window(notebook_7, viewport={"width": 440, "height": 900})
    write_notebook(notebook_7, "seven.ipynb", PANEL, "1 + 1")
    page = window.go("notebooks/seven.ipynb")
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
    )
    window.command("notebook:run-all-cells")

    check_elsewhere(page, notebook_7)

    table = page.locator(".flotilla-panel")
    assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    window.shot("panel-narrow")


def test_the_classic_notebook_shows_it(
    open_window: Callable[..., Window], classic: JupyterServer
) -> None:
    window = open_window(classic)
    page = window.page
    write_notebook(classic, "classic.ipynb", PANEL, "1 + 1")
    page.goto(f"{classic.url}/nbclassic/notebooks/classic.ipynb?token={classic.token}")
    page.wait_for_function(CLASSIC_IS_READY, timeout=60_000)
    page.evaluate("() => Jupyter.notebook.execute_all_cells()")

    check_elsewhere(page, classic)

    window.shot("panel-classic")
    page.evaluate(
        """() => new Promise(begun => Jupyter.notebook.kernel.execute(
            'import time; print("begun", flush=True); time.sleep(60)',
            { iopub: { output: begun } }, { silent: false }))"""
    )
    page.keyboard.press("r")
    expect(page.locator(".flotilla-note")).to_contain_text("kernel is busy", timeout=20_000)
    assert window.problems == []
