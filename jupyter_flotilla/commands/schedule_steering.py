"""``schedule pause``, ``resume``, ``rm``, ``clone``, ``run`` and ``backfill``."""

from zoneinfo import ZoneInfo

import click

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.consent import agree_to
from jupyter_flotilla.commands.schedule_lines import as_dict, moments_text, state
from jupyter_flotilla.commands.screen import flotilla, print_json, say
from jupyter_flotilla.errors import UsageError
from jupyter_flotilla.model.job import check_name
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.model.when_words import read_moment
from jupyter_flotilla.scheduling import past
from jupyter_flotilla.scheduling.facade import Scheduling


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
def pause(names: tuple[str, ...]) -> None:
    """Let no tick of these come until they are resumed; what runs goes on."""
    scheduling = Scheduling(flotilla())
    for schedule in [scheduling.find(name) for name in names]:
        paused = schedule if schedule.paused_at is not None else scheduling.pause(schedule)
        say(f"{paused.name} is paused · jupyter flotilla schedule resume {paused.name}")


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
def resume(names: tuple[str, ...]) -> None:
    """Let these go on, from now: what was due meanwhile was not missed."""
    scheduling = Scheduling(flotilla())
    for schedule in [scheduling.find(name) for name in names]:
        going = schedule if schedule.paused_at is None else scheduling.resume(schedule)
        say(f"{going.name} goes on: {state(going, utc_now())}")


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--forget", is_flag=True, help="Also where AWS cannot be told, which goes on.")
def rm(names: tuple[str, ...], forget: bool) -> None:
    """Delete schedules and their histories; their runs stay."""
    scheduling = Scheduling(flotilla())
    for schedule in [scheduling.find(name) for name in names]:
        scheduling.delete(schedule, is_forgotten=forget)
        say(f"{schedule.name} is deleted; its runs stay")


@click.command()
@click.argument("name")
@click.argument("new_name")
@click.option("--json", "as_json", is_flag=True, help="Print the copy as JSON on stdout.")
def clone(name: str, new_name: str, as_json: bool) -> None:
    """Copy a schedule under another name, paused: edit it, then resume it."""
    scheduling = Scheduling(flotilla())
    copied = scheduling.clone(scheduling.find(name), check_name(new_name))
    say(f"saved {copied.name}, paused · jupyter flotilla schedule resume {copied.name}")
    if as_json:
        print_json(as_dict(scheduling, copied))


@click.command()
@click.argument("name")
@click.option("--tick", metavar="MOMENT", help="One of its ticks again, with that tick's values.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON on stdout.")
def run(name: str, tick: str | None, as_json: bool) -> None:
    """Run it now, beside its times; or one tick again."""
    facade = flotilla()
    schedule = Scheduling(facade).find(name)
    if tick is None:
        made = past.run_now(facade, schedule)
    else:
        made = past.rerun(facade, schedule, read_moment(tick, schedule.when.zone))
    short = facade.short_id(made.id)
    say(f"{schedule.name} runs as {short} · jupyter flotilla wait {short}")
    if as_json:
        print_json({"run_id": made.id, "scheduled_at": made.scheduled_at})


@click.command()
@click.argument("name")
@click.argument("begin", metavar="FROM", required=False)
@click.argument("end", metavar="TO", required=False)
@click.option("--again", is_flag=True, help="Also ticks that have a run.")
@click.option("--stop", is_flag=True, help="Leave out what still waits; what runs goes on.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show how many would run and cost, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the ticks as JSON on stdout.")
def backfill(
    name: str,
    begin: str | None,
    end: str | None,
    again: bool,
    stop: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run the ticks of a time that is over, FROM and TO included, one after another.

    \b
    jupyter flotilla schedule backfill report 2027-01-01 2027-01-31
    jupyter flotilla schedule backfill report --stop
    """
    facade = flotilla()
    schedule = Scheduling(facade).find(name)
    if stop and begin is None:
        left = past.stop_backfill(facade, schedule)
        say(f"{schedule.name}: {left:,} ticks of its backfill are left out")
        return
    if stop or begin is None or end is None:
        raise UsageError(
            "a backfill has a beginning and an end, or is stopped",
            next_step=f"schedule backfill {schedule.name} 2027-01-01 2027-01-31, or --stop alone",
        )
    zone = ZoneInfo(schedule.when.zone)
    planned = past.plan_backfill(
        facade,
        schedule,
        read_moment(begin, zone.key),
        read_moment(end, zone.key, is_end=True),
        again=again,
    )
    count, usd = len(planned.moments), planned.ceiling_usd
    together = "no ceiling without --timeout" if usd is None else f"at most {format_money(usd)}"
    had = f", {planned.made} in that time have runs" if planned.made else ""
    say(f"{schedule.name}: {count:,} ticks, {moments_text(planned.moments, zone)}{had}")
    say(f"  {together} together")
    if not dry_run:
        agree_to(planned.asks, "Run them all?", yes=yes)
        queued = past.backfill(facade, planned)
        held = ", and it is paused: they wait until it is resumed" if schedule.paused_at else ""
        looked = f"jupyter flotilla schedule history {schedule.name}"
        say(f"{queued:,} ticks wait their turn{held} · {looked}")
    else:
        say("  dry run: nothing was submitted")
    if as_json:
        print_json([moment.astimezone(zone).isoformat() for moment in planned.moments])
