"""``jupyter flotilla logs``."""

import click

from jupyter_flotilla.commands.output import write_logs
from jupyter_flotilla.commands.screen import flotilla
from jupyter_flotilla.handle import RunHandle


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is final.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
def logs(run_id: str, follow: bool, tail: int | None) -> None:
    """Print what a job wrote, all of it from the beginning."""
    facade = flotilla()
    write_logs(RunHandle(facade, facade.find(run_id)), tail=tail, follow=follow)
