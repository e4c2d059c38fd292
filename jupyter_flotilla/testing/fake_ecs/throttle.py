"""The account's token buckets.

Source of the numbers: "Request throttling for the Amazon ECS API",
docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html, and "AWS Fargate
throttling quotas", docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html; for logs
"CloudWatch Logs quotas"; all read 2026-11, none tried on a real account.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from jupyter_flotilla.testing.fake_ecs.refusals import throttled


class BucketSize(NamedTuple):
    """How large a bucket is."""

    #: Calls that a full bucket holds.
    burst: float
    #: Calls that come back each second.
    refill: float


#: Category → size of its bucket.
BUCKETS: Mapping[str, BucketSize] = {
    "cluster-resource-modify": BucketSize(100, 40),
    "cluster-resource-read": BucketSize(100, 20),
    "task-definition-modify": BucketSize(20, 1),
    "task-definition-read": BucketSize(50, 20),
    "task-definition-delete": BucketSize(5, 1),
    "cluster-read": BucketSize(50, 20),
    "cluster-modify": BucketSize(20, 1),
    "tag-modify": BucketSize(20, 10),
    "capacity-provider-read": BucketSize(50, 20),
    # on top of the API's: calls, and tasks of each kind
    "fargate-run-task": BucketSize(20, 20),
    "fargate-on-demand-tasks": BucketSize(100, 20),
    "fargate-spot-tasks": BucketSize(100, 20),
    # 10 a second in several regions
    "log-read": BucketSize(25, 25),
}
#: Action → its category. Other actions are not limited here.
CATEGORIES: Mapping[str, str] = {
    "RunTask": "cluster-resource-modify",
    "StopTask": "cluster-resource-modify",
    "DescribeTasks": "cluster-resource-read",
    "ListTasks": "cluster-resource-read",
    "RegisterTaskDefinition": "task-definition-modify",
    "DeregisterTaskDefinition": "task-definition-modify",
    "DescribeTaskDefinition": "task-definition-read",
    "ListTaskDefinitions": "task-definition-read",
    "DeleteTaskDefinitions": "task-definition-delete",
    "DescribeClusters": "cluster-read",
    "CreateCluster": "cluster-modify",
    "TagResource": "tag-modify",
    "DescribeCapacityProviders": "capacity-provider-read",
    "GetLogEvents": "log-read",
}


class Throttle:
    """The buckets, as full as they are now.

    Parameters
    ----------
    buckets
        Sizes by category; a category that is not there has no limit.
    now
        Gives the time in seconds.
    """

    def __init__(self, buckets: Mapping[str, BucketSize], now: Callable[[], float]) -> None:
        self._buckets = buckets
        self._now = now
        self._levels: dict[str, tuple[float, float]] = {}

    def take_call(self, action: str) -> None:
        """Take one call of an action from the bucket of its category, or raise."""
        category = CATEGORIES.get(action)
        if category is not None:
            self.take({category: 1})

    def take(self, amounts: Mapping[str, float]) -> None:
        """Take from several buckets, or from none of them and raise ``ThrottlingException``."""
        amounts = {name: amount for name, amount in amounts.items() if name in self._buckets}
        if any(self.level(name) < amount for name, amount in amounts.items()):
            raise throttled()
        for name, amount in amounts.items():
            self._levels[name] = (self.level(name) - amount, self._now())

    def level(self, category: str) -> float:
        """Return how much a bucket holds now."""
        burst, refill = self._buckets[category]
        level, at = self._levels.get(category, (burst, self._now()))
        return min(burst, level + (self._now() - at) * refill)
