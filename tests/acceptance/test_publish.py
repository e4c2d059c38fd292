"""An address that stays: on success only, whole, of the latest run."""

import json
from pathlib import Path

import nbformat
import pytest
import witness
from click.testing import CliRunner

import jupyter_flotilla as fl
from jupyter_flotilla import api
from jupyter_flotilla.commands.published import published
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.store import publications


@pytest.fixture
def notebook(tmp_path: Path, settings_file: Path) -> Path:
    path = tmp_path / "report.ipynb"
    cells = [
        nbformat.v4.new_code_cell("value = 0", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print('the value is', value)\n1 / value"),
    ]
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "P"}}
        ),
        path,
    )
    return path


def _run(notebook: Path, value: int) -> fl.RunHandle:
    publish = ["report", "report.ipynb"]
    return fl.run_notebook(notebook, params={"value": value}, publish=publish).wait()


def _there(home: Path, name: str) -> str:
    path = home / "published" / name
    return path.read_text() if path.exists() else ""


def _settled(run: fl.RunHandle) -> bool:
    with api.flotilla().store.read() as tx:
        return all(one.status != "WAITING" for one in publications.of_run(tx, run.id))


def test_the_latest_success_is_under_its_name_and_a_failure_changes_nothing(
    notebook: Path, home: Path
) -> None:
    first = _run(notebook, 1)
    witness.until(lambda: "the value is 1" in _there(home, "report.html"))
    bad = _run(notebook, 0)
    witness.until(lambda: _settled(bad))
    after_failure = _there(home, "report.html")
    second = _run(notebook, 2)
    witness.until(lambda: _settled(second))

    assert (first.status, bad.status) == ("SUCCEEDED", "FAILED")
    assert "the value is 1" in after_failure
    assert "<html" in after_failure
    assert "the value is 2" in _there(home, "report.html")
    assert json.loads(_there(home, "report.ipynb"))["nbformat"] == 4
    assert [(one.name, one.run_id, one.path.exists()) for one in fl.published()] == [
        ("report.html", second.id, True), ("report.ipynb", second.id, True)
    ]  # fmt: skip
    assert not list((home / "published").glob(".new-*"))
    listed = CliRunner().invoke(published, [])
    one = CliRunner().invoke(published, ["report.html"])
    none = CliRunner().invoke(published, ["sales.html"])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "NAME", "report.html", "report.ipynb"
    ]  # fmt: skip
    assert one.stdout == f"{home / 'published' / 'report.html'}\n"
    assert "nothing is published as 'sales.html'" in str(none.exception)


def test_a_file_of_the_job_is_published_and_a_missing_one_leaves_the_old(
    tmp_path: Path, settings_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = "import os, sys; os.makedirs('out', exist_ok=True)\n"
    good = script + "open('out/data.csv', 'w').write('a,b')"
    run = fl.submit(["python", "-c", good], publish="data.csv=out/data.csv").wait()
    witness.until(lambda: _settled(run))
    before = _there(home, "data.csv")
    (tmp_path / "out" / "data.csv").unlink()
    bad = fl.submit(["true"], publish="data.csv=out/data.csv").wait()
    witness.until(lambda: _settled(bad))

    assert before == _there(home, "data.csv") == "a,b"
    [event] = [e for e in api.flotilla().events(bad.id) if e.name == "published"]
    assert event.detail["status"] == "FAILED"
    assert "the run has no out/data.csv" in event.detail["reason"]


@pytest.mark.parametrize(
    ("publish", "said"),
    [
        ("../x", "is no name of a file"),
        ("a/b.html", "is no name of a file"),
        ("sales.csv", "nothing says which file"),
        ("sales.csv=/etc/passwd", "is no file below"),
        ("sales.csv=../x", "is no file below"),
        ("sales.csv=*.csv", "is no file below"),
        ("report", "a command has no executed notebook"),
        (["a.csv=x", "a.csv=y"], "twice"),
    ],
)
def test_what_cannot_be_published_is_refused_before_the_launch(
    settings_file: Path, publish: str, said: str
) -> None:
    with pytest.raises(InvalidOption, match=said):
        fl.submit(["true"], publish=publish)

    assert fl.runs() == []
