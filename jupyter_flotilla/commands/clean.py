"""``jupyter flotilla clean``."""

import sys

import click

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.errors import InvalidOption, Refused
from jupyter_flotilla.model.units import format_size, parse_duration, parse_size


@click.command()
@click.option("--older-than", metavar="TIME", help="Runs that ended longer ago, e.g. 30d.")
@click.option("--max-size", metavar="SIZE", help="The oldest, until the rest is at most this.")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def clean(
    older_than: str | None, max_size: str | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Delete finished runs with all their outputs; kept ones stay ('jupyter flotilla keep ID')."""
    if older_than is None and max_size is None:
        raise InvalidOption("nothing says what to delete", next_step="--older-than 30d")
    facade = flotilla()
    sweeper = facade.sweeper(
        keep_days=parse_duration(older_than) / 86400 if older_than else None,
        keep_bytes=parse_size(max_size) * 2**20 if max_size else None,
    )
    due = sweeper.expired(utc_now())
    if as_json:
        print_json([{"id": run.run_id, "name": run.name, "bytes": run.size} for run in due])
    else:
        for run in due:
            ended = run.ended_at.astimezone().strftime("%Y-%m-%d %H:%M")
            echo(f"{run.run_id}  {run.name}  ended {ended}  {format_size(run.size / 2**20)}")
    total = format_size(sum(run.size for run in due) / 2**20)
    if dry_run or not due:
        say(f"{len(due)} runs, {total}; nothing was deleted")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise Refused(f"{len(due)} runs would be deleted", next_step="add --yes")
        if not click.confirm(f"Delete these {len(due)} runs, {total}?", err=True):
            raise Refused("nothing was deleted")
    sweeper.delete(due)
    say(f"deleted {len(due)} runs, {total}")
