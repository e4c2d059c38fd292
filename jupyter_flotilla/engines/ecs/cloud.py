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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.artifacts.s3 import S3Artifacts
from jupyter_flotilla.bootstrap import tick
from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.cloud import Begun, CloudScheduler, Dropped, Wanted
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.install import STARTED_BY
from jupyter_flotilla.engines.ecs.launching import Parts, defined
from jupyter_flotilla.engines.ecs.request import run_task
from jupyter_flotilla.engines.job_file import job_file
from jupyter_flotilla.engines.job_keys import partition_of
from jupyter_flotilla.engines.remote import LAYOUT, add_programs, note_sent
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.cloud_calendar import utc_moment
from jupyter_flotilla.model.cloud_when import Expression
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import Handle

RUN_TASK = "arn:{partition}:scheduler:::aws-sdk:ecs:runTask"
#: Replaced by when the tick was due, in UTC, as ``2027-03-22T18:59:00Z``.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_NEEDED = ("scheduler_role", "schedule_group", "dropped_queue")
_SET_UP = "jupyter flotilla setup-aws --apply"
#: The most that Scheduler takes, and the shortest time that it tries for (RetryPolicy, ibid.).
_MOST_TRIES, _SHORTEST_S, _LONGEST_S = 185, 60, 86_400
_MOST_DESCRIPTION = 512
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
        target = self._target(wanted, request)
        names = self._names(wanted.schedule_id)
        known = {one: None for one in self._known(wanted.schedule_id)}
        for number, expression in enumerate(wanted.expressions, 1):
            name = names.format(number=number)
            body = self._body(wanted, expression, target)
            self._put(name, body, is_known=name in known)
            known.pop(name, None)
        for name in known:
            self._delete(name)
        self._forget_files(wanted.schedule_id, artifacts, below=wanted.revision - 1)

    def remove(self, schedule_id: str, bucket: Bucket) -> None:
        self.check()
        for name in self._known(schedule_id):
            self._delete(name)
        artifacts = s3_of(bucket)
        artifacts.delete_below(artifacts.schedule_prefix(schedule_id))

    def begun(self, schedule_id: str, bucket: Bucket, after: datetime) -> Sequence[datetime]:
        artifacts = s3_of(bucket)
        prefix = artifacts.top + tick.marker(schedule_id, "")
        keys = artifacts.below(prefix, prefix + utc_moment(after))
        found = [_moment(key.removeprefix(prefix)) for key in keys]
        return [one for one in found if one is not None and one > after]

    def begun_at(self, schedule_id: str, bucket: Bucket, moment: datetime) -> Begun | None:
        artifacts = s3_of(bucket)
        said = self._begun(schedule_id, artifacts, moment)
        if said is not None:
            return said
        run_id = tick.run_id(schedule_id, utc_moment(moment))
        lease = artifacts.lease(run_id, 1)
        if lease is None:
            return None
        return Begun(scheduled_at=moment, run_id=run_id, task=_arn(lease.get("task")))

    def adopt(self, order: LaunchOrder, begun: Begun, schedule_id: str) -> Handle:
        note_sent(order.attempt_folder)
        handle = self._handle_of(self._given(order), begun.task)
        detail = {
            "started_by": self._started_by(schedule_id),
            # what has ended long ago is not waited for as if ECS did not know it yet
            "seen_at": begun.scheduled_at.timestamp(),
        }
        return handle.model_copy(update={"detail": {**handle.detail, **detail}})

    def dropped(self) -> Sequence[Dropped]:
        answer = self._aws.call(
            "sqs", "ReceiveMessage", QueueUrl=self._settings.dropped_queue,
            MaxNumberOfMessages=_RECEIVED, MessageAttributeNames=["All"],
            AttributeNames=["SentTimestamp"],
        )  # fmt: skip
        found = [_dropped(message) for message in answer.get("Messages") or ()]
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
        prefix = artifacts.schedule_prefix(wanted.schedule_id, wanted.revision)
        add_programs(order, parts.runner)
        sent = artifacts.upload_below(prefix, order.input_folder)
        job = json.dumps(job_file(order, LAYOUT, self._checkpoint_every_s)).encode()
        is_notebook = order.spec.kind == "notebook"
        calendar = json.dumps({
            **wanted.calendar,
            "top": artifacts.top,
            "notebook": order.spec.source if is_notebook else None,
        }).encode()  # fmt: skip
        for name, content in (("job.json", job), (tick.CALENDAR, calendar)):
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
            "State": "ENABLED" if wanted.is_on else "DISABLED",
            "Description": f"Flotilla: {wanted.name}"[:_MOST_DESCRIPTION],
            "Target": target,
        }
        if wanted.starts_at is not None:
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

    def _delete(self, name: str) -> None:
        group = self._settings.schedule_group
        try:
            self._aws.call("scheduler", "DeleteSchedule", Name=name, GroupName=group)
        except AwsError as error:
            if error.aws_code != "ResourceNotFoundException":
                raise

    def _known(self, schedule_id: str) -> Iterator[str]:
        """Yield the names that AWS has of a schedule."""
        more: dict[str, Any] = {}
        while True:
            page = self._aws.call(
                "scheduler", "ListSchedules", GroupName=self._settings.schedule_group,
                NamePrefix=self._names(schedule_id).format(number=""), **more,
            )  # fmt: skip
            yield from [str(one["Name"]) for one in page.get("Schedules", ())]
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def _forget_files(self, schedule_id: str, artifacts: S3Artifacts, below: int) -> None:
        """Delete files of older revisions, but for the last: a task of it may just begin."""
        whole = artifacts.schedule_prefix(schedule_id)
        revisions = {key.removeprefix(whole).partition("/")[0] for key in artifacts.below(whole)}
        for revision in sorted(int(one) for one in revisions if one.isdigit()):
            if revision < below:
                artifacts.delete_below(artifacts.schedule_prefix(schedule_id, revision))

    def _begun(self, schedule_id: str, artifacts: S3Artifacts, moment: datetime) -> Begun | None:
        """Return a tick of whose beginning the bucket tells; what it tells is checked."""
        at = utc_moment(moment)
        content = artifacts.small(artifacts.top + tick.marker(schedule_id, at))
        with suppress(ValueError, TypeError, AttributeError):
            said = json.loads(content or b"")
            run_id = tick.run_id(schedule_id, at)
            if said.get("run") == run_id:
                return Begun(scheduled_at=moment, run_id=run_id, task=_arn(said.get("task")))
        return None

    def _started_by(self, schedule_id: str) -> str:
        return STARTED_BY.format(install=self._install()) + schedule_id

    def _names(self, schedule_id: str) -> str:
        return f"{self._install()}-{schedule_id}-{{number}}"

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


def _moment(at: str) -> datetime | None:
    """Return when a tick was due, as AWS writes it; None: it is no such text."""
    with suppress(ValueError):
        return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return None


def _arn(text: Any) -> str | None:
    return text if isinstance(text, str) and text.startswith("arn:") and len(text) < 512 else None


def _dropped(message: Mapping[str, Any]) -> Dropped | None:
    """Return the tick of a dead letter; None: it is none of ours."""
    attributes = {
        name: str(one.get("StringValue", ""))
        for name, one in (message.get("MessageAttributes") or {}).items()
    }
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        token = str(json.loads(message["Body"])["ClientToken"])
        schedule_id, _, at = token.partition("-")
        moment = _moment(at)
        if moment is None:
            return None
        words = [attributes.get(name, "") for name in ("ERROR_CODE", "ERROR_MESSAGE")]
        return Dropped(
            schedule_id=schedule_id, scheduled_at=moment,
            reason=": ".join(filter(None, words))[:1000] or "AWS says no reason",
            given_up_at=datetime.fromtimestamp(
                int(message["Attributes"]["SentTimestamp"]) / 1000, UTC
            ),
            receipt=str(message["ReceiptHandle"]),
        )  # fmt: skip
    return None
