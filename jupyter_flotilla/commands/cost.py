"""``jupyter flotilla cost``."""

from typing import cast, get_args

import click
from rich.text import Text

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.text import printable
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.store.costs import By, CostRow


@click.command()
@click.option("--by", type=click.Choice(get_args(By)), default="name", help="Sum by this.")
@click.option("--all", "all_time", is_flag=True, help="All time, not only this month.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def cost(by: str, all_time: bool, as_json: bool) -> None:
    """Show what runs have cost this month, failed and retried attempts included."""
    facade = flotilla()
    rows = facade.costs(cast(By, by), None if all_time else month_start(utc_now()))
    if as_json:
        print_json([row.model_dump() for row in rows])
        return
    if not rows:
        say("Nothing has run yet." if all_time else "Nothing has run this month; --all shows more.")
        return
    columns = [
        Column(heading=by, least=12, at_last=4), Column(heading="engine", leaves=2),
        Column(heading="runs", leaves=3), Column(heading="attempts", leaves=1),
        Column(heading="cost"), Column(heading="of it failed", leaves=4),
    ]  # fmt: skip
    bills = {row.engine: facade.engine(row.engine).bills for row in rows}
    print_table(columns, [_cells(row, is_billed=bills[row.engine]) for row in rows])
    if not all(bills.values()):
        say("≈: nobody was billed; what Fargate would have taken.")


def _cells(row: CostRow, *, is_billed: bool) -> list[Text]:
    about = "" if is_billed else "≈ "
    money = [about + format_money(usd) for usd in (row.usd, row.failed_usd)]
    return [
        *map(Text, (printable(row.group), row.engine, str(row.runs), str(row.attempts), *money))
    ]
