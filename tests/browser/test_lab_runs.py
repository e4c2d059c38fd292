"""The list of runs in the sidebar of JupyterLab."""

import gzip
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from seeded import a_run, many_copies
from windows import BUILT, JupyterServer, Window

from jupyter_flotilla.model.run import RunStatus

HOSTILE = "<img src=x onerror=window.hit=1>\u202egnp.exe 🚀 مرحبا " + "x" * 40

#: What of ours may be fetched, compressed, before Lab has started.
MOST_KB = 80


@pytest.fixture(scope="module")
def full_lab(lab: JupyterServer) -> Iterator[JupyterServer]:
    """The Lab of the session, with 100,000 runs, among them a failed one and a hostile one."""
    home = lab.root / "home"
    many_copies(home, a_run(home, name="seed"), 100_000)
    a_run(home, name=HOSTILE)
    a_run(home, name="embed", status=RunStatus.FAILED)
    yield lab


def sidebar_of(window: Window) -> Any:
    """Show the sidebar by the keyboard, and return its list of runs."""
    window.page.keyboard.press("Alt+Shift+F")
    runs = window.page.locator(".jp-Flotilla-runs")
    expect(runs).to_be_visible()
    expect(runs.locator(":focus")).to_have_count(1)
    return runs


def row_of(runs: Any, name: str) -> Any:
    """Return the row of a run by its name."""
    return runs.get_by_role("listitem").filter(has=runs.page.get_by_text(name, exact=True))


def launch(lab: JupyterServer, name: str, *command: str) -> str:
    """Launch a command through the server; returns the id of its run."""
    body = {
        "what": {"kind": "command", "argv": list(command)},
        "options": {"name": name, "engine": "process"},
        "confirm": False,
    }
    return str(lab.api("runs", body)["run"]["id"])


def test_a_run_is_followed_and_steered_by_keyboard(
    open_window: Callable[..., Window], full_lab: JupyterServer
) -> None:
    window, other = open_window(full_lab), open_window(full_lab)
    page = window.go()
    runs = sidebar_of(window)
    expect(runs.locator(".jp-Flotilla-total")).to_have_text(re.compile(r"^100,\d\d\d runs$"))
    other.go()
    in_other = sidebar_of(other)

    run_id = launch(full_lab, "long-one", "sleep", "600")
    row = row_of(runs, "long-one")
    expect(row).to_have_attribute("data-status", "RUNNING", timeout=20_000)
    before = row.locator(".jp-Flotilla-time").inner_text()
    expect(row.locator(".jp-Flotilla-time")).not_to_have_text(before)
    window.shot("lab-runs-live")

    row.focus()
    page.keyboard.press("c")
    expect(page.get_by_text(f"Copied {run_id}")).to_be_visible()
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menuitem", name="Retry with Changes…")).to_be_visible()
    window.shot("lab-runs-menu")
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("long-on")
    expect(runs.locator(".jp-Flotilla-total")).to_have_text("1 run")
    page.keyboard.press("Escape")
    expect(runs.get_by_role("searchbox")).to_have_value("")
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    page.keyboard.press("x")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Cancel")
    window.shot("lab-runs-cancel")
    dialog.get_by_role("button", name="Cancel run").click()
    expect(row).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    expect(row).to_be_focused()
    expect(row_of(in_other, "long-one")).to_have_attribute("data-status", "CANCELLED")
    page.keyboard.press("Escape")
    expect(runs.locator(":focus")).to_have_count(0)
    page.keyboard.press("Alt+Shift+F")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"#flotilla-run-{run_id}")).to_be_visible()

    assert window.problems == other.problems == []


def test_the_end_of_a_run_is_told_and_opens_it(window: Window, full_lab: JupyterServer) -> None:
    page = window.go()
    assert kb_of_bundle(page) <= MOST_KB
    runs = sidebar_of(window)
    expect(runs.locator(".jp-Flotilla-total")).to_contain_text("runs")

    run_id = launch(full_lab, "quick-one", "echo", "hi")

    toast = page.locator(".jp-toast-message, .Toastify__toast").filter(has_text="quick-one").first
    expect(toast).to_contain_text("succeeded", timeout=30_000)
    expect(runs.get_by_role("status")).to_contain_text("quick-one: succeeded")
    window.shot("lab-runs-toast")
    page.get_by_role("button", name="Open").first.click()
    expect(page.locator(f"#flotilla-run-{run_id}")).to_be_visible()
    row_of(runs, "quick-one").focus()
    page.keyboard.press("r")
    window.shot("lab-runs-retry")
    page.get_by_role("dialog").get_by_role("button", name="Retry", exact=True).click()
    expect(row_of(runs, "quick-one")).to_have_count(2)
    expect(row_of(runs, "quick-one").first).to_have_attribute(
        "data-status", "SUCCEEDED", timeout=30_000
    )
    assert window.problems == []


def kb_of_bundle(page: Any) -> float:
    """Return how much of ours a page has fetched so far, compressed."""
    names = page.evaluate("() => performance.getEntriesByType('resource').map(e => e.name)")
    ours = {name.partition("?")[0] for name in names if "/jupyter-flotilla/static/" in name}
    assert any("remoteEntry" in name for name in ours)
    files = [BUILT / "static" / name.rpartition("/")[2] for name in ours]
    return sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000


def test_a_hundred_thousand_runs_are_narrowed_at_any_width(
    open_window: Callable[..., Window], full_lab: JupyterServer
) -> None:
    window = open_window(full_lab, viewport={"width": 2600, "height": 900})
    page = window.go()
    runs = sidebar_of(window)
    rows = runs.get_by_role("listitem")
    expect(rows.first).to_be_visible()
    assert rows.count() < 80
    scroller = runs.locator(".jp-Flotilla-scroller")
    to_the_end = "element => { element.scrollTop = element.scrollHeight; }"
    scroller.evaluate(to_the_end)
    page.wait_for_function("e => e.scrollHeight > 600 * 46", arg=scroller.element_handle())
    scroller.evaluate(to_the_end)
    far_below = "e => [...e.querySelectorAll('[aria-posinset]')].some(r => r.ariaPosInSet > 650)"
    page.wait_for_function(far_below, arg=scroller.element_handle())
    assert rows.count() < 80

    runs.get_by_role("button", name="failed").click()
    expect(row_of(runs, "embed")).to_contain_text("failed: out of memory")
    expect(runs.locator('.jp-Flotilla-row:not([data-status="FAILED"])')).to_have_count(0)
    runs.get_by_role("button", name="failed").click()
    runs.get_by_role("searchbox").fill("gnp.exe")
    expect(rows).to_have_count(1)
    expect(rows.locator("bdi").first).to_have_text(HOSTILE)
    assert page.evaluate("() => window.hit") is None
    runs.get_by_role("searchbox").fill("")
    expect(rows.nth(5)).to_be_visible()
    for width in (250, 2000):
        resize_sidebar(page, width)
        window.shot(f"lab-runs-{width}px", page.locator("#jp-left-stack"))
    overflow = "e => e.scrollWidth - e.clientWidth"
    assert scroller.evaluate(overflow) <= 0
    assert window.problems == []


def resize_sidebar(page: Any, width: int) -> None:
    """Drag the edge of the left area until it is so wide."""
    edge = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)").first
    stack = page.locator("#jp-left-stack")
    before, now = edge.bounding_box(), stack.bounding_box()
    page.mouse.move(before["x"] + 1, before["y"] + 200)
    page.mouse.down()
    page.mouse.move(before["x"] + 1 + width - now["width"], before["y"] + 200, steps=4)
    page.mouse.up()
    page.wait_for_function("([e, w]) => e.clientWidth === w", arg=[stack.element_handle(), width])


THEMES = ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"]


def test_axe_finds_nothing_in_any_theme(window: Window, full_lab: JupyterServer) -> None:
    page = window.go()
    runs = sidebar_of(window)
    expect(runs.get_by_role("listitem").nth(3)).to_be_visible()

    for theme in [*THEMES[1:], THEMES[0]]:
        window.command("apputils:change-theme", theme=theme)
        expect(page.locator(f'body[data-jp-theme-name="{theme}"]')).to_be_attached(timeout=20_000)
        runs.get_by_role("listitem").nth(1).focus()
        window.shot(f"lab-runs-{theme.split(' ', 1)[1].lower().replace(' ', '-')}")
        window.check_axe(".jp-Flotilla-sidebar")
        window.check_axe(".jp-Flotilla-statusItem")
        runs.get_by_role("searchbox").fill("no such run")
        expect(runs.get_by_role("button", name="Clear filters")).to_be_visible()
        window.check_axe(".jp-Flotilla-sidebar")
        runs.get_by_role("button", name="Clear filters").click()
        expect(runs.get_by_role("listitem").nth(3)).to_be_visible()
    assert window.problems == []


def test_filters_and_tabs_come_back_on_a_reload(window: Window, full_lab: JupyterServer) -> None:
    run_id = a_run(full_lab.root / "home", name="kept-open")
    page = window.go()
    runs = sidebar_of(window)
    runs.get_by_role("button", name="failed").click()
    runs.get_by_role("searchbox").fill("emb")
    expect(runs.locator(".jp-Flotilla-total")).to_have_text("1 run")

    def keeps_both(answer: Any) -> bool:
        sent = answer.request.post_data or ""
        return "/api/workspaces" in answer.url and run_id in sent and '"emb"' in sent

    with page.expect_response(keeps_both):
        window.command("flotilla:open-run", id=run_id)
        expect(page.locator(f"#flotilla-run-{run_id}")).to_be_visible()

    page = window.go("lab")

    expect(page.locator(f"#flotilla-run-{run_id}")).to_be_visible()
    expect(runs.get_by_role("searchbox")).to_have_value("emb")
    expect(runs.get_by_role("button", name="failed")).to_have_attribute("aria-pressed", "true")
    expect(runs.locator(".jp-Flotilla-total")).to_have_text("1 run")
    window.shot("lab-runs-restored")
    runs.get_by_role("searchbox").fill("no such run")
    runs.get_by_role("button", name="Clear filters").click()
    expect(runs.get_by_role("listitem").nth(3)).to_be_visible()
    assert window.problems == []


def test_a_server_that_goes_away_and_comes_back_is_said_and_forgotten(
    window: Window, full_lab: JupyterServer
) -> None:
    window.go()
    runs = sidebar_of(window)
    expect(runs.get_by_role("listitem").nth(3)).to_be_visible()

    full_lab.stop()
    note = runs.locator(".jp-Flotilla-note")
    expect(note).to_contain_text("server unreachable, trying again", timeout=30_000)
    window.shot("lab-runs-offline")
    window.check_axe(".jp-Flotilla-sidebar")
    expect(runs.get_by_role("listitem").nth(3)).to_be_visible()
    full_lab.start()

    expect(note).to_have_count(0, timeout=45_000)
    launch(full_lab, "after-restart", "true")
    expect(row_of(runs, "after-restart")).to_be_visible(timeout=20_000)
    assert window.problems == []
