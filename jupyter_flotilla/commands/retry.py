"""``jupyter flotilla retry``."""

import sys
from typing import Any

import click

from jupyter_flotilla import render
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import agree
from jupyter_flotilla.commands.follow import launch
from jupyter_flotilla.commands.grid import launch_grid
from jupyter_flotilla.commands.references import find_set
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.errors import UsageError
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.run_set import RunSet
from jupyter_flotilla.service import Flotilla


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@options.job_options
@click.option("--wait/--bg", default=True, help="Follow it, or return at once. [default: wait]")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the new run as JSON on stdout.")
def retry(run_id: str, wait: bool, yes: bool, as_json: bool, **keywords: Any) -> None:
    """Run again what was frozen for a run, with changes: a new run.

    jupyter flotilla retry last --memory 32G

    Of a grid: the runs that failed, as a new grid.
    """
    facade = flotilla()
    changes = facade.changes(options.given(keywords))
    runs = find_set(facade, run_id)
    if runs is not None:
        sys.exit(_retry_failed(facade, runs, changes, wait=wait, yes=yes, as_json=as_json))
    earlier = facade.find(run_id)
    draft = facade.draft_retry(earlier, changes)
    plan = facade.plan(draft)
    for line in render.launch_lines(plan):
        say(line)
    agree(plan, yes=yes)
    handle, code = launch(facade, draft, wait=wait, show_output=not as_json, retry_of=earlier.id)
    if as_json:
        print_json(handle.to_dict())
    sys.exit(code)


def _retry_failed(
    facade: Flotilla, runs: RunSet, changes: JobOptions, *, wait: bool, yes: bool, as_json: bool
) -> int:
    failed = runs.failed
    if not failed:
        raise UsageError(
            f"no run of {runs.id[:7]} has failed ({runs.summary()})",
            next_step="jupyter flotilla retry RUN repeats one that has not",
        )
    drafts, limits = failed.drafts_again(changes)
    plan = facade.plan_grid(drafts, limits)
    for line in render.grid_lines(plan):
        say(line)
    agree(plan, yes=yes)
    repeats = [run.id for run in failed]
    return launch_grid(facade, drafts, limits, repeats, wait=wait, as_json=as_json)
