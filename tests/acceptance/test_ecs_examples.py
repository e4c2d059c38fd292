"""The example notebooks run unchanged on ECS, in an image that has Python only."""

from pathlib import Path

import ecs_jobs
import nbformat
import pytest
from ecs_ground import EcsGround
from nbclient import NotebookClient

import jupyter_flotilla as fl

# packages of 400 MB are brought into each of their containers
pytestmark = pytest.mark.timeout(600)

_EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def _on_ecs(ecs_ground: EcsGround, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("digits", "SUCCEEDED"),
        pytest.param("diabetes", "SUCCEEDED", marks=pytest.mark.heavy),
        pytest.param("error_halfway", "FAILED", marks=pytest.mark.heavy),
    ],
)
def test_the_examples_run_in_tasks(name: str, status: str) -> None:
    fewer = {"n_trees": 5} if name == "digits" else {}
    run = fl.run_notebook(_EXAMPLES / f"{name}.ipynb", engine="ecs", params=fewer).wait()

    assert run.status == status, run.explain()
    outputs = [out for cell in run.notebook.cells for out in cell.get("outputs", [])]
    failures = [out.ename for out in outputs if out.output_type == "error"]
    assert failures == ([] if status == "SUCCEEDED" else ["KeyError"])
    assert any("text/html" in out.get("data", {}) for out in outputs)


@pytest.mark.heavy
def test_the_example_of_cells_sends_them_to_tasks(ecs_ground: EcsGround) -> None:
    notebook = nbformat.read(_EXAMPLES / "cells.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=380, resources={"metadata": {"path": str(_EXAMPLES)}})

    client.execute()

    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    bundles = [out.data for out in outputs if "data" in out]
    assert any("image/png" in data for data in bundles)
    assert any("importance" in data.get("text/html", "") for data in bundles)
    assert [out.ename for out in outputs if out.output_type == "error"] == ["KeyError"]
    runs = fl.runs()
    assert {fl.get(run.id).snapshot.spec.engine for run in runs} == {"ecs"}
    assert all(len(ecs_jobs.tasks_of(ecs_ground, run)) == 1 for run in runs)
