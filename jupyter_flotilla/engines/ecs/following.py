"""Follows attempts on ECS: what their tasks do, what comes from the bucket, how they end."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.backstop import Backstop
from jupyter_flotilla.engines.ecs.ending import (
    OVERDUE,
    Terms,
    by_the_task_alone,
    ending_of,
    is_second,
    keep_task,
    kept_task,
    vanished,
)
from jupyter_flotilla.engines.ecs.finding import is_listed
from jupyter_flotilla.engines.ecs.launching import Launches, is_cancelled_first
from jupyter_flotilla.engines.ecs.observe import Seen, Watch
from jupyter_flotilla.engines.ecs.prices import PriceList
from jupyter_flotilla.engines.records import ended, ending_record, given_up, going_on
from jupyter_flotilla.engines.remote import Remote
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.model.attempt import number_of
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import Handle, Observation, Phase
from jupyter_flotilla.model.resources import Arch
from jupyter_flotilla.model.stop import STOP_S

#: ECS may not know a task at once that it has just started ("eventual consistency" of RunTask,
#: docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html, read 2026-11).
_UNKNOWN_S = 300.0
#: How long it counts that ECS lists a task which it says it does not know.
_LISTED_S = 60.0
#: How often a task that is to stop is told so.
_TELL_EVERY_S = 10.0
#: What a job's own deadline may be late before it is stopped from here.
_OVERDUE_S = STOP_S + 120.0
#: ECS's word for where a task is → ours, before its container runs.
_PHASES = {"PROVISIONING": Phase.WAITING_FOR_CAPACITY, "PENDING": Phase.PULLING,
           "ACTIVATING": Phase.SETTING_UP}  # fmt: skip


class Following:
    """Looks at the attempts of one engine; makes no call of AWS itself, but in the background."""

    def __init__(
        self,
        aws: Account,
        watch: Watch,
        launches: Launches,
        backstop: Backstop,
        executor: Executor,
        prices: Callable[[], PriceList],
        remote_of: Callable[[Bucket], Remote],
        *,
        has_public_ipv4: bool,
    ) -> None:
        self._aws = aws
        self._watch = watch
        self._launches = launches
        self._backstop = backstop
        self._executor = executor
        self._prices = prices
        self._remote_of = remote_of
        self._has_address = has_public_ipv4
        #: Launch key → when its task was last told to stop.
        self._told_at: dict[str, float] = {}
        #: Launch key → until when it counts whether ECS lists a task that it says it does not know.
        self._listed: dict[str, tuple[float, bool | None]] = {}
        #: Launch key → the task that has begun its attempt, where that is another one.
        self._holders: dict[str, Future[str | None]] = {}

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """See `Engine.poll`."""
        arns = [str(arn) for handle in handles if (arn := handle.detail.get("task"))]
        seen = dict(zip(arns, self._watch.look(arns), strict=True))
        keys = {str(handle.detail["launch_key"]) for handle in handles}
        self._told_at = {key: at for key, at in self._told_at.items() if key in keys}
        for key in list(self._listed):  # other threads take from it, too
            if key not in keys:
                self._listed.pop(key, None)
        self._holders = {key: one for key, one in self._holders.items() if key in keys}
        self._backstop.forget_all_but(keys)
        return [
            self._safely(handle, seen.get(str(handle.detail.get("task")))) for handle in handles
        ]

    def _safely(self, handle: Handle, seen: Seen | None) -> Observation:
        folder = Path(handle.ref)
        try:
            if not folder.exists():
                return given_up(f"Its folder {folder} is gone.")
            return self._without_task(handle) if seen is None else self._of_task(handle, seen)
        except OSError:
            return Observation(state="running", phase=Phase.UNCONFIRMED)  # a full disk passes
        except Exception as error:
            # The job itself can write any garbage into its folder: others must be followed on.
            if (folder / protocol.EXIT).exists():
                return given_up(f"How it ended, in {folder}, cannot be read: {error!r}"[:500])
            if seen is not None and seen.task is not None and seen.status == "STOPPED":
                is_wanted = (folder / protocol.STOP_REQUEST).exists()
                return by_the_task_alone(seen.task, self._terms(handle), stop_asked=is_wanted)
            return Observation(state="running", phase=Phase.UNCONFIRMED)

    def _without_task(self, handle: Handle) -> Observation:
        folder = Path(handle.ref)
        if (seen := ended(folder)) is not None:
            return seen
        sending = self._remote(handle).follow(handle, lives=False, was_started=False)
        if sending is not None:
            return sending
        if (folder / protocol.STOP_REQUEST).exists() and is_cancelled_first(folder):
            record = ending_record("cancelled", "Cancelled before it began.")
            protocol.write_json(str(folder / protocol.EXIT), record, exclusive=True)
            return ended(folder) or given_up(str(record["message"]))
        key = str(handle.detail["launch_key"])
        if self._launches.is_going_on(key):
            is_held = self._launches.is_held(key)
            phase = Phase.WAITING_FOR_CAPACITY if is_held else Phase.UNCONFIRMED
            return Observation(state="pending", phase=phase)
        return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)

    def _of_task(self, handle: Handle, seen: Seen) -> Observation:
        folder, arn = Path(handle.ref), str(handle.detail["task"])
        task = seen.task or kept_task(folder)
        if seen.missing_s is not None and seen.status != "STOPPED":
            return self._missing(handle, task)
        self._listed.pop(str(handle.detail["launch_key"]), None)
        if task is None:
            self._tell_of_stop(handle, {})
            return self._alive(handle, {})
        if task.get("lastStatus") == "STOPPED":
            return self._stopped(handle, task)
        if (folder / protocol.EXIT).exists() or task.get("desiredStatus") == "STOPPED":
            self._watch.hurry(arn)
        self._tell_of_stop(handle, task)
        return self._alive(handle, task)

    def _alive(self, handle: Handle, task: Mapping[str, Any]) -> Observation:
        folder = Path(handle.ref)
        self._remote(handle).follow(handle, lives=True, was_started=True)
        now = self._billed(going_on(folder), handle, task)
        if (folder / protocol.EXIT).exists():
            return now.model_copy(update={"phase": Phase.SAVING})
        if now.state == "running":
            is_unsure = self._watch.error is not None and not self._watch.error.is_passing
            return now.model_copy(update={"phase": Phase.UNCONFIRMED}) if is_unsure else now
        phase = _PHASES.get(str(task.get("lastStatus")), Phase.SETTING_UP)
        if phase is Phase.PULLING and not task.get("pullStartedAt"):
            phase = Phase.WAITING_FOR_CAPACITY
        return now.model_copy(update={"phase": phase})

    def _terms(self, handle: Handle) -> Terms:
        arch: Arch = "arm64" if handle.detail.get("arch") == "arm64" else "x86_64"
        has_address = bool(handle.detail.get("has_address", self._has_address))
        return Terms(
            prices=self._prices(), asked_arch=arch, has_public_ipv4=has_address,
            machine=handle.detail.get("machine"),
        )  # fmt: skip

    def _billed(self, seen: Observation, handle: Handle, task: Mapping[str, Any]) -> Observation:
        """Return what is seen with what it costs on what it really runs on."""
        bill = self._terms(handle).bill(task)
        if bill is None:
            return seen
        return seen.model_copy(update={"billed_since": bill.since, "rate": bill.rate})

    def _stopped(self, handle: Handle, task: Mapping[str, Any]) -> Observation:
        folder = Path(handle.ref)
        keep_task(folder, task)
        saving = self._remote(handle).follow(handle, lives=False, was_started=_has_begun(task))
        if saving is not None:
            return saving
        if not self._is_complete(handle, task):
            return going_on(folder).model_copy(update={"phase": Phase.SAVING})
        holder = None
        if is_second(task) and not (folder / protocol.EXIT).exists():
            future = self._holder(handle)
            if not future.done():
                return going_on(folder).model_copy(update={"phase": Phase.SAVING})
            holder = future.result()
        return ending_of(folder, task, self._terms(handle), holder=holder)

    def _holder(self, handle: Handle) -> "Future[str | None]":
        """Ask, once, which task has begun an attempt; None: nobody can say."""
        key = str(handle.detail["launch_key"])
        if key not in self._holders:
            self._holders[key] = self._executor.submit(self._ask_holder, handle, key)
        return self._holders[key]

    def _ask_holder(self, handle: Handle, key: str) -> str | None:
        try:
            lease = self._remote(handle).lease(str(handle.detail["run_id"]), number_of(key))
        except (FlotillaError, OSError):
            return None
        return None if lease is None else lease.get("task")

    def _is_complete(self, handle: Handle, task: Mapping[str, Any]) -> bool:
        """Say whether all that the job said is here; of one that was cut off, CloudWatch knows."""
        folder, key = Path(handle.ref), str(handle.detail["launch_key"])
        if (folder / protocol.EXIT).exists() or not _has_begun(task):
            return True
        return self._backstop.is_done(key, str(handle.detail["task"]), folder)

    def _missing(self, handle: Handle, task: Mapping[str, Any] | None) -> Observation:
        """Follow a task that ECS does not know, not yet or no more."""
        folder, key = Path(handle.ref), str(handle.detail["launch_key"])
        age_s = abs(time.time() - float(handle.detail["seen_at"]))
        if age_s < _UNKNOWN_S:
            self._tell_of_stop(handle, task or {})
            # not yet, although it may have begun: what has stopped is known for an hour
            now = self._alive(handle, task or {})
            is_seen = now.state == "running" or now.phase is Phase.SAVING
            return now if is_seen else now.model_copy(update={"phase": Phase.UNCONFIRMED})
        saving = self._remote(handle).follow(handle, lives=False, was_started=True)
        if saving is not None:
            return saving
        if ended(folder) is None and self._is_listed(handle, key):
            self._tell_of_stop(handle, task or {})
            return self._alive(handle, task or {})
        arn = str(handle.detail["task"])
        return vanished(folder, arn, self._terms(handle))

    def _is_listed(self, handle: Handle, key: str) -> bool:
        """Ask whether a task runs that is not known; while nobody has answered: yes."""
        until, is_there = self._listed.get(key, (-math.inf, None))
        if time.monotonic() >= until:
            self._listed[key] = (math.inf, None)
            self._executor.submit(self._ask_list, handle, key)
            until, is_there = self._listed.get(key, (math.inf, None))
        return is_there is not False

    def _ask_list(self, handle: Handle, key: str) -> None:
        where, started_by = str(handle.detail["cluster"]), str(handle.detail["started_by"])
        try:
            is_there = is_listed(self._aws, where, started_by, str(handle.detail["task"]))
        except (AwsError, OSError):
            self._listed.pop(key, None)  # asked again
        else:
            # what runs will end, and may be forgotten by then
            until = time.monotonic() + _LISTED_S if is_there else math.inf
            self._listed[key] = (until, is_there)

    def _tell_of_stop(self, handle: Handle, task: Mapping[str, Any]) -> None:
        """Stop a task that somebody wants stopped, or whose time is over and that goes on."""
        folder, key = Path(handle.ref), str(handle.detail["launch_key"])
        is_wanted = (folder / protocol.STOP_REQUEST).exists()
        reason = "cancelled" if is_wanted else _overdue(folder)
        if reason is None or task.get("desiredStatus") == "STOPPED":
            return
        if time.monotonic() - self._told_at.get(key, -1e9) < _TELL_EVERY_S:
            return
        self._told_at[key] = time.monotonic()
        self._executor.submit(self._stop, handle, reason, is_wanted=is_wanted)

    def _stop(self, handle: Handle, reason: str, *, is_wanted: bool) -> None:
        with suppress(FlotillaError, OSError):  # told again soon
            if is_wanted:
                with suppress(FlotillaError, OSError):  # it is stopped without knowing why
                    self._remote(handle).tell_of_stop(handle)
            arn = str(handle.detail["task"])
            self._aws.call(
                "ecs", "StopTask",
                cluster=handle.detail["cluster"], task=arn, reason=f"flotilla: {reason}",
            )  # fmt: skip
            if not is_wanted:  # AWS has taken it: a clock that is wrong here is refused there
                overdue = str(Path(handle.ref) / OVERDUE)
                protocol.write_json(overdue, {"reason": reason}, exclusive=True)
            self._watch.hurry(arn)

    def _remote(self, handle: Handle) -> Remote:
        return self._remote_of(Bucket.model_validate(handle.detail["bucket"]))


def _has_begun(task: Mapping[str, Any]) -> bool:
    """Say whether a task's container may have run: nothing comes from one that never did."""
    return bool(task.get("pullStoppedAt") or task.get("startedAt"))


def _overdue(folder: Path) -> str | None:
    """Return why a job should have ended long ago by its own deadlines; None: it should not."""
    started = protocol.read_json(str(folder / protocol.STARTED))
    job = protocol.read_json(str(folder / protocol.JOB))
    if started is None or job is None or (folder / protocol.CODE_ENDED).exists():
        return None
    elapsed_s = time.time() - float(started["at"])
    late = [one for one in job["deadlines"] if elapsed_s > one["after_s"] + _OVERDUE_S]
    return str(late[0]["reason"]) if late else None
