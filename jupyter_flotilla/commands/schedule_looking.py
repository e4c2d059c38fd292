"""``schedule ls``, ``show``, ``history`` and ``preview``."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click
from rich.text import Text

from jupyter_flotilla import machine, render
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.schedule_lines import (
    SHOWN,
    as_dict,
    facts,
    state,
    tick_dict,
    tick_state,
    where_text,
)
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Schedule, Tick
from jupyter_flotilla.model.units import format_duration
from jupyter_flotilla.model.when import check_zone
from jupyter_flotilla.model.when_words import local_text, read_moment, read_when, tick_text, words
from jupyter_flotilla.schedule_rows import lag_s
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.timing import preview as moments_of

_MOST_PREVIEWED = 10_000


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def ls(as_json: bool) -> None:
    """List schedules: when each runs next, and what became of its latest tick."""
    facade = flotilla()
    scheduling = Scheduling(facade)
    found = scheduling.all()
    if as_json:
        print_json([as_dict(scheduling, schedule) for schedule, _ in found])
        return
    if not found:
        say("No schedules yet. jupyter flotilla schedule add FILE --when 'weekdays 07:00'")
        return
    latest = [tick.run_id for _, tick in found if tick and tick.run_id]
    runs = {run_id: run for run_id, (run, _) in facade.get_all(latest).items()}
    columns = [
        Column(heading="name", least=8),
        Column(heading="when", least=16, at_last=8),
        Column(heading="next"),
        Column(heading="latest", leaves=2),
        Column(heading="became"),
        Column(heading="where", leaves=1),
    ]
    now = utc_now()
    rows = [
        _cells(scheduling, one, tick, runs.get(tick.run_id or "") if tick else None, now)
        for one, tick in found
    ]
    print_table(columns, rows)


def _cells(
    scheduling: Scheduling,
    schedule: Schedule,
    tick: Tick | None,
    run: Run | None,
    now: datetime,
) -> list[Text]:
    zone = ZoneInfo(schedule.when.zone)
    return [
        Text(schedule.name),
        Text(scheduling.when_text(schedule)),
        Text(state(schedule, now), style="dim" if schedule.paused_at else ""),
        Text("" if tick is None else local_text(tick.scheduled_at, zone)),
        Text("") if tick is None else tick_state(tick, run),
        Text(where_text(schedule)),
    ]


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show a schedule: what it runs, when, by which rules, and its latest ticks."""
    scheduling = Scheduling(flotilla())
    schedule = scheduling.find(name)
    ticks = scheduling.history(schedule, limit=SHOWN)
    if as_json:
        shown = [tick_dict(tick, run) for tick, run in ticks]
        print_json({**as_dict(scheduling, schedule), "latest_ticks": shown})
        return
    zone = ZoneInfo(schedule.when.zone)
    echo(f"{schedule.name}  {schedule.id}  {state(schedule, utc_now())}")
    for label, text in facts(scheduling, schedule):
        echo(f"  {label:<10} {text}")
    spec = schedule.what.spec
    echo(f"  {'where':<10} {spec.engine} on {spec.place}, in {spec.cwd}")
    edited = local_text(schedule.edited_at.replace(second=0), zone)
    echo(f"  {'revision':<10} {schedule.revision}, by {schedule.edited_by}, {edited}")
    upcoming = [] if schedule.paused_at else moments_of(schedule.when, utc_now(), SHOWN)
    for place, moment in enumerate(upcoming):
        echo(f"  {'next' if place == 0 else '':<10} {tick_text(moment, zone)}")
    for place, (tick, run) in enumerate(ticks):
        shown_at, reason = (
            tick_text(tick.scheduled_at, zone),
            render.one_line(tick.reason or "", 100),
        )
        line = f"{shown_at}  {tick_state(tick, run).plain}  {reason or (tick.run_id or '')[:7]}"
        echo(f"  {'latest' if place == 0 else '':<10} {line.rstrip()}")


@click.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, help="So many of them.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def history(name: str, limit: int, as_json: bool) -> None:
    """List what became of a schedule's ticks, the latest first."""
    scheduling = Scheduling(flotilla())
    schedule = scheduling.find(name)
    found = scheduling.history(schedule, limit)
    if as_json:
        print_json([tick_dict(tick, run) for tick, run in found])
        return
    if not found:
        say(f"{schedule.name} has had no tick yet")
        return
    zone = ZoneInfo(schedule.when.zone)
    columns = [
        Column(heading="tick"),
        Column(heading="became", least=11),
        Column(heading="run"),
        Column(heading="by", leaves=1),
        Column(heading="began after", leaves=3),
        Column(heading="took", leaves=4),
        Column(heading="revision", leaves=2),
        Column(heading="why", least=20, at_last=8, leaves=5),
    ]
    print_table(columns, [_row(tick, run, zone) for tick, run in found])


def _row(tick: Tick, run: Run | None, zone: ZoneInfo) -> list[Text]:
    lag, took = lag_s(tick, run), ""
    if run is not None and run.started_at is not None:
        took = format_duration(((run.ended_at or utc_now()) - run.started_at).total_seconds())
    why = tick.reason or (run.message if run is not None and run.message else "")
    return [
        Text(tick_text(tick.scheduled_at, zone)),
        tick_state(tick, run),
        Text((tick.run_id or "")[:7]),
        Text(tick.trigger),
        Text("" if lag is None else format_duration(max(0.0, lag))),
        Text(took),
        Text("" if run is None else run.spec.revision or ""),
        Text(render.one_line(why, 200)),
    ]


@click.command()
@click.argument("when", nargs=-1, required=True)
@click.option("--tz", metavar="ZONE", help="Time zone. [default: named, else this machine's]")
@click.option("--from", "begin", metavar="DATE", help="From then on. [default: now]")
@click.option("--count", type=click.IntRange(1, _MOST_PREVIEWED), default=SHOWN, help="So many.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of ISO 8601 instants.")
def preview(
    when: tuple[str, ...], tz: str | None, begin: str | None, count: int, as_json: bool
) -> None:
    """Show when something would run: words or cron, over every change of clocks.

    jupyter flotilla schedule preview '30 2 * * *' --tz America/New_York --from 2027-03-13
    """
    zone_name = check_zone(tz).key if tz is not None else machine.local_zone()
    read = read_when(" ".join(when), zone_name)
    if tz is not None and read.zone != zone_name:
        raise InvalidOption(
            f"--tz {tz}, and the words name {read.zone}", next_step="leave one of them out"
        )
    zone = ZoneInfo(read.zone)
    # what is due at that very moment is part of it
    after = (
        utc_now() if begin is None else read_moment(begin, read.zone) - timedelta(microseconds=1)
    )
    found = moments_of(read, after, count)
    if as_json:
        print_json([moment.astimezone(zone).isoformat() for moment in found])
        return
    echo(words(read))
    for moment in found:
        echo(f"  {tick_text(moment, zone)}")
