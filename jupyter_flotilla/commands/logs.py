"""``jupyter flotilla logs``."""

import click

from jupyter_flotilla.commands.screen import flotilla, write
from jupyter_flotilla.handle import RunHandle


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is final.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
def logs(run_id: str, follow: bool, tail: int | None) -> None:
    """Print what a job wrote, all of it from the beginning."""
    facade = flotilla()
    for text in RunHandle(facade, facade.find(run_id)).logs(tail=tail, follow=follow):
        write(text)
