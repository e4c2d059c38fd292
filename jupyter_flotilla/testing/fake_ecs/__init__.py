"""A fake ECS, driven by real botocore clients: for tests of what launches tasks.

Emulators run containers; this one runs nothing, and has what they lack: client tokens with their
time to live and ``ConflictException``, the account's token buckets, ``failures``, tasks that are
MISSING for a while, the short memory of stopped tasks, events that come twice or in the wrong
order, and faults before and after the effect of a call.

>>> from jupyter_flotilla.testing.fake_ecs import FakeEcs, faults
>>> fake = FakeEcs(seed=1)
>>> fake.plan("DescribeClusters", faults.throttle())
>>> fake.client("ecs").describe_clusters()  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
botocore.exceptions.ClientError: An error occurred (ThrottlingException) when calling ...
>>> with fake.serve() as url:  # for another process: AWS_ENDPOINT_URL
...     url.startswith("http://127.0.0.1:")
True
"""

from jupyter_flotilla.testing.fake_ecs import endings, faults
from jupyter_flotilla.testing.fake_ecs.clock import ManualClock, WallClock
from jupyter_flotilla.testing.fake_ecs.endings import INSTANT, LEASE_TAKEN, Ending, Script
from jupyter_flotilla.testing.fake_ecs.fake import FakeEcs
from jupyter_flotilla.testing.fake_ecs.faults import Fault
from jupyter_flotilla.testing.fake_ecs.oracle import StartOracle
from jupyter_flotilla.testing.fake_ecs.task import Task
from jupyter_flotilla.testing.fake_ecs.throttle import BUCKETS, BucketSize
from jupyter_flotilla.testing.fake_ecs.world import Settings

__all__ = [
    "BUCKETS",
    "INSTANT",
    "LEASE_TAKEN",
    "BucketSize",
    "Ending",
    "FakeEcs",
    "Fault",
    "ManualClock",
    "Script",
    "Settings",
    "StartOracle",
    "Task",
    "WallClock",
    "endings",
    "faults",
]
