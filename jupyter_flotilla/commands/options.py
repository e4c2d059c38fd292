"""The option tables as click options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from jupyter_flotilla.capture.points import read_points
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.grid_options import GRID_OPTIONS
from jupyter_flotilla.model.option import Option
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.schedule_options import (
    SCHEDULE_OPTIONS,
    ScheduleOptions,
    read_schedule_options,
)

_F = TypeVar("_F", bound=Callable[..., Any])


def job_options(function: _F) -> _F:
    """Add every option of the table to a command, as keywords named like those of Python."""
    return some_job_options(*(option.name for option in OPTIONS))(function)


def some_job_options(*names: str) -> Callable[[_F], _F]:
    """Add these options of the table to a command."""

    def add(function: _F) -> _F:
        for option in reversed(OPTIONS):
            if option.name in names:
                function = _job_option(option, function)
        return function

    return add


def _job_option(option: Option, function: _F) -> _F:
    flag = f"--{option.name}/--no-{option.name}" if option.is_flag else f"--{option.name}"
    return click.option(
        *([flag, f"-{option.alias}"] if option.alias else [flag]),
        option.py,
        metavar=option.metavar,
        multiple=option.repeats,
        default=None,  # also of a flag: what is not given is decided elsewhere
        help=option.help,
    )(function)


def grid_options(function: _F) -> _F:
    """Add every option of a grid to a command, as keywords named like those of Python."""
    for option in reversed(GRID_OPTIONS):
        function = click.option(
            f"--{option.name}",
            option.py,
            metavar=None if option.is_flag else option.metavar,
            multiple=option.repeats,
            is_flag=option.is_flag,
            default=None,
            help=option.help,
        )(function)
    return function


def schedule_options(function: _F) -> _F:
    """Add every option of a schedule to a command, as keywords named like those of Python."""
    for option in reversed(SCHEDULE_OPTIONS):
        function = click.option(
            f"--{option.name}",
            option.py,
            metavar=option.metavar,
            multiple=option.repeats,
            default=None,
            help=option.help,
        )(function)
    return function


def given_of_schedule(keywords: dict[str, Any]) -> ScheduleOptions:
    """Return the options of a schedule that were given; raises InvalidOption."""
    return read_schedule_options({o.py: keywords.get(o.py) for o in SCHEDULE_OPTIONS})


def given(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as they were written; a table of points is read.

    Raises
    ------
    InvalidOption
        For limits of a grid without a grid.
    """
    found = {
        option.py: value
        for option in (*OPTIONS, *GRID_OPTIONS)
        if (value := keywords.get(option.py)) not in (None, ())
    }
    if "points" in found:
        found["points"] = read_points(Path(found["points"]))
    if not is_grid(found):
        for option in GRID_OPTIONS:
            if option.py in found:
                raise InvalidOption(
                    f"--{option.name} is for a grid, and there is none",
                    next_step="--grid NAME=1,2,3 or --grid-file POINTS.csv",
                )
    return found


def is_grid(found: dict[str, Any]) -> bool:
    """Say whether points of a grid were given."""
    return bool(found.get("grid") or found.get("points"))
