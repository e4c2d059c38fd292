"""The tab of one run: why it failed, what it has said, made and used."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from windows import JupyterServer, Window

Runs = dict[str, str]


@pytest.fixture(scope="module")
def runs(lab: JupyterServer) -> Runs:
    """Ids of runs by name: see detail_runs.py."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("detail_runs.py"))],
        cwd=lab.work,
        env=lab.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def tab_of(window: Window, run_id: str, room: str | None = None) -> Any:
    """Open the tab of a run, at a room; returns its content."""
    window.command("flotilla:open-run", id=run_id, **({"tab": room} if room else {}))
    tab = window.page.locator(f"#flotilla-run-{run_id} .jp-Flotilla-detail")
    expect(tab.get_by_role("tablist")).to_be_visible()
    return tab


def wide(window: Window, path: str = "lab?reset") -> Any:
    """Open Lab with all its room for the tab."""
    page = window.go(path)
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    return page


def room_of(tab: Any, name: str) -> Any:
    """Go to a room of the tab by its name."""
    tab.get_by_role("tab", name=name).click()
    return tab.get_by_role("tabpanel", name=name)


def test_a_failed_run_says_why_and_what_to_do(window: Window, runs: Runs) -> None:
    page = wide(window)
    tab = tab_of(window, runs["failing"])

    expect(tab.get_by_role("heading", name="failing")).to_be_visible()
    expect(tab.locator(".jp-Flotilla-why")).to_contain_text("KeyError: 'missing'")
    expect(tab.locator(".jp-Flotilla-log")).to_contain_text("KeyError: 'missing'")
    expect(tab.get_by_label("Phases")).to_contain_text("running")
    window.shot("lab-detail-failed")
    tab.get_by_role("tab", name="Logs").focus()
    page.keyboard.press("ArrowRight")
    notebook = tab.get_by_role("tabpanel", name="Notebook")
    expect(notebook.get_by_role("heading", name="A notebook")).to_be_visible()
    notebook.get_by_role("button", name="Go to the failed cell").click()
    failed = notebook.locator("[data-failed]")
    expect(failed).to_be_in_viewport()
    expect(failed).to_contain_text("before it")
    expect(notebook.locator("span", has_text="def").first).to_be_attached()  # it has colours
    window.shot("lab-detail-notebook")
    notebook.get_by_role("button", name="Open as file").click()
    expect(page.locator(".jp-NotebookPanel")).to_be_visible()

    tab = tab_of(window, runs["failing"], "outputs")
    outputs = tab.get_by_role("tabpanel", name="Outputs")
    preview = outputs.get_by_role("img", name="Preview of plot.png")
    expect(preview).to_be_visible()
    page.wait_for_function("image => image.naturalWidth === 80", arg=preview.element_handle())
    with page.expect_download() as caught:
        outputs.get_by_role("link", name="page.html").click()
    assert caught.value.suggested_filename == "page.html"
    assert "<script>" in Path(caught.value.path()).read_text()
    window.shot("lab-detail-outputs")
    for name, word in (("Cost", "nobody"), ("Spec", "failing.ipynb"), ("Events", "failed")):
        expect(room_of(tab, name)).to_contain_text(word)
        window.shot(f"lab-detail-{name.lower()}")
    assert page.evaluate("() => window.hacked") is None
    assert window.problems == []


def test_a_retry_is_launched_as_suggested_or_with_changes(window: Window, runs: Runs) -> None:
    page = wide(window)
    tab = tab_of(window, runs["hungry"], "usage")
    chart = tab.get_by_role("img", name="Memory over")
    expect(chart).to_be_visible()
    expect(tab.get_by_role("tabpanel")).to_contain_text("limit 300 M")
    window.shot("lab-detail-usage")

    tab.get_by_role("button", name="Retry with changes…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Memory").fill("lots")
    window.shot("lab-detail-retry")
    dialog.get_by_role("button", name="Retry").click()
    expect(dialog.get_by_role("alert")).to_contain_text("lots")
    expect(dialog.get_by_label("Memory")).to_have_value("lots")
    window.shot("lab-detail-retry-wrong")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    tab.get_by_role("button", name="Retry with 600 M").click()

    retried = page.locator(".jp-Flotilla-detail:visible")
    expect(retried).to_contain_text(f"a retry of {runs['hungry'][:7]}")
    expect(retried).to_contain_text("600 M")
    expect(retried.locator(".jp-Flotilla-headline")).to_contain_text("succeeded", timeout=30_000)
    assert window.problems == []


def test_a_long_log_is_read_anywhere_at_once(window: Window, runs: Runs) -> None:
    page = wide(window)
    asked: list[str] = []
    page.on("request", lambda request: "/stream" in request.url and asked.append(request.url))
    tab = tab_of(window, runs["chatty"])
    log = tab.locator(".jp-Flotilla-log")

    expect(log).to_contain_text("line 0 hay")
    assert len(asked) == 1
    log.focus()
    page.keyboard.press("End")
    expect(log.get_by_text("line 59999 hay")).to_be_in_viewport()
    log.hover()
    for _ in range(4):  # back through more than one page
        page.mouse.wheel(0, -60_000)
        expect(log.locator(".jp-Flotilla-line").nth(20)).to_be_visible()
    texts = log.locator(".jp-Flotilla-line").all_inner_texts()
    # the first one that is loaded may have begun in the page before
    found = [int(text.split()[1]) for text in texts[1:]]
    assert found == list(range(found[0], found[0] + len(found)))
    assert found[0] < 59_000
    assert log.locator(".jp-Flotilla-lineBox").count() < 100
    search = tab.get_by_role("searchbox")
    search.fill("NEEDLE")
    expect(log.locator("mark")).to_have_text("needle")
    expect(log.locator("[data-current]")).to_contain_text("line 34567")
    expect(tab.locator(".jp-Flotilla-found")).to_have_text("1 of 1")
    window.shot("lab-detail-search")
    search.fill("nowhere to be found")
    expect(tab.locator(".jp-Flotilla-found")).to_have_text("Not found")
    log.focus()
    page.keyboard.press("Home")
    expect(log.get_by_text("line 0 hay")).to_be_in_viewport()
    assert window.problems == []


def test_a_live_run_is_followed_until_it_is_cancelled(window: Window, runs: Runs) -> None:
    page = wide(window)
    tab = tab_of(window, runs["live"])
    log = tab.locator(".jp-Flotilla-log")
    follow = tab.get_by_role("button", name="Follow")

    expect(follow).to_have_attribute("aria-pressed", "true")
    last = log.locator(".jp-Flotilla-line[data-source=stdout]").last
    before = last.inner_text()
    expect(last).not_to_have_text(before)
    expect(last).to_be_in_viewport()
    window.shot("lab-detail-live")
    expect(tab.get_by_role("progressbar")).to_be_visible()
    log.hover()
    page.mouse.wheel(0, -600)
    expect(follow).to_have_attribute("aria-pressed", "false")
    follow.click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    tab.get_by_role("button", name="Cancel…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
    status = tab.locator(".jp-Flotilla-headline .jp-Flotilla-word")
    expect(status).to_have_text("cancelled", timeout=30_000)
    expect(follow).to_have_count(0)
    keep = tab.get_by_role("button", name="Keep", exact=True)
    keep.click()
    expect(tab.get_by_role("button", name="Keep no longer")).to_be_visible()
    window.shot("lab-detail-cancelled")
    assert window.problems == []


def test_nothing_that_a_job_says_is_run(window: Window, runs: Runs) -> None:
    page = wide(window)
    tab = tab_of(window, runs["hostile"])
    log = tab.locator(".jp-Flotilla-log")

    expect(log.get_by_text("<img src=x onerror=window.hacked=1>")).to_be_visible()
    expect(log.locator("b", has_text="bold")).to_be_visible()
    expect(log.get_by_role("img", name="An SVG image")).to_be_visible()
    expect(log).to_contain_text("Not shown here: application/x-unknown")
    expect(log.locator(".ansi-red-fg").first).to_have_text("red")
    for link in log.locator("a").all():
        link.click()
    window.shot("lab-detail-hostile")
    assert log.locator("script, iframe, [onerror], [onclick], [href^=javascript]").count() == 0
    tab = tab_of(window, runs["bomb"])
    log = tab.locator(".jp-Flotilla-log")
    expect(log).to_contain_text("after the bomb")
    expect(log).to_contain_text("100% done")
    assert log.get_by_text("99%").count() == 0
    assert log.locator("span").count() < 1000
    window.shot("lab-detail-bomb")
    long_line = log.locator(".jp-Flotilla-line", has_text="yyyy")
    expect(long_line).to_contain_text("15,000 more characters")
    with page.expect_download() as caught:
        long_line.get_by_role("button", name="download the line").click()
    assert Path(caught.value.path()).read_text() == "y" * 25_000
    tab.get_by_role("button", name="Wrap").click()
    window.shot("lab-detail-bomb-wrapped")
    assert page.evaluate("() => window.hacked") is None
    assert window.problems == []


def test_axe_finds_nothing_in_any_room_and_theme(window: Window, runs: Runs) -> None:
    page = wide(window)
    tab = tab_of(window, runs["failing"])
    expect(tab.locator(".jp-Flotilla-log")).to_contain_text("KeyError")
    for theme in ("Dark", "Dark High Contrast", "Light"):
        page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {theme}",
        )
        expect(page.locator("body")).to_have_attribute("data-jp-theme-name", f"JupyterLab {theme}")
        for name in ("Notebook", "Outputs", "Usage", "Cost", "Spec", "Events", "Logs"):
            expect(room_of(tab, name).get_by_text("Loading…")).to_have_count(0)
            window.check_axe(".jp-Flotilla-detail")
            if name in ("Logs", "Notebook", "Usage"):
                window.shot(f"lab-detail-{name.lower()}-{theme.lower().replace(' ', '-')}")
    assert window.problems == []


def test_it_is_read_at_any_width(open_window: Callable[..., Window], lab: Any, runs: Runs) -> None:
    window = open_window(lab, viewport={"width": 2000, "height": 900})
    page = wide(window)
    tab = tab_of(window, runs["failing"])
    expect(tab.locator(".jp-Flotilla-log")).to_contain_text("KeyError")
    window.shot("lab-detail-2000px")
    page.set_viewport_size({"width": 350, "height": 900})
    page.wait_for_function("e => e.clientWidth < 290", arg=tab.element_handle())
    for name in ("Logs", "Notebook", "Outputs", "Usage", "Cost", "Spec", "Events"):
        expect(room_of(tab, name).get_by_text("Loading…")).to_have_count(0)
        window.shot(f"lab-detail-{name.lower()}-narrow")
        assert tab.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, name
    assert window.problems == []


def test_what_cannot_be_shown_is_said(window: Window, runs: Runs) -> None:
    page = wide(window)
    window.command("flotilla:open-run", id="r000000000000")
    gone = page.locator("#flotilla-run-r000000000000")
    expect(gone).to_contain_text("no longer there")
    window.shot("lab-detail-gone")
    gone.get_by_role("button", name="Close").click()
    expect(gone).to_have_count(0)

    refused = {"code": "forbidden", "message": "you may not read flotilla", "next": "ask Ada"}
    address = f"**/flotilla/api/runs/{runs['command']}"
    page.route(address, lambda route: route.fulfill(status=403, json=refused))
    window.command("flotilla:open-run", id=runs["command"])
    tab = page.locator(f"#flotilla-run-{runs['command']}")
    expect(tab.get_by_role("alert")).to_contain_text("you may not read flotilla")
    window.shot("lab-detail-forbidden")
    page.unroute(address)
    page.route(address, lambda route: route.abort())
    tab.get_by_role("button", name="Try again").click()
    expect(tab.get_by_role("alert")).to_contain_text("the server cannot be reached")
    page.unroute(address)
    tab.get_by_role("button", name="Try again").click()
    expect(tab.locator(".jp-Flotilla-headline")).to_contain_text("failed: user error")
    expect(tab.locator(".jp-Flotilla-log")).to_contain_text("err")
    assert window.problems == []
