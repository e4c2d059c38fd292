"""``jupyter flotilla clean``."""

import sys
from contextlib import suppress

import click

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.engines.registry import engine_names
from jupyter_flotilla.errors import FlotillaError, Refused
from jupyter_flotilla.model.run import OPEN_STATUSES
from jupyter_flotilla.model.units import format_size, parse_duration, parse_size
from jupyter_flotilla.service import Flotilla


@click.command()
@click.option("--older-than", metavar="TIME", help="Runs that ended longer ago, e.g. 30d.")
@click.option("--max-size", metavar="SIZE", help="The oldest, until the rest is at most this.")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def clean(
    older_than: str | None, max_size: str | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Delete finished runs with all their outputs; kept ones stay ('jupyter flotilla keep ID').

    Packages that no job has used for a month, and what ended containers have left, go as well,
    and also where no runs are named: they are made anew when they are needed.
    """
    facade = flotilla()
    sweeper = facade.sweeper(
        keep_days=parse_duration(older_than) / 86400 if older_than else None,
        keep_bytes=parse_size(max_size) * 2**20 if max_size else None,
    )
    due = sweeper.expired(utc_now()) if older_than or max_size else []
    if as_json:
        print_json([{"id": run.run_id, "name": run.name, "bytes": run.size} for run in due])
    else:
        for run in due:
            ended = run.ended_at.astimezone().strftime("%Y-%m-%d %H:%M")
            echo(f"{run.run_id}  {run.name}  ended {ended}  {format_size(run.size / 2**20)}")
    total = format_size(sum(run.size for run in due) / 2**20)
    runs = f"{len(due)} runs, {total}"
    if older_than is None and max_size is None:
        runs = "no runs (--older-than 30d or --max-size 10G says which)"
    if dry_run:
        say(f"{runs}{_caches(facade, dry_run=True)}; nothing was deleted")
        return
    if due and not yes:
        if not sys.stdin.isatty():
            raise Refused(f"{len(due)} runs would be deleted", next_step="add --yes")
        if not click.confirm(f"Delete these {len(due)} runs, {total}?", err=True):
            raise Refused("nothing was deleted")
    sweeper.delete(due)
    say(f"deleted {runs}{_caches(facade)}")


def _caches(facade: Flotilla, *, dry_run: bool = False) -> str:
    """Clear what can be made anew at any time; return words that say how much that was."""
    in_use = facade.latest(statuses=OPEN_STATUSES, limit=1_000_000)
    keep = {run.spec.layer for run, _ in in_use if run.spec.layer is not None}
    layers = facade.provision.clean(utc_now(), keep, dry_run=dry_run)
    words = f"; unused sets of packages: {len(layers)}" if layers else ""
    if dry_run:
        return words
    removed = 0
    for name in engine_names():
        with suppress(FlotillaError):  # one that is not here has nothing to tidy
            removed += facade.engine(name).tidy()
    return words + (f"; ended containers: {removed}" if removed else "")
