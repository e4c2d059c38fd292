"""``jupyter flotilla cost``."""

from typing import cast, get_args

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.store.costs import By


@click.command()
@click.option("--by", type=click.Choice(get_args(By)), default="name", help="Sum by this.")
@click.option("--all", "all_time", is_flag=True, help="All time, not only this month.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def cost(by: str, all_time: bool, as_json: bool) -> None:
    """Show what runs have cost this month, failed and retried attempts included."""
    rows = flotilla().costs(cast(By, by), None if all_time else month_start(utc_now()))
    if as_json:
        print_json([row.model_dump() for row in rows])
        return
    if not rows:
        say("Nothing has run yet." if all_time else "Nothing has run this month; --all shows more.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in (by, "engine", "runs", "attempts", "cost", "of it failed"):
        table.add_column(heading, no_wrap=heading != by, overflow="fold")
    for row in rows:
        about = "≈ " if not flotilla().engine(row.engine).bills else ""
        table.add_row(
            Text(row.group), row.engine, str(row.runs), str(row.attempts),
            about + format_money(row.usd), about + format_money(row.failed_usd),
        )  # fmt: skip
    Console(highlight=False).print(table)
    if any(not flotilla().engine(row.engine).bills for row in rows):
        say("≈: nobody was billed; what Fargate would have taken.")
