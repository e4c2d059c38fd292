"""What ECS says of many tasks, asked as seldom as will do: a hundred a call, when they are due."""

import math
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

from jupyter_flotilla.engines.ecs.aws_errors import AwsError

#: Of one DescribeTasks (docs.aws.amazon.com/AmazonECS/latest/APIReference, read 2026-11).
BATCH = 100
#: Seconds between two looks at a task: soon after its launch or while it ends, while it waits or
#: starts, while it runs.
_SOON_S, _STARTING_S, _RUNNING_S = 2.0, 5.0, 21.0
#: The same where events tell of every change, as a check on them: soon after its launch or while
#: it ends; else (a thousand tasks are ten calls).
_CHECK_S, _SWEEP_S = 15.0, 630.0
#: How long a launch counts as new, and a task as one that ECS does not know yet.
_YOUNG_FOR_S = 30.0
_JITTER = 0.1
#: After a call that failed, doubled each time.
_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 60.0
_STOPPED = "STOPPED"


class Caller(Protocol):
    """What asks AWS: `account.Account`."""

    def call(self, service: str, action: str, /, **params: Any) -> dict[str, Any]:
        """Ask AWS; raises AwsError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What is known of a task."""

    #: As DescribeTasks has it, or its event; None: nothing yet.
    task: Mapping[str, Any] | None = None
    #: Seconds since ECS first said that there is no such task; None: it has not.
    missing_s: float | None = None

    @property
    def status(self) -> str:
        """ECS's word for where it is; empty: not known."""
        return str((self.task or {}).get("lastStatus") or "")


@dataclass(frozen=True, kw_only=True, slots=True)
class InUse:
    """What tasks that go on use together."""

    vcpu: float = 0.0
    #: One of each task that does not say: before it has a machine, none does.
    gpus: int = 0


@dataclass(slots=True)
class _Watched:
    """A task that somebody asks for."""

    since: float
    due: float
    task: Mapping[str, Any] | None = None
    missing_since: float | None = None
    #: True while a change is expected.
    is_urgent: bool = False

    @property
    def status(self) -> str:
        return str((self.task or {}).get("lastStatus") or "")


class Watch:
    """The tasks of one cluster. Safe from several threads; asks AWS in the background.

    Parameters
    ----------
    executor
        Where AWS is asked.
    is_told
        Whether events tell of every change just now, so that looks only check on them. Asked at
        each look at a task.
    on_change
        Told of each change that was found by asking, before any event told of it: the task's ARN
        and version. Called while a lock is held: it must not call this watch.
    """

    def __init__(
        self,
        aws: Caller,
        cluster: str,
        executor: Executor,
        *,
        is_told: Callable[[], bool] = lambda: False,
        on_change: Callable[[str, int], None] = lambda arn, version: None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._aws = aws
        self._cluster = cluster
        self._executor = executor
        self._is_told, self._on_change = is_told, on_change
        self._was_told = False
        self._clock, self._jitter = clock, jitter
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._is_asking = False
        self._pause_s, self._not_before = 0.0, 0.0
        #: Why the last call failed; None: it did not.
        self.error: AwsError | None = None

    def look(self, arns: Sequence[str]) -> list[Seen]:
        """Return what is known of tasks, and ask for those that are due; forget all others."""
        now = self._clock()
        is_told = bool(arns) and self._is_told()
        with self._lock:
            for arn in self._watched.keys() - set(arns):
                del self._watched[arn]
            seen = [self._seen(arn, now) for arn in arns]
            if self._was_told and not is_told:
                for one in self._watched.values():  # what they were to tell is not known
                    one.due = min(one.due, now)
            self._was_told = is_told
            must_ask = not self._is_asking and now >= self._not_before and self._is_any_due(now)
            if must_ask:
                self._is_asking = True
        if must_ask:
            self._executor.submit(self._ask_all)
        return seen

    def hurry(self, arn: str) -> None:
        """Look at a task as soon as can be, and often: something is about to change."""
        with self._lock:
            one = self._watched.get(arn)
            if one is not None and not one.is_urgent and one.status != _STOPPED:
                one.is_urgent, one.due = True, self._clock()

    def apply(self, task: Mapping[str, Any]) -> bool:
        """Take over what an event says; False for what is not watched, or older than is known."""
        with self._lock:
            one = self._watched.get(str(task.get("taskArn")))
            if one is None or (one.task is not None and _version(task) <= _version(one.task)):
                return False
            one.missing_since = None
            self._take(one, task)
            return True

    def in_use(self, provider: str) -> InUse:
        """Return what tasks that go on use of a capacity provider, as far as that is known."""
        with self._lock:
            going_on = [
                one.task for one in self._watched.values()
                if one.task is not None and one.status != _STOPPED
            ]  # fmt: skip
        its = [task for task in going_on if _provider(task) == provider]
        return InUse(
            vcpu=sum(int(task.get("cpu") or 0) / 1024 for task in its),
            gpus=sum(max(1, _gpus(task)) for task in its),
        )

    def _seen(self, arn: str, now: float) -> Seen:
        one = self._watched.get(arn)
        if one is None:
            one = self._watched[arn] = _Watched(since=now, due=now)
        missing = one.missing_since
        return Seen(task=one.task, missing_s=None if missing is None else now - missing)

    def _is_any_due(self, now: float) -> bool:
        return any(one.due <= now for one in self._watched.values() if one.status != _STOPPED)

    def _ask_all(self) -> None:
        try:
            while batch := self._next_batch():
                self._ask(batch)
            self._pause_s, self.error = 0.0, None
        except AwsError as error:
            self.error = error
            self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2 or _PAUSE_S)
            self._not_before = self._clock() + self._pause_s
        finally:
            with self._lock:
                self._is_asking = False

    def _next_batch(self) -> list[str]:
        """Return whom to ask for now: those that are due, filled up with those due soonest."""
        now = self._clock()
        with self._lock:
            going_on = [
                (one.due, arn) for arn, one in self._watched.items() if one.status != _STOPPED
            ]
        going_on.sort()
        if not going_on or going_on[0][0] > now:
            return []
        return [arn for _, arn in going_on[:BATCH]]

    def _ask(self, arns: Collection[str]) -> None:
        answer = self._aws.call("ecs", "DescribeTasks", cluster=self._cluster, tasks=list(arns))
        found = {str(task["taskArn"]): task for task in answer.get("tasks", ())}
        now = self._clock()
        # one for all of them, or the next batch would be due as soon as the first of it is
        spread = 1 + _JITTER * (self._jitter() - 0.5) * 2
        with self._lock:
            for arn in arns:
                one = self._watched.get(arn)
                if one is None:
                    continue
                task = found.get(arn)
                if task is not None:
                    one.missing_since = None
                    self._found(arn, one, task)
                elif one.missing_since is None:
                    one.missing_since = now
                one.due = now + self._pace_s(one, now) * spread

    def _found(self, arn: str, one: _Watched, task: Mapping[str, Any]) -> None:
        """Keep an answer, unless an event was newer: ECS's answers may be a little old."""
        if one.task is None:
            if task.get("lastStatus") == "RUNNING":
                one.since = -math.inf  # new to this process only
        elif _version(task) < _version(one.task):
            return
        elif _version(task) > _version(one.task):
            self._on_change(arn, _version(task))
        self._take(one, task)

    def _take(self, one: _Watched, task: Mapping[str, Any]) -> None:
        one.task = task
        if str(task.get("desiredStatus")) == _STOPPED:
            one.is_urgent = True
            one.due = min(one.due, self._clock() + self._soon_s)

    def _pace_s(self, one: _Watched, now: float) -> float:
        if one.missing_since is not None:
            is_soon = now - one.missing_since < _YOUNG_FOR_S
        else:
            is_soon = one.is_urgent or now - one.since < _YOUNG_FOR_S
        if is_soon:
            return self._soon_s
        if one.missing_since is not None:
            return _STARTING_S
        if self._was_told:
            return _SWEEP_S
        return _RUNNING_S if one.status == "RUNNING" else _STARTING_S

    @property
    def _soon_s(self) -> float:
        return _CHECK_S if self._was_told else _SOON_S


def _provider(task: Mapping[str, Any]) -> str:
    return str(task.get("capacityProviderName") or task.get("launchType") or "")


def _gpus(task: Mapping[str, Any]) -> int:
    return sum(len(one.get("gpuIds") or ()) for one in task.get("containers") or ())


def _version(task: Mapping[str, Any]) -> int:
    return int(task.get("version") or 0)
