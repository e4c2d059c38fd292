"""``jupyter flotilla run``: submit, and follow."""

import sys
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api, render
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import agree, resolve
from jupyter_flotilla.commands.follow import launch
from jupyter_flotilla.commands.grid import launch_grid
from jupyter_flotilla.commands.saving import check_save, say_notebook
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.errors import InvalidOption, UsageError
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, GridOptions
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.planning import GridPlan
from jupyter_flotilla.service import Flotilla


class LaunchCommand(click.Command):
    """Takes ``@PROFILE`` first, and leaves alone what comes after ``--``: the command to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["flotilla.command"] = args[at + 1 :]
            args = args[:at]
        if args and args[0].startswith("@"):
            ctx.meta["flotilla.profile"] = {"profile": args[0]}
            args = args[1:]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(
            ctx.command_path, "[@PROFILE] [OPTIONS] FILE  |  [@PROFILE] [OPTIONS] -- COMMAND…"
        )


@click.command(cls=LaunchCommand)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.job_options
@options.grid_options
@click.option(
    "--wait/--bg", default=True, help="Follow the run, or return at once. [default: wait]"
)
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="PATH",
    help="Copy the executed notebook here at the end; {name}, {id}, {PARAMETER} are filled in.",
)  # fmt: skip
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would run and cost, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON on stdout.")
@click.pass_context
def run(
    ctx: click.Context,
    /,
    file: Path | None,
    wait: bool,
    save: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **keywords: Any,
) -> None:
    """Run a notebook (.ipynb), a Python file (.py) or a command as a job.

    \b
    jupyter flotilla run train.ipynb -p alpha=0.1 --memory 8G --timeout 2h
    jupyter flotilla run --memory 2G -- python train.py
    jupyter flotilla run train.ipynb --grid alpha=0.1,0.01 --grid depth=3:9:2
    """
    facade = flotilla()
    command = ctx.meta.get("flotilla.command")
    given = options.given({**keywords, **ctx.meta.get("flotilla.profile", {})})
    resolution = resolve(facade, given, file)
    job_options = JobOptions(**resolution.values(OPTIONS))
    limits = None
    if options.is_grid(given):
        limits = GridOptions(**resolution.values(GRID_OPTIONS))
        drafts = _points(facade, file, command, job_options, limits)
    else:
        drafts = [_draft(facade, file, command, job_options)]
    check_save(save, [draft.spec for draft in drafts], wait=wait, yes=yes)
    plan = facade.plan(drafts[0]) if limits is None else facade.plan_grid(drafts, limits)
    lines = render.grid_lines(plan) if isinstance(plan, GridPlan) else render.launch_lines(plan)
    for line in lines:
        say(line)
    for note in resolution.notes:
        say(f"  note: {note}")
    if dry_run:
        say("  dry run: nothing was submitted")
        return
    agree(plan, yes=yes)
    if limits is None:
        sys.exit(_run_one(facade, drafts[0], wait=wait, save=save, as_json=as_json))
    sys.exit(launch_grid(facade, drafts, limits, wait=wait, save=save, as_json=as_json))


def _run_one(
    facade: Flotilla, draft: Draft, *, wait: bool, save: Path | None, as_json: bool
) -> int:
    handle, code = launch(facade, draft, wait=wait, show_output=not as_json)
    if wait:
        say_notebook(handle, save)
    if as_json:
        print_json(handle.to_dict())
    return code


def _points(
    facade: Flotilla,
    file: Path | None,
    command: list[str] | None,
    job_options: JobOptions,
    limits: GridOptions,
) -> list[Draft]:
    if file is None or command is not None:
        raise InvalidOption(
            "--grid gives values to the parameters of a notebook, and there is none",
            next_step="jupyter flotilla run FILE.ipynb --grid lr=0.1,0.01",
        )
    return facade.draft_points(file, job_options, limits.expand())


def _draft(
    facade: Flotilla, file: Path | None, command: list[str] | None, job_options: JobOptions
) -> Draft:
    if file is not None and command is not None:
        raise InvalidOption("either a FILE or -- COMMAND, not both", next_step="leave one out")
    if file is not None:
        return facade.draft_file(file, job_options)
    if command == []:
        raise UsageError(
            "there is no command after --", next_step="jupyter flotilla run -- PROGRAM ARGUMENTS"
        )
    if command is not None:
        return facade.draft_command(command, job_options, api.current_folder())
    raise UsageError(
        "there is nothing to run",
        next_step="jupyter flotilla run FILE.ipynb, or jupyter flotilla run -- COMMAND",
    )
