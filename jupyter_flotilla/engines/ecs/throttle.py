"""How fast AWS may be asked: token buckets a kind of call, slower after each "not so fast".

AWS's own buckets belong to a whole account and region: its console, its CI and everybody's services
drink from them too. So only a share is used, and what AWS answers is learned from.
"""

import itertools
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from jupyter_flotilla.protocol import read_json, write_json

#: Of botocore 1.44.8, ``botocore/retries/standard.py``, ``ThrottledRetryableChecker``.
THROTTLE_CODES = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
    "TooManyRequestsException", "ProvisionedThroughputExceededException",
    "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
    "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
    "EC2ThrottledException",
})  # fmt: skip
#: What a throttle is called where its code is another's (met by users of other launchers; the
#: last is of RegisterTaskDefinition).
_DISGUISED = re.compile(
    "Rate exceeded|ErrorCode: Throttling|Too many concurrent attempts to create a new revision"
)
#: Of a bucket's size, for each part of its rate that is used: half the rate, a fifth of the size.
_BURST_PART = 0.4
#: The slowest that answers can make a bucket, as a part of its own rate.
_SLOWEST = 1 / 64
#: How much faster it becomes again in a second: 5 % in ten.
_RECOVERY_PER_S = 0.05 / 10
#: The shortest wait: a clock of large numbers does not see less.
_TICK_S = 0.001
#: Answers within so many seconds are of one moment, and slow it down once.
_ONE_MOMENT_S = 1.0


class Category(StrEnum):
    """Calls that share a bucket."""

    FARGATE_RUN_TASK = "fargate-run-task"
    CLUSTER_RESOURCE_MODIFY = "cluster-resource-modify"
    CLUSTER_RESOURCE_READ = "cluster-resource-read"
    TASK_DEFINITION_MODIFY = "task-definition-modify"
    TASK_DEFINITION_READ = "task-definition-read"
    TASK_DEFINITION_DELETION = "task-definition-deletion"
    CLUSTER_READ = "cluster-read"
    CLUSTER_MODIFY = "cluster-modify"
    TAG_MODIFY = "tag-modify"
    CAPACITY_PROVIDER_READ = "capacity-provider-read"
    SETTING_READ = "setting-read"
    LOGS = "logs"
    OTHER = "other"


class Priority(IntEnum):
    """Who goes first where several wait; the smaller, the sooner."""

    STOP = 0
    LAUNCH = 1
    STATUS = 2
    LOGS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """How many calls at once, and how many a second for long."""

    burst: float
    refill_per_s: float


#: Of one account in one region. "Request throttling for the Amazon ECS API",
#: docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html; of RunTask on Fargate
#: "AWS Fargate throttling quotas", docs.aws.amazon.com/AmazonECS/latest/userguide/throttling.html
#: (the burst there is the lasting rate); both read 2026-10.
AWS_LIMITS: Mapping[Category, Limit] = {
    Category.FARGATE_RUN_TASK: Limit(burst=20, refill_per_s=20),
    Category.CLUSTER_RESOURCE_MODIFY: Limit(burst=100, refill_per_s=40),
    Category.CLUSTER_RESOURCE_READ: Limit(burst=100, refill_per_s=20),
    Category.TASK_DEFINITION_MODIFY: Limit(burst=20, refill_per_s=1),
    Category.TASK_DEFINITION_READ: Limit(burst=50, refill_per_s=20),
    Category.TASK_DEFINITION_DELETION: Limit(burst=5, refill_per_s=1),
    Category.CLUSTER_READ: Limit(burst=50, refill_per_s=20),
    Category.CLUSTER_MODIFY: Limit(burst=20, refill_per_s=1),
    Category.TAG_MODIFY: Limit(burst=20, refill_per_s=10),
    Category.CAPACITY_PROVIDER_READ: Limit(burst=50, refill_per_s=20),
    Category.SETTING_READ: Limit(burst=50, refill_per_s=20),
}
#: Whatever the share: GetLogEvents may be called 10 to 30 times a second, by region
#: (docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html, read 2026-10), and
#: people who look at logs in the console want some; the rest is asked for rarely.
_OWN_LIMITS: Mapping[Category, Limit] = {
    Category.LOGS: Limit(burst=3, refill_per_s=3),
    Category.OTHER: Limit(burst=5, refill_per_s=5),
}
_MODIFY, _READ = Category.CLUSTER_RESOURCE_MODIFY, Category.CLUSTER_RESOURCE_READ
_OF_ECS: Mapping[str, Category] = {
    "RunTask": _MODIFY,
    "StopTask": _MODIFY,
    "DescribeTasks": _READ,
    "ListTasks": _READ,
    "DescribeContainerInstances": _READ,
    "ListContainerInstances": _READ,
    "RegisterTaskDefinition": Category.TASK_DEFINITION_MODIFY,
    "DeregisterTaskDefinition": Category.TASK_DEFINITION_MODIFY,
    "DescribeTaskDefinition": Category.TASK_DEFINITION_READ,
    "ListTaskDefinitions": Category.TASK_DEFINITION_READ,
    "ListTaskDefinitionFamilies": Category.TASK_DEFINITION_READ,
    "DeleteTaskDefinitions": Category.TASK_DEFINITION_DELETION,
    "DescribeClusters": Category.CLUSTER_READ,
    "ListClusters": Category.CLUSTER_READ,
    "CreateCluster": Category.CLUSTER_MODIFY,
    "PutClusterCapacityProviders": Category.CLUSTER_MODIFY,
    "TagResource": Category.TAG_MODIFY,
    "UntagResource": Category.TAG_MODIFY,
    "DescribeCapacityProviders": Category.CAPACITY_PROVIDER_READ,
    "ListAccountSettings": Category.SETTING_READ,
}
#: Services whose calls have limits of thousands a second, or none that matters here.
_UNLIMITED = frozenset({"sqs", "s3"})


def categories(service: str, action: str, *, is_fargate: bool = True) -> tuple[Category, ...]:
    """Return the buckets that a call takes a token from each; that of its own kind first.

    Parameters
    ----------
    service, action
        As boto3 and the API reference call them: ``ecs``, ``RunTask``.
    is_fargate
        Of RunTask: whether its task will run on Fargate, which has a limit of its own.
    """
    if service in _UNLIMITED:
        return ()
    if service == "logs":
        return (Category.LOGS,)
    if service != "ecs":
        return (Category.OTHER,)
    category = _OF_ECS.get(action, Category.OTHER)
    is_own = action == "RunTask" and is_fargate
    return (Category.FARGATE_RUN_TASK, category) if is_own else (category,)


def priority(service: str, action: str) -> Priority:
    """Return who goes before whom."""
    if service == "logs":
        return Priority.LOGS
    return {"StopTask": Priority.STOP, "RunTask": Priority.LAUNCH}.get(action, Priority.STATUS)


def is_throttle(error: BaseException) -> bool:
    """Say whether an error of botocore is AWS's "not so fast", under whichever name."""
    response = getattr(error, "response", None)
    return isinstance(response, dict) and is_throttle_answer(response)


def is_throttle_answer(response: Mapping[str, Any]) -> bool:
    """Say whether an answer, as botocore reads it, is a throttle."""
    answer = response.get("Error") or {}
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    return code in THROTTLE_CODES or _DISGUISED.search(message) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket of tokens at one moment; what happens to it makes another."""

    limit: Limit
    tokens: float
    #: When that was so, in seconds of a clock that never goes back.
    at: float
    #: Part of the limit's rate that AWS has lately allowed: additive increase, multiplicative
    #: decrease.
    allowed: float = 1.0
    halved_at: float = -1e9

    @classmethod
    def full(cls, limit: Limit, now: float, allowed: float = 1.0) -> "Bucket":
        """Return a bucket that nobody has taken from."""
        return cls(limit=limit, tokens=limit.burst, at=now, allowed=allowed)

    @property
    def rate_per_s(self) -> float:
        """Tokens that come in a second."""
        return self.limit.refill_per_s * self.allowed

    def later(self, now: float) -> "Bucket":
        """Return what it is at ``now``."""
        passed_s = max(0.0, now - self.at)
        allowed = min(1.0, self.allowed + passed_s * _RECOVERY_PER_S)
        came = passed_s * self.limit.refill_per_s * (self.allowed + allowed) / 2
        tokens = min(self.limit.burst, self.tokens + came)
        return replace(self, tokens=tokens, at=max(now, self.at), allowed=allowed)

    def wait_s(self) -> float:
        """Return how long until there is a token; 0: now."""
        # a billionth less will do: sums of fractions never quite make one
        return 0.0 if self.tokens > 1 - 1e-9 else (1 - self.tokens) / self.rate_per_s

    def taken(self) -> "Bucket":
        """Return it with one token less."""
        return replace(self, tokens=self.tokens - 1)

    def throttled(self) -> "Bucket":
        """Return it empty and at half the rate: AWS has said no."""
        if self.at - self.halved_at < _ONE_MOMENT_S:
            return replace(self, tokens=min(self.tokens, 0.0))
        allowed = max(_SLOWEST, self.allowed / 2)
        return replace(self, tokens=min(self.tokens, 0.0), allowed=allowed, halved_at=self.at)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    rank: tuple[int, int]
    categories: tuple[Category, ...]


class Throttle:
    """The buckets of one account and region, for all threads of a process.

    Every process has buckets of its own: nearly all calls are the dispatcher's, and of that there
    is one a home.

    Parameters
    ----------
    share
        Part of AWS's rates to use.
    file
        Where rates that were learned are kept; None: nowhere. Not to be read or written is
        harmless.
    name
        Whose they are in it, e.g. ``123456789012 us-east-1``.
    clock
        Seconds that never go back.
    wait
        Waits on a condition for at most so many seconds.
    """

    def __init__(
        self,
        share: float = 0.5,
        *,
        file: Path | None = None,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float], Any] = threading.Condition.wait,
    ) -> None:
        self._file, self._name = file, name
        self._clock, self._wait = clock, wait
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[_Waiter] = []
        now, learned = clock(), self._learned()
        self._buckets = {
            category: Bucket.full(limit, now, _part(learned.get(category)))
            for category, limit in limits(share).items()
        }
        self._saved = {category: bucket.allowed for category, bucket in self._buckets.items()}

    def acquire(
        self, wanted: tuple[Category, ...], rank: Priority, timeout_s: float = 30.0
    ) -> bool:
        """Take a token of each category, when it is this caller's turn.

        False, with nothing taken, if that cannot be within ``timeout_s`` seconds.
        """
        if not wanted:
            return True
        waiter = _Waiter((rank, next(self._numbers)), wanted)
        with self._changed:
            deadline = self._clock() + timeout_s
            self._waiting.append(waiter)
            try:
                return self._take_turn(waiter, deadline)
            finally:
                self._waiting.remove(waiter)
                self._changed.notify_all()

    def throttled(self, wanted: tuple[Category, ...]) -> None:
        """Learn that AWS has refused a call for its rate.

        Only its own kind becomes slower: a RunTask that Fargate holds up must not hold up stops.
        """
        if not wanted:
            return
        with self._changed:
            bucket = self._buckets[wanted[0]].later(self._clock())
            self._buckets[wanted[0]] = bucket.throttled()
            self._save()

    def rate_per_s(self, category: Category) -> float:
        """Return how many calls a second a category may make now."""
        with self._changed:
            return self._buckets[category].later(self._clock()).rate_per_s

    def _take_turn(self, waiter: _Waiter, deadline: float) -> bool:
        while True:
            now = self._clock()
            for category in waiter.categories:
                self._buckets[category] = self._buckets[category].later(now)
            pause_s, left_s = self._pause_s(waiter), deadline - now
            if pause_s == 0:
                for category in waiter.categories:
                    self._buckets[category] = self._buckets[category].taken()
                self._note_recovery(waiter.categories)
                return True
            if left_s <= 0 or (pause_s is not None and pause_s > left_s):
                return False
            self._wait(self._changed, left_s if pause_s is None else max(pause_s, _TICK_S))

    def _pause_s(self, waiter: _Waiter) -> float | None:
        """Return how long until all tokens are there; None: another goes first."""
        for other in self._waiting:
            if other.rank < waiter.rank and set(other.categories) & set(waiter.categories):
                return None
        return max(self._buckets[category].wait_s() for category in waiter.categories)

    def _note_recovery(self, wanted: tuple[Category, ...]) -> None:
        """Write down that a rate is as it was; what is between is not worth a file each time."""
        if any(self._buckets[one].allowed >= 1 > self._saved[one] for one in wanted):
            self._save()

    def _learned(self) -> Mapping[str, Any]:
        rates = self._kept().get(self._name)
        return rates if isinstance(rates, dict) else {}

    def _kept(self) -> dict[str, Any]:
        if self._file is not None:
            with suppress(OSError):
                return read_json(str(self._file)) or {}
        return {}

    def _save(self) -> None:
        self._saved = {category: bucket.allowed for category, bucket in self._buckets.items()}
        if self._file is None:
            return
        slow = {str(one): round(part, 4) for one, part in self._saved.items() if part < 1}
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            write_json(str(self._file), {**self._kept(), self._name: slow})


def limits(share: float) -> dict[Category, Limit]:
    """Return how fast we go, by the part of AWS's rates that we use."""
    ours = {
        category: Limit(
            burst=max(1.0, limit.burst * share * _BURST_PART),
            refill_per_s=limit.refill_per_s * share,
        )
        for category, limit in AWS_LIMITS.items()
    }
    return ours | dict(_OWN_LIMITS)


def _part(value: Any) -> float:
    """Return what a file says was learned; whatever is no part is as if nothing was."""
    is_part = isinstance(value, (int, float)) and not isinstance(value, bool)
    return max(_SLOWEST, float(value)) if is_part and 0 < value <= 1 else 1.0
