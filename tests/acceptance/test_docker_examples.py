"""The example notebooks run unchanged in an image that has Python only."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import jupyter_flotilla as fl

_EXAMPLES = Path(__file__).parents[2] / "examples"
#: Parameters with which they take less long; test_examples.py runs them as they are.
_FEWER = {"digits": {"n_trees": 5}}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("diabetes", "SUCCEEDED", marks=pytest.mark.heavy),
        ("digits", "SUCCEEDED"),
        ("error_halfway", "FAILED"),
    ],
)
def test_an_example_runs_in_a_container(
    settings_file: Path, docker_ground: str, name: str, status: str
) -> None:
    run = fl.run_notebook(
        _EXAMPLES / f"{name}.ipynb", engine="docker", image=docker_ground, wait=True,
        params=_FEWER.get(name, {}),
    )  # fmt: skip

    assert run.status == status, run.explain()
    outputs = [out for cell in run.notebook.cells for out in cell.get("outputs", [])]
    failures = [out.ename for out in outputs if out.output_type == "error"]
    assert failures == ([] if status == "SUCCEEDED" else ["KeyError"])
    assert any("text/html" in out.get("data", {}) for out in outputs)


@pytest.mark.heavy
def test_the_example_of_cells_sends_them_into_containers(
    settings_file: Path, docker_ground: str
) -> None:
    settings = {"engine": "docker", "image": docker_ground}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    settings_file.write_text(settings_file.read_text() + lines)
    notebook = nbformat.read(_EXAMPLES / "cells.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=170, resources={"metadata": {"path": str(_EXAMPLES)}})

    client.execute()

    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    bundles = [out.data for out in outputs if "data" in out]
    assert any("image/png" in data for data in bundles)
    assert any("importance" in data.get("text/html", "") for data in bundles)
    assert [out.ename for out in outputs if out.output_type == "error"] == ["KeyError"]
    assert {run.spec.engine for run in (fl.get(r.id).snapshot for r in fl.runs())} == {"docker"}
