"""The few private parts of ministack that are used here, all of them, for one release.

Everything else goes through its wire (`inner`). What is private may change with any release, so
`__main__` refuses another one than this.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge, scheduler

from emulator.wire import Caller, Json

RELEASE = "1.5.33"
_TICK_S = 1  # ministack looks every 10 s at what is due; tests wait for it

_log = logging.getLogger(__name__)

#: Takes what a rule or schedule asks of ECS: the caller, the action and its parameters.
Start = Callable[[Caller, str, Json], None]


def put_event(account: str, region: str, resource: str, detail: Json) -> None:
    """Put an event of ECS onto the default bus: PutEvents refuses ``aws.ecs`` as a source."""
    entry = {
        "Source": "aws.ecs",
        "DetailType": "ECS Task State Change",
        "Resources": [resource],
        "Detail": json.dumps(detail),
    }
    with request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def send_targets_to(start: Start) -> None:
    """Have rules and schedules whose target is ECS start tasks here; ministack drops them."""
    pass_on = eventbridge._invoke_target
    scheduler._SCHEDULE_TICK_INTERVAL = eventbridge._SCHEDULER_TICK_INTERVAL = _TICK_S

    def invoke(target: Json, event: Json, rule: Json, view: Any = None) -> None:
        call = _call_of(target, event, rule)
        if call is None:
            pass_on(target, event, rule, view)
            return
        start(Caller(get_account_id(), get_region()), *call)

    eventbridge._invoke_target = invoke


def _call_of(target: Json, event: Json, rule: Json) -> tuple[str, Json] | None:
    """Return the action and parameters that a target asks of ECS; None: it is another's."""
    arn = target.get("Arn", "")
    if arn.startswith("arn:aws:scheduler:::aws-sdk:ecs:"):
        action = arn.rsplit(":", 1)[1]
        return action[:1].upper() + action[1:], _camel(json.loads(target.get("Input") or "{}"))
    if not (arn.startswith("arn:aws:ecs:") and ":cluster/" in arn):
        return None
    params = _camel(target.get("EcsParameters") or {})
    params["taskDefinition"] = params.pop("taskDefinitionArn", "")
    params["count"] = params.pop("taskCount", 1)
    # what AWS marks tasks with that it starts itself
    is_schedule = event.get("Source") == "aws.scheduler"
    mark = "chronos-schedule/" if is_schedule else "events-rule/"
    params |= {"cluster": arn, "startedBy": mark + rule.get("Name", "")}
    if target.get("Input"):
        params["overrides"] = json.loads(target["Input"])
    return "RunTask", params


def _camel(value: Any) -> Any:
    """Return a value with the first letter of all its names in lower case, as ECS has them."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(inner) for name, inner in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list) else value
