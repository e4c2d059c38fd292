"""``jupyter flotilla detach``."""

import click

from jupyter_flotilla.commands.screen import flotilla, say
from jupyter_flotilla.handle import RunHandle


@click.command()
@click.argument("run_id", metavar="ID", default="last")
def detach(run_id: str) -> None:
    """Let cells that wait for a run go on without it; the run goes on."""
    facade = flotilla()
    handle = RunHandle(facade, facade.find(run_id)).detach()
    say(f"{handle.short_id} {handle.name} goes on; cells that waited for it do not any more")
