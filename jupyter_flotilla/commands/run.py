"""``jupyter flotilla run``: submit, and follow."""

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api, render
from jupyter_flotilla.artifacts.local import disk_errors
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import agree
from jupyter_flotilla.commands.follow import follow
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.errors import InvalidOption, Refused, UsageError
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.options import JobOptions


class _RunCommand(click.Command):
    """Leaves all that comes after ``--`` alone: it is the command to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["flotilla.command"] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] FILE  |  [OPTIONS] -- COMMAND…")


@click.command(cls=_RunCommand)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.job_options
@click.option(
    "--wait/--bg", default=True, help="Follow the run, or return at once. [default: wait]"
)
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="PATH",
    help="Copy the executed notebook here at the end; {name} and {id} are filled in.",
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
    """
    facade = flotilla()
    draft = _draft(file, ctx.meta.get("flotilla.command"), options.read(keywords))
    _check_save(save, draft, wait=wait)
    plan = facade.plan(draft)
    for line in render.launch_lines(plan):
        say(line)
    if dry_run:
        return
    agree(plan, yes=yes)
    _ask_to_overwrite(_save_path(save, draft, "ID") if save else None, yes=yes)
    handle = RunHandle(facade, facade.submit(draft))
    code = 0
    if wait:
        code = follow(facade, handle, show_output=not as_json)
        _save_notebook(handle, save)
    else:
        say(f"{render.GLYPHS[handle.status]} {handle.snapshot.status} {handle.short_id} · safe to "
            f"close this terminal · jupyter flotilla wait {handle.short_id}")  # fmt: skip
    if as_json:
        print_json(handle.to_dict())
    sys.exit(code)


def _draft(file: Path | None, command: list[str] | None, job_options: JobOptions) -> Draft:
    facade = api.flotilla()
    if file is not None and command is not None:
        raise InvalidOption("either a FILE or -- COMMAND, not both", next_step="leave one out")
    if file is not None:
        return facade.draft_file(file, job_options)
    if command is not None:
        return facade.draft_command(command, job_options, api.current_folder())
    raise UsageError(
        "there is nothing to run",
        next_step="jupyter flotilla run FILE.ipynb, or jupyter flotilla run -- COMMAND",
    )


def _check_save(save: Path | None, draft: Draft, *, wait: bool) -> None:
    if save is None:
        return
    if draft.spec.kind != "notebook" or not wait:
        raise InvalidOption(
            "--save copies the executed notebook at the end of a notebook run that is waited for",
            next_step="leave --save out; 'jupyter flotilla show ID' says where the notebook is",
        )
    path = _save_path(save, draft, "ID")
    if path.resolve() == Path(draft.spec.path or "").resolve():
        raise InvalidOption(
            f"--save {save} is the notebook itself, which is never written",
            next_step="--save runs/{name}-{id}.ipynb",
        )


def _save_path(save: Path, draft: Draft, run_id: str) -> Path:
    return Path(str(save).replace("{name}", draft.spec.name).replace("{id}", run_id)).expanduser()


def _ask_to_overwrite(path: Path | None, *, yes: bool) -> None:
    if path is None or yes or not path.exists():
        return
    if not sys.stdin.isatty():
        raise Refused(
            f"--save {path} exists, and nobody can be asked here",
            next_step="add --yes to overwrite",
        )
    if not click.confirm(f"{path} exists. Overwrite it at the end of the run?", err=True):
        raise Refused(f"{path} stays as it is; nothing was run", next_step="--save another path")


def _save_notebook(handle: RunHandle, save: Path | None) -> None:
    source = handle.notebook_path
    if not source.exists():
        return
    if save is None:
        say(f"  executed notebook: {source}")
        return
    filled = str(save).replace("{name}", handle.name).replace("{id}", handle.id)
    path = Path(filled).expanduser()
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
    say(f"  executed notebook: {path}")
