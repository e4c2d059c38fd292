"""An event of ECS as it comes from a queue: EventBridge's envelope, and a task in it.

Source: "Amazon ECS task state change events", docs.aws.amazon.com/AmazonECS/latest/developerguide/
ecs_task_events.html, read 2026-11. Never verified on AWS.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_SOURCE, _DETAIL_TYPE = "aws.ecs", "ECS Task State Change"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent:
    """That a task has changed."""

    #: As DescribeTasks has it, but for its tags.
    task: Mapping[str, Any]
    #: When it was sent, by AWS's clock; None: it does not say.
    sent_at: datetime | None

    @property
    def arn(self) -> str:
        """ARN of the task."""
        return str(self.task["taskArn"])

    @property
    def version(self) -> int:
        """Grows with each change of a task; events that come twice have the same."""
        return int(self.task["version"])


class NotOurs(ValueError):
    """A message is no event of a task of this home; its text says what it is instead."""


def read_event(body: str, started_by: str) -> TaskEvent:
    """Return the event that a message holds.

    Parameters
    ----------
    body
        Of the message: an envelope of EventBridge, as JSON.
    started_by
        How ``startedBy`` of our tasks begins.

    Raises
    ------
    NotOurs
        If it is anything else. Its words quote no more of a message than what tells whose it is.
    """
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise NotOurs("text that is no JSON") from None
    kind = envelope.get("detail-type") if isinstance(envelope, dict) else None
    if not isinstance(kind, str):
        raise NotOurs("JSON that is no event of EventBridge")
    if (envelope.get("source"), kind) != (_SOURCE, _DETAIL_TYPE):
        raise NotOurs(f"events of another kind ({kind[:80]!r})")
    detail = envelope.get("detail")
    if not isinstance(detail, dict) or not _has_a_task(detail):
        raise NotOurs("events of ECS without a task in them")
    mark = detail.get("startedBy")
    if not isinstance(mark, str) or not mark.startswith(started_by):
        # the part after the last slash is a run of somebody else's
        whose = mark.rpartition("/")[0] if isinstance(mark, str) else ""
        raise NotOurs(f"events of tasks that {whose or 'somebody'} has started"[:200])
    return TaskEvent(task=_with_times(detail), sent_at=_instant(envelope.get("time")))


def _has_a_task(detail: Mapping[str, Any]) -> bool:
    version = detail.get("version")
    return (
        isinstance(detail.get("taskArn"), str)
        and isinstance(detail.get("lastStatus"), str)
        and isinstance(version, int)
        and not isinstance(version, bool)
    )


def _with_times(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task with its times as DescribeTasks gives them; without what is no time."""
    task = dict(detail)
    for name in [name for name in task if name.endswith("At")]:
        if (at := _instant(task.pop(name))) is not None:
            task[name] = at
    return task


def _instant(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None
