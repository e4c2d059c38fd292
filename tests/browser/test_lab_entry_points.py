"""Where JupyterLab and Notebook 7 lead to Flotilla."""

from typing import Any

from playwright.sync_api import expect
from seeded import a_run
from windows import JupyterServer, Window


def launch_form(page: Any) -> Any:
    """Return the launch form, which must be in sight."""
    form = page.locator(".jp-Flotilla-launch")
    expect(form).to_be_visible()
    return form


def hide_sidebar(window: Window) -> None:
    """Close the left area, so that only a new command can show the form."""
    window.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    expect(window.page.locator(".jp-Flotilla-launch")).to_be_hidden()


def test_a_notebook_leads_there_without_a_kernel(window: Window, lab: JupyterServer) -> None:
    a_run(lab.root / "home", name="of-digits", path=lab.work / "digits.ipynb")
    a_run(lab.root / "home", name="of-another", path=lab.work / "another.ipynb")
    page = window.go("lab/tree/digits.ipynb?reset")
    panel = page.locator(".jp-NotebookPanel")
    button = panel.locator(".jp-NotebookPanel-toolbar").get_by_role(
        "button", name="Run on Flotilla"
    )

    button.click()
    launch_form(page)
    window.shot("lab-entry-notebook")
    cell = panel.locator(".jp-CodeCell").first
    cell.click()
    panel.locator(".jp-cell-toolbar").get_by_role("button", name="Run on Flotilla").first.click()
    expect(cell.locator(".cm-line").first).to_have_text("%%flotilla_run")
    expect(page.get_by_text("%load_ext jupyter_flotilla once")).to_be_visible()
    window.shot("lab-entry-cell")
    window.command("flotilla:show")
    runs = page.locator(".jp-Flotilla-runs")
    runs.get_by_role("button", name="this notebook").click()
    expect(runs.get_by_role("listitem")).to_have_count(1)
    expect(runs.get_by_role("listitem")).to_contain_text("of-digits")
    runs.get_by_role("button", name="this notebook").click()
    window.command("flotilla:insert-magic")
    expect(cell.get_by_text("%%flotilla_run")).to_have_count(1)
    assert window.problems == []


def test_files_launcher_palette_menu_and_status_bar_lead_there(
    window: Window, lab: JupyterServer
) -> None:
    page = window.go()
    for file in ("digits.ipynb", "script.py"):
        page.locator(".jp-DirListing-item").filter(has_text=file).click(button="right")
        page.get_by_role("menuitem", name="Run on Flotilla…").click()
        launch_form(page)
        hide_sidebar(window)
        window.command("filebrowser:activate")
    page.locator(".jp-DirListing-item").filter(has_text="script.py").click(button="right")
    window.shot("lab-entry-file")
    page.keyboard.press("Escape")

    page.locator(".jp-LauncherCard").filter(has_text="Launch a Run").click()
    launch_form(page)
    hide_sidebar(window)
    page.locator("#jp-MainMenu").get_by_role("menuitem", name="Flotilla").click()
    expect(page.get_by_role("menuitem", name="Show Runs")).to_be_visible()
    window.shot("lab-entry-menu")
    page.get_by_role("menuitem", name="Show Runs").click()
    expect(page.locator(".jp-Flotilla-runs")).to_be_visible()
    hide_sidebar(window)
    item = page.locator(".jp-Flotilla-statusItem")
    expect(item).to_contain_text("running · $")
    item.click()
    expect(page.locator(".jp-Flotilla-runs")).to_be_visible()
    page.keyboard.press("Control+Shift+C")
    page.keyboard.type("flotilla")
    expect(page.locator(".lm-CommandPalette-item").filter(has_text="Launch a Run")).to_be_visible()
    window.shot("lab-entry-palette")
    assert window.problems == []


def test_runs_that_go_on_are_among_what_is_running(window: Window, lab: JupyterServer) -> None:
    body = {
        "what": {"kind": "command", "argv": ["sleep", "600"]},
        "options": {"name": "listed-one", "engine": "process"},
        "confirm": False,
    }
    page = window.go()
    run_id = lab.api("runs", body)["run"]["id"]
    window.command("running:show-panel")
    page.evaluate("() => window.jupyterapp.shell.activateById('jp-running-sessions')")
    item = page.locator(".jp-RunningSessions-item").filter(has_text="listed-one")

    expect(item).to_be_visible(timeout=20_000)
    window.shot("lab-entry-running")
    item.hover()
    item.get_by_title("Cancel").click()

    expect(item).to_have_count(0, timeout=30_000)
    assert lab.api(f"runs/{run_id}")["status"] == "CANCELLED"
    assert window.problems == []


def test_notebook_7_has_the_same_sidebar(open_window: Any, notebook_7: JupyterServer) -> None:
    window = open_window(notebook_7)
    page = window.go("notebooks/digits.ipynb")
    window.command("flotilla:show")
    runs = page.locator(".jp-Flotilla-runs")

    window.check_axe(".jp-Flotilla-sidebar")
    runs.get_by_role("button", name="Run a sample here").click()

    row = runs.get_by_role("listitem").filter(has_text="sample")
    expect(row).to_have_attribute("data-status", "SUCCEEDED", timeout=60_000)
    window.shot("notebook-7-runs")
    row.focus()
    page.keyboard.press("Enter")
    window.shot("notebook-7-detail")
    expect(page.locator(".jp-Flotilla-detail")).to_be_visible()
    window.shot("notebook-7-detail")
    page.get_by_role("button", name="Run on Flotilla").first.click()
    launch_form(page)
    # Notebook 7.6 itself says this now and then, also where nothing of ours is loaded
    own = "Cannot read properties of undefined (reading 'schema')"
    assert [problem for problem in window.problems if problem != own] == []
