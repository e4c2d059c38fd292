"""The banner on top of a notebook that did not succeed, linked to the cell where it ended."""

import html
from typing import Optional

import nbformat
from nbformat import NotebookNode

from jupyter_flotilla.runner.attempt import Outcome

_STYLE = "border-left:4px solid #d33;padding:.4em .8em;background:rgba(221,51,51,.08)"


def with_banner(nb: NotebookNode, cell: Optional[int], outcome: Outcome) -> NotebookNode:
    """Return a notebook with a banner first and a mark before the cell where it ended.

    Parameters
    ----------
    cell
        Index of the cell that was running; None where none was.
    """
    cells = list(nb.cells)
    what = html.escape(outcome.message or "The run was stopped.").replace("\n", "<br>")
    link = ""
    if cell is not None:
        cells.insert(cell, _markdown(nb, '<span id="flotilla-ended-here"></span>'))
        link = ' <a href="#flotilla-ended-here">Go to cell %d</a>' % (cell + 1)
    word = "Stopped" if outcome.outcome == "stopped" else "Failed"
    banner = '<div style="%s"><b>%s.</b> %s%s</div>' % (_STYLE, word, what, link)
    marked: NotebookNode = NotebookNode(nb)
    marked.cells = [_markdown(nb, banner), *cells]
    return marked


def _markdown(nb: NotebookNode, source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_markdown_cell(
        source, metadata={"tags": ["flotilla-banner"]}
    )
    if nb.get("nbformat_minor", 0) < 5:
        cell.pop("id", None)  # cell ids came with format 4.5
    return cell
