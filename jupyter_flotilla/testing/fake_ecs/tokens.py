"""Client tokens of RunTask: what makes a replay harmless, for a while.

Source of all rules here: "Ensuring idempotency", docs.aws.amazon.com/AmazonECS/latest/
APIReference/ECS_Idempotency.html, read 2026-11; not tried on a real account.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError, invalid
from jupyter_flotilla.testing.fake_ecs.task import Task

#: A token lives for the lower of a day, and the life of its tasks plus an hour.
TTL_S = 24 * 3600.0
GRACE_S = 3600.0
_LONGEST = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What came of one RunTask request."""

    fingerprint: str
    created_at: float
    tasks: Sequence[Task]
    failures: Sequence[Json]

    def expires_at(self) -> float:
        """Return when its token is forgotten.

        "The lifetime of a resource" goes from the creation to STOPPED, of the last of several
        tasks. A launch without tasks has a lifetime of nothing [inferred].
        """
        day = self.created_at + TTL_S
        if any(task.status != "STOPPED" for task in self.tasks):
            return day
        ends = [task.times["stoppedAt"] for task in self.tasks]
        return min(day, max(ends, default=self.created_at) + GRACE_S)


class Tokens:
    """The tokens that are still known, each of one cluster."""

    def __init__(self) -> None:
        self._launches: dict[tuple[str, str], Launch] = {}

    def replay(self, cluster_arn: str, params: Json, now: float) -> Launch | None:
        """Return what this request came to before, or None if it is new.

        Raises
        ------
        ServiceError
            ConflictException: the token is another request's.
        """
        token = params.get("clientToken")
        if token is None:
            return None
        _check(token)
        launch = self._launches.get((cluster_arn, token))
        if launch is None:
            return None
        if now >= launch.expires_at():
            del self._launches[cluster_arn, token]
            return None
        if launch.fingerprint != _fingerprint(params):
            raise ServiceError(
                "ConflictException",
                # the words are not documented
                "The provided clientToken is already in use with a different RunTask request.",
                resourceIds=[task.arn for task in launch.tasks],
            )
        return launch

    def keep(
        self,
        cluster_arn: str,
        params: Json,
        now: float,
        tasks: Sequence[Task],
        failures: Sequence[Json],
    ) -> Launch:
        """Remember what a new request came to, a refusal too."""
        launch = Launch(
            fingerprint=_fingerprint(params), created_at=now, tasks=tasks, failures=failures
        )
        token = params.get("clientToken")
        if token is not None:
            self._launches[cluster_arn, token] = launch
        return launch


def replayed(launch: Launch, now: float) -> Json:
    """Return the answer to a replay.

    Of stopped tasks it has the ARN and two words only, and of refusals older than an hour no more
    than how many there were (here as empty entries [inferred]).
    """
    is_old = now - launch.created_at > GRACE_S
    return {
        "tasks": [_replayed_task(task) for task in launch.tasks],
        "failures": [{} if is_old else failure for failure in launch.failures],
    }


def _replayed_task(task: Task) -> Json:
    shown = task.describe()
    if task.status != "STOPPED":
        return shown
    return {name: shown[name] for name in ("taskArn", "lastStatus", "desiredStatus")}


def _fingerprint(params: Json) -> str:
    """Return what makes a request the same: all of it but the cluster, which is in the key."""
    same = {name: value for name, value in params.items() if name not in ("cluster", "clientToken")}
    return json.dumps(same, sort_keys=True)


def _check(token: str) -> None:
    if not 1 <= len(token) <= _LONGEST or not all(33 <= ord(letter) <= 126 for letter in token):
        raise invalid(  # [unverified wording]
            "clientToken must be 1 to 64 ASCII characters in the range of 33-126."
        )
