"""``jupyter flotilla cancel``."""

import click

from jupyter_flotilla.commands.references import find_runs
from jupyter_flotilla.commands.screen import flotilla, say
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.run import OPEN_STATUSES
from jupyter_flotilla.model.units import parse_duration


@click.command()
@click.argument("run_ids", metavar="ID…", nargs=-1)
@click.option("--all-mine", is_flag=True, help="Every run that is not final.")
@click.option("--grace", default="10s", help="Time between SIGINT and force. [default: 10s]")
@click.option("--now", is_flag=True, help="Kill at once.")
def cancel(run_ids: tuple[str, ...], all_mine: bool, grace: str, now: bool) -> None:
    """Stop runs, or all of a grid: SIGINT first, so that clean-up code runs, then by force."""
    facade = flotilla()
    grace_s = 0.0 if now else float(parse_duration(grace))
    found = [run for run_id in run_ids for run in reversed(find_runs(facade, run_id))]
    if all_mine:
        found += [run for run, _ in facade.latest(statuses=OPEN_STATUSES, limit=1_000_000)]
    if not found:
        raise click.UsageError("Name a run, or use --all-mine.")
    for run in found:
        handle = RunHandle(facade, run)
        if run.status.is_final:
            say(f"{handle.short_id} {run.name} is {run.status} already")
            continue
        after = handle.cancel(grace_s).snapshot
        word = "cancelled" if after.status.is_final else "cancelling"
        say(f"{word} {handle.short_id} {run.name}")
