"""Makes an attempt of a tick: what AWS's scheduler starts knows its schedule, and when it was due.

`jupyter_flotilla.engines.ecs.cloud` has put what is the same at each tick below a prefix of the
schedule: input, job and `CALENDAR`. What differs is reckoned here, without asking anybody: the id
of the run, which is the same however often a tick is started, and the times that the job is told.
"""

import base64
import hashlib
import json
import os
import re
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .paths import Tampered, confined

#: Below a schedule's prefix: the zone's clock, the days of its rhythm, and what `JobOfTick` needs.
CALENDAR = "tick.json"
#: Of the run, in every prefix: there is one attempt that nobody but AWS's scheduler starts.
ATTEMPT = "attempts/1"
#: Crockford's base 32, as in every id of a run.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_NAMES = ("scheduled_at", "interval_start", "interval_end")
_PLACE = re.compile(r"\{(%s)(?::([^{}]*))?\}" % "|".join(_NAMES))
#: What stands for a time that a notebook has declared as a number; of a float, with ``.5``.
NUMBERS = {name: 900719925474001 + place for place, name in enumerate(_NAMES)}
_NUMBER = re.compile(r"\b(%s)(\.5)?\b" % "|".join(map(str, NUMBERS.values())))
#: papermill's word for the cell that has the parameters.
_INJECTED = "injected-parameters"
_DAY_S = 86400


def run_id(schedule_id: str, scheduled_at: str) -> str:
    """Return the id of a tick's run.

    Parameters
    ----------
    scheduled_at
        As AWS writes it: ``2027-03-22T18:59:00Z``.

    >>> run_id("s0123456789ab", "2027-03-22T18:59:00Z")
    'rqy3kvetgxnzy'
    """
    digest = hashlib.sha256(("%s %s" % (schedule_id, scheduled_at)).encode()).digest()
    return "r" + "".join(_LETTERS[byte % 32] for byte in digest[:12])


def placeholder(schedule_id: str) -> str:
    """Return what stands in a job for the id of its run, until a tick has one."""
    return "r" + schedule_id[1:]


def run_prefix(top: str, run: str) -> str:
    """Return the beginning of a run's keys, without a slash at its end (`artifacts.s3`)."""
    return "%sruns/%s/%s" % (top, run[1:3], run)


def marker(schedule_id: str, scheduled_at: str) -> str:
    """Return the key, below the top, that says a tick has begun."""
    return "ticks/%s/%s" % (schedule_id, scheduled_at)


class Clock:
    """What clocks on the wall of a zone show, by a table: an image may know no zones.

    Parameters
    ----------
    changes
        Seconds since 1970, offset in seconds and name of each change; the first is of all before.
    """

    def __init__(self, changes: List[Tuple[float, int, str]]) -> None:
        self._changes = changes

    def local(self, moment: float) -> datetime:
        """Return what the wall shows at a moment."""
        offset, name = self._at(moment)
        return datetime.fromtimestamp(moment, timezone(timedelta(seconds=offset), name))

    def moments(self, shown: float, is_by_wall: bool) -> List[float]:
        """Return when the wall shows a time, given in seconds as if it were UTC.

        By the wall, a time that comes twice counts once, the first time, and one that is skipped
        when that is over; else both count, and none.
        """
        offsets = sorted({offset for _, offset, _ in self._changes}, reverse=True)
        found = [shown - one for one in offsets if self._at(shown - one)[0] == one]
        if not is_by_wall:
            return found
        return found[:1] or [
            at
            for (_, before, _), (at, after, _) in zip(self._changes, self._changes[1:])
            if at + before <= shown < at + after
        ]

    def _at(self, moment: float) -> Tuple[int, str]:
        offset, name = self._changes[0][1:]
        for at, after, called in self._changes[1:]:
            if at > moment:
                break
            offset, name = after, called
        return offset, name


def previous(calendar: Mapping[str, Any], clock: Clock, moment: float) -> Optional[float]:
    """Return the tick before one; None: it has no rhythm, or none that is known so far back."""
    if calendar.get("every_s"):
        return moment - float(calendar["every_s"])
    days = calendar.get("days")
    if not days:
        return None
    matches = base64.b64decode(days["matches"])
    shown = clock.local(moment).replace(tzinfo=timezone.utc).timestamp()
    # a day more: where clocks are set back, what is later on the wall can be earlier
    latest = int(shown // _DAY_S) + 1 - int(days["first"])
    if latest > 8 * len(matches):
        return None  # of days beyond the table nothing is known
    for day in range(min(latest, 8 * len(matches) - 1), -1, -1):
        if not matches[day // 8] >> (day % 8) & 1:
            continue
        begin = (day + int(days["first"])) * _DAY_S
        found = [
            at
            for minute in days["minutes"]
            for at in clock.moments(begin + 60 * minute, bool(days["by_wall"]))
            if at < moment
        ]
        if found:
            return max(found)
    return None


class Tick:
    """One tick, and what its job is told.

    Parameters
    ----------
    place
        Of the schedule, as the task was told it.
    calendar
        The content of `CALENDAR`.
    """

    def __init__(self, place: Mapping[str, Any], calendar: Mapping[str, Any]) -> None:
        self._place = place
        self._schedule_id, self._at = str(place["tick"]["schedule"]), str(place["tick"]["at"])
        self._top, self._notebook = str(calendar["top"]), calendar.get("notebook")
        moment = datetime.strptime(self._at[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()
        clock = Clock([(at, offset, name) for at, offset, name in calendar["changes"]])
        before = previous(calendar, clock, moment)
        scheduled_at = clock.local(moment)
        start = scheduled_at if before is None else clock.local(before)
        self._times = dict(zip(_NAMES, (scheduled_at, start, scheduled_at)))
        self.run_id = run_id(self._schedule_id, self._at)

    def place(self) -> Dict[str, Any]:
        """Return where the run of this tick is."""
        prefix = run_prefix(self._top, self.run_id)
        return dict(self._place, prefix=prefix, attempt=ATTEMPT)

    @property
    def marker(self) -> str:
        """Key below `top` that says it has begun."""
        return marker(self._schedule_id, self._at)

    @property
    def top(self) -> str:
        """Beginning of all keys of this home."""
        return self._top

    def told(self, task: Optional[str]) -> bytes:
        """Return what the marker says."""
        said = {"run": self.run_id, "at": self._at, "task": task,
                "input": self._place["prefix"]}  # fmt: skip
        return json.dumps(said).encode()

    def job(self, text: bytes) -> bytes:
        """Return the job of this tick, of the one that is the same at each."""
        own = text.decode().replace(placeholder(self._schedule_id), self.run_id)
        job = json.loads(own)
        job["command"] = [self._filled(word) for word in job["command"]]
        told = {"FLOTILLA_" + name.upper(): at.isoformat() for name, at in self._times.items()}
        job["env"] = dict(job["env"], **told)
        return json.dumps(job).encode()

    def fill_notebook(self, folder: str) -> None:
        """Put the times into the parameters of the notebook, where it has such a cell."""
        if not self._notebook:
            return
        path = confined(folder, str(self._notebook))
        with open(path, encoding="utf-8") as file:
            notebook = json.load(file)
        for cell in _injected(notebook):
            source = cell.get("source", "")
            whole = "".join(source) if isinstance(source, list) else source
            cell["source"] = self._filled(_NUMBER.sub(self._number, whole))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(notebook, file, ensure_ascii=False)

    def _filled(self, text: str) -> str:
        def shown(found: "re.Match[str]") -> str:
            at = self._times[found.group(1)]
            return at.strftime(found.group(2)) if found.group(2) else at.isoformat()

        return _PLACE.sub(shown, text)

    def _number(self, found: "re.Match[str]") -> str:
        name = _NAMES[int(found.group(1)) - NUMBERS[_NAMES[0]]]
        seconds = self._times[name].timestamp()
        return repr(seconds if found.group(2) else int(seconds))


def read_tick(place: Mapping[str, Any], content: bytes) -> Tick:
    """Return the tick of a place, of its calendar; raises Tampered where that is another's."""
    if hashlib.sha256(content).hexdigest() != place["tick"]["sha256"]:
        raise Tampered("%s is not what was sent: somebody has changed it" % CALENDAR)
    try:
        return Tick(place, json.loads(content.decode()))
    except (
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        raise ValueError("%s is no calendar of a schedule: %r" % (CALENDAR, error)) from error


def write_job(folder: str, job: bytes) -> None:
    """Write the job of an attempt where its runner looks for it."""
    with open(os.path.join(folder, "job.json"), "wb") as file:
        file.write(job)


def _injected(notebook: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    for cell in notebook.get("cells", ()):
        if _INJECTED in (cell.get("metadata") or {}).get("tags", ()):
            yield cell
