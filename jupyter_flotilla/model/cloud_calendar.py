"""The rhythm of a schedule as a table, for a container that knows no zones and no cron.

`jupyter_flotilla.bootstrap.tick` finds the tick before a tick by it.
"""

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from jupyter_flotilla.model.when import When, changes

#: So far the table goes: 29 February needs eight years back; who never edits has ten years ahead.
_BACK, _AHEAD = timedelta(days=9 * 366), timedelta(days=10 * 366)
_EPOCH = date(1970, 1, 1)
#: How AWS's scheduler writes moments.
_WRITTEN = "%Y-%m-%dT%H:%M:%SZ"


def calendar(when: When, now: datetime) -> dict[str, Any]:
    """Return offsets of the zone, and the days and minutes of the rhythm, as JSON values."""
    # from a new year on: it is the same for months
    begin = (now - _BACK).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    end = now + _AHEAD
    made: dict[str, Any] = {"changes": _changes(ZoneInfo(when.zone), begin, end)}
    if when.kind == "interval":
        made["every_s"] = when.every_s
    if when.kind == "cron":
        made["days"] = _days(when, begin.date(), end.date())
    return made


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> list[list[Any]]:
    """Return since when, in seconds since 1970, which offset in seconds has which name."""
    shown = [at.astimezone(zone) for at in (begin, *changes(zone, begin, end))]
    return [
        [int(at.timestamp()), int((at.utcoffset() or timedelta()).total_seconds()), at.tzname()]
        for at in shown
    ]


def _days(when: When, begin: date, end: date) -> dict[str, Any]:
    assert when.cron is not None
    parts = when.cron.split()
    line: Any = CronSim(when.cron, datetime(2000, 1, 1))
    first, count = (begin - _EPOCH).days, (end - begin).days
    bits = bytearray(-(-count // 8))
    # of each day that matches one minute is enough, and cheap to find
    midnight = f"0 0 {parts[2]} {parts[3]} {parts[4]}"
    start = datetime(begin.year, begin.month, begin.day) - timedelta(seconds=1)
    for local in CronSim(midnight, start):
        day = (local.date() - begin).days
        if day >= count:
            break
        bits[day // 8] |= 1 << day % 8
    return {
        "first": first,
        "matches": base64.b64encode(bytes(bits)).decode(),
        "minutes": sorted(60 * hour + minute for hour in line.hours for minute in line.minutes),
        "by_wall": not parts[1].startswith("*"),
    }


def utc_moment(moment: datetime) -> str:
    """Return a tick as AWS's scheduler writes when it was due."""
    return moment.astimezone(UTC).strftime(_WRITTEN)


def read_moment(text: str) -> datetime | None:
    """Return the tick that is written so; None: it is no such text."""
    try:
        return datetime.strptime(text, _WRITTEN).replace(tzinfo=UTC)
    except ValueError:
        return None
