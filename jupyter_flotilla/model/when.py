"""When a schedule runs: cron in a time zone, an interval, once, or after others. Pure: no clock.

What clocks do in spring and autumn is decided by the hour of a cron line, as Debian's cron does:

- A fixed hour (``30 2 * * *``) is by the clock on the wall: in the hour that is skipped it comes
  once, as soon as that hour is over; in the hour that comes twice it comes once, the first time.
- Any hour (``*/15 * * * *``) and intervals are by real time: nothing is left out, nothing comes
  twice at one moment, and pauses are as long as ever.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.base import Stored

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_SIZES = (60, 24, 31, 12, 7)
_LEGAL = ("0-59", "0-23", "1-31 or L", "1-12 or JAN-DEC", "0-7 or SUN-SAT")
#: The shortest interval: a job takes about as long to begin.
MIN_INTERVAL_S = 10
_MAX_INTERVAL_S = 10 * 366 * 86400
#: Clocks change twice a year; to look once a day finds each change.
_PROBE = timedelta(days=1)
#: From here on intervals are counted where they have no start: it is midnight of their zone.
_ANCHOR = datetime(2000, 1, 1)
#: Nothing is looked for beyond, in years from the moment that is asked for.
_HORIZON_YEAR = 9_900


class When(Stored):
    """When a schedule runs. Made by `cron`, `interval`, `once` and `after_others`, which check."""

    kind: Literal["cron", "interval", "once", "after"]
    #: IANA name of the time zone.
    zone: str = "UTC"
    #: Five fields, in capitals; None for other kinds.
    cron: str | None = None
    #: Seconds from one tick to the next; None for other kinds.
    every_s: int | None = None
    #: The one moment; None for other kinds.
    at: datetime | None = None
    #: No tick is earlier; None: no limit.
    starts_at: datetime | None = None
    #: No tick is later; None: no limit.
    ends_at: datetime | None = None


def cron(text: str, zone: str = "UTC") -> When:
    """Return the times of a cron line of five fields.

    Raises
    ------
    InvalidOption
        For another number of fields, a field that means nothing, a date that does not exist, and
        a time zone that does not.
    """
    check_zone(zone)
    parts = text.upper().split()
    if len(parts) != 5:
        raise InvalidOption(
            f"cron {text!r} has {len(parts)} fields, not 5",
            next_step="minute, hour, day of the month, month, day of the week: '30 2 * * *' is "
            "02:30 each day; for less than a minute: 'every 30 seconds'",
        )
    for place, part in enumerate(parts):
        _check_field(text, place, part)
    line = " ".join(parts)
    simulated = _simulated(line)
    if simulated is None or next(simulated, None) is None:
        raise InvalidOption(
            f"cron {text!r} never comes: there is no day {parts[2]} in month {parts[3]}",
            next_step="another day, or L for the last one of a month: '0 6 L * *'",
        )
    return When(kind="cron", cron=line, zone=zone)


def _check_field(text: str, place: int, part: str) -> None:
    alone = ["*"] * 5
    alone[place] = part
    if not _is_legal(" ".join(alone)):
        raise InvalidOption(
            f"cron {text!r}: its {_FIELDS[place]}, {part!r}, means nothing",
            next_step=f"{_LEGAL[place]}, *, lists such as 1,15, ranges such as 1-5 and steps "
            "such as */5",
        )
    if any(int(step) >= _SIZES[place] for step in re.findall(r"/(\d+)", part)):
        # it would begin anew each time: */90 is hourly
        raise InvalidOption(
            f"cron {text!r}: the step of {part!r} is beyond its {_FIELDS[place]}, which has "
            f"{_SIZES[place]}",
            next_step="an interval has no such limit: 'every 90 minutes'",
        )


def interval(every_s: float, zone: str = "UTC") -> When:
    """Return the times of an interval; raises InvalidOption for one that is too short or long."""
    check_zone(zone)
    if not MIN_INTERVAL_S <= every_s <= _MAX_INTERVAL_S or every_s != int(every_s):
        raise InvalidOption(
            f"an interval of {every_s:g} s is none that a schedule can have",
            next_step=f"whole seconds, at least {MIN_INTERVAL_S}: 'every 15 minutes'",
        )
    return When(kind="interval", every_s=int(every_s), zone=zone)


def once(at: datetime, zone: str = "UTC") -> When:
    """Return one moment: in the zone's own time where it is naive."""
    moment = at.astimezone(UTC) if at.tzinfo is not None else instant(at, check_zone(zone))
    return When(kind="once", at=moment, zone=zone)


def after_others(zone: str = "UTC") -> When:
    """Return the times of what has none of its own."""
    check_zone(zone)
    return When(kind="after", zone=zone)


def check_zone(name: str) -> ZoneInfo:
    """Return a time zone; raises InvalidOption for what is none, with those that are close."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # also of names that are paths
        known = sorted(available_timezones())
        folded = {one.casefold(): one for one in known}
        close = get_close_matches(name.casefold().replace(" ", "_"), list(folded), n=3, cutoff=0.5)
        hint = " or ".join(folded[one] for one in close)
        raise InvalidOption(
            f"there is no time zone {name[:60]!r}",
            next_step=f"did you mean {hint}?" if close else "a name such as Europe/Berlin or UTC",
        ) from error


def ticks(when: When, after: datetime) -> Iterator[datetime]:
    """Yield the moments later than one, in UTC, in order, within start and end."""
    begin = after.astimezone(UTC)
    if when.starts_at is not None and when.starts_at > begin:
        begin = when.starts_at - timedelta(microseconds=1)
    for tick in _unlimited(when, begin):
        if when.ends_at is not None and tick > when.ends_at:
            return
        yield tick


def ticks_until(when: When, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the moments in (after, until], in order."""
    return takewhile(lambda moment: moment <= until, ticks(when, after))


def next_tick(when: When, after: datetime) -> datetime | None:
    """Return the first moment later than one; None: there is none any more."""
    return next(ticks(when, after), None)


def latest_ticks(when: When, after: datetime, until: datetime, most: int) -> list[datetime]:
    """Return the latest moments in (after, until], oldest first, so many at most.

    Costs about as much as there are to return, however long ago ``after`` is.
    """
    span, found = timedelta(hours=1), list[datetime]()
    while True:
        begin = max(after, until - span) if span < until - after else after
        found = [*ticks_until(when, begin, until)]
        if len(found) >= most or begin == after:
            return found[-most:]
        span *= 4


def count_ticks(when: When, after: datetime, until: datetime, most: int) -> int:
    """Return how many moments are in (after, until]; of more than ``most``, that number."""
    return sum(1 for _ in islice(ticks_until(when, after, until), most))


def previous_tick(when: When, tick: datetime) -> datetime | None:
    """Return the moment before one, also before the start; None for what has no rhythm."""
    if when.kind == "interval" and when.every_s is not None:
        return tick - timedelta(seconds=when.every_s)
    if when.kind != "cron":
        return None
    unlimited = when.model_copy(update={"starts_at": None, "ends_at": None})
    long_ago = tick - timedelta(days=50 * 366)
    found = latest_ticks(unlimited, long_ago, tick - timedelta(microseconds=1), 1)
    return found[0] if found else None


def _unlimited(when: When, after: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(when.zone)
    if when.kind == "once":
        assert when.at is not None
        return iter([when.at] if when.at > after else [])
    if when.kind == "interval":
        return _regular(when, after)
    if when.kind == "after":
        return iter(())
    assert when.cron is not None
    has_any_hour = when.cron.split()[1].startswith("*")
    rule = _by_real_time if has_any_hour else _by_the_wall
    return rule(when.cron, zone, after)


def _regular(when: When, after: datetime) -> Iterator[datetime]:
    assert when.every_s is not None
    every = timedelta(seconds=when.every_s)
    anchor = when.starts_at or instant(_ANCHOR, ZoneInfo(when.zone))
    tick = anchor + ((after - anchor) // every + 1) * every
    while tick.year < _HORIZON_YEAR:
        yield tick
        tick += every


def _by_the_wall(line: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    latest = after
    for local in CronSim(line, after.astimezone(zone).replace(tzinfo=None)):
        tick = instant(local, zone)
        if tick > latest:  # else of the hour that comes twice, or of the skipped one, and was there
            latest = tick
            yield tick


def _by_real_time(line: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the minutes that match by what the clock shows then, a stretch between changes a turn.

    Naive time within a stretch: CronSim's own steps go wrong where clocks change by half an hour.
    """
    begin = after
    while True:
        offset = _offset(begin, zone)
        change, clear_until = None, begin
        for local in CronSim(line, (begin + offset).replace(tzinfo=None)):
            tick = local.replace(tzinfo=UTC) - offset
            change = _first_change(zone, clear_until, tick)
            if change is not None:
                break
            clear_until = tick
            yield tick
        if change is None:
            return
        # the moment of the change itself may match, in its new time
        if _matches(line, (change + _offset(change, zone)).replace(tzinfo=None)):
            yield change
        begin = change


def _matches(line: str, local: datetime) -> bool:
    if local.second or local.microsecond:
        return False
    return next(CronSim(line, local - timedelta(seconds=1)), None) == local


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return when a clock on the wall shows a time, in UTC.

    A time that it skips is the end of what is skipped; of one that it shows twice, the first.
    """
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    earlier = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    change = _first_change(zone, earlier, moment)
    return moment if change is None else change


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _first_change(zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """Return the first second in (begin, end] that has another offset than ``begin``."""
    before, low = _offset(begin, zone), begin
    while low < end:
        high = min(low + _PROBE, end)
        if _offset(high, zone) != before:
            return _bisected(zone, before, low, high)
        low = high
    return None


def changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the moments in (begin, end] at which the clocks of a zone change."""
    while (change := _first_change(zone, begin, end)) is not None:
        yield change
        begin = change


def _bisected(zone: ZoneInfo, before: timedelta, low: datetime, high: datetime) -> datetime:
    floor = low.replace(microsecond=0)
    least, most = 0, int((high - floor).total_seconds()) + 1
    while least + 1 < most:
        middle = (least + most) // 2
        if _offset(floor + timedelta(seconds=middle), zone) == before:
            least = middle
        else:
            most = middle
    return floor + timedelta(seconds=most)


@lru_cache(maxsize=64)
def _is_legal(line: str) -> bool:
    try:
        CronSim(line, _ANCHOR)
    except (CronSimError, ValueError):
        return False
    return True


def _simulated(line: str) -> CronSim | None:
    return CronSim(line, _ANCHOR) if _is_legal(line) else None
