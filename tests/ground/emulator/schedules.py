"""EventBridge Scheduler: fires schedules when they are due, and when a test says so."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta

from emulator import seams, targets
from emulator.delivery import Delivery
from emulator.due import BadExpression, next_due, once, written
from emulator.wire import Caller, Json, ServiceError

_LOOK_S = 1.0
#: What starts earlier is refused, as AWS does at creation and at each update.
_OLDEST_START_S = 300.0

_log = logging.getLogger(__name__)


class Schedules:
    """Fires schedules.

    Parameters
    ----------
    delivery
        Takes what is due.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        #: Of each schedule: when it was last changed, and when it is due; None: never again.
        self._due: dict[seams.Key, tuple[float, datetime | None]] = {}
        self._going: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Look at what is due from now on."""
        seams.take_over_schedules()
        self._keep(self._look())

    async def fire(self, group: str, name: str, due: datetime, times: int) -> list[Json]:
        """Fire a schedule for a scheduled time, at once and together, whatever its state.

        Raises
        ------
        LookupError
            If there is none with that name.
        """
        (account, region, _), schedule = _find(group, name)
        caller = Caller(account, region)
        ticks = (self._delivery.deliver(caller, schedule, due) for _ in range(times))
        return [outcome.describe() for outcome in await asyncio.gather(*ticks)]

    def due(self, group: str, name: str, after: datetime, count: int) -> list[str]:
        """Return the next scheduled times of a schedule, whatever its state; LookupError: none."""
        _, schedule = _find(group, name)
        found: list[str] = []
        for _ in range(count):
            due = next_due(schedule, after)
            if due is None:
                break
            found.append(written(due))
            after = due
        return found

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            now = datetime.now(UTC)
            for key, schedule in list(seams.schedules().items()):
                try:
                    self._fire_due(key, schedule, now)
                except Exception:
                    _log.exception("%s cannot be fired", schedule.get("Arn"))
            for key in self._due.keys() - seams.schedules().keys():
                del self._due[key]

    def _fire_due(self, key: seams.Key, schedule: Json, now: datetime) -> None:
        if schedule["State"] != "ENABLED":
            return
        changed_at = schedule["LastModificationDate"]
        known = self._due.get(key)
        due = known[1] if known and known[0] == changed_at else _first_due(schedule, changed_at)
        if due is not None and due <= now:
            self._keep(self._delivery.deliver(Caller(*key[:2]), schedule, due))
            due = next_due(schedule, due)
        self._due[key] = changed_at, due
        if due is None and schedule.get("ActionAfterCompletion") == "DELETE":
            seams.schedules().pop(key, None)

    def _keep(self, work: Coroutine[None, None, object]) -> None:
        going = asyncio.create_task(work)
        self._going.add(going)  # a loop only has weak references
        going.add_done_callback(self._going.discard)


def _find(group: str, name: str) -> tuple[seams.Key, Json]:
    found = [one for one in seams.schedules().items() if one[0][2] == f"{group}/{name}"]
    if not found:
        raise LookupError(f"there is no schedule {group}/{name}")
    return found[0]


def _first_due(schedule: Json, changed_at: float) -> datetime | None:
    """Return when a schedule is due that is new or was changed; a moment past, for ``at``."""
    just_before = datetime.fromtimestamp(changed_at, UTC) - timedelta(microseconds=1)
    return once(schedule) or next_due(schedule, just_before)


def check(schedule: Json) -> None:
    """Raise what CreateSchedule and UpdateSchedule answer to a schedule that cannot be."""
    try:
        if schedule.get("ScheduleExpression"):  # what is missing is ministack's to say
            next_due({"CreationDate": 0, **schedule}, datetime.now(UTC))
    except BadExpression as error:
        raise ServiceError("ValidationException", str(error)) from error
    start = schedule.get("StartDate")
    if start is not None and float(start) < time.time() - _OLDEST_START_S:
        message = "The StartDate you specify cannot be earlier than 5 minutes ago."
        raise ServiceError("ValidationException", message)
    targets.check(schedule.get("Target") or {})
