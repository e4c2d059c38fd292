"""``schedule add`` and ``schedule edit``."""

from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import agree_to, resolve
from jupyter_flotilla.commands.run import LaunchCommand
from jupyter_flotilla.commands.schedule_lines import as_dict, prepared_lines
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.errors import ScheduleChanged
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.schedule import Schedule
from jupyter_flotilla.model.schedule_options import read_repository
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.jobs import Asked
from jupyter_flotilla.setup.user_service import waking_note

_IN_CLOUD = (
    "AWS starts it, whatever is switched off here; its runs come here when somebody uses flotilla"
)
_QUESTION = "Save it, and let it run without asking again?"


@click.command(cls=LaunchCommand)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.schedule_options
@options.job_options
@click.option("--paused", is_flag=True, help="Save it paused.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show when it would run and cost, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the schedule as JSON on stdout.")
@click.pass_context
def add(
    ctx: click.Context,
    /,
    file: Path | None,
    paused: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **keywords: Any,
) -> None:
    """Save a schedule of a notebook, a Python file or a command.

    \b
    schedule add report.ipynb --when 'weekdays 07:00 Europe/Berlin' --timeout 1h
    schedule add --when 'every 15 minutes' --overlap queue -- python poll.py {scheduled_at}
    schedule add etl/load.ipynb --source ~/repo@main --when '30 2 * * *'
    schedule add report.ipynb --after load
    """
    facade = flotilla()
    scheduling = Scheduling(facade)
    asked_options = options.given_of_schedule(keywords)
    given = options.given({**keywords, **ctx.meta.get("flotilla.profile", {})})
    is_of_git = read_repository(asked_options.source or "") is not None
    resolution = resolve(facade, given, None if is_of_git else file)
    job = JobOptions(**resolution.values(OPTIONS))
    asked = Asked(
        file=file,
        command=ctx.meta.get("flotilla.command"),
        source=asked_options.source,
        folder=api.current_folder(),
    )
    prepared = scheduling.prepare(asked_options, job, asked)
    for line in prepared_lines(scheduling, prepared):
        say(line)
    for note in resolution.notes:
        say(f"  note: {note}")
    if dry_run:
        say("  dry run: nothing was saved")
        return
    agree_to(prepared.plan.asks, _QUESTION, yes=yes)
    saved = scheduling.save(prepared, is_paused=paused)
    _say_saved(saved)
    if as_json:
        print_json(as_dict(scheduling, saved))


@click.command(cls=LaunchCommand)
@click.argument("reference", metavar="NAME")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.schedule_options
@options.job_options
@click.option("--revision", type=int, help="Only if it is at this revision: what you have seen.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what it would be, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the schedule as JSON on stdout.")
@click.pass_context
def edit(
    ctx: click.Context,
    /,
    reference: str,
    file: Path | None,
    revision: int | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **keywords: Any,
) -> None:
    """Change anything of a schedule; what is not given stays as it is.

    \b
    schedule edit report --when 'weekdays 08:00' --memory 8G
    schedule edit report report.ipynb     its snapshot anew, from the file as it is now
    schedule edit report --name morning   --name, here, is the new name

    Of --after, --start, --end, --max-age and --month-cost, none takes back what was said.
    """
    facade = flotilla()
    scheduling = Scheduling(facade)
    given = {o.py: v for o in OPTIONS if (v := keywords.get(o.py)) not in (None, ())}
    asked_options = options.given_of_schedule(keywords)
    found = scheduling.find(reference)
    seen = found.revision if revision is None else revision
    if seen != found.revision:
        raise ScheduleChanged(
            f"schedule {found.name} is at revision {found.revision}, not {seen}: "
            f"{found.edited_by} has edited it",
            next_step=f"jupyter flotilla schedule show {found.name}",
        )
    asked = Asked(
        file=file,
        command=ctx.meta.get("flotilla.command"),
        source=asked_options.source,
        folder=api.current_folder(),
    )
    prepared = scheduling.prepare_edit(found, asked_options, facade.changes(given), asked)
    for line in prepared_lines(scheduling, prepared):
        say(line)
    if dry_run:
        say("  dry run: nothing was changed")
        return
    agree_to(prepared.plan.asks, _QUESTION, yes=yes)
    saved = scheduling.save_edit(prepared, seen)
    _say_saved(saved)
    if as_json:
        print_json(as_dict(scheduling, saved))


def _say_saved(saved: Schedule) -> None:
    paused = ", paused" if saved.paused_at is not None else ""
    say(f"saved {saved.name}  {saved.id}, revision {saved.revision}{paused} · jupyter flotilla "
        f"schedule show {saved.name}")  # fmt: skip
    if saved.paused_at is not None:
        return
    note = _IN_CLOUD if saved.where == "cloud" else waking_note()
    if note is not None:
        say(f"  note: {note}")
