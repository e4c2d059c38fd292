"""Where commands write, and the façade they call."""

import json
import sys
from contextlib import suppress
from functools import cache
from typing import Any

from rich.console import Console

from jupyter_flotilla import api
from jupyter_flotilla.commands import streams
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
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(sentence: str, *, status: RunStatus | None = None) -> None:
    """Tell the user something, in the colour of a status if it tells of one."""
    with suppress(OSError):  # where nothing can be said, what was asked is done all the same
        console().print(sentence, markup=False, style=COLOURS[status] if status else None)


def flotilla() -> Flotilla:
    """Return the façade; it says on stderr what works but not as usual."""
    facade = api.flotilla()
    facade._say = say
    return facade


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    # What a stdout of another encoding would replace is escaped, as JSON has it.
    is_unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    echo(json.dumps(value, indent=2, ensure_ascii=not is_unicode, default=str))


def echo(line: str) -> None:
    """Print a line on stdout; raises as `write`."""
    # click's own echo goes past our stdout where that is an ASCII one
    write(f"{line}\n")


def write(text: str) -> None:
    """Write text of a job to stdout.

    Raises
    ------
    EnvironmentProblem
        If stdout is closed, or there is no room for it.
    StdoutClosed
        If nobody reads it any more.
    """
    _check_stdout()
    sys.stdout.write(text)
    sys.stdout.flush()


def write_bytes(content: bytes) -> None:
    """Write what a job wrote to stdout as it is; raises as `write`."""
    _check_stdout()
    streams.write_bytes(content)


def _check_stdout() -> None:
    if sys.stdout is None:
        raise EnvironmentProblem("stdout is closed", next_step="write it to a file or a pipe")
