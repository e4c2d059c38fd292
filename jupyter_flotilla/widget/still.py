"""The latest runs as they are now, where nothing can move: static HTML, and text for terminals."""

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.text import printable
from jupyter_flotilla.model.units import format_duration, format_money, format_size
from jupyter_flotilla.render import GLYPHS, one_line

#: Runs that are shown.
SHOWN = 20
_HEADS = ("id", "name", "status", "time", "peak", "cost")
_LONGEST = 40
_PLAIN = "background:none;padding:0;font:inherit;white-space:nowrap"


def as_html(found: Sequence[Mapping[str, Any]] | None, note: str) -> str:
    """Return rows of `Listing` as an escaped HTML table, with a note below.

    Parameters
    ----------
    found
        None: they cannot be read; the note says why.
    """
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell_html(cell)}</td>' for cell in _cells(row))}</tr>"
        for row in found or ()
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    shown = table if found else "" if found is None else "No runs yet."
    return f'<div class="flotilla-still">{shown}<p><small>{html.escape(note)}</small></p></div>'


def _cell_html(text: str) -> str:
    escaped = html.escape(text)
    # <code>: elsewhere frontends take what stands between two dollars for a formula
    return f'<code style="{_PLAIN}">{escaped}</code>' if "$" in text else escaped


def as_text(found: Sequence[Mapping[str, Any]] | None, note: str) -> str:
    """Return rows of `Listing` as lines of text, with a note below; None as of `as_html`."""
    if not found:
        return note if found is None else f"No runs yet.\n{note}"
    lines = [_HEADS, *(_cells(row) for row in found)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEADS))]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*shown, note])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    status = RunStatus(row["status"])
    word = f"{GLYPHS[status]} {status}"
    if row["failure_kind"]:
        word += f" {row['failure_kind']}"
    elif row["progress"]:
        word += f" {row['progress']['text']}"
    peak = (row["usage"] or {}).get("peak_memory_mib")
    cells = (
        row["short_id"],
        one_line(row["name"], _LONGEST),
        one_line(word, 2 * _LONGEST),
        _time(row),
        format_size(peak) if peak else "",
        cost_text(row),
    )
    return tuple(printable(cell).encode("utf-8", "replace").decode() for cell in cells)


def cost_text(row: Mapping[str, Any]) -> str:
    """Return what a run has cost, or can at most: ``≈`` where nobody pays it."""
    about = "" if row["is_billed"] else "≈"
    if row["started_at"] is not None and row["cost_usd"] is not None:
        return f"{about}{format_money(row['cost_usd'])}"
    ceiling = row["ceiling_usd"]
    return "" if ceiling is None else f"at most {about}{format_money(ceiling)}"


def _time(row: Mapping[str, Any]) -> str:
    if row["started_at"] is None:
        return ""
    ended = utc_now() if row["ended_at"] is None else datetime.fromisoformat(row["ended_at"])
    took_s = (ended - datetime.fromisoformat(row["started_at"])).total_seconds()
    return format_duration(max(0.0, took_s))
