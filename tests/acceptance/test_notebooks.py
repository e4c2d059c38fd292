"""Notebooks of different nature run as jobs and are read back, from another process too."""

import json
import os
from pathlib import Path

import nbformat
import pytest
import witness

import jupyter_flotilla as fl

_EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


def _outputs(notebook: nbformat.NotebookNode, kind: str) -> list[dict[str, str]]:
    return [
        output.data
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type in ("display_data", "execute_result") and kind in output.data
    ]


def test_plots_come_back_in_the_notebook_and_in_the_stream() -> None:
    run = fl.run_notebook(_EXAMPLES / "digits.ipynb", params={"n_trees": 5}, memory="2G")

    executed = run.result()

    assert len(_outputs(executed, "image/png")) >= 2
    streamed = [r for r in run.logs().records() if r["kind"] == "display"]
    assert [r["data"] for r in streamed if "image/png" in r["data"]]
    assert "n_trees = 5" in "".join(cell.source for cell in executed.cells)


def test_a_data_frame_comes_back_as_a_table() -> None:
    run = fl.run_notebook(_EXAMPLES / "diabetes.ipynb", params={"alpha": 1})

    executed = run.result()

    assert any("<table" in data["text/html"] for data in _outputs(executed, "text/html"))
    assert "alpha = 1.0" in "".join(cell.source for cell in executed.cells)


def test_an_error_half_way_keeps_what_came_before_and_points_to_its_cell() -> None:
    run = fl.run_notebook(_EXAMPLES / "error_halfway.ipynb")

    with pytest.raises(fl.RunFailed, match="KeyError"):
        run.result()

    executed = run.notebook
    [attempt] = run.attempts
    assert attempt.failure_kind == "user-error"
    banner = executed.cells[0]
    assert "flotilla-ended-here" in banner.source
    assert "KeyError" in banner.source
    marks = [i for i, c in enumerate(executed.cells) if 'id="flotilla-ended-here"' in c.source]
    failing = executed.cells[marks[0] + 1]
    assert failing.outputs[-1].ename == "KeyError"
    assert all(not c.outputs for c in executed.cells[marks[0] + 2 :] if c.cell_type == "code")
    assert any(c.outputs for c in executed.cells[: marks[0]] if c.cell_type == "code")


def test_the_input_file_is_never_written(tmp_path: Path) -> None:
    path = witness.notebook(tmp_path / "in.ipynb", "print(x)", parameters="x = 1")
    before = path.read_bytes(), path.stat().st_mtime_ns

    fl.run_notebook(path, params={"x": 2}).wait()

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_outputs_of_the_file_do_not_pass_for_outputs_of_the_run(tmp_path: Path) -> None:
    path = witness.notebook(tmp_path / "in.ipynb", "1/0", "print('never')")
    content = json.loads(path.read_text())
    stale = {"output_type": "stream", "name": "stdout", "text": ["from last year"]}
    content["cells"][1]["outputs"] = [stale]
    path.write_text(json.dumps(content))

    run = fl.run_notebook(path).wait()

    assert "from last year" not in run.notebook_path.read_text()


def test_an_executed_notebook_runs_again_without_its_banner(tmp_path: Path) -> None:
    path = witness.notebook(tmp_path / "in.ipynb", "print('before')", "1/0")
    first = fl.run_notebook(path).wait()

    second = fl.run_notebook(first.notebook_path).wait()

    banners = [c for c in second.notebook.cells if "flotilla-banner" in c.metadata.get("tags", [])]
    assert len(banners) == 2  # one banner and one mark, of the second run only
    nbformat.validate(second.notebook)


def test_the_executed_notebook_is_valid(tmp_path: Path) -> None:
    cells = ("from IPython.display import *\ndisplay(HTML('<b>x</b>'))", "print('é' * 3)", "{}")
    path = witness.notebook(tmp_path / "in.ipynb", *cells)

    run = fl.run_notebook(path).wait()

    nbformat.validate(run.notebook)


def test_an_old_notebook_format_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "old.ipynb"
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell(input="print(7)")])]
    )
    path.write_text(json.dumps(old))

    run = fl.run_notebook(path).wait()

    assert str(run.logs()) == "7\n"


def test_a_notebook_with_a_hostile_path_runs_in_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "sp ace 'quote\" $HOME ünï\ncode"
    path = witness.notebook(folder / "nöte book.ipynb", "import os; print(os.getcwd())")

    run = fl.run_notebook(path).wait()

    assert str(run.logs()) == f"{folder}\n"


def test_the_first_use_makes_the_home_and_the_folders_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_HOME", str(tmp_path / "not" / "there" / "yet"))
    path = witness.notebook(tmp_path / "n.ipynb", "print(1)")

    run = fl.run_notebook(path).wait()

    assert run.status == "SUCCEEDED"
    for pid in witness.processes_of_home(tmp_path / "not" / "there" / "yet"):
        os.kill(pid, 9)


def test_a_cell_gives_its_last_expression() -> None:
    run = fl.run_source("x = 20\nx * 2 + 2")

    assert run.result() == {"text/plain": "42"}


def test_user_code_reports_progress(tmp_path: Path) -> None:
    cell = (
        "from jupyter_flotilla import job; import time\njob.progress(1, 4, 'fit'); time.sleep(1.5)"
    )
    path = witness.notebook(tmp_path / "p.ipynb", "1", cell, "2")

    run = fl.run_notebook(path)
    witness.until(lambda: run.attempts and (p := run.attempts[0].progress) and p.done == 1)
    line = run.refresh().status_line()
    run.wait()

    assert "cell 2 of 3" in line
    assert "25% (fit)" in line
    assert [r["message"] for r in run.logs().records() if r["kind"] == "progress"] == ["fit"]


def test_a_kernel_without_our_package_still_finds_job(tmp_path: Path) -> None:
    hide = (
        "import sys\n"
        "sys.modules.pop('jupyter_flotilla', None)\n"
        "sys.path = [p for p in sys.path if p.endswith('.pyz') or 'lib/python' in p]\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "from jupyter_flotilla import job\n"
        "print(job.__file__.split('/')[-3][-4:], job.is_inside())"
    )
    path = witness.notebook(tmp_path / "j.ipynb", hide)

    run = fl.run_notebook(path).wait()

    assert run.status == "SUCCEEDED", run.explain()
    assert str(run.logs()) in (".pyz True\n", f"{_EXAMPLES.parent.name[-4:]} True\n")


def test_another_process_reads_a_run_back(tmp_path: Path) -> None:
    run = fl.run_source("print('from the past'); 6 * 7", name="answer").wait()

    shown = witness.flotilla("show", run.id)
    logs = witness.flotilla("logs", "answer")
    listed = json.loads(witness.flotilla("ls", "--json").stdout)

    assert "SUCCEEDED" in shown.stdout
    assert logs.stdout == "from the past\n42\n"
    assert [row["id"] for row in listed] == [run.id]
