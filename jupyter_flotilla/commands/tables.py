"""Tables that lose whole columns where there is no room, and never a digit."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from jupyter_flotilla.commands.screen import write

_GAP = "  "


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of a table."""

    heading: str
    #: Cells that its text may be shortened to, with an ellipsis; None: not at all.
    least: int | None = None
    #: The same once no column can leave any more; None: as before.
    at_last: int | None = None
    #: Columns with a number leave where there is no room, the smallest first; 0: never.
    leaves: int = 0


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> None:
    """Print a table on stdout: as wide as the terminal, or as it needs where there is none."""
    console = Console(highlight=False, soft_wrap=True)
    width = console.width if console.is_terminal else None
    with console.capture() as captured:
        for line in table_lines(columns, rows, width):
            console.print(line)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    # Glyphs that stdout does not know must not shift the columns, as escapes would.
    write(captured.get().encode(encoding, "replace").decode(encoding))


def table_lines(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int | None
) -> list[Text]:
    """Return a table as lines, its headings first.

    Where there is no room texts lose their ends, then columns leave, then texts lose more. If that
    is not enough, lines are too long: a terminal wraps them, and a figure is still whole.

    Parameters
    ----------
    rows
        A text a column each.
    width
        Cells; None: as many as it needs.
    """
    whole = [
        max([len(column.heading), *(row[index].cell_len for row in rows)])
        for index, column in enumerate(columns)
    ]
    least = [min(n, column.least or n) for n, column in zip(whole, columns, strict=True)]
    at_last = [min(n, column.at_last or n) for n, column in zip(least, columns, strict=True)]
    shown = _shown(columns, least, width)
    widths = [whole[index] for index in shown]
    for limits in (least, at_last):
        widths = _shrunk(widths, [limits[index] for index in shown], width)
    heads = [Text(column.heading, "dim") for column in columns]
    return [_line([row[index] for index in shown], widths) for row in (heads, *rows)]


def _shown(columns: Sequence[Column], least: Sequence[int], width: int | None) -> list[int]:
    """Return the indices of the columns that stay."""
    shown = list(range(len(columns)))
    for index in sorted((i for i in shown if columns[i].leaves), key=lambda i: columns[i].leaves):
        if width is None or _width([least[i] for i in shown]) <= width:
            break
        shown.remove(index)
    return shown


def _shrunk(widths: Sequence[int], least: Sequence[int], width: int | None) -> list[int]:
    """Return widths that fit if they can, the column that has most to give shortened first."""
    shrunk = [*widths]
    while width is not None and _width(shrunk) > width:
        at = max(range(len(shrunk)), key=lambda i: shrunk[i] - least[i])
        if shrunk[at] <= least[at]:
            break
        shrunk[at] -= 1
    return shrunk


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    fitted = [cell.copy() for cell in cells]
    for cell, width in zip(fitted, widths, strict=True):
        cell.truncate(width, overflow="ellipsis", pad=True)
    line = Text(_GAP).join(fitted)
    line.rstrip()
    return line
