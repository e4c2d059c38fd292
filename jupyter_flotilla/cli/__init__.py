"""The ``jupyter flotilla`` program: commands, with our errors as exit codes."""

import os
import sys

import click

from jupyter_flotilla.errors import FlotillaError, UnsupportedPlatform
from jupyter_flotilla.machine import is_supported

_INTERRUPTED = 130
#: jsonschema, which nbformat imports, builds a grammar of 1 s where this optional package is
#: installed, for a check that notebooks do not need (jsonschema#1428). This process is ours alone.
_SLOW_GRAMMAR = "rfc3987_syntax"


def main() -> None:
    """Run the command line; exit with 0, 1 (the job failed), 2 (usage), 3 (refused) or 130."""
    sys.modules.setdefault(_SLOW_GRAMMAR, None)  # type: ignore[arg-type]
    try:
        if not is_supported():
            raise UnsupportedPlatform("Flotilla needs Linux or macOS; on Windows, use WSL")
        from jupyter_flotilla.commands import flotilla

        flotilla.main(prog_name="jupyter flotilla", standalone_mode=False)
    except FlotillaError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # `… | head` has read enough; nothing more may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
