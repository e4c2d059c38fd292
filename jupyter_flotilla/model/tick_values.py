"""A tick as data: in words of commands, in parameters, in the environment."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_flotilla.errors import InvalidOption

#: Names under which the times of a tick are known in a job.
NAMES = ("scheduled_at", "interval_start", "interval_end")
#: Names under which a notebook that declares them gets what it runs after: the ids of those runs,
#: the paths of their executed notebooks, and their metrics.
AFTER_NAMES = ("after_runs", "after_notebooks", "after_metrics")
_PLACE = re.compile(r"\{(" + "|".join(NAMES) + r")(?::([^{}]*))?\}")


def tick_values(
    scheduled_at: datetime, interval_start: datetime | None, zone: str
) -> dict[str, datetime]:
    """Return the times of a tick by name, each by the clock of its schedule's zone.

    The interval ends when the tick is due; it begins at the tick before, or where there is none at
    its own end.
    """
    place = ZoneInfo(zone)
    local = scheduled_at.astimezone(place)
    start = local if interval_start is None else interval_start.astimezone(place)
    return {"scheduled_at": local, "interval_start": start, "interval_end": local}


def fill(text: str, values: Mapping[str, datetime]) -> str:
    """Return a text with the times of a tick filled in, as ISO 8601 or by a format of `strftime`.

    Other braces stay as they are.

    >>> from datetime import UTC, datetime
    >>> fill("{scheduled_at:%Y-%m-%d} {x}", {"scheduled_at": datetime(2027, 1, 31, tzinfo=UTC)})
    '2027-01-31 {x}'
    """
    return _PLACE.sub(lambda found: _shown(values[found[1]], found[2]), text)


def place_name(text: str) -> str | None:
    """Return the time that a text in braces, and nothing else, stands for; None: none.

    >>> place_name("{scheduled_at:%Y}"), place_name("{x}")
    ('scheduled_at', None)
    """
    found = _PLACE.fullmatch(text)
    return None if found is None else found[1]


def fill_all(value: Any, values: Mapping[str, datetime]) -> Any:
    """Return a JSON value with the times filled into every text of it."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [fill_all(one, values) for one in value]
    if isinstance(value, dict):
        return {key: fill_all(one, values) for key, one in value.items()}
    return value


def variables(values: Mapping[str, datetime]) -> dict[str, str]:
    """Return the environment variables that tell a job its tick."""
    return {f"FLOTILLA_{name.upper()}": moment.isoformat() for name, moment in values.items()}


def parameters(
    declared: Mapping[str, str | None],
    given: Mapping[str, Any],
    values: Mapping[str, datetime],
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the parameters that a notebook gets of a tick: those of these names that it declares.

    Parameters
    ----------
    declared
        Types by name, in words of annotations; None: not known.
    given
        Parameters that were asked for: they win, with times filled into them.
    after
        What it runs after, by `AFTER_NAMES`; None: it is by the clock.
    """
    others = {name: value for name, value in (after or {}).items() if name in declared}
    own = {
        name: _typed(moment, declared[name])
        for name, moment in values.items()
        if name in declared and name not in given
    }
    return others | own | {name: fill_all(value, values) for name, value in given.items()}


def _typed(moment: datetime, kind: str | None) -> Any:
    if kind == "int":
        return int(moment.timestamp())
    if kind == "float":
        return moment.timestamp()
    return moment.isoformat()


def _shown(moment: datetime, form: str | None) -> str:
    if not form:
        return moment.isoformat()
    try:
        return moment.strftime(form)
    except ValueError as error:
        raise InvalidOption(
            f"{form!r} is no format of a time", next_step="{scheduled_at:%Y-%m-%d}"
        ) from error
