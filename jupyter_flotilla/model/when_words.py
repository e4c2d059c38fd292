"""When a schedule runs, in words: from what people write to `When`, and back."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from cronsim import CronSim

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.units import parse_duration
from jupyter_flotilla.model.when import When, check_zone, cron, instant, interval, once

EXAMPLES = (
    "'weekdays 07:00 Europe/Berlin', 'every 15 minutes', 'hourly', 'mondays, fridays at 9:30', "
    "'monthly on day 1 at 06:00', 'once 2027-01-31 09:00', or cron: '30 2 * * *'"
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_CRON_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
#: Short for a cron line, as cron itself has them.
_NICKNAMES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}  # fmt: skip
_CLOCK = r"(?:\d{1,2}(?::\d{2})?\s?(?:am|pm)|\d{1,2}:\d{2}|noon|midnight)"
_TIMED = re.compile(rf"(?P<days>.*?)\s*(?:\bat\b)?\s*(?P<time>{_CLOCK})?")
_ONE_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?\s?(am|pm)?")
_HOURLY = re.compile(r"(?:hourly|every hour)(?: at (?::|minute )(\d{1,2}))?")
_EVERY = re.compile(r"every (?:(\d{1,9}) ?)?(second|sec|minute|min|hour|day|week)s?")
_MONTHLY = re.compile(r"monthly(?: on (?:the )?(?:day )?(?:(\d{1,2})(?:st|nd|rd|th)?|(last day)))?")
_CRON_LIKE = re.compile(r"[\d*][\d*,/-]*( \S+)+")
_DATE_LIKE = re.compile(r"(?:once )?(?:at |on )?(\d{4}-\d{2}-\d{2}.*)", re.IGNORECASE)
_UNIT_S = {
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
}


def read_when(text: str, zone: str) -> When:
    """Return the times that words, a cron line or a moment mean.

    Parameters
    ----------
    zone
        Of what names none at its end.

    Raises
    ------
    InvalidOption

    >>> read_when("weekdays 07:00 Europe/Berlin", "UTC").cron
    '0 7 * * 1-5'
    >>> read_when("every 15 minutes", "UTC").every_s
    900
    """
    plain = re.sub(r"\(.*\)$", "", " ".join(str(text).split())).strip()  # as `words` explains
    plain, zone = _without_zone(plain, zone)
    lower = plain.casefold().replace(",", " , ")
    lower = " ".join(lower.split())
    if lower in _NICKNAMES:
        return cron(_NICKNAMES[lower], zone)
    if (dated := _DATE_LIKE.fullmatch(plain)) is not None:
        return once(read_moment(dated[1], zone), zone)
    bare = plain[5:] if lower.startswith("cron ") else plain
    if _CRON_LIKE.fullmatch(bare) is not None or bare is not plain:
        return cron(bare, zone)
    found = _hourly(lower, zone) or _every(lower, zone) or _timed(lower, zone)
    if found is None:
        raise InvalidOption(f"{str(text)[:80]!r} says no time", next_step=f"write {EXAMPLES}")
    return found


def read_moment(text: str, zone: str, *, is_end: bool = False) -> datetime:
    """Return a moment in UTC: of a date its begin, or its last second where it is an end.

    Raises
    ------
    InvalidOption
        For what is no date that exists.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidOption(
            f"{text[:60]!r} is no date or time: {error}",
            next_step="write 2027-01-31, '2027-01-31 09:00' or 2027-01-31T09:00+01:00",
        ) from error
    if len(text.strip()) <= 10 and is_end:
        moment = datetime.combine(moment.date(), time(23, 59, 59))
    if not 1970 <= moment.year <= 9000:
        raise InvalidOption(f"{text[:60]!r} is out of range", next_step="a year from 1970 to 9000")
    zoned = check_zone(zone)
    return moment.astimezone(UTC) if moment.tzinfo is not None else instant(moment, zoned)


def words(when: When, *, after: str = "") -> str:
    """Return when a schedule runs, in words that `read_when` takes where they are its own.

    Parameters
    ----------
    after
        What it waits for, by name, where it has no time of its own.

    >>> words(read_when("0 7 * * 1-5", "Europe/Berlin"))
    'weekdays at 07:00 Europe/Berlin'
    """
    zone = ZoneInfo(when.zone)
    if when.kind == "after":
        said = f"after {after}" if after else "after others"
    elif when.kind == "once" and when.at is not None:
        said = f"once {local_text(when.at, zone)} {when.zone}"
    elif when.kind == "interval" and when.every_s is not None:
        said = f"every {_interval_text(when.every_s)}"
    else:
        said = _cron_text(when.cron or "", when.zone)
    if when.starts_at is not None:
        said += f", from {local_text(when.starts_at, zone)}"
    if when.ends_at is not None:
        said += f", until {local_text(when.ends_at, zone)}"
    return said


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment by the clock of a zone, to the minute where it is a whole one."""
    local = moment.astimezone(zone)
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")


def tick_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return a tick as it is listed: ``Mon 2027-03-29 02:30 CEST (+02:00)``, ``… 02:30 UTC``."""
    local = moment.astimezone(zone)
    offset = local.strftime("%z")
    name = local.strftime("%Z")
    shown = f"{offset[:3]}:{offset[3:5]}"
    named = name if name == "UTC" else f"{name} ({shown})" if name[:1].isalpha() else shown
    return f"{local.strftime('%a')} {local_text(moment, zone)} {named}"


def _without_zone(text: str, zone: str) -> tuple[str, str]:
    """Return the text without the time zone at its end, and that zone."""
    head, _, last = text.rpartition(" ")
    is_path = re.fullmatch(r"[A-Za-z_+-]+(?:/[A-Za-z0-9_+-]+)+", last) is not None
    if head and (is_path or last.upper() in ("UTC", "GMT")):
        name = last if is_path else last.upper()
        check_zone(name)
        return head, name
    return text, zone


def _hourly(text: str, zone: str) -> When | None:
    found = _HOURLY.fullmatch(text)
    return None if found is None else cron(f"{int(found[1] or 0)} * * * *", zone)


def _every(text: str, zone: str) -> When | None:
    found = _EVERY.fullmatch(text)
    if found is not None:
        count, unit = int(found[1] or 1), found[2]
        if unit in ("day", "week") and found[1] is None:
            return cron("0 0 * * *" if unit == "day" else "0 0 * * 1", zone)
        return interval(count * _UNIT_S[unit], zone)
    if text.startswith("every ") and re.match(r"every \d", text):
        return interval(_seconds(text.removeprefix("every ")), zone)
    return None


def _seconds(text: str) -> int:
    try:
        return parse_duration(text)
    except InvalidOption as error:
        raise InvalidOption(
            f"'every {text[:60]}' is no interval",
            next_step="write 'every 15 minutes' or 'every 2h'",
        ) from error


def _timed(text: str, zone: str) -> When | None:
    found = _TIMED.fullmatch(text)
    if found is None or not found["days"]:
        return None
    days = _days(found["days"])
    if days is None:
        return None
    hour, minute = _clock(found["time"] or "midnight", text)
    return cron(f"{minute} {hour} {days}", zone)


def _days(text: str) -> str | None:
    """Return the last three fields of a cron line for days in words; None for none."""
    text = text.removeprefix("every ").removeprefix("each ").removeprefix("weekly on ")
    if text in ("daily", "day", "days"):
        return "* * *"
    if text in ("weekdays", "weekday", "workdays", "workday"):
        return "* * 1-5"
    if text in ("weekends", "weekend"):
        return "* * 0,6"
    if text in ("weekly", "week"):
        return "* * 1"
    monthly = _MONTHLY.fullmatch(text)
    if monthly is not None:
        return f"{'L' if monthly[2] else int(monthly[1] or 1)} * *"
    numbers = [_day(word) for word in re.split(r"\s*,\s*|\s+and\s+|\s*&\s*|\s+", text) if word]
    known = [number for number in numbers if number is not None]
    if not known or len(known) != len(numbers):
        return None
    return f"* * {','.join(map(str, sorted(set(known))))}"


def _day(word: str) -> int | None:
    word = word.removesuffix("s") if word.endswith("days") else word
    for number, day in enumerate(_DAYS):
        if word == day or (len(word) >= 3 and day.startswith(word)):
            return number
    return None


def _clock(text: str, whole: str) -> tuple[int, int]:
    named = {"noon": (12, 0), "midnight": (0, 0)}
    if text in named:
        return named[text]
    found = _ONE_CLOCK.fullmatch(text)
    assert found is not None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    is_legal = 1 <= hour <= 12 if half else hour <= 23
    if not is_legal or minute > 59:
        raise InvalidOption(
            f"{whole!r}: there is no time {text!r}", next_step="write 07:00, 19:30 or 7pm"
        )
    return (hour % 12 + (12 if half == "pm" else 0)) if half else hour, minute


def _interval_text(every_s: int) -> str:
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if every_s % seconds == 0:
            count = every_s // seconds
            if count == 1 and unit == "day":
                return "24 hours"  # "every day" is by the clock on the wall
            if count == 1 and unit == "hour":
                return "60 minutes"
            return unit if count == 1 else f"{count} {unit}s"
    raise AssertionError(every_s)


def _cron_text(line: str, zone: str) -> str:
    minute, hour, day, month, weekday = line.split()
    if minute.isdigit() and hour == "*" and (day, month, weekday) == ("*", "*", "*"):
        return f"hourly {zone}" if int(minute) == 0 else f"hourly at :{int(minute):02} {zone}"
    if minute.isdigit() and hour.isdigit() and month == "*":
        days = _days_text(day, weekday)
        if days is not None:
            return f"{days} at {int(hour):02}:{int(minute):02} {zone}"
    explained = CronSim(line, datetime(2000, 1, 1)).explain()
    return f"cron {line} {zone} ({explained[:1].lower()}{explained[1:]})"


def _days_text(day: str, weekday: str) -> str | None:
    if weekday == "*":
        if day == "*":
            return "daily"
        if day == "L":
            return "monthly on the last day"
        return f"monthly on day {int(day)}" if day.isdigit() else None
    if day != "*":
        return None
    if weekday in ("1-5", "MON-FRI"):
        return "weekdays"
    if weekday in ("0,6", "6,0", "SAT,SUN", "SUN,SAT", "6,7"):
        return "weekends"
    named = [_weekday(one) for one in weekday.split(",")]
    if None in named:
        return None
    names = [f"{_DAYS[number]}s" for number in sorted({n for n in named if n is not None})]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _weekday(text: str) -> int | None:
    if text.isdigit():
        return int(text) % 7
    return _CRON_DAYS.index(text) if text in _CRON_DAYS else None
