"""Where commands write, and the façade they call."""

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from jupyter_flotilla import api
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.service import Flotilla

#: A colour beside the word, never instead of it.
COLOURS = {
    RunStatus.QUEUED: "cyan",
    RunStatus.PENDING: "cyan",
    RunStatus.RUNNING: "blue",
    RunStatus.SUCCEEDED: "green",
    RunStatus.FAILED: "red",
    RunStatus.CANCELLED: "yellow",
}


@cache
def console() -> Console:
    """Return the console for people: stderr, so that stdout is the job's own."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str, *, status: RunStatus | None = None) -> None:
    """Tell the user something, in the colour of a status if it tells of one."""
    console().print(sentence, markup=False, style=COLOURS[status] if status else None)


def flotilla() -> Flotilla:
    """Return the façade; it says on stderr what works but not as usual."""
    facade = api.flotilla()
    facade._say = say
    return facade


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def write(text: str) -> None:
    """Write text of a job to stdout as it is.

    Raises
    ------
    EnvironmentProblem
        If nobody reads it any more, or there is no room for it.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, AttributeError) as error:
        # what is left in the buffer must not complain once more at exit
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        reason = getattr(error, "strerror", None) or "it is closed"
        raise EnvironmentProblem(
            f"stdout cannot be written: {reason}",
            next_step="what runs goes on: jupyter flotilla ls --active",
        ) from error
