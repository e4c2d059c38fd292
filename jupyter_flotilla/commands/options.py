"""The option tables as click options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from jupyter_flotilla.capture.points import read_points
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, GridOptions, read_grid_options
from jupyter_flotilla.model.options import OPTIONS, JobOptions, read_options

_F = TypeVar("_F", bound=Callable[..., Any])


def job_options(function: _F) -> _F:
    """Add every option of the table to a command, as keywords named like those of Python."""
    for option in reversed(OPTIONS):
        flags = [f"--{option.name}"] + ([f"-{option.alias}"] if option.alias else [])
        function = click.option(
            *flags,
            option.py,
            metavar=option.metavar,
            multiple=option.repeats,
            help=option.help,
        )(function)
    return function


def grid_options(function: _F) -> _F:
    """Add every option of a grid to a command, as keywords named like those of Python."""
    for option in reversed(GRID_OPTIONS):
        function = click.option(
            f"--{option.name}",
            option.py,
            metavar=None if option.is_flag else option.metavar,
            multiple=option.repeats,
            is_flag=option.is_flag,
            help=option.help,
        )(function)
    return function


def read_grid(keywords: dict[str, Any]) -> GridOptions | None:
    """Return a grid's options; None where no points are asked for.

    Raises
    ------
    InvalidOption
        Also for limits of a grid without a grid.
    """
    given = {option.py: keywords[option.py] for option in GRID_OPTIONS}
    if given["points"] is not None:
        given["points"] = read_points(Path(given["points"]))
    if given["grid"] or given["points"]:
        return read_grid_options(given)
    for option in GRID_OPTIONS:
        if given[option.py]:
            raise InvalidOption(
                f"--{option.name} is for a grid, and there is none",
                next_step="--grid NAME=1,2,3 or --grid-file POINTS.csv",
            )
    return None


def read(keywords: dict[str, Any]) -> JobOptions:
    """Return canonical options from the keywords that `job_options` gave a command."""
    return read_options({option.py: keywords[option.py] for option in OPTIONS})
