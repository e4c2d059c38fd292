"""The options of a grid, from what people write to the points at which a job is run. Pure."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any, TypedDict

from pydantic import Field

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.base import Value
from jupyter_flotilla.model.literals import json_or_text, json_value
from jupyter_flotilla.model.option import Option, read_keywords
from jupyter_flotilla.model.units import parse_money

#: More runs than this are a slip of the pen.
MAX_POINTS = 10_000
DEFAULT_PARALLEL = 10

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER}):({_NUMBER})", re.ASCII)

#: Beyond these no number of a range is a float.
_LARGEST = Decimal("1e308")

#: One set of parameters.
Point = dict[str, Any]


class GridOptions(Value):
    """Options of a grid in canonical form."""

    #: Name of a parameter → the values that it takes.
    grid: dict[str, tuple[Any, ...]] = {}
    #: True: the first value of each with the first of the others, and so on; else all with all.
    zip: bool = False
    #: Points that were written out, as in a table; combined with ``grid`` if both are given.
    points: tuple[Point, ...] = ()
    max_parallel: int = Field(default=DEFAULT_PARALLEL, ge=1)
    budget_usd: float | None = Field(default=None, gt=0)

    def expand(self) -> list[Point]:
        """Return every point, in order; the last parameter of ``grid`` changes first.

        Raises
        ------
        InvalidOption
            For no points or too many, for lists of different lengths under ``zip``, and for a
            parameter that is given twice.
        """
        rows: Sequence[Point] = self.points or ({},)
        twice = sorted(set(self.grid) & {name for row in rows for name in row})
        if twice:
            raise InvalidOption(
                f"parameter {twice[0]!r} is in --grid and in the table of points",
                next_step="leave it out of one of them",
            )
        self._check_size(len(rows))
        combine = self._zipped if self.zip else product
        axes = [
            dict(zip(self.grid, values, strict=True)) for values in combine(*self.grid.values())
        ]
        return [{**row, **axis} for row in rows for axis in axes or [{}]]

    def _zipped(self, *values: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
        lengths = {name: len(axis) for name, axis in self.grid.items()}
        if len(set(lengths.values())) > 1:
            counted = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise InvalidOption(
                f"--zip takes lists of one length: {counted}",
                next_step="make them equally long, or leave --zip out for all combinations",
            )
        return zip(*values, strict=True)

    def _check_size(self, rows: int) -> None:
        size = rows
        lengths = [len(axis) for axis in self.grid.values()]
        for length in lengths[:1] if self.zip else lengths:
            size *= length
        if not self.grid and not self.points:
            raise InvalidOption("the grid has no points", next_step="--grid NAME=1,2,3")
        if size > MAX_POINTS:
            raise InvalidOption(
                f"the grid has {size:,} points, more than {MAX_POINTS:,}",
                next_step="take fewer values, or several grids",
            )


class GridKeywords(TypedDict, total=False):
    """The options of a grid as keywords of the Python API."""

    grid: Mapping[str, Iterable[Any]] | Iterable[str]
    zip: bool
    points: Any
    max_parallel: int | None
    budget: float | str | None


def parse_axis(text: str) -> tuple[Any, ...]:
    """Return the values of ``1,2,3``, ``3:9:2`` (9 included) or a JSON list.

    >>> parse_axis("0.1:0.5:0.2"), parse_axis('adam,"a,b",3'), parse_axis("[[1, 2], null]")
    ((0.1, 0.3, 0.5), ('adam', 'a,b', 3), ([1, 2], None))

    Raises
    ------
    InvalidOption
        For no value, one of more than 131,072 characters, or a range that never ends.
    """
    steps = _RANGE.fullmatch(text.strip())
    if steps is not None:
        return _range(text, *(Decimal(part) for part in steps.groups()))
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list) and listed:
            return tuple(json_value(text[:40], item) for item in listed)
    try:
        [words] = csv.reader([text.replace("\n", " ")], skipinitialspace=True) or [[]]
    except csv.Error as error:
        raise InvalidOption(
            f"{text[:100]!r}: {error}", next_step="--grid-file POINTS.csv, for long values"
        ) from error
    if not words or not all(words):
        raise InvalidOption(
            f"{text[:100]!r} has an empty value", next_step="--grid NAME=1,2,3 or NAME=3:9:2"
        )
    return tuple(json_or_text(word) for word in words)


def _range(text: str, start: Decimal, stop: Decimal, step: Decimal) -> tuple[Any, ...]:
    if not all(-_LARGEST < part < _LARGEST for part in (start, stop, step)):
        raise InvalidOption(f"{text[:100]!r} is out of range", next_step="3:9:2, or 1e-3:1:1e-3")
    if step == 0 or (stop - start) * step < 0:
        raise InvalidOption(
            f"{text!r} never comes from {start} to {stop}", next_step="START:STOP:STEP, e.g. 3:9:2"
        )
    count = int((stop - start) / step) + 1
    if count > MAX_POINTS:
        raise InvalidOption(
            f"{text!r} has {count:,} values, more than {MAX_POINTS:,}", next_step="a larger step"
        )
    values = [start + step * n for n in range(count)]
    is_whole = all(part == part.to_integral_value() for part in (start, step))
    return tuple(int(value) if is_whole else float(value) for value in values)


def parse_table(lines: Iterable[str], name: str) -> list[Point]:
    """Return the points of a CSV table: parameters in its first line, a point in each other.

    An empty cell means: not given at this point.

    Raises
    ------
    InvalidOption
        For a table without points, and for a line of another length.
    """
    try:
        header, *rows = [
            row for row in csv.reader(lines, skipinitialspace=True, strict=True) if row
        ]
    except (csv.Error, ValueError) as error:
        raise InvalidOption(
            f"{name} is no CSV table with parameters in its first line",
            next_step="lr,depth in the first line, 0.1,3 in the next",
        ) from error
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise InvalidOption(
                f"{name}: row {number} has {len(row)} values for {len(header)} parameters"
            )
    if not rows:
        raise InvalidOption(f"{name} has no points", next_step="add a line for each")
    return [
        {key: json_or_text(cell) for key, cell in zip(header, row, strict=True) if cell}
        for row in rows
    ]


def _grid(value: Any) -> dict[str, tuple[Any, ...]]:
    if isinstance(value, Mapping):
        return {str(name): _axis(str(name), axis) for name, axis in value.items()}
    grid: dict[str, tuple[Any, ...]] = {}
    for text in [value] if isinstance(value, str) else value:
        name, equals, axis = str(text).partition("=")
        if not name or not equals:
            raise InvalidOption(
                f"--grid {text!r} is not NAME=VALUES", next_step="--grid lr=0.1,0.01"
            )
        if name in grid:
            raise InvalidOption(
                f"--grid gives {name!r} twice", next_step=f"--grid {name}=ALL,ITS,VALUES"
            )
        grid[name] = parse_axis(axis)
    return grid


def _axis(name: str, axis: Any) -> tuple[Any, ...]:
    values = parse_axis(axis) if isinstance(axis, str) else tuple(axis)
    if not values:
        raise InvalidOption(f"parameter {name!r} of the grid has no values")
    return tuple(json_value(name, _plain(value)) for value in values)


def _points(value: Any) -> tuple[Point, ...]:
    """Return points of mappings, or of the rows of a DataFrame."""
    if hasattr(value, "to_dict"):
        value = value.to_dict(orient="records")
    return tuple(
        {
            str(name): json_value(str(name), plain)
            for name, item in row.items()
            if (plain := _plain(item)) == plain  # pandas writes NaN where a table has nothing
        }
        for row in value
    )


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as Python's own value."""
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value


def _max_parallel(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_POINTS:
        raise InvalidOption(f"{value!r} is not a number of runs", next_step="--max-parallel 10")
    return value


GRID_OPTIONS: tuple[Option, ...] = (
    Option(
        name="grid", py="grid", rest="grid", form="Grid", metavar="K=VALUES", parse=_grid,
        repeats=True, group="grid",
        help="Run at each value of a parameter: K=1,2,3 or K=START:STOP:STEP. All with all.",
    ),
    Option(
        name="zip", py="zip", rest="zip", form="Pair up", metavar="", parse=bool, group="grid",
        is_flag=True,
        help="Take the values of --grid in step, the first with the first, not all with all.",
    ),
    Option(
        name="grid-file", py="points", rest="points", form="Table of points", metavar="CSV",
        parse=_points, group="grid",
        help="Run at each point of a table, parameters in its first line. In Python a DataFrame.",
    ),
    Option(
        name="max-parallel", py="max_parallel", rest="max_parallel", form="Parallel", metavar="N",
        parse=_max_parallel, group="grid",
        help="Most runs of a grid at a time. [default: 10]",
    ),
    Option(
        name="budget", py="budget", rest="budget_usd", form="Grid budget", metavar="USD",
        parse=lambda value: parse_money(str(value)), group="grid",
        help="US dollars over all runs of a grid: ceilings are reserved before each launch.",
    ),
)  # fmt: skip


def read_grid_options(keywords: Mapping[str, Any]) -> GridOptions:
    """Return canonical options of a grid from keywords of Python; raises InvalidOption."""
    return GridOptions(**read_keywords(keywords, GRID_OPTIONS))
