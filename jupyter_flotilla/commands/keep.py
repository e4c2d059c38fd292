"""``jupyter flotilla keep``."""

import click

from jupyter_flotilla.commands.screen import flotilla, say


@click.command()
@click.argument("run_ids", metavar="ID…", nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="Let them be deleted again.")
def keep(run_ids: tuple[str, ...], undo: bool) -> None:
    """Keep runs whatever their age and size; 'clean' and retention pass them by."""
    facade = flotilla()
    for run in [facade.find(run_id) for run_id in run_ids]:
        facade.keep(run.id, is_kept=not undo)
        say(f"{run.name} {run.id} is {'no longer kept' if undo else 'kept'}")
