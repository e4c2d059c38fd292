"""When a schedule of EventBridge Scheduler is due: its expression, its zone, its two dates.

Source: "Schedule types in EventBridge Scheduler"
(docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html), read 2026-11: a time that the
clocks skip in spring is not run at, and one that they repeat in autumn is run at once.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator import seams

#: Moments that the clocks skip follow each other for an hour at most, one a minute.
_MOST_SKIPPED = 180


class BadExpression(ValueError):
    """What can never be due."""


def next_due(schedule: Mapping[str, Any], after: datetime) -> datetime | None:
    """Return the first moment after another at which a schedule is due; None: never.

    Parameters
    ----------
    schedule
        As GetSchedule shows it; times in seconds since 1970.
    after
        An aware time.

    Raises
    ------
    BadExpression
        If its expression or its zone is none.
    """
    expression = schedule["ScheduleExpression"].strip()
    zone = _zone(schedule.get("ScheduleExpressionTimezone") or "UTC")
    start, end = _moment(schedule.get("StartDate")), _moment(schedule.get("EndDate"))
    if start is not None and start > after:
        after = start - timedelta(microseconds=1)
    if (moment := once(schedule)) is not None:
        due = moment if moment > after else None
    elif (interval_s := seams.rate_s(expression)) is not None:
        created = _moment(schedule["CreationDate"])
        due = _next_of_rate(start or created or after, timedelta(seconds=interval_s), after)
    elif (next_wall := seams.cron(expression)) is not None:
        due = _next_of_cron(next_wall, zone, after)
    else:
        raise BadExpression(f"Invalid Schedule Expression {expression}.")
    return None if due is None or (end is not None and due > end) else due


def once(schedule: Mapping[str, Any]) -> datetime | None:
    """Return the moment of a schedule that is due only once; None: it is due again and again."""
    found = re.fullmatch(r"\s*at\((.+)\)\s*", schedule["ScheduleExpression"])
    if found is None:
        return None
    try:
        wall = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S")
    except ValueError as error:
        raise BadExpression(f"Invalid Schedule Expression at({found[1]}).") from error
    zone = _zone(schedule.get("ScheduleExpressionTimezone") or "UTC")
    return wall.replace(tzinfo=zone).astimezone(UTC)


def written(moment: datetime) -> str:
    """Return a moment as ``<aws.scheduler.scheduled-time>`` has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next_of_rate(anchor: datetime, interval: timedelta, after: datetime) -> datetime:
    if after < anchor:
        return anchor
    return anchor + ((after - anchor) // interval + 1) * interval


def _next_of_cron(
    next_wall: Callable[[datetime], datetime | None], zone: ZoneInfo, after: datetime
) -> datetime | None:
    """Walk through the times that a clock on the wall shows, and ask when it shows them."""
    wall: datetime | None = after.astimezone(zone).replace(tzinfo=None)
    for _ in range(_MOST_SKIPPED):
        wall = None if wall is None else next_wall(wall)
        if wall is None:
            return None
        due = wall.replace(tzinfo=zone).astimezone(UTC)  # of a repeated time the first
        was_shown = due.astimezone(zone).replace(tzinfo=None) == wall
        if was_shown and due > after:
            return due
    return None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadExpression(f"The ScheduleExpressionTimezone {name} is not valid.") from error


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
