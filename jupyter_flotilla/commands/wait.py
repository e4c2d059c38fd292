"""``jupyter flotilla wait``."""

import sys

import click

from jupyter_flotilla.commands.references import find_runs
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.handle import RunHandle


@click.command()
@click.argument("run_ids", metavar="ID…", nargs=-1)
@click.option("--timeout", metavar="TIME", help="Give up waiting after this, e.g. 30m.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
def wait(run_ids: tuple[str, ...], timeout: str | None, as_json: bool) -> None:
    """Wait until runs, or all of a grid, are final; exit code 0 if all succeeded, else 1."""
    facade = flotilla()
    found = [run for run_id in run_ids or ("last",) for run in find_runs(facade, run_id)]
    handles = [RunHandle(facade, run) for run in found]
    for handle in handles:
        handle.wait(timeout)
        say(f"{handle.name} {handle.status_line()}")
    if as_json:
        print_json([handle.to_dict() for handle in handles])
    sys.exit(0 if all(handle.snapshot.status == "SUCCEEDED" for handle in handles) else 1)
