"""Notebooks with cards of runs in them, as kernels, servers and wicked people write them."""

from pathlib import Path
from typing import Any

import nbformat

MIME = "application/vnd.flotilla.run.v1+json"
SCRIPT = "<img src=x onerror=window.hacked=1><script>window.hacked=2</script>"


def a_card(run_id: Any, *, status: str = "RUNNING", text: str = "what was stored") -> Any:
    """Return a card as an output; whatever is said of the run."""
    bundle = {"run_id": run_id, "name": "stored", "status": status, "lines": [text]}
    data = {MIME: bundle, "text/html": f"<pre>{text}</pre>", "text/plain": text}
    return nbformat.v4.new_output("display_data", data=data)


def an_edited_card(run_id: str) -> Any:
    """Return a card of a run of whose bundle somebody has changed every field."""
    bundle = {
        "run_id": run_id,
        "name": SCRIPT,
        "status": SCRIPT,
        "lines": [SCRIPT, 10**40, None, "x" * 10**6, *["line"] * 10_000],
        "cost_usd": 10**300,
        "owner": SCRIPT,
        "is_final": True,
    }
    return nbformat.v4.new_output("display_data", data={MIME: bundle, "text/html": SCRIPT})


def write_notebook(path: Path, cells: dict[str, list[Any]]) -> None:
    """Write a notebook of cells by their source, each with its outputs."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text, outputs=outs) for text, outs in cells.items()]
    )
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "3"}
    nbformat.write(made, path)


def card_in(path: Path, number: int = 0) -> Any:
    """Return the bundle of the card that a cell in the file has; None: it has none, or not yet."""
    try:
        cell = nbformat.read(path, as_version=4).cells[number]
    except nbformat.reader.NotJSONError:  # it is being written
        return None
    for output in cell.outputs:
        if MIME in output.get("data", {}):
            return output["data"][MIME]
    return None
