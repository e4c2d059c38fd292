"""Take pictures of a cell, the sidebar, forms, a run and the panel in a real Lab, for docs/.

python docs/lab_pictures.py      in an environment that has jupyter_flotilla[test], with Chromium
"""

import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright

_ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(_ROOT / "tests"), str(_ROOT / "tests" / "browser")]

from test_lab_runs import resize_sidebar  # noqa: E402
from windows import JupyterServer, Window  # noqa: E402

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_SIZE = {"width": 1120, "height": 790}
#: Colours of a picture: few, for a small file.
_COLOURS = 96

_HUNGRY = """
taken = []
for n in range(400):
    taken.append(bytearray(b"x" * 2**22))
"""
_TRAINING = """
import time
from jupyter_flotilla import job
for epoch in range(400):
    print(f"epoch {epoch} loss {1 / (epoch + 1):.4f}", flush=True)
    job.progress(epoch, 400, "training")
    time.sleep(0.25)
"""


def main() -> None:
    """Launch some runs, and look at them."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = JupyterServer(root=Path(folder) / "lab")
        server.prepare()
        for example in (_ROOT / "examples").glob("*.ipynb"):
            shutil.copy(example, server.work)
        server.start()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=_ARGUMENTS
        )
        try:
            _show_cell(Window(browser, server, viewport={"width": 1000, "height": 1000}))
            failed = _launch(server)
            _look(Window(browser, server, viewport=_SIZE), failed)
            _show_schedules(Window(browser, server, viewport=_SIZE), server)
            _show_panel(Window(browser, server, viewport={"width": 1000, "height": 1000}), server)
        finally:
            browser.close()
            server.stop()


def _launch(server: JupyterServer) -> str:
    """Run what there is to be seen; returns the id of the run that has failed."""
    for arguments in (
        ("run", "--timeout", "1h", "digits.ipynb"),
        ("run", "--timeout", "30m", "diabetes.ipynb"),
        ("run", "--name", "etl", "--timeout", "10m", "--", "sh", "-c", "echo 10,000 rows; sleep 2"),
    ):
        server.flotilla(*arguments)
    hungry = {"kind": "source", "source": _HUNGRY}
    options = {"name": "embed", "memory": "400M", "timeout": "1h"}
    created = server.api("runs", {"what": hungry, "options": options})
    training = {"kind": "source", "source": _TRAINING}
    server.api("runs", {"what": training, "options": {"name": "train-large", "memory": "2G"}})
    return str(created["run"]["id"])


def _show_cell(window: Window) -> None:
    """Take the cell of an example that brings back a table and a plot."""
    page = window.go("lab/tree/cells.ipynb?reset")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    # the cells before it, that it needs
    for number in (1, 2, 3, 8):
        page.evaluate(
            """number => {
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = number;
                return window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            number,
        )
    cell = page.locator('.jp-Cell:has(.jp-Flotilla-card[data-status="SUCCEEDED"])')
    cell.locator("table").wait_for()
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
    page.locator(".Toastify__toast").wait_for(state="detached")
    _save(cell.screenshot(), "cell")
    window.close()


def _look(window: Window, failed: str) -> None:
    page = window.go("lab/tree/digits.ipynb?reset")
    window.command("flotilla:show")
    page.locator(f'.jp-Flotilla-row[data-run="{failed}"][data-status="FAILED"]').wait_for()
    window.command("flotilla:open-run", id=failed, tab="usage")
    page.locator(".jp-Flotilla-detailBody").wait_for()
    page.wait_for_timeout(3_000)
    _take(page, "lab-run")
    window.command("flotilla:launch-notebook")
    page.wait_for_timeout(4_000)
    _take(page, "lab-launch")


def _show_panel(window: Window, server: JupyterServer) -> None:
    """Take the notebook panel with the detail of a run that goes on."""
    cell = {"cell_type": "code", "id": "panel", "metadata": {}, "outputs": [],
            "source": "%flotilla panel", "execution_count": None}  # fmt: skip
    load = {**cell, "id": "load", "source": "%load_ext jupyter_flotilla"}
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": [load, cell], "metadata": {"kernelspec": spec},
               "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    (server.work / "panel.ipynb").write_text(json.dumps(content))
    page = window.go("lab/tree/panel.ipynb?reset")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    window.command("notebook:run-all-cells")
    page.locator('.flotilla-row[data-status="RUNNING"]').first.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(4_000)
    _save(page.locator(".flotilla-panel").screenshot(), "panel")
    window.close()


def _schedule(server: JupyterServer) -> None:
    """Have schedules that stand otherwise each."""
    jobs = {
        "nightly-etl": (["sleep", "2"], {"when": "daily at 02:30 Europe/Berlin"}),
        "forecast": (["true"], {"when": "weekdays 07:00 America/New_York"}),
        "publish": (["true"], {"after": "nightly-etl"}),
        "check-feed": (["false"], {"when": "every 15 minutes", "overlap": "skip"}),
    }
    for name, (argv, schedule) in jobs.items():
        options = {"name": name, "timeout": "20m", "engine": "process"}
        what = {"kind": "command", "argv": argv}
        asked = {"what": what, "options": options, "schedule": schedule}
        saved = server.api("schedules", asked)
        verb = "pause" if name == "forecast" else "run"
        server.api(f"schedules/{saved['id']}/{verb}", {})


def _show_schedules(window: Window, server: JupyterServer) -> None:
    """Take the form of a schedule and, beside it, the list."""
    _schedule(server)
    page = window.go("lab/tree/digits.ipynb?reset")

    def of_a_desk(route: Route) -> None:
        # where there is no systemd for the user, the note names folders of this machine
        note = (
            "nothing wakes it after you log out, or after a reboot, until somebody uses flotilla: "
            "jupyter flotilla service install"
        )
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "waking_note": note})

    page.route("**/flotilla/api/schedules", of_a_desk)
    window.command("flotilla:schedule")
    resize_sidebar(page, 380)
    page.get_by_label("When", exact=True).fill("weekdays 02:30 Europe/Berlin")
    page.get_by_label("From", exact=True).fill("2027-03-25")
    page.get_by_label("Timeout").fill("1h")
    page.get_by_role("list", name="The next runs").wait_for()
    page.wait_for_timeout(3_000)
    page.locator(".jp-Flotilla-launch").evaluate("e => e.scrollTo(0, 0)")
    form = page.locator("#jp-left-stack").screenshot()
    window.command("flotilla:show-schedules")
    page.locator(".jp-Flotilla-schedule", has_text="failed: user error").wait_for()
    page.wait_for_timeout(3_000)
    both = [Image.open(io.BytesIO(form))]
    both.append(Image.open(io.BytesIO(page.locator("#jp-left-stack").screenshot())))
    gap = 24
    beside = Image.new("RGB", (sum(one.width for one in both) + gap, both[0].height), "white")
    beside.paste(both[0], (0, 0))
    beside.paste(both[1], (both[0].width + gap, 0))
    picture = io.BytesIO()
    beside.save(picture, "png")
    _save(picture.getvalue(), "lab-schedules")
    window.close()


def _take(page: Page, name: str) -> None:
    _save(page.screenshot(), name)


def _save(shot: bytes, name: str) -> None:
    picture = Image.open(io.BytesIO(shot))
    small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(_ROOT / "docs" / f"{name}.png", optimize=True)
    print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
