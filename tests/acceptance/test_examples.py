"""Every example notebook runs from top to bottom; only cells that say so may fail."""

from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

_EXAMPLES = Path(__file__).parents[2] / "examples"


#: The one of cells has a test of its own, which sees that each of its cells runs.
_PLAIN = sorted(set(_EXAMPLES.glob("*.ipynb")) - {_EXAMPLES / "cells.ipynb"})


@pytest.mark.parametrize("path", _PLAIN, ids=lambda path: path.name)
def test_an_example_runs_from_top_to_bottom(path: Path, settings_file: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    if path.name == "digits.ipynb":  # a forest of a hundred trees proves no more
        parameters = next(
            one for one in notebook.cells if "parameters" in one.metadata.get("tags", ())
        )
        parameters.source += "\nn_trees = 5"
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(_EXAMPLES)}})

    with suppress(CellExecutionError):
        client.execute()

    failed = [
        cell for cell in notebook.cells
        if any(out.output_type == "error" for out in cell.get("outputs", []))
    ]  # fmt: skip
    tags = [set(cell.metadata.get("tags", [])) for cell in failed]
    assert all({"raises-exception", "fails-on-purpose"} & of_cell for of_cell in tags)


def test_the_example_of_cells_brings_back_values_plots_tables_and_errors(
    settings_file: Path,
) -> None:
    notebook = nbformat.read(_EXAMPLES / "cells.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(_EXAMPLES)}})

    client.execute()  # which raises where a cell fails that does not say so

    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    bundles = [out.data for out in outputs if "data" in out]
    texts = "".join(out.text for out in outputs if out.output_type == "stream")
    [error] = [out for out in outputs if out.output_type == "error"]
    assert "R² 0." in texts
    assert any("image/png" in data for data in bundles)
    assert any("importance" in data.get("text/html", "") for data in bundles)
    assert sum("metric" in data.get("text/html", "") or "n_trees" in data.get("text/html", "")
               for data in bundles) >= 1  # fmt: skip
    assert error.ename == "KeyError"
