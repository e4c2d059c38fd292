"""Where runs are shown in a notebook's JSON, and how their outcome gets there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_flotilla.cell_outputs import Output, run_of
from jupyter_flotilla.model.run import FINAL_STATUSES

#: A cell that sends itself away begins so.
_MAGIC = "%%flotilla_run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A run that is final, and the cell that it was sent from."""

    run_id: str
    cell_id: str | None
    #: ISO 8601.
    ended_at: str


def places_of(
    notebook: Mapping[str, Any], run: Ended, later: frozenset[str], source: str | None
) -> Iterator[tuple[dict[str, Any], int | None]]:
    """Yield cells that do not show yet how a run has ended.

    With each comes None where all its outputs are the run's, else the number of the output that is
    only a card of it.

    Parameters
    ----------
    later
        Ids of runs that came after it: a cell that shows one of those is no longer this run's.
    source
        What it ran: its cell, where it has that still, gets its outputs also where it does not show
        the run. None: that is no longer so, as somebody has saved the notebook since.
    """
    for cell in notebook.get("cells") or []:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        outputs = [out for out in cell.get("outputs") or [] if isinstance(out, dict)]
        cards = {place: card for place, out in enumerate(outputs) if (card := run_of(out))}
        shown = next(iter(cards.values()), None)
        is_its_cell = run.cell_id is not None and cell.get("id") == run.cell_id
        text = _source(cell)
        if text.lstrip().startswith(_MAGIC):
            is_as_it_was = source is not None and source in text
            shows_it = shown is not None and shown[0] == run.run_id
            is_free = not outputs or (shown is not None and shown[0] not in later)
            is_due = shown is None or not shows_it or shown[1] not in FINAL_STATUSES
            if is_due and (shows_it or (is_its_cell and is_free and is_as_it_was)):
                yield cell, None
            continue
        for place, (run_id, status) in cards.items():
            if run_id == run.run_id and status not in FINAL_STATUSES:
                yield cell, place


def write_outcome(
    notebook: Mapping[str, Any],
    run: Ended,
    later: frozenset[str],
    source: str | None,
    outputs: list[Output],
) -> bool:
    """Put a run's outputs where it is shown; return whether anything has changed."""
    places = list(places_of(notebook, run, later, source))
    for cell, place in places:
        if place is None:
            cell["outputs"] = outputs
        else:
            cell["outputs"][place] = {**cell["outputs"][place], "data": outputs[0]["data"]}
    return bool(places)


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source") or ""
    return "".join(map(str, source)) if isinstance(source, list) else str(source)
