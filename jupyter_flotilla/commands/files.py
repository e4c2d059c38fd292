"""``jupyter flotilla files``."""

import click

from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.units import format_bytes


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="[default: the last]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON: path → bytes.")
def files(run_id: str, attempt: int | None, as_json: bool) -> None:
    """List the files that a job has brought back (--fetch)."""
    facade = flotilla()
    found = RunHandle(facade, facade.find(run_id)).files(attempt)
    if as_json:
        print_json(dict(found))
        return
    for name, size in found.items():
        echo(f"{format_bytes(size):>8}  {_shown(name)}")
    if found:
        say(f"{len(found):,} files, {format_bytes(sum(found.values()))}")
    else:
        say("no files came back; --fetch GLOB says which should")


def _shown(name: str) -> str:
    """Return a path on one line of a terminal, whatever is in it."""
    return name if name.isprintable() else repr(name)
