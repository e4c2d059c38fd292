"""The option table as click options."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

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


def read(keywords: dict[str, Any]) -> JobOptions:
    """Return canonical options from the keywords that `job_options` gave a command."""
    return read_options({option.py: keywords[option.py] for option in OPTIONS})
