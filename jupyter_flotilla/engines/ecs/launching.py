"""Launches on ECS, in the background: whatever is killed when, user code starts once at most.

The steps: the input into the bucket; the definition; the request into the attempt's row, before it
is sent; RunTask with the launch key as its token. A repeat sends the same bytes, and ECS answers
with the same task, as long as it keeps the token. Afterwards nothing is sent again, but looked for.
The container takes a lease before it begins: the second fence, should all of this fail.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.base import LaunchOrder, Written
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.capacity import Capacity
from jupyter_flotilla.engines.ecs.definition import Definitions, definition, family_of, is_gone
from jupyter_flotilla.engines.ecs.finding import find_task
from jupyter_flotilla.engines.ecs.gpu import shared_mib
from jupyter_flotilla.engines.ecs.observe import InUse
from jupyter_flotilla.engines.ecs.outcomes import refused, rejected
from jupyter_flotilla.engines.ecs.request import Site, run_task
from jupyter_flotilla.engines.ecs.secret_refs import resolve
from jupyter_flotilla.engines.ecs.verdict import Verdict
from jupyter_flotilla.engines.records import record_ending
from jupyter_flotilla.engines.remote import Remote, is_sent_by_another
from jupyter_flotilla.errors import InvalidSettings, LaunchError, SecretUnavailable, UsageError
from jupyter_flotilla.model.observation import Again, FailureKind

#: A token may be gone after an hour (`clientToken` of
#: docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html, read 2026-11): of an
#: older request nothing is sent again.
MOST_AGE_S = 45 * 60.0
#: Pauses between the tries of one launch, doubled each time; and between looks for a lost one.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
#: ECS may not list a task at once that it has just started.
_LISTED_AFTER_S = 60.0
#: What no further try mends.
_OF_INPUT = (UsageError, SecretUnavailable, InvalidSettings)
#: In an attempt's folder: whether it was asked for or cancelled, whichever came first.
FENCE = ".asked.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a launch is made of; each is only known once AWS can be asked."""

    definitions: Definitions
    remote: Remote
    site: Site
    #: The runner's zipapp.
    runner: Path
    execution_role: str | None
    task_role: str | None
    log_group: str | None
    capacity: Capacity
    #: What this home's tasks that go on use of a capacity provider.
    in_use: Callable[[str], InUse]


class Held(LaunchError):
    """There is no room in the account just now; nothing was sent."""


@dataclass(slots=True)
class _Launch:
    """A try that goes on, or what became of the last one."""

    future: "Future[str | None]"
    tries: int = 0
    not_before: float = 0.0
    #: True once whoever launches knows what became of it.
    is_told: bool = False


class Launches:
    """The launches of one engine. Safe from several threads and processes.

    Parameters
    ----------
    parts_of
        Returns what an order's launch is made of; may ask AWS.
    """

    def __init__(
        self,
        aws: Account,
        executor: Executor,
        parts_of: Callable[[LaunchOrder], Parts],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._aws = aws
        self._executor = executor
        self._parts_of = parts_of
        self._clock = clock
        self._lock = threading.Lock()
        self._launches: dict[str, _Launch] = {}

    def launch(self, order: LaunchOrder) -> str | None:
        """Begin a launch or look how far it is; return the task's ARN, None where it has none yet.

        What AWS's scheduler has started is never launched from here: None.

        Raises
        ------
        LaunchError
            Why the last try failed; the next call begins another.
        """
        if is_sent_by_another(order.attempt_folder):
            return None
        last, fresh = self._turn(order.launch_key)
        if fresh is not None:
            self._executor.submit(self._begin, order, fresh)
        if last is None:
            return None
        arn = last.future.result()
        if arn is not None:
            with self._lock:
                self._launches.pop(order.launch_key, None)
        return arn

    def _turn(self, launch_key: str) -> tuple[_Launch | None, _Launch | None]:
        """Return the last try if it has an answer that nobody was told, and one to begin."""
        with self._lock:
            known = self._launches.get(launch_key)
            if known is not None and not known.future.done():
                return None, None
            if known is not None and not known.is_told:
                known.is_told = True
                return known, None
            if known is not None and self._clock() < known.not_before:
                return None, None
            tries = 0 if known is None else known.tries
            fresh = self._launches[launch_key] = _Launch(Future(), tries=tries + 1)
            return None, fresh

    def is_going_on(self, launch_key: str) -> bool:
        """Say whether there is nothing to do for a launch but to wait."""
        with self._lock:
            known = self._launches.get(launch_key)
        if known is None:
            return False
        return not known.future.done() or (known.is_told and self._clock() < known.not_before)

    def is_held(self, launch_key: str) -> bool:
        """Say whether the last try was kept back for want of room."""
        with self._lock:
            known = self._launches.get(launch_key)
        return (
            known is not None and known.future.done() and isinstance(known.future.exception(), Held)
        )

    def _begin(self, order: LaunchOrder, launch: _Launch) -> None:
        """Bring the input into the bucket; the rest follows when it is there."""
        try:
            parts = self._parts_of(order)
            parts.remote.when_sent(
                order, parts.runner,
                lambda: self._executor.submit(self._go_on, order, parts, launch),
            )  # fmt: skip
        except BaseException as error:
            self._end(launch, order, error)

    def _go_on(self, order: LaunchOrder, parts: Parts, launch: _Launch) -> None:
        try:
            arn = self._sent(order, parts)
        except BaseException as error:
            self._end(launch, order, error)
        else:
            launch.future.set_result(arn)

    def _end(self, launch: _Launch, order: LaunchOrder, error: BaseException) -> None:
        """End a try that failed: for good, which is recorded, or until the next one."""
        verdict = _verdict(error)
        try:
            if verdict is not None and verdict.again is not Again.SAME_TOKEN:
                record(order.attempt_folder, verdict)
                launch.future.set_result(None)
                return
        except OSError as full:  # the disk: told again at the next try
            error = full
        pause_s = min(_LONGEST_PAUSE_S, _PAUSE_S * 2 ** min(launch.tries - 1, 10))
        launch.not_before = self._clock() + pause_s
        launch.future.set_exception(_retryable(error, verdict))

    def _sent(self, order: LaunchOrder, parts: Parts) -> str | None:
        """Send a launch, or find the task of one that was sent; None: there is none to be."""
        place = parts.remote.send(order, parts.runner)
        if place is None:
            return None  # another has had it; begun again at the next try
        written = order.already_written()
        if written is None:
            self._check_room(order, parts)
            request = run_task(
                order, definition_arn=defined(self._aws, order, parts), place=place, site=parts.site
            )
            if not is_asked_for(order.attempt_folder):
                return None  # cancelled first
            written = order.write_ahead(request)
        if written.age_s >= MOST_AGE_S:
            return self._found(order, written.request, parts)
        if not written.is_new and (order.attempt_folder / protocol.STOP_REQUEST).exists():
            return self._found_to_stop(order, written, parts)
        return self._asked(order, written, parts)

    def _asked(self, order: LaunchOrder, written: Written, parts: Parts) -> str | None:
        """Send what was written ahead."""
        try:
            answer = self._aws.call("ecs", "RunTask", **written.request)
        except AwsError as error:
            if error.kind == "conflict":  # the same token has started something
                return (
                    error.resources[0]
                    if error.resources
                    else self._found(order, written.request, parts)
                )
            if is_gone(error):
                # what was written ahead names it: a further attempt asks for another
                parts.definitions.forget(family_of(str(written.request["taskDefinition"])))
            if not written.is_new:
                raise self._uncertain(error) from error
            if is_gone(error):
                record(order.attempt_folder, _free(str(error)))
                return None
            raise
        tasks = answer.get("tasks") or ()
        if tasks:
            return str(tasks[0]["taskArn"])
        # of this token nothing was started, and nothing will be: a repeat has the same answer
        record(order.attempt_folder, refused(answer.get("failures") or ()))
        return None

    def _uncertain(self, error: AwsError) -> LaunchError:
        """Return why a launch is not ended by a refusal: an earlier try may have started it."""
        return LaunchError(
            f"{error.message}; whether an earlier try of this launch has started a task is not "
            "known yet",
            retryable=True,
            next_step=error.next_step,
        )

    def _check_room(self, order: LaunchOrder, parts: Parts) -> None:
        """Keep a launch back that AWS would refuse for its quota: what was asked is asked on."""
        if (order.attempt_folder / FENCE).exists():
            return
        found = parts.capacity.feasible(order.resources, utc_now(), parts.in_use)
        if found.verdict == "held":
            raise Held(found.message, retryable=True, next_step=found.next_step)
        if found.verdict == "refused":
            raise LaunchError(found.message, retryable=False, next_step=found.next_step)

    def _found_to_stop(self, order: LaunchOrder, written: Written, parts: Parts) -> str | None:
        """Return the task of a launch that is not wanted any more; None: there is none.

        Raises
        ------
        LaunchError
            While one may be there that ECS does not list yet.
        """
        arn = find_task(self._aws, written.request, parts.remote.lease, order.run_id)
        if arn is None and written.age_s < _LISTED_AFTER_S:
            raise LaunchError("It is cancelled once ECS is sure that it has no task.",
                              retryable=True)  # fmt: skip
        if arn is None:
            message = "Cancelled: its launch was not answered, and ECS has no task of it."
            record(order.attempt_folder, Verdict(outcome="cancelled", message=message))
        return arn

    def _found(self, order: LaunchOrder, request: Mapping[str, Any], parts: Parts) -> str | None:
        """Return the task of a request that is too old to be sent again; None: it is given up.

        Raises
        ------
        LaunchError
            If there is none: nobody knows whether it ever was.
        """
        arn = find_task(self._aws, request, parts.remote.lease, order.run_id)
        if arn is not None:
            return arn
        if (order.attempt_folder / protocol.STOP_REQUEST).exists():
            # its user has been told of it, and has decided
            given_up = "Cancelled: no task of it can be found, and whether it ran is not known."
            record(order.attempt_folder, Verdict(outcome="cancelled", message=given_up))
            return None
        raise LaunchError(
            "It was launched more than 45 minutes ago and never answered, and no task of it can be "
            f"found in {request['cluster']}: whether it ran is not known, so it is not launched "
            "again.",
            retryable=True,
            next_step=f"look for startedBy {request['startedBy']} in the console; then "
            f"jupyter flotilla cancel {order.run_id}, and retry",
        )


def defined(aws: Account, order: LaunchOrder, parts: Parts) -> str:
    """Return the ARN of the definition that an order's task has; raises AwsError."""
    gpu = parts.site.gpu
    wanted = definition(
        image=order.spec.image or "",
        region=aws.region,
        arch=order.resources.arch,
        is_fargate=parts.site.is_fargate,
        gpus=order.resources.gpu,
        shared_mib=None if gpu is None else shared_mib(order.resources, gpu),
        has_own_interface=gpu is None,
        secrets=resolve(aws, order.spec.secrets),
        log_group=parts.log_group,
        execution_role=parts.execution_role,
        task_role=parts.task_role,
    )
    return parts.definitions.ensure(wanted, utc_now())


def is_asked_for(folder: Path) -> bool:
    """Decide that an attempt is asked for; False where it was cancelled before."""
    path = str(folder / FENCE)
    if protocol.write_json(path, {"by": "launch"}, exclusive=True):
        return True
    return (protocol.read_json(path) or {}).get("by") == "launch"


def is_cancelled_first(folder: Path) -> bool:
    """Decide that an attempt is never asked for; False where it was already."""
    path = str(folder / FENCE)
    if protocol.write_json(path, {"by": "cancel"}, exclusive=True):
        return True
    return (protocol.read_json(path) or {}).get("by") == "cancel"


def record(folder: Path, verdict: Verdict) -> None:
    """Record the end of an attempt that never began."""
    record_ending(folder, verdict.ending(ended_at=utc_now(), duration_s=0.0, billed_s=0.0))


def _verdict(error: BaseException) -> Verdict | None:
    """Return what an error means for the attempt; None: it is tried again."""
    if isinstance(error, AwsError):
        if error.is_unknown or error.is_passing or error.kind in ("credentials", "clock"):
            return None
        if error.kind in ("refused", "permission", "no-cluster") and error.action == "ecs:RunTask":
            return rejected(error.aws_code, error.aws_message)
        return _for_good(error)
    if isinstance(error, LaunchError):
        return None if error.retryable else _for_good(error)
    return _for_good(error) if isinstance(error, _OF_INPUT) else None


def _for_good(error: BaseException) -> Verdict:
    step = getattr(error, "next_step", None)
    message = getattr(error, "message", None) or str(error)
    return Verdict(
        failure_kind=FailureKind.ENVIRONMENT,
        message=_sentence(message),
        next_step=step,
        again=Again.NEVER,
    )


def _free(message: str) -> Verdict:
    return Verdict(
        failure_kind=FailureKind.INFRASTRUCTURE, message=_sentence(message), again=Again.FREE
    )  # fmt: skip


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _retryable(error: BaseException, verdict: Verdict | None) -> LaunchError:
    if isinstance(error, LaunchError) and error.retryable:
        return error
    message = verdict.message if verdict is not None else getattr(error, "message", repr(error))
    step = getattr(error, "next_step", None)
    made = LaunchError(str(message), retryable=True, next_step=step)
    made.__cause__ = error
    return made
