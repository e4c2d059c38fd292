"""``jupyter flotilla trust``."""

import sys
from pathlib import Path

import click

from jupyter_flotilla import api
from jupyter_flotilla.commands.screen import flotilla, say
from jupyter_flotilla.errors import InvalidOption, Refused


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--undo", is_flag=True, help="No longer agree.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def trust(path: Path | None, undo: bool, yes: bool) -> None:
    """Agree to what a notebook, or a project's flotilla.toml, asks for: engine, secrets, …

    It is valid until that changes. Limits can only be lowered by such files, agreed or not.
    """
    where = api.current_folder() if path is None else path.expanduser().absolute()
    if not where.exists():
        raise InvalidOption(f"there is no file {where}", next_step="check the path")
    defaults = flotilla().defaults
    wishes = defaults.wishes(where)
    if not wishes:
        say(f"{where} asks for nothing that needs consent")
        return
    for wish in wishes:
        say(wish.sentence)
    if not (yes or undo):
        if not sys.stdin.isatty():
            raise Refused("nobody can be asked here", next_step="add --yes, if that is meant")
        if not click.confirm("Agree, until it changes?", err=True):
            raise Refused("nothing was agreed to")
    defaults.agree(wishes, undo=undo)
    say("no longer agreed" if undo else "agreed; it is asked again when that changes")
