"""``jupyter flotilla retry``."""

import sys
from typing import Any

import click

from jupyter_flotilla import render
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import agree
from jupyter_flotilla.commands.follow import follow
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.handle import RunHandle


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@options.job_options
@click.option("--wait/--bg", default=True, help="Follow it, or return at once. [default: wait]")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the new run as JSON on stdout.")
def retry(run_id: str, wait: bool, yes: bool, as_json: bool, **keywords: Any) -> None:
    """Run again what was frozen for a run, with changes: a new run.

    jupyter flotilla retry last --memory 32G
    """
    facade = flotilla()
    earlier = facade.find(run_id)
    draft = facade.draft_retry(earlier, options.read(keywords))
    plan = facade.plan(draft)
    for line in render.launch_lines(plan):
        say(line)
    agree(plan, yes=yes)
    handle = RunHandle(facade, facade.submit(draft, retry_of=earlier.id))
    code = follow(facade, handle, show_output=not as_json) if wait else 0
    if not wait:
        say(handle.status_line(), status=handle.status)
    if as_json:
        print_json(handle.to_dict())
    sys.exit(code)
