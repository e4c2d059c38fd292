"""Client tokens of RunTask: the same request again gives the same tasks.

"Ensuring idempotency", docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html, read
2026-11. Tokens do not lapse here: they live for the lower of a day and an hour after the task.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from emulator.task import Task
from emulator.wire import Json, ServiceError


@dataclass(frozen=True, slots=True)
class Launch:
    """What a request with a token came to."""

    fingerprint: str
    tasks: Sequence[Task]
    failures: Sequence[Json]

    def replayed(self) -> Json:
        """Return the answer to the same request again: of stopped tasks only three words."""
        return {
            "tasks": [_replayed(task) for task in self.tasks],
            "failures": list(self.failures),
        }


class Tokens:
    """The tokens of all clusters."""

    def __init__(self) -> None:
        self._launches: dict[tuple[str, str], Launch] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    def lock(self, cluster_arn: str, token: str) -> asyncio.Lock:
        """Return what one must hold who asks for a token and then keeps it."""
        return self._locks.setdefault((cluster_arn, token), asyncio.Lock())

    def find(self, cluster_arn: str, token: str, params: Json) -> Launch | None:
        """Return what a token came to.

        Raises
        ------
        ServiceError
            ``ConflictException`` if the request was another.
        """
        launch = self._launches.get((cluster_arn, token))
        if launch is not None and launch.fingerprint != _fingerprint(params):
            raise ServiceError(
                "ConflictException",
                "The provided clientToken is already in use with a different RunTask request.",
                resourceIds=[task.arn for task in launch.tasks],
            )
        return launch

    def keep(
        self,
        cluster_arn: str,
        token: str,
        params: Json,
        tasks: Sequence[Task],
        failures: Sequence[Json],
    ) -> None:
        """Note what a token came to, a refusal too."""
        self._launches[cluster_arn, token] = Launch(_fingerprint(params), tasks, failures)


def _replayed(task: Task) -> Json:
    shown = task.describe()
    if task.status != "STOPPED":
        return shown
    return {name: shown[name] for name in ("taskArn", "lastStatus", "desiredStatus")}


def _fingerprint(params: Json) -> str:
    same = {name: value for name, value in params.items() if name not in ("cluster", "clientToken")}
    return json.dumps(same, sort_keys=True)
