"""A cell that was sent away outlives its page and its kernel, and its notebook tells the truth."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import nbformat
import pytest
import witness
from playwright.sync_api import expect
from windows import JupyterServer, Window

#: Says something, waits to be told, then draws.
PLOT = """%%flotilla_run --memory 512M
import time
from pathlib import Path
from IPython.display import SVG, display
print('before the kernel died')
while not Path({go!r}).exists():
    time.sleep(0.05)
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40">'
            '<circle cx="20" cy="20" r="18" fill="teal"/></svg>'))
print('after it')
"""

#: Takes more memory than it may have, and less than twice that.
HUNGRY = """%%flotilla_run --memory 300M
import time
taken = []
for n in range(45):
    taken.append(b'x' * 2**23)
    time.sleep(0.03)
print('took', len(taken))
"""

#: Says whether the page's notebook holds a card of this status in a cell.
STORED = """([number, status]) => {
    const { model } = window.jupyterapp.shell.currentWidget.content.widgets[number];
    const card = model.outputs.toJSON()[0]?.data?.['application/vnd.flotilla.run.v1+json'];
    return card?.status === status;
}"""


@pytest.fixture
def notebook(lab: JupyterServer) -> Path:
    """A notebook that loads the magic and sends two cells away."""
    go = lab.root / "go"
    go.unlink(missing_ok=True)
    sources = ["%load_ext jupyter_flotilla", PLOT.format(go=str(go)), HUNGRY]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources])
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "3"}
    path = lab.work / "sentence.ipynb"
    nbformat.write(made, path)
    return path


def run_cell(window: Window, number: int) -> Any:
    """Select a cell and execute it; returns the cell."""
    cell = window.page.locator(".jp-NotebookPanel .jp-CodeCell").nth(number)
    cell.locator(".jp-InputArea-editor").click()
    window.page.keyboard.press("Control+Enter")
    return cell


def kernels(lab: JupyterServer) -> list[int]:
    """Return the pids of the kernels that the server has started."""
    found = witness.processes_with(f"JPY_PARENT_PID={lab.pid}")
    return found


def saved_texts(path: Path, number: int) -> str:
    """Return the outputs of a cell in the file, as text; nothing while it is being written."""
    try:
        return json.dumps(nbformat.read(path, as_version=4).cells[number].outputs)
    except nbformat.reader.NotJSONError:
        return ""


def test_a_cell_outlives_its_page_and_its_kernel(
    open_window: Any, lab: JupyterServer, notebook: Path
) -> None:
    first = open_window(lab)
    first.go("lab/tree/sentence.ipynb?reset")
    expect(run_cell(first, 0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    cell = run_cell(first, 1)
    card = cell.locator(".jp-Flotilla-card")
    expect(card).to_have_attribute("data-status", "RUNNING", timeout=30_000)
    expect(cell.locator(".jp-OutputArea")).to_contain_text("before the kernel died")
    expect(card.get_by_role("button", name="Detach")).to_be_visible()
    first.shot("lab-card-running")
    first.command("docmanager:save")
    witness.until(lambda: "before the kernel" in saved_texts(notebook, 1), "a saved notebook")
    first.close()
    for pid in kernels(lab):
        os.kill(pid, signal.SIGKILL)
    (lab.root / "go").touch()

    window = open_window(lab)
    page = window.go("lab/tree/sentence.ipynb?reset")
    cell = page.locator(".jp-NotebookPanel .jp-CodeCell").nth(1)
    card = cell.locator(".jp-Flotilla-card")
    expect(card).to_have_attribute("data-status", "SUCCEEDED", timeout=30_000)
    expect(cell.locator(".jp-OutputArea")).to_contain_text("after it")
    expect(cell.locator(".jp-RenderedSVG, .jp-OutputArea img, svg circle").first).to_be_visible()
    window.shot("lab-card-reopened")

    expect(run_cell(window, 0).locator(".jp-InputPrompt")).to_have_text("[1]:", timeout=30_000)
    hungry = run_cell(window, 2)
    retry = hungry.get_by_role("button", name="Retry with 600 M")
    expect(retry).to_be_visible(timeout=30_000)
    window.shot("lab-card-out-of-memory")
    retry.focus()
    page.keyboard.press("Enter")
    card = hungry.locator(".jp-Flotilla-card")
    expect(card).to_have_attribute("data-status", "SUCCEEDED", timeout=30_000)
    expect(hungry.locator(".jp-OutputArea")).to_contain_text("took 45")
    window.shot("lab-card-retried")
    page.wait_for_function(STORED, arg=[2, "SUCCEEDED"])
    window.command("docmanager:save")
    witness.until(lambda: "took 45" in saved_texts(notebook, 2), "a saved notebook")

    assert "circle" in saved_texts(notebook, 1)
    assert "SUCCEEDED" in saved_texts(notebook, 1)
    assert "SUCCEEDED" in saved_texts(notebook, 2)
    assert "FAILED" not in saved_texts(notebook, 2)
    assert [problem for problem in window.problems if "Kernel" not in problem] == []
