"""How schedules and their ticks are said in a terminal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from jupyter_flotilla import render
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import COLOURS
from jupyter_flotilla.model.address import masked
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Schedule, Tick, TickStatus, max_age_in_cloud_s
from jupyter_flotilla.model.units import format_duration, format_money
from jupyter_flotilla.model.when_words import tick_text
from jupyter_flotilla.schedule_rows import lag_s, what_text
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.prepared import Prepared
from jupyter_flotilla.scheduling.timing import preview

#: Ticks that are shown before saving.
SHOWN = 5
_MISSED = {
    "skip": "left out", "last": "the latest runs, late", "all": "all run, one after another",
}  # fmt: skip
_OVERLAP = {
    "skip": "the next is left out", "queue": "the next waits",
    "replace": "it is stopped for the next", "allow": "the next runs beside it",
}  # fmt: skip
_TICK_COLOURS = {
    TickStatus.WAITING: "cyan", TickStatus.AWAITED: "cyan", TickStatus.SKIPPED: "yellow",
    TickStatus.MISSED: "yellow", TickStatus.FAILED: "red",
}  # fmt: skip


def prepared_lines(scheduling: Scheduling, prepared: Prepared) -> list[str]:
    """Return what is said before a schedule is saved: what, when, for how much."""
    schedule = prepared.schedule
    lines = [*render.launch_lines(prepared.plan)]
    lines += [f"  {label:<10} {text}" for label, text in facts(scheduling, schedule)]
    cost = _month_line(prepared)
    lines += [f"  {'a month':<10} {cost}"] if cost else []
    upcoming = preview(schedule.when, utc_now(), SHOWN)
    zone = ZoneInfo(schedule.when.zone)
    for place, moment in enumerate(upcoming):
        lines.append(f"  {'next' if place == 0 else '':<10} {tick_text(moment, zone)}")
    return lines


def facts(scheduling: Scheduling, schedule: Schedule) -> list[tuple[str, str]]:
    """Return what is known of a schedule, label by label."""
    rules = schedule.rules
    age = f", if not older than {format_duration(rules.max_age_s)}" if rules.max_age_s else ""
    found = [("when", scheduling.when_text(schedule)), ("what", what_text(schedule))]
    if schedule.where == "cloud":
        found += _of_cloud(schedule)
    elif schedule.when.kind != "after":
        found.append(("if missed", f"{_MISSED[rules.missed]}{age}"))
    found.append(("while one", f"runs: {_OVERLAP[rules.overlap]}"))
    if rules.month_usd is not None:
        found.append(("limit", f"{format_money(rules.month_usd)} a month"))
    return found


def _of_cloud(schedule: Schedule) -> list[tuple[str, str]]:
    tries = format_duration(max_age_in_cloud_s(schedule.rules))
    found = [
        ("started", "by AWS's scheduler, with every machine of yours switched off"),
        ("if not", f"started at once, AWS tries again for {tries}"),
    ]
    if not schedule.is_placed:
        has = "nothing of it" if schedule.placed is None else f"revision {schedule.placed.revision}"
        found.append(("in AWS", f"{has} yet: a dispatcher tries it again every minute"))
    return found


def where_text(schedule: Schedule) -> str:
    """Return whose runs they are, and who starts them where that is nobody here."""
    engine = schedule.what.spec.engine
    return f"{engine}, cloud" if schedule.where == "cloud" else engine


def state(schedule: Schedule, now: datetime) -> str:
    """Return whether it goes on, in a word or two."""
    if schedule.paused_at is not None:
        return "paused"
    if schedule.when.kind == "after":
        return "waits for others"
    if schedule.next_at is None:
        return "over"
    seconds = (schedule.next_at - now).total_seconds()
    return f"in {format_duration(max(0.0, seconds))}" if seconds > 0 else "due"


def tick_state(tick: Tick, run: Run | None) -> Text:
    """Return what became of a tick, and of its run."""
    if run is not None:
        return Text(render.status_text(run), style=COLOURS[run.status])
    if tick.status is TickStatus.MADE:
        return Text("its run was deleted", style="dim")
    if tick.status is TickStatus.MISSED and tick.count > 1:
        return Text(f"{tick.count} MISSED", style="yellow")
    return Text(tick.status, style=_TICK_COLOURS[tick.status])


def as_dict(scheduling: Scheduling, schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as JSON has it; never with the environment of its job."""
    zone = ZoneInfo(schedule.when.zone)
    upcoming = [] if schedule.paused_at else preview(schedule.when, utc_now(), SHOWN)
    hidden = {"what": {"spec": {"env", "kernel"}, "options": {"env"}}}
    shown = schedule.model_dump(mode="json", exclude=hidden)
    repo = schedule.what.repo
    shown["what"]["repo"] = None if repo is None else masked(repo)
    return {
        **shown,
        "when_text": scheduling.when_text(schedule),
        "upcoming": [moment.astimezone(zone).isoformat() for moment in upcoming],
    }


def tick_dict(tick: Tick, run: Run | None) -> dict[str, Any]:
    """Return a tick as JSON has it, with what became of its run."""
    return {
        **tick.model_dump(mode="json"),
        "run_status": None if run is None else run.status.value,
        "revision": None if run is None else run.spec.revision,
        "author": None if run is None else run.spec.author,
        "lag_s": lag_s(tick, run),
    }


def moments_text(moments: Sequence[datetime], zone: ZoneInfo) -> str:
    """Return the first and the last of some ticks."""
    first, last = tick_text(moments[0], zone), tick_text(moments[-1], zone)
    return first if len(moments) == 1 else f"{first} to {last}"


def _month_line(prepared: Prepared) -> str:
    count = prepared.runs_a_month
    if count is None:
        return ""
    runs = f"{count:,} runs in the next 30 days" if count != 1 else "1 run in the next 30 days"
    limit, rate = prepared.ceiling_a_month_usd, prepared.plan.rate
    is_free = rate is not None and rate.is_hypothetical
    return runs if limit is None or is_free else f"{runs}, at most {format_money(limit)} together"
