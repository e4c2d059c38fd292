"""``jupyter flotilla wait``."""

import sys
import time
from contextlib import nullcontext

import click

from jupyter_flotilla.commands.follow import RENEW_S, LiveRun
from jupyter_flotilla.commands.live import Live
from jupyter_flotilla.commands.references import find_runs
from jupyter_flotilla.commands.screen import console, flotilla, print_json, say
from jupyter_flotilla.errors import WaitTimeout
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.units import format_duration, parse_duration


@click.command()
@click.argument("run_ids", metavar="ID…", nargs=-1)
@click.option("--timeout", metavar="TIME", help="Give up waiting after this, e.g. 30m.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
def wait(run_ids: tuple[str, ...], timeout: str | None, as_json: bool) -> None:
    """Wait until runs, or all of a grid, are final; exit code 0 if all succeeded, else 1."""
    limit_s = None if timeout is None else parse_duration(timeout)
    began = time.monotonic()
    facade = flotilla()
    found = [run for run_id in run_ids or ("last",) for run in find_runs(facade, run_id)]
    handles = [RunHandle(facade, run) for run in found]
    for number, handle in enumerate(handles, 1):
        title = "" if len(handles) == 1 else f"run {number} of {len(handles)}: {handle.name}"
        _until_final(handle, title, began, limit_s)
        say(f"{handle.name} {handle.status_line()}", status=handle.snapshot.status)
    if as_json:
        print_json([handle.to_dict() for handle in handles])
    sys.exit(0 if all(handle.snapshot.status == "SUCCEEDED" for handle in handles) else 1)


def _until_final(handle: RunHandle, title: str, began: float, limit_s: int | None) -> None:
    """Return once a run is final; raise WaitTimeout if it is not so long after the beginning."""
    with Live(console()) if Live.is_possible(console()) else nullcontext() as live:
        shown = None if live is None else LiveRun(live, handle, title=title)
        for _ in handle.changes(every_s=RENEW_S):
            if handle.snapshot.status.is_final:
                return
            if shown is not None:
                shown.renew()
            if limit_s is not None and time.monotonic() > began + limit_s:
                raise WaitTimeout(
                    f"run {handle.short_id} is still {handle.snapshot.status} after "
                    f"{format_duration(limit_s)}",
                    next_step=f"it goes on; jupyter flotilla wait {handle.short_id}, or cancel it",
                )
