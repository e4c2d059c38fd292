"""Ticks of cron lines found by walking over every minute, to compare with."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

ZONES = [
    "UTC", "America/New_York", "Europe/Berlin", "Australia/Sydney", "Australia/Lord_Howe",
    "Asia/Kathmandu", "America/Sao_Paulo",
]  # fmt: skip
LINES = [
    "30 2 * * *", "0 0 * * *", "15 1,2,3 * * *", "0 7 * * 1-5", "45 1 * * SUN", "*/20 2 * * *",
    "*/15 * * * *", "0 * * * *", "30 */2 * * *", "5 */3 1-7 * MON", "0 12 L * *", "0 3 29 2 *",
]  # fmt: skip


def walk(line: str, zone_name: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield ticks as the rule says it, minute by minute of real time, by croniter's reading.

    A line with any hour matches what the clock shows. A fixed hour is each local minute once: one
    that is shown twice counts the first time, one that is skipped when the skipped time is over.
    """
    zone, minute = ZoneInfo(zone_name), timedelta(minutes=1)
    has_any_hour = line.split()[1].startswith("*")
    latest = begin.astimezone(zone).replace(tzinfo=None) - minute
    matches = _reader(line)
    moment = begin
    while moment < end:
        shown = moment.astimezone(zone).replace(tzinfo=None)
        if has_any_hour:
            new = [shown]
        else:
            first = shown if shown <= latest else max(latest + minute, shown - timedelta(hours=3))
            new = []
            while first <= shown and shown > latest:
                new.append(first)
                first += minute
            latest = max(latest, shown)
        if any(map(matches, new)):
            yield moment
        moment += minute


def _reader(line: str) -> Callable[[datetime], bool]:
    """Return what says of a local minute whether a line means it, as croniter expands the line."""
    fields, _ = croniter.expand(line)
    minutes, hours, days, months, weekdays = (set(field) for field in fields)

    def reads(field: set[int | str], number: int) -> bool:
        return "*" in field or number in field

    def matches(shown: datetime) -> bool:
        if not (reads(minutes, shown.minute) and reads(hours, shown.hour)):
            return False
        is_last = "l" in days and (shown + timedelta(days=1)).day == 1
        by_day = is_last or reads(days, shown.day)
        by_weekday = reads(weekdays, shown.isoweekday() % 7)
        is_either = not line.split()[2].startswith("*") and not line.split()[4].startswith("*")
        is_day = (by_day or by_weekday) if is_either else (by_day and by_weekday)
        return is_day and reads(months, shown.month)

    return matches
