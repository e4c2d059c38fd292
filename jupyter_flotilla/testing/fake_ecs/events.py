"""EventBridge: "ECS Task State Change" events, from rules into queues.

Source: "Amazon ECS task state change events", docs.aws.amazon.com/AmazonECS/latest/developerguide/
ecs_task_events.html, read 2026-11. That a rule can match a prefix of ``detail.startedBy`` is how
EventBridge's patterns are documented; it was not tried on a real account.
"""

import json
from dataclasses import dataclass

from jupyter_flotilla.testing.fake_ecs.clock import iso
from jupyter_flotilla.testing.fake_ecs.queue import Queue, Queues
from jupyter_flotilla.testing.fake_ecs.refusals import Json
from jupyter_flotilla.testing.fake_ecs.task import Task
from jupyter_flotilla.testing.fake_ecs.world import World


@dataclass(slots=True)
class Rule:
    """Which events go into a queue. Tests may set ``is_enabled``."""

    queue: Queue
    #: Only tasks of this cluster; None: of all.
    cluster_arn: str | None = None
    #: Only tasks whose startedBy begins so.
    started_by_prefix: str = ""
    is_enabled: bool = True

    def matches(self, task: Task) -> bool:
        return (
            self.is_enabled
            and self.cluster_arn in (None, task.cluster_arn)
            and (task.started_by or "").startswith(self.started_by_prefix)
        )


class Feed:
    """Sends an event for each change of a task, as late, as often or as seldom as it is set."""

    def __init__(self, world: World, queues: Queues) -> None:
        self._world = world
        self._queues = queues
        self.rules: list[Rule] = []

    def publish(self, task: Task) -> None:
        """Tell of a change, to all rules that want to know."""
        rules = [rule for rule in self.rules if rule.matches(task)]
        if rules:
            body = json.dumps(self.event(task))
            for rule in rules:
                self._send(rule.queue, body)

    def event(self, task: Task) -> Json:
        """Return the event of a task as it is now."""
        now = self._world.now
        return {
            "version": "0",
            "id": self._world.uuid(),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": self._world.settings.account,
            "time": iso(now).split(".")[0] + "Z",
            "region": self._world.settings.region,
            "resources": [task.arn],
            "detail": {**_with_iso_times(task.describe()), "updatedAt": iso(now)},
        }

    def _send(self, queue: Queue, body: str) -> None:
        settings = self._world.settings
        if self._world.chance(settings.event_losses):
            return
        for _ in range(1 + self._world.chance(settings.event_duplicates)):
            delay_s = self._world.random.uniform(*settings.event_delay_s)
            if delay_s > 0:
                self._world.after(delay_s, lambda: self._arrive(queue, body))
            else:
                self._arrive(queue, body)

    def _arrive(self, queue: Queue, body: str) -> None:
        self._queues.put(queue, body)


def _with_iso_times(detail: Json) -> Json:
    """Return a task with its times as events have them: text, not numbers."""
    return {
        name: iso(value) if name.endswith("At") and isinstance(value, float) else value
        for name, value in detail.items()
    }
