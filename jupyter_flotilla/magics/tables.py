"""Listings that can be kept: ``r = %flotilla ls``."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from jupyter_flotilla import render


class Rows(list[dict[str, Any]]):
    """Rows of a listing: a list of dicts that shows itself as a table."""

    def __init__(self, rows: Sequence[dict[str, Any]], empty: str) -> None:
        super().__init__(rows)
        self._empty = empty

    @property
    def df(self) -> Any:
        """The rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(list(self))

    def _repr_html_(self) -> str:
        return render.table_html(self) if self else f"<i>{self._empty}</i>"

    def __repr__(self) -> str:
        if not self:
            return self._empty
        columns = list(dict.fromkeys(key for row in self for key in row))
        table = RichTable(*columns, box=None, pad_edge=False)
        for row in self:
            table.add_row(*(Text(render.cell_text(row.get(column))) for column in columns))
        console = Console(color_system=None, width=120, force_jupyter=False)
        with console.capture() as capture:
            console.print(table)
        return capture.get().rstrip()
