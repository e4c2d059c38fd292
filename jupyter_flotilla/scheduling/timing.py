"""From options of a schedule to its times and rules, new or edited."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice

from jupyter_flotilla import machine
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.schedule import Rules, Schedule, Where
from jupyter_flotilla.model.schedule_options import NONE, ScheduleOptions
from jupyter_flotilla.model.when import When, after_others, check_zone, next_tick, once, ticks
from jupyter_flotilla.model.when_words import read_moment, read_when, words


def read_times(
    options: ScheduleOptions, before: Schedule | None, after: tuple[str, ...], now: datetime
) -> When:
    """Return when a schedule runs that is asked for so.

    Parameters
    ----------
    before
        The schedule that is edited: what nobody gives stays as it is. None: it is new.
    after
        What it waits for then.

    Raises
    ------
    InvalidOption
        For times that mean nothing, contradict each other, or are all over.
    """
    old = None if before is None else before.when
    zone = options.zone or (old.zone if old is not None else machine.local_zone())
    if options.when is not None:
        when = read_when(options.when, zone)
        _check_one_zone(options, when)
    elif after:
        when = after_others(zone)
    elif old is not None and old.kind != "after":
        when = _moved(old, options.zone)
    else:
        raise InvalidOption(
            "nothing says when it runs",
            next_step="--when 'weekdays 07:00', or --after NAME of another schedule",
        )
    when = _limited(when, options, old)
    if when.kind != "after" and when != old and next_tick(when, now) is None:
        raise InvalidOption(
            f"{words(when)}: there is no such time any more",
            next_step="a moment that is to come, or a later --end",
        )
    return when


def check_one_of(options: ScheduleOptions) -> None:
    """Raise InvalidOption where a schedule would run both by the clock and after others."""
    if options.when is not None and options.after:
        raise InvalidOption(
            "--when and --after: it runs by the clock, or after others",
            next_step="leave one of them out",
        )


def read_rules(
    options: ScheduleOptions,
    before: Rules,
    after: tuple[str, ...],
    where: Where,
    was: Where = "here",
) -> Rules:
    """Return rules with what is given changed."""
    update: dict[str, object] = {"after": after}
    if options.missed is not None:
        update["missed"] = options.missed
    if options.overlap is not None:
        update["overlap"] = options.overlap
    elif where == "cloud" and before.overlap == Rules().overlap:
        update["overlap"] = "allow"  # nobody is there to see that one goes on
    elif where == "here" and was == "cloud":
        update["overlap"] = Rules().overlap
    if options.max_age_s is not None:
        update["max_age_s"] = options.max_age_s or None
    if options.month_usd is not None:
        update["month_usd"] = options.month_usd or None
    return before.model_copy(update=update)


def begin_of(after: tuple[str, ...], schedule: Schedule, now: datetime) -> datetime:
    """Return up to when all is dealt with of a schedule whose times have just been changed.

    What it waits for newly may be done already, where that is runs: these succeed once.
    """
    is_of_runs = bool(after) and all(one.startswith("r") for one in after)
    return schedule.created_at - timedelta(microseconds=1) if is_of_runs else now


def from_now_on(schedule: Schedule, now: datetime) -> Schedule:
    """Return a schedule of which nothing was due until now."""
    return schedule.model_copy(update={"cursor": now, "next_at": next_tick(schedule.when, now)})


def preview(when: When, after: datetime, count: int) -> list[datetime]:
    """Return the next moments after one, in UTC."""
    return list(islice(ticks(when, after), count))


def when_text(schedule: Schedule, names: Mapping[str, str]) -> str:
    """Return in words when a schedule runs, by the names of all schedules."""
    after = " and ".join(names.get(one, one[:7]) for one in schedule.rules.after)
    return words(schedule.when, after=after)


def unlimited(when: When) -> When:
    """Return the same times without start and end: what a backfill may ask for."""
    kept = {"starts_at": when.starts_at if when.kind == "interval" else None, "ends_at": None}
    return when.model_copy(update=kept)


def _check_one_zone(options: ScheduleOptions, when: When) -> None:
    if options.zone is not None and options.zone != when.zone:
        raise InvalidOption(
            f"--tz {options.zone}, and --when names {when.zone}", next_step="leave one of them out"
        )


def _moved(old: When, zone: str | None) -> When:
    """Return times in another zone: the same hour there; a single moment shows the same too."""
    if zone is None or zone == old.zone:
        return old
    check_zone(zone)
    if old.kind == "once" and old.at is not None:
        local = old.at.astimezone(check_zone(old.zone)).replace(tzinfo=None)
        return once(local, zone).model_copy(
            update={"starts_at": old.starts_at, "ends_at": old.ends_at}
        )
    return old.model_copy(update={"zone": zone})


def _limited(when: When, options: ScheduleOptions, old: When | None) -> When:
    starts_at = old.starts_at if old is not None else None
    ends_at = old.ends_at if old is not None else None
    if options.start is not None:
        is_none = options.start.lower() == NONE
        starts_at = None if is_none else read_moment(options.start, when.zone)
    if options.end is not None:
        is_none = options.end.lower() == NONE
        ends_at = None if is_none else read_moment(options.end, when.zone, is_end=True)
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        raise InvalidOption(
            f"--end {options.end or ends_at.isoformat()} is before the start",
            next_step="an end that comes after --start",
        )
    return when.model_copy(update={"starts_at": starts_at, "ends_at": ends_at})
