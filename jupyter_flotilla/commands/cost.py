"""``jupyter flotilla cost``."""

from collections.abc import Iterator
from typing import cast, get_args

import click
from rich.text import Text

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table
from jupyter_flotilla.engines.ecs.price_refresh import Refreshed, refresh_prices
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.resources import INCLUDED_DISK_GIB
from jupyter_flotilla.model.text import printable
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store.costs import By, CostRow


@click.command()
@click.option("--by", type=click.Choice(get_args(By)), default="name", help="Sum by this.")
@click.option("--all", "all_time", is_flag=True, help="All time, not only this month.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option(
    "--refresh-prices",
    "refresh",
    is_flag=True,
    help="Ask AWS for today's Fargate prices, and stop.",
)
def cost(by: str, all_time: bool, as_json: bool, refresh: bool) -> None:
    """Show what runs have cost this month, failed and retried attempts included."""
    facade = flotilla()
    if refresh:
        _refresh(facade.settings, as_json=as_json)
        return
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


def _refresh(settings: Settings, *, as_json: bool) -> None:
    refreshed = refresh_prices(settings, utc_now())
    if as_json:
        print_json({"region": refreshed.region, **refreshed.prices.model_dump()})
    else:
        for line in _price_lines(refreshed):
            say(line)
    for note in refreshed.notes:
        say(f"note: {note}")


def _price_lines(refreshed: Refreshed) -> Iterator[str]:
    prices = refreshed.prices
    yield f"Fargate in {refreshed.region}, US dollars an hour:"
    for how, sizes in (("on demand", prices.on_demand), ("Spot, now", prices.spot)):
        for arch, price in sizes.items():
            yield f"  {arch} {how}: {price.vcpu_hour:g} a vCPU, {price.gb_hour:g} a GiB of memory"
    if prices.disk is not None:
        yield f"  disk above {INCLUDED_DISK_GIB} GiB: {prices.disk.usd_hour:g} a GiB"
    for name, machine in prices.machines.items():
        yield f"  machine {name}: {machine.usd_hour:g}"


def _cells(row: CostRow, *, is_billed: bool) -> list[Text]:
    about = "" if is_billed else "≈ "
    money = [about + format_money(usd) for usd in (row.usd, row.failed_usd)]
    return [
        *map(Text, (printable(row.group), row.engine, str(row.runs), str(row.attempts), *money))
    ]
