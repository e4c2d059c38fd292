"""``jupyter flotilla panel``."""

import click

from jupyter_flotilla.commands.screen import write
from jupyter_flotilla.widget import opening


@click.command()
@click.option("--status", default="all", help="Only these: active, or one status.")
@click.option("--tag", metavar="K[=V]", help="Only runs with this tag.")
@click.option("--only-this-notebook", is_flag=True, help="Only runs of the notebook it is in.")
def panel(status: str, tag: str | None, only_this_notebook: bool) -> None:
    """Show runs live in a notebook: %flotilla panel; in a terminal, as they are now."""
    shown = opening.panel(status=status, tag=tag, only_this_notebook=only_this_notebook)
    write(f"{shown!r}\n")
