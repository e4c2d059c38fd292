"""The few private parts of ministack that are used here, all of them, for one release.

Everything else goes through its wire (`inner`). What is private may change with any release, so
`__main__` refuses another one than this.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import (
    get_account_id,
    get_region,
    new_uuid,
    request_scope,
    set_request_account_id,
)
from ministack.services import eventbridge, scheduler

from emulator.wire import Caller, Json

RELEASE = "1.5.33"
_TICK_S = 1  # ministack looks every 10 s at which rules are due; tests wait for it

#: Takes what a rule asks: the caller, its target and its name; says whether that is all to do.
Start = Callable[[Caller, Json, str], bool]
#: Account, region, and ``group/name`` of a schedule.
Key = tuple[str, str, str]

_invoke_target = eventbridge._invoke_target


def put_event(caller: Caller, kind: str, detail: Json, resources: list[str]) -> None:
    """Put an event of ECS onto the default bus: PutEvents refuses ``aws.ecs`` as a source."""
    entry = {
        "Source": "aws.ecs",
        "DetailType": kind,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    with request_scope(account_of(caller), caller.region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def account_of(caller: Caller) -> str:
    """Return the account that a caller's keys are of."""
    with request_scope("", caller.region):
        set_request_account_id(caller.access_key)
        account: str = get_account_id()
        return account


def send_rules_to(start: Start) -> None:
    """Have rules whose target is ECS start tasks here; ministack drops them."""
    eventbridge._SCHEDULER_TICK_INTERVAL = _TICK_S

    def invoke(target: Json, event: Json, rule: Json, view: Any = None) -> None:
        caller = Caller(get_account_id(), get_region())
        if not start(caller, target, rule.get("Name", "")):
            _invoke_target(target, event, rule, view)

    eventbridge._invoke_target = invoke


# --- EventBridge Scheduler ----------------------------------------------------------------------


def take_over_schedules() -> None:
    """Have ministack fire no schedule from now on."""
    scheduler._tick_schedules = lambda: None


def schedules() -> dict[Key, Json]:
    """Return all schedules, as GetSchedule shows them; what is removed from it is deleted."""
    every: dict[Key, Json] = scheduler._schedules._data
    return every


def invoke(caller: Caller, schedule: Json) -> None:
    """Invoke a target of a schedule that is not ECS, as ministack does."""
    event = {
        "EventId": new_uuid(),
        "Time": int(time.time()),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Resources": [schedule["Arn"]],
        "Account": caller.access_key,
        "Region": caller.region,
    }
    with request_scope(caller.access_key, caller.region):
        _invoke_target(schedule["Target"], event, schedule)


def rate_s(expression: str) -> int | None:
    """Return the seconds of ``rate(…)``; None: it is something else."""
    seconds: int | None = eventbridge._parse_rate_seconds(expression)
    return seconds


def cron(expression: str) -> Callable[[datetime], datetime | None] | None:
    """Return what gives the next time on the wall after another; None: it is no ``cron(…)``."""
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        return None

    def following(wall: datetime) -> datetime | None:
        found: datetime | None = eventbridge._cron_next_fire(fields, wall.replace(tzinfo=UTC))
        return None if found is None else found.replace(tzinfo=None)

    return following
