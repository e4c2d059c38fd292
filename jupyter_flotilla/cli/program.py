"""Runs the command line, and turns our errors into exit codes."""

from collections.abc import Sequence

import click

from jupyter_flotilla.commands import flotilla, streams
from jupyter_flotilla.errors import FlotillaError, UnsupportedPlatform
from jupyter_flotilla.machine import is_supported

_USAGE = 2


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return what to exit with.

    Raises
    ------
    SystemExit
        Where a command itself says what to exit with.
    KeyboardInterrupt
    """
    streams.guard()
    try:
        _run(arguments)
    except FlotillaError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return _USAGE
    except click.Abort:
        raise KeyboardInterrupt from None
    return 0


def _run(arguments: Sequence[str]) -> None:
    if not is_supported():
        raise UnsupportedPlatform("Flotilla needs Linux or macOS; on Windows, use WSL")
    try:
        flotilla.main(list(arguments), prog_name="jupyter flotilla", standalone_mode=False)
    finally:
        streams.flush()
