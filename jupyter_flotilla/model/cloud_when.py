"""When a schedule runs, in the words of AWS's EventBridge Scheduler. Pure: no clock.

AWS's cron has other numbers for days of the week, one of the two day fields only, and no intervals
that are known before: an interval is said as cron in UTC, which has the same moments. Facts from
docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, read 2026-11.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.when import When, changes, ticks_until

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY_S, _HOUR_S, _MINUTE_S = 86400, 3600, 60
#: Longest expression that AWS takes.
_MOST_LENGTH = 256
#: AWS leaves out what falls into a skipped hour, and what comes twice; these are said one by one.
MOST_SINGLE = 60
_ANCHOR = datetime(2000, 1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Expression:
    """One of AWS's schedules."""

    #: ``cron(30 2 * * ? *)`` or ``at(2027-03-28T01:30:00)``.
    text: str
    zone: str = "UTC"


def expressions(when: When) -> tuple[Expression, ...]:
    """Return what AWS is told of a schedule, without `single_moments`.

    Raises
    ------
    InvalidOption
        For what AWS's scheduler cannot say.
    """
    if when.kind == "after":
        raise InvalidOption(
            "--after and --where cloud: AWS's scheduler knows the clock, not other runs",
            next_step="--when, or leave --where cloud out",
        )
    if when.kind == "once":
        assert when.at is not None
        return (at_moment(when.at),)
    found = tuple(_of_interval(when) if when.kind == "interval" else _of_cron(when))
    for one in found:
        if len(one.text) > _MOST_LENGTH:
            raise _impossible(f"cron {when.cron!r} is too long for it")
    return found


def at_moment(moment: datetime) -> Expression:
    """Return the expression of one moment."""
    if moment.second or moment.microsecond:
        raise _impossible(f"it is by the minute, and {moment.isoformat()} is not")
    return Expression(f"at({moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S})")


def single_moments(when: When, begin: datetime, end: datetime) -> tuple[datetime, ...]:
    """Return the ticks in (begin, end] that AWS's cron leaves out, where clocks change.

    In the zone of a cron line AWS skips what is in the skipped hour, and of the hour that comes
    twice it takes the first. Here the former runs when that hour is over, and what is by real time
    runs in both.

    Raises
    ------
    InvalidOption
        For more than `MOST_SINGLE` of them.
    """
    if when.kind != "cron":
        return ()
    zone, found = ZoneInfo(when.zone), list[datetime]()
    for change in changes(zone, begin, end):
        near = timedelta(hours=3)
        for tick in ticks_until(when, max(begin, change - near), min(end, change + near)):
            if not _is_aws_tick(when, tick, zone):
                found.append(tick)
    if len(found) > MOST_SINGLE:
        raise _impossible(
            f"in {when.zone}, {len(found)} of its ticks are in hours that clocks skip or repeat",
            "--tz UTC, where there are none",
        )
    return tuple(found)


def _is_aws_tick(when: When, tick: datetime, zone: ZoneInfo) -> bool:
    """Say whether AWS's cron has a tick: its minute is on the wall, for the first time."""
    local = tick.astimezone(zone)
    if local.fold:
        return False
    naive = local.replace(tzinfo=None)
    assert when.cron is not None
    return next(CronSim(when.cron, naive - timedelta(seconds=1)), None) == naive


def _of_interval(when: When) -> Iterator[Expression]:
    every_s = when.every_s or 0
    unlimited = when.model_copy(update={"ends_at": None})
    begin = (when.starts_at or datetime(2000, 1, 3, tzinfo=UTC)).replace(
        hour=0, minute=0, second=0, microsecond=0
    ) + timedelta(days=1)
    day = [*ticks_until(unlimited, begin - timedelta(microseconds=1), begin + timedelta(days=1))]
    day = [tick for tick in day if tick < begin + timedelta(days=1)]
    if every_s % _MINUTE_S or _DAY_S % every_s or any(one.second for one in day):
        raise _impossible(
            f"every {every_s} s is no whole minutes that divide a day",
            "an interval such as 15 minutes, 90 minutes or 6 hours, or cron",
        )
    hours: dict[int, set[int]] = {}
    for tick in day:
        hours.setdefault(tick.minute, set()).add(tick.hour)
    alike: dict[frozenset[int], set[int]] = {}
    for minute, of_day in hours.items():
        alike.setdefault(frozenset(of_day), set()).add(minute)
    for of_hours, minutes in alike.items():
        yield Expression(_cron(_listed(minutes, 60), _listed(of_hours, 24), "*", "*", "?"))


def _of_cron(when: When) -> Iterator[Expression]:
    assert when.cron is not None
    line: Any = CronSim(when.cron, _ANCHOR)  # its sets are typed as of numbers alone
    minutes, hours = _listed(line.minutes, 60), _listed(line.hours, 24)
    months = _listed(line.months, 12, first=1)
    all_days, all_weekdays = len(line.days) == 31, set(range(7)) <= line.weekdays
    if line.day_and and not (all_days or all_weekdays):
        raise _impossible(
            f"cron {when.cron!r} means days that match both fields, and its cron has one of them"
        )
    of_month = [] if all_days and not all_weekdays else [*_days_of_month(line.days, when.cron)]
    of_week = [] if all_weekdays else [*_days_of_week(line.weekdays)]
    # both fields are given: either counts, so each has an expression of its own
    if not line.day_and and not of_month:
        of_month = ["*"]
    for days in of_month:
        yield Expression(_cron(minutes, hours, days, months, "?"), when.zone)
    for weekdays in of_week:
        yield Expression(_cron(minutes, hours, "?", months, weekdays), when.zone)


def _days_of_month(days: Collection[int], text: str) -> Iterator[str]:
    plain = {day for day in days if day > 0}
    if plain:
        yield _listed(plain, 31, first=1)
    if CronSim.LAST in days:
        yield "L"
    if CronSim.LAST_WEEKDAY in days:
        raise _impossible(f"cron {text!r}: it has no last weekday of a month")


def _days_of_week(weekdays: Iterable[Any]) -> Iterator[str]:
    plain = sorted({day % 7 for day in weekdays if isinstance(day, int)})
    if plain:
        yield ",".join(_DAYS[day] for day in plain)
    for day, nth in sorted(one for one in weekdays if not isinstance(one, int)):
        number = day % 7 + 1  # AWS's week begins with 1 on Sunday
        yield f"{number}L" if nth == CronSim.LAST else f"{number}#{nth}"


def _cron(minutes: str, hours: str, days: str, months: str, weekdays: str) -> str:
    return f"cron({minutes} {hours} {days} {months} {weekdays} *)"


def _listed(numbers: Collection[int], count: int, first: int = 0) -> str:
    """Return numbers as a field of cron: ``*``, or ranges and numbers with commas."""
    wanted = sorted(numbers)
    if len(wanted) == count:
        return "*"
    runs: list[list[int]] = []
    for number in wanted:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs
    )


def _impossible(what: str, next_step: str | None = None) -> InvalidOption:
    return InvalidOption(
        f"--where cloud: AWS's scheduler cannot say when it runs: {what}",
        next_step=next_step or "other times, or leave --where cloud out",
    )
