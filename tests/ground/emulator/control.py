"""``/_flotilla/``: how tests spoil calls, end tasks and look behind the API.

======================================  =========================================================
``GET ground``                          which code answers, and what it has here
``POST faults``                         plan one (`emulator.faults.Fault`)
``GET faults?cluster=C``                what is planned and has not come yet
``GET calls?cluster=C``                 action → number of calls; no cluster: those that name none
``GET tasks?cluster=C``                 all its tasks, as DescribeTasks shows them
``POST tasks/ID/stop``                  end it as AWS would: ``stop_code``, ``reason``, ``grace_s``;
                                        nothing said: a Spot interruption
``POST tasks/ID/kill``                  send ``signal`` (SIGKILL) to its containers
``POST tasks/ID/forget``                DescribeTasks then says MISSING
``POST schedules/GROUP/NAME/fire``      invoke its target for ``scheduled_at`` (as in
                                        ``2026-11-26T09:00:00Z``; now), ``times`` times (1)
``GET schedules/GROUP/NAME/due``        its next scheduled times: ``?after=…&count=…`` (now, 1)
``POST clean?cluster=C``                forget its faults and counts, kill its tasks
======================================  =========================================================

A schedule is fired whatever its state, its expression and the clock say, and all its ticks at
once, as AWS may deliver one more than once. The answer comes when nothing is tried any more, with
a `emulator.delivery.Outcome` a tick: ``attempts``, ``execution_id``, ``answer`` (what RunTask
said), or ``error_code``, ``error_message`` and which limit was ``exhausted``.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from emulator.actions import Tasks
from emulator.docker import DockerError
from emulator.faults import BadPlan, Faults
from emulator.life import Lives
from emulator.schedules import Schedules
from emulator.task import SPOT_INTERRUPTED, Ending, Task
from emulator.wire import Answer, Json, json_answer

PREFIX = "/_flotilla/"


class Control:
    """Answers tests.

    Parameters
    ----------
    tasks, lives, faults, schedules
        What tests change.
    ground
        What is said of this emulator.
    """

    def __init__(
        self,
        tasks: Tasks,
        lives: Lives,
        faults: Faults,
        schedules: Schedules,
        ground: Mapping[str, object],
    ) -> None:
        self._tasks = tasks
        self._lives = lives
        self._faults = faults
        self._schedules = schedules
        self._ground = ground

    async def answer(self, method: str, path: str, query: str, body: bytes) -> Answer:
        """Answer a request."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            said = {**asked, **json.loads(body or b"{}")}
            return json_answer(await self._do(method, path.removeprefix(PREFIX), said))
        except (BadPlan, ValueError, TypeError) as error:
            return json_answer({"message": str(error)}, 400)
        except LookupError as error:
            return json_answer({"message": str(error)}, 404)
        except DockerError as error:
            return json_answer({"message": str(error)}, 409)

    async def _do(self, method: str, what: str, said: Json) -> object:
        cluster = said.get("cluster")
        match method, what.split("/"):
            case "GET", ["ground"]:
                return dict(self._ground)
            case "POST", ["faults"]:
                self._faults.plan(said)
                return {}
            case "GET", ["faults"]:
                return self._faults.left(cluster)
            case "GET", ["calls"]:
                return self._faults.calls(cluster)
            case "GET", ["tasks"]:
                return [task.describe() for task in self._of(cluster)]
            case "POST", ["tasks", name, verb]:
                return await self._change(name, verb, said)
            case "POST", ["schedules", group, name, "fire"]:
                due = _time(said.get("scheduled_at"))
                return await self._schedules.fire(group, name, due, said.get("times", 1))
            case "GET", ["schedules", group, name, "due"]:
                after, count = _time(said.get("after")), int(said.get("count", 1))
                return self._schedules.due(group, name, after, count)
            case "POST", ["clean"]:
                return await self._clean(cluster)
        raise LookupError(f"nothing is at {method} {PREFIX}{what}")

    async def _change(self, name: str, verb: str, said: Json) -> Json:
        task = self._tasks.find(name)
        if task is None:
            raise LookupError(f"there is no task {name}")
        match verb:
            case "stop":
                stop_code, reason = SPOT_INTERRUPTED
                self._lives.stop(task, Ending(**{"stop_code": stop_code, "reason": reason, **said}))
            case "kill":
                await self._lives.kill(task, said.get("signal", "SIGKILL"))
            case "forget":
                self._tasks.forget(task)
            case _:
                raise LookupError(f"{verb} cannot be done to a task")
        return {}

    async def _clean(self, cluster: str | None) -> Json:
        self._faults.clear(cluster)
        for task in self._of(cluster):
            ending = Ending(stop_code="UserInitiated", reason="its test is over", grace_s=0)
            self._lives.stop(task, ending)
        return {}

    def _of(self, cluster: str | None) -> list[Task]:
        return [task for task in self._tasks if task.cluster == cluster]


def _time(named: str | None) -> datetime:
    """Return the time that a request names, or now."""
    if named is None:
        return datetime.now(UTC)
    time = datetime.fromisoformat(named)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
