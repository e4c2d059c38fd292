"""Schedules in AWS EventBridge Scheduler: it starts their tasks, whatever is switched off here.

The target is universal, RunTask itself: the templated one takes no ``clientToken``, so that what
Scheduler delivers twice would run twice. The token is made of when the tick was due; the execution
id, which AWS offers as well, is another at each attempt. What the task is told is the same at each
tick but for that moment; `jupyter_flotilla.bootstrap.tick` makes a run of it.

Facts from docs.aws.amazon.com/scheduler/latest/APIReference and its UserGuide, read 2026-11. Never
verified on AWS.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.artifacts.s3 import S3Artifacts
from jupyter_flotilla.bootstrap import tick
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.cloud import Address, Begun, CloudScheduler, Dropped, Wanted
from jupyter_flotilla.engines.ecs import placings
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.dropped import read_dropped
from jupyter_flotilla.engines.ecs.install import STARTED_BY
from jupyter_flotilla.engines.ecs.launching import Parts, defined
from jupyter_flotilla.engines.ecs.request import run_task
from jupyter_flotilla.engines.job_file import job_file
from jupyter_flotilla.engines.job_keys import partition_of
from jupyter_flotilla.engines.remote import LAYOUT, add_programs, note_sent
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.cloud_calendar import read_moment, utc_moment
from jupyter_flotilla.model.cloud_when import Expression
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.observation import Handle

RUN_TASK = "arn:{partition}:scheduler:::aws-sdk:ecs:runTask"
#: Replaced by when the tick was due, in UTC, as ``2027-03-22T18:59:00Z``.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_NEEDED = ("scheduler_role", "schedule_group", "dropped_queue")
_SET_UP = "jupyter flotilla setup-aws --apply"
#: The most that Scheduler takes, and the shortest time that it tries for (RetryPolicy, ibid.).
_MOST_TRIES, _SHORTEST_S, _LONGEST_S = 185, 60, 86_400
_MOST_DESCRIPTION = 512
#: Of a schedule, what UpdateSchedule would set to its default where it is not repeated.
_KEPT = (
    "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "EndDate", "Description",
    "KmsKeyArn", "Target", "FlexibleTimeWindow", "ActionAfterCompletion",
)  # fmt: skip
_NOT_THERE = "ResourceNotFoundException"
_TASK = re.compile("[0-9a-f]{32}")
#: Messages of one call of SQS.
_RECEIVED = 10
#: Names of a run's own, which no schedule has.
_OF_A_RUN = "flotilla:run"


class EcsCloud(CloudScheduler):
    """The scheduler of one home's account.

    Parameters
    ----------
    parts_of
        Returns what an order's task is made of; may ask AWS.
    given
        Returns an order with what a task really gets of the resources that were asked for.
    handle_of
        Returns what is followed of an order whose task is known.
    checkpoint_every_s
        Seconds between two saves of a checkpoint folder.
    """

    def __init__(
        self,
        aws: Account,
        settings: EcsSettings,
        install: Callable[[], str],
        parts_of: Callable[[LaunchOrder], Parts],
        given: Callable[[LaunchOrder], LaunchOrder],
        handle_of: Callable[[LaunchOrder, str | None], Handle],
        checkpoint_every_s: float,
    ) -> None:
        self._aws = aws
        self._settings = settings
        self._install = install
        self._parts_of = parts_of
        self._given = given
        self._handle_of = handle_of
        self._checkpoint_every_s = checkpoint_every_s

    def check(self) -> None:
        missing = [name for name in _NEEDED if getattr(self._settings, name) is None]
        if missing:
            raise EngineUnavailable(
                f"AWS's scheduler is not set up: ecs.{missing[0]} is unset", next_step=_SET_UP
            )

    def place(self, wanted: Wanted) -> None:
        self.check()
        order = self._given(_without_run(wanted.schedule_id, wanted.order))
        parts = self._parts_of(order)
        assert order.spec.bucket is not None, "a job on ECS has one"
        artifacts = s3_of(order.spec.bucket)
        said = self._uploaded(wanted, order, parts, artifacts)
        request = self._request(wanted.schedule_id, order, parts, said)
        target, address = self._target(wanted, request), self.address
        known = dict.fromkeys(self._known(wanted.schedule_id, address))
        for number, expression in enumerate(wanted.expressions, 1):
            name = _name(address, wanted.schedule_id, str(number))
            self._put(name, self._body(wanted, expression, target), is_known=name in known)
            known.pop(name, None)
        for name in known:
            self._delete(name, address)
        placings.forget(artifacts, wanted.schedule_id, but=f"{said['prefix']}/")

    @property
    def address(self) -> Address:
        group = self._settings.schedule_group or ""
        return Address(install=self._install(), group=group, region=self._aws.region)

    def disable(self, schedule_id: str, address: Address) -> None:
        self._check_region(address)
        for name in self._known(schedule_id, address):
            where: dict[str, Any] = {"Name": name, "GroupName": address.group}
            try:
                found = self._aws.call("scheduler", "GetSchedule", **where)
                if found["State"] != "DISABLED":
                    body = {field: found[field] for field in _KEPT if field in found}
                    for date in ("StartDate", "EndDate"):
                        if _is_over(body.get(date)):
                            del body[date]
                    self._aws.call("scheduler", "UpdateSchedule", **where, **body, State="DISABLED")
            except AwsError as error:
                if error.aws_code != _NOT_THERE:
                    raise

    def remove(self, schedule_id: str, address: Address, bucket: Bucket) -> None:
        self._check_region(address)
        for name in self._known(schedule_id, address):
            self._delete(name, address)
        artifacts = s3_of(bucket)
        artifacts.delete_below(artifacts.schedule_prefix(schedule_id))

    def spec(self, schedule_id: str, bucket: Bucket, revision: int) -> JobSpec | None:
        return placings.spec_of(s3_of(bucket), schedule_id, revision)

    def begun(self, schedule_id: str, bucket: Bucket, after: datetime) -> Sequence[datetime]:
        artifacts = s3_of(bucket)
        prefix = artifacts.top + tick.marker(schedule_id, "")
        keys = artifacts.below(prefix, prefix + utc_moment(after))
        found = [read_moment(key.removeprefix(prefix)) for key in keys]
        return [one for one in found if one is not None and one > after]

    def begun_at(self, schedule_id: str, bucket: Bucket, moment: datetime) -> Begun | None:
        artifacts = s3_of(bucket)
        said = self._begun(schedule_id, artifacts, moment)
        if said is None:
            run_id = tick.run_id(schedule_id, utc_moment(moment))
            lease = artifacts.lease(run_id, 1)
            if lease is None:
                return None
            task = self._arn(lease.get("task"))
            said = Begun(scheduled_at=moment, run_id=run_id, task=task, revision=None)
        ended = artifacts.attempt_prefix(said.run_id, 1) + protocol.EXIT
        return said if said.task or artifacts.small(ended) is not None else None

    def adopt(self, order: LaunchOrder, begun: Begun, schedule_id: str) -> Handle:
        note_sent(order.attempt_folder)
        if begun.task is None and order.spec.bucket is not None:  # it has ended: how is there
            s3_of(order.spec.bucket).sync_attempt(order.run_id, 1, order.attempt_folder)
        handle = self._handle_of(self._given(order), begun.task)
        detail = {
            "started_by": self._started_by(schedule_id),
            # what has ended long ago is not waited for as if ECS did not know it yet
            "seen_at": begun.scheduled_at.timestamp(),
        }
        return handle.model_copy(update={"detail": {**handle.detail, **detail}})

    def dropped(self) -> Sequence[Dropped]:
        if self._settings.dropped_queue is None:
            return ()
        answer = self._aws.call(
            "sqs", "ReceiveMessage", QueueUrl=self._settings.dropped_queue,
            MaxNumberOfMessages=_RECEIVED, MessageAttributeNames=["All"],
            AttributeNames=["SentTimestamp"],
        )  # fmt: skip
        found = [read_dropped(message) for message in answer.get("Messages") or ()]
        return [one for one in found if one is not None]

    def settle(self, receipts: Sequence[str]) -> None:
        for receipt in receipts:
            self._aws.call(
                "sqs", "DeleteMessage", QueueUrl=self._settings.dropped_queue, ReceiptHandle=receipt
            )

    def _uploaded(
        self, wanted: Wanted, order: LaunchOrder, parts: Parts, artifacts: S3Artifacts
    ) -> dict[str, Any]:
        """Bring what each tick needs into the bucket; return what its task is told."""
        prefix = placings.new(artifacts, wanted.schedule_id, wanted.revision)
        add_programs(order, parts.runner)
        sent = artifacts.upload_below(prefix, order.input_folder)
        job = json.dumps(job_file(order, LAYOUT, self._checkpoint_every_s)).encode()
        is_notebook = order.spec.kind == "notebook"
        calendar = json.dumps({
            **wanted.calendar,
            "top": artifacts.top,
            "notebook": order.spec.source if is_notebook else None,
        }).encode()  # fmt: skip
        spec = order.spec.model_dump_json().encode()
        for name, content in (("job.json", job), (tick.CALENDAR, calendar), (placings.SPEC, spec)):
            artifacts.put(prefix + name, content)
        place = parts.remote.whole_place(order, {
            "input_sha256": sent.manifest_sha256,
            "job_sha256": hashlib.sha256(job).hexdigest(),
        })  # fmt: skip
        of_tick = {
            "schedule": wanted.schedule_id,
            "at": SCHEDULED_TIME,
            "sha256": hashlib.sha256(calendar).hexdigest(),
        }
        return {**place, "prefix": prefix.rstrip("/"), "attempt": "", "tick": of_tick}

    def _request(
        self, schedule_id: str, order: LaunchOrder, parts: Parts, place: Mapping[str, Any]
    ) -> dict[str, Any]:
        arn = defined(self._aws, order, parts)
        request = run_task(order, definition_arn=arn, place=place, site=parts.site)
        tags = [one for one in request["tags"] if one["key"] != _OF_A_RUN]
        return {
            **request,
            "clientToken": f"{schedule_id}-{SCHEDULED_TIME}",
            "startedBy": self._started_by(schedule_id),
            "tags": [*tags, {"key": "flotilla:schedule", "value": schedule_id}],
        }

    def _target(self, wanted: Wanted, request: Mapping[str, Any]) -> dict[str, Any]:
        age_s = min(_LONGEST_S, max(_SHORTEST_S, wanted.max_age_s))
        return {
            "Arn": RUN_TASK.format(partition=partition_of(self._aws.region)),
            "RoleArn": self._settings.scheduler_role,
            "Input": json.dumps(_pascal(request)),
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": age_s, "MaximumRetryAttempts": _MOST_TRIES,
            },
            "DeadLetterConfig": {"Arn": self._dropped_arn()},
        }  # fmt: skip

    def _body(
        self, wanted: Wanted, expression: Expression, target: Mapping[str, Any]
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "GroupName": self._settings.schedule_group,
            "ScheduleExpression": expression.text,
            "ScheduleExpressionTimezone": expression.zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Description": f"Flotilla: {wanted.name}"[:_MOST_DESCRIPTION],
            "Target": target,
        }
        # one that is over is refused: "cannot be earlier than 5 minutes ago"
        if wanted.starts_at is not None and not _is_over(wanted.starts_at):
            body["StartDate"] = wanted.starts_at
        if wanted.ends_at is not None:
            body["EndDate"] = wanted.ends_at + timedelta(seconds=1)  # the end itself counts here
        return body

    def _put(self, name: str, body: Mapping[str, Any], *, is_known: bool) -> None:
        if not is_known:
            try:
                self._aws.call("scheduler", "CreateSchedule", Name=name, **body)
                return
            except AwsError as error:
                if error.aws_code != "ConflictException":
                    raise  # else an earlier try, or another process, has made it
        self._aws.call("scheduler", "UpdateSchedule", Name=name, **body)

    def _delete(self, name: str, address: Address) -> None:
        try:
            self._aws.call("scheduler", "DeleteSchedule", Name=name, GroupName=address.group)
        except AwsError as error:
            if error.aws_code != _NOT_THERE:
                raise

    def _known(self, schedule_id: str, address: Address) -> list[str]:
        """Return the names that AWS has of a schedule."""
        more: dict[str, Any] = {}
        found: list[str] = []
        while address.group:
            try:
                page = self._aws.call(
                    "scheduler", "ListSchedules", GroupName=address.group,
                    NamePrefix=_name(address, schedule_id, ""), **more,
                )  # fmt: skip
            except AwsError as error:
                if error.aws_code == _NOT_THERE:  # the group
                    return found
                raise
            found += [str(one["Name"]) for one in page.get("Schedules", ())]
            if not page.get("NextToken"):
                return found
            more = {"NextToken": page["NextToken"]}
        return found

    def _check_region(self, address: Address) -> None:
        if address.region != self._aws.region:
            raise EngineUnavailable(
                f"the schedule is in {address.region}, and the settings say {self._aws.region}",
                next_step=f"region = {address.region!r} in flotilla.toml, until it is gone there",
            )

    def _begun(self, schedule_id: str, artifacts: S3Artifacts, moment: datetime) -> Begun | None:
        """Return a tick of whose beginning the bucket tells; what it tells is checked."""
        at = utc_moment(moment)
        content = artifacts.small(artifacts.top + tick.marker(schedule_id, at))
        with suppress(ValueError, TypeError, AttributeError, RecursionError):
            said = json.loads(content or b"")
            run_id = tick.run_id(schedule_id, at)
            if said.get("run") == run_id:
                own = artifacts.schedule_prefix(schedule_id)
                place = f"{said.get('input')}/"
                return Begun(
                    scheduled_at=moment, run_id=run_id, task=self._arn(said.get("task")),
                    revision=placings.revision_of(place) if place.startswith(own) else None,
                )  # fmt: skip
        return None

    def _arn(self, text: Any) -> str | None:
        """Return a task's ARN, where it can be one of ours; None: it is none."""
        region, cluster = self._aws.region, (self._settings.cluster or "").rpartition("/")[2]
        account = self._aws.identity().account
        begin = f"arn:{partition_of(region)}:ecs:{region}:{account}:task/{cluster}/"
        is_ours = isinstance(text, str) and text.startswith(begin)
        return text if is_ours and _TASK.fullmatch(text.removeprefix(begin)) else None

    def _started_by(self, schedule_id: str) -> str:
        return STARTED_BY.format(install=self._install()) + schedule_id

    def _dropped_arn(self) -> str:
        # https://sqs.eu-central-1.amazonaws.com/123456789012/NAME
        account, _, name = (self._settings.dropped_queue or "").rpartition("/")
        region = self._aws.region
        return f"arn:{partition_of(region)}:sqs:{region}:{account.rpartition('/')[2]}:{name}"


def _without_run(schedule_id: str, order: LaunchOrder) -> LaunchOrder:
    """Return an order whose run has no id yet: each tick has its own."""
    run_id = tick.placeholder(schedule_id)
    return replace(order, run_id=run_id, launch_key=f"{run_id}-1", attempt_folder=Path())


def _pascal(value: Any) -> Any:
    """Return a request with its names as Scheduler wants them: ``TaskDefinition``."""
    if isinstance(value, Mapping):
        return {name[:1].upper() + name[1:]: _pascal(one) for name, one in value.items()}
    return [_pascal(one) for one in value] if isinstance(value, list) else value


def _name(address: Address, schedule_id: str, number: str) -> str:
    return f"{address.install}-{schedule_id}-{number}"


def _is_over(moment: datetime | None) -> bool:
    return moment is not None and moment <= utc_now()
