"""What a target asks of ECS, of rules and schedules, and which targets schedules cannot have.

Sources, read 2026-11: "Using universal targets in EventBridge Scheduler" and "Adding context
attributes in EventBridge Scheduler" (docs.aws.amazon.com/scheduler/latest/UserGuide/), botocore's
model of ECS, and for the words about missing fields what people have met when they wrote a
request's names as the SDKs have them.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, Shape, StructureShape

from emulator.wire import Json, ServiceError

_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
#: With these begins what only reads, and cannot be a target.
_READ_ONLY = (
    "get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read",
    "lookup", "discover", "validate", "batchGet", "batchDescribe", "batchRead", "transactGet",
    "adminGet", "adminList", "testMigration", "retrieve", "testConnection", "translateDocument",
    "isAuthorized", "invokeModel",
)  # fmt: skip


def call_of(target: Json, given: str, started_by: str) -> tuple[str, Json] | None:
    """Return the action and parameters that a target asks of ECS; None: it is another's.

    Parameters
    ----------
    target
        Of a rule or schedule.
    given
        Its ``Input``, without context attributes; empty: none.
    started_by
        What AWS marks tasks with that it starts itself; a universal target is the user's word.
    """
    arn = target.get("Arn", "")
    if arn.startswith(f"{_UNIVERSAL}ecs:"):
        action = _upper(arn.rsplit(":", 1)[1])
        return action, _as_sdks_have_it(json.loads(given or "{}"), _request(action))
    if not (arn.startswith("arn:aws:ecs:") and ":cluster/" in arn):
        return None
    params = _camel(target.get("EcsParameters") or {})
    params["taskDefinition"] = params.pop("taskDefinitionArn", "")
    params["count"] = params.pop("taskCount", 1)
    params |= {"cluster": arn, "startedBy": started_by}
    if given:
        params["overrides"] = json.loads(given)
    return "RunTask", params


def with_context(given: str, attributes: Mapping[str, str]) -> str:
    """Return an Input with its context attributes replaced: in the text, wherever they stand."""
    for name, value in attributes.items():
        given = given.replace(f"<aws.scheduler.{name}>", value)
    return given


def check(target: Json) -> None:
    """Raise what CreateSchedule and UpdateSchedule answer to a target that cannot be."""
    service, _, action = target.get("Arn", "").removeprefix(_UNIVERSAL).partition(":")
    if not target.get("Arn", "").startswith(_UNIVERSAL):
        return
    if action.startswith(_READ_ONLY):
        raise _invalid(f"{target['Arn']} is not a supported target: {action} only reads.")
    if service != "ecs":
        return
    try:
        given = json.loads(target.get("Input") or "{}")
    except ValueError:
        raise _invalid("Invalid RequestJson provided. Reason Input is no JSON.") from None
    try:
        _as_sdks_have_it(given, _request(_upper(action)))
    except _BadShape as error:
        raise _invalid(f"Invalid RequestJson provided. Reason {error}") from None


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


class _BadShape(Exception):
    """A request that its action cannot have."""


def _as_sdks_have_it(value: Any, shape: Shape) -> Any:
    """Return a request with the names that ECS has for what a universal target names Like So."""
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise _BadShape(f"{shape.name} must be a JSON object.")
        known = {_upper(name): name for name in shape.members}
        if missing := [
            _upper(name) for name in shape.required_members if _upper(name) not in value
        ]:
            raise _BadShape(
                f"Request payload is missing the following field(s): {', '.join(missing)}."
            )
        if unknown := sorted(value.keys() - known):
            raise _BadShape(f"{shape.name} has no field {', '.join(unknown)}.")
        return {known[name]: _as_sdks_have_it(inner, shape.members[known[name]])
                for name, inner in value.items()}  # fmt: skip
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _BadShape(f"{shape.name} must be a JSON array.")
        return [_as_sdks_have_it(one, shape.member) for one in value]
    return value


@cache
def _request(action: str) -> Shape:
    """Return the shape of a request of ECS."""
    model = botocore.session.Session().get_service_model("ecs")
    if action not in model.operation_names:
        raise _BadShape(f"ECS has no action {action}.")
    shape: Shape = model.operation_model(action).input_shape
    return shape


def _camel(value: Any) -> Any:
    """Return a value with the first letter of all its names in lower case, as ECS has them."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(inner) for name, inner in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]
