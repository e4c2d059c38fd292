"""Targets that a schedule in EventBridge Scheduler may have, on the emulator: which one to use.

Scheduler delivers at least once. These tests say what keeps a tick that is delivered twice from
becoming two tasks, and where one that starts none is to be seen. What they show is what AWS
documents, as the emulator has it; ``tests/ground/emulator`` says where each part of it was read.
"""

import functools
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ecs_ground import EcsGround, pascal, wait_until

_TICK = "2026-11-26T09:00:00Z"
_RUN_TASK = "arn:aws:scheduler:::aws-sdk:ecs:runTask"
_REFUSED = {"code": "AccessDeniedException", "message": "not authorized to perform: iam:PassRole"}
_SERVER = {"code": "ServerException", "message": "try later", "status": 500}

Make = Callable[..., str]
Request = Callable[..., dict[str, Any]]
Started = Callable[[], list[Any]]


@pytest.fixture(scope="module")
def client(_ecs_ground: EcsGround) -> Callable[[str], Any]:
    """Gives a client of a service; one takes a while to make."""
    return functools.cache(_ecs_ground.client)


@pytest.fixture
def scheduler(client: Callable[[str], Any]) -> Any:
    """A client of EventBridge Scheduler."""
    return client("scheduler")


@pytest.fixture
def make(ecs_ground: EcsGround, scheduler: Any) -> Iterator[Make]:
    """Makes a schedule that is never due by itself, and gives its name."""
    prefix, names = f"flotilla-{uuid.uuid4().hex[:8]}", list[str]()

    def schedule(**target: Any) -> str:
        name = f"{prefix}-{len(names)}"
        scheduler.create_schedule(
            Name=name, ScheduleExpression="cron(0 9 * * ? *)", State="DISABLED",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"RoleArn": ecs_ground.execution_role, **target},
        )  # fmt: skip
        names.append(name)
        return name

    yield schedule
    for name in names:
        scheduler.delete_schedule(Name=name)


@pytest.fixture
def definition(ecs_ground: EcsGround, client: Callable[[str], Any]) -> str:
    """ARN of a definition of the test's own, whose one container does nothing."""
    container = {"name": "job", "image": ecs_ground.image, "entryPoint": ["true"]}
    made = client("ecs").register_task_definition(
        family=f"target-{uuid.uuid4().hex[:8]}", networkMode="awsvpc", cpu="256", memory="512",
        requiresCompatibilities=["FARGATE"], containerDefinitions=[container],
    )  # fmt: skip
    arn: str = made["taskDefinition"]["taskDefinitionArn"]
    return arn


@pytest.fixture
def request_of(ecs_ground: EcsGround, definition: str) -> Request:
    """Gives a RunTask request, named as the SDKs have it."""

    def request(**fields: Any) -> dict[str, Any]:
        return {
            "cluster": ecs_ground.cluster,
            "taskDefinition": definition,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": list(ecs_ground.subnets)}},
            **fields,
        }

    return request


@pytest.fixture
def sid() -> str:
    """A schedule's id: what its tokens begin with, which a cluster remembers."""
    return f"s{uuid.uuid4().hex[:12]}"


@pytest.fixture
def token(sid: str) -> str:
    """The token of a tick: of a schedule and a scheduled time."""
    return f"{sid}-<aws.scheduler.scheduled-time>"


@pytest.fixture
def universal(make: Make, request_of: Request) -> Make:
    """Makes a schedule whose target is RunTask itself, with fields of the request."""

    def schedule(*, policy: dict[str, int] | None = None, dead: str = "", **fields: Any) -> str:
        target: dict[str, Any] = {"Input": json.dumps(pascal(request_of(**fields)))}
        target |= {"RetryPolicy": policy} if policy else {}
        target |= {"DeadLetterConfig": {"Arn": dead}} if dead else {}
        return make(Arn=_RUN_TASK, **target)

    return schedule


class Queue:
    """A queue of SQS with a name of its own."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.url = sqs.create_queue(QueueName=f"flotilla-{uuid.uuid4().hex[:12]}")["QueueUrl"]
        said = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn: str = said["Attributes"]["QueueArn"]

    def take(self) -> list[Any]:
        """Return the messages that it has now."""
        said = self._sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        messages: list[Any] = said.get("Messages", [])
        return messages

    def delete(self) -> None:
        """Delete it."""
        self._sqs.delete_queue(QueueUrl=self.url)

    def letters(self) -> list[tuple[str, dict[str, str]]]:
        """Return the bodies and the attributes of the messages that it has now."""
        return [
            (one["Body"], {name: value["StringValue"]
                           for name, value in one["MessageAttributes"].items()})
            for one in self.take()
        ]  # fmt: skip


Trail = Callable[..., AbstractContextManager[Queue]]


@pytest.fixture
def trail(client: Callable[[str], Any]) -> Trail:
    """Gives a queue of what CloudTrail says of calls of RunTask, of those with such a detail."""

    @contextmanager
    def told(**detail: Any) -> Iterator[Queue]:
        events, name = client("events"), f"flotilla-{uuid.uuid4().hex[:12]}"
        queue = Queue(client("sqs"))
        pattern = {
            "source": ["aws.ecs"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventSource": ["ecs.amazonaws.com"], "eventName": ["RunTask"], **detail},
        }
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue.arn}])
        yield queue
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        queue.delete()

    return told


@pytest.fixture
def dead(client: Callable[[str], Any]) -> Iterator[Queue]:
    """A dead-letter queue."""
    queue = Queue(client("sqs"))
    yield queue
    queue.delete()


@pytest.fixture
def started(ecs_ground: EcsGround, definition: str) -> Started:
    """Gives the tasks that the test has started."""
    return lambda: [one for one in ecs_ground.tasks() if one["taskDefinitionArn"] == definition]


# --- once ---------------------------------------------------------------------------------------


def test_a_universal_target_fired_twice_for_one_scheduled_time_starts_one_task(
    ecs_ground: EcsGround, universal: Make, token: str, started: Started
) -> None:
    name = universal(clientToken=token)

    first, second = ecs_ground.fire(name, _TICK, times=2)
    [next_day] = ecs_ground.fire(name, "2026-11-27T09:00:00Z")

    tasks = {one["answer"]["tasks"][0]["taskArn"] for one in (first, second)}
    assert len(tasks) == 1
    assert len(started()) == 2
    assert next_day["answer"]["tasks"][0]["taskArn"] not in tasks


def test_a_templated_target_fired_twice_starts_two_tasks_as_it_has_no_token(
    ecs_ground: EcsGround, make: Make, definition: str, started: Started, trail: Trail
) -> None:
    vpc = {"awsvpcConfiguration": {"Subnets": list(ecs_ground.subnets)}}
    environment = [{"name": "TICK", "value": "<aws.scheduler.scheduled-time>"}]
    override = {"name": "job", "environment": environment}
    name = make(
        Arn=f"arn:aws:ecs:us-east-1:000000000000:cluster/{ecs_ground.cluster}",
        EcsParameters={"TaskDefinitionArn": definition, "LaunchType": "FARGATE",
                       "NetworkConfiguration": vpc},
        Input=json.dumps({"containerOverrides": [override]}),
    )  # fmt: skip
    mine = {"requestParameters": {"startedBy": [f"chronos-schedule/{name}"]}}

    with trail(**mine) as queue:
        ecs_ground.fire(name, _TICK, times=2)
        requests = [json.loads(one["Body"])["detail"]["requestParameters"] for one in queue.take()]

    assert len(requests) == len(started()) == 2
    assert not any("clientToken" in request for request in requests)
    [said] = started()[0]["overrides"]["containerOverrides"]
    assert said["environment"] == [{"name": "TICK", "value": _TICK}]


def test_an_execution_id_is_no_token_as_every_attempt_has_its_own(
    ecs_ground: EcsGround, universal: Make, sid: str, started: Started
) -> None:
    name = universal(clientToken=f"{sid}-<aws.scheduler.execution-id>")
    # the task starts, and Scheduler never hears of it
    ecs_ground.plan(error=_SERVER, has_effect=True)

    [outcome] = ecs_ground.fire(name, _TICK)

    assert outcome["attempts"] == 2
    assert len(started()) == 2


def test_a_lost_answer_costs_no_second_task_where_the_token_is_the_scheduled_time(
    ecs_ground: EcsGround, universal: Make, token: str, started: Started
) -> None:
    name = universal(clientToken=token)
    ecs_ground.plan(closes=True, has_effect=True)

    [outcome] = ecs_ground.fire(name, _TICK)

    assert outcome["attempts"] == 2
    assert len(started()) == 1


def test_an_attempt_number_in_the_request_makes_a_retry_another_request(
    ecs_ground: EcsGround, universal: Make, token: str, dead: Queue, started: Started
) -> None:
    attempt = [{"key": "attempt", "value": "<aws.scheduler.attempt-number>"}]
    name = universal(clientToken=token, tags=attempt, dead=dead.arn)
    ecs_ground.plan(closes=True, has_effect=True)

    [outcome] = ecs_ground.fire(name, _TICK)

    assert (outcome["attempts"], outcome["error_code"]) == (2, "ConflictException")
    assert len(started()) == 1
    assert len(dead.letters()) == 1  # although it runs


# --- none ---------------------------------------------------------------------------------------


def test_a_refused_call_is_a_dead_letter_at_once(
    ecs_ground: EcsGround,
    universal: Make,
    token: str,
    sid: str,
    scheduler: Any,
    dead: Queue,
    started: Started,
) -> None:
    name = universal(clientToken=token, dead=dead.arn)
    ecs_ground.plan(error=_REFUSED)

    [outcome] = ecs_ground.fire(name, _TICK)

    [(body, attributes)] = dead.letters()
    assert json.loads(body)["ClientToken"] == f"{sid}-{_TICK}"
    assert attributes == {
        "ERROR_CODE": "AccessDeniedException",
        "ERROR_MESSAGE": "not authorized to perform: iam:PassRole",
        "EXECUTION_ID": outcome["execution_id"],
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": _TICK,
        "SCHEDULE_ARN": scheduler.get_schedule(Name=name)["Arn"],
        "TARGET_ARN": _RUN_TASK,
    }
    assert started() == []


@pytest.mark.parametrize(
    ("policy", "exhausted", "retries"),
    [
        ({"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 2}, "MaximumRetryAttempts", 2),
        # 1 + 2 + 4 + 8 + 16 s of pauses are in a minute, and 32 s more are not
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", 5),
    ],
    ids=["attempts", "age"],
)
def test_a_throttled_call_is_tried_again_until_its_policy_is_exhausted(
    ecs_ground: EcsGround, universal: Make, token: str, dead: Queue,
    policy: dict[str, int], exhausted: str, retries: int,
) -> None:  # fmt: skip
    name = universal(clientToken=token, policy=policy, dead=dead.arn)
    ecs_ground.throttle(times=100)

    ecs_ground.fire(name, _TICK)

    [(_, attributes)] = dead.letters()
    assert attributes["ERROR_CODE"] == "ThrottlingException"
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == exhausted
    assert attributes["RETRY_ATTEMPTS"] == str(retries)
    assert ecs_ground.calls()["RunTask"] == retries + 1


def test_a_call_that_is_throttled_for_a_while_is_no_dead_letter(
    ecs_ground: EcsGround, universal: Make, token: str, dead: Queue, started: Started
) -> None:
    name = universal(clientToken=token, dead=dead.arn)
    ecs_ground.throttle(times=3)

    [outcome] = ecs_ground.fire(name, _TICK)

    assert outcome["attempts"] == 4
    assert len(started()) == 1
    assert dead.letters() == []


def test_capacity_that_is_short_leaves_no_dead_letter_and_only_cloudtrail_tells(
    ecs_ground: EcsGround, universal: Make, token: str, sid: str, dead: Queue, trail: Trail
) -> None:
    mark = f"flotilla/{uuid.uuid4().hex[:8]}/s1"
    name = universal(clientToken=token, startedBy=mark, dead=dead.arn)
    short = {"reason": "Capacity is unavailable at this time."}
    ecs_ground.plan(failures=[short])
    mine = {
        "requestParameters": {"startedBy": [{"prefix": mark}]},
        "responseElements": {"failures": {"reason": [{"exists": True}]}},
    }

    with trail(**mine) as queue:
        [outcome] = ecs_ground.fire(name, _TICK)
        [again] = ecs_ground.fire(name, _TICK)
        events = [json.loads(one["Body"]) for one in queue.take()]

    assert (outcome["attempts"], outcome["answer"]["failures"]) == (1, [short])
    assert again["answer"] == outcome["answer"]  # a token keeps a refusal, too
    assert dead.letters() == []
    assert [one["source"] for one in events] == ["aws.ecs", "aws.ecs"]
    detail = events[0]["detail"]
    assert detail["responseElements"] == {"tasks": [], "failures": [short]}
    assert detail["requestParameters"]["clientToken"] == f"{sid}-{_TICK}"
    assert "errorCode" not in detail


def test_cloudtrail_tells_of_a_refused_call(
    ecs_ground: EcsGround, universal: Make, token: str, trail: Trail
) -> None:
    mark = f"flotilla/{uuid.uuid4().hex[:8]}/s1"
    name = universal(clientToken=token, startedBy=mark)
    ecs_ground.plan(error=_REFUSED)
    mine = {"requestParameters": {"startedBy": [{"prefix": mark}]}, "errorCode": [{"exists": True}]}

    with trail(**mine) as queue:
        ecs_ground.fire(name, _TICK)
        ecs_ground.fire(name, "2026-11-27T09:00:00Z")  # goes well
        [event] = [json.loads(one["Body"]) for one in queue.take()]

    assert event["detail"]["errorCode"] == "AccessDenied"
    assert event["detail"]["responseElements"] is None


# --- what cannot be a target --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Input": '{"cluster": "c", "taskDefinition": "d"}'}, "field(s): TaskDefinition."),
        ({"Input": '{"Cluster": "c"}'}, "field(s): TaskDefinition."),
        ({"Input": '{"TaskDefinition": "d", "Overrides": {"containerOverrides": []}}'},
         "TaskOverride has no field containerOverrides"),
        ({"Input": "{TaskDefinition"}, "no JSON"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:ecs:describeTasks", "Input": "{}"}, "only reads"),
    ],
    ids=["camel case", "missing", "camel case inside", "no JSON", "only reads"],
)  # fmt: skip
def test_a_target_that_cannot_be_is_refused(
    make: Make, universal: Make, scheduler: Any, change: dict[str, str], why: str
) -> None:
    with pytest.raises(ClientError) as created:
        make(**{"Arn": _RUN_TASK, **change})
    kept = scheduler.get_schedule(Name=universal())
    with pytest.raises(ClientError) as updated:
        scheduler.update_schedule(
            Name=kept["Name"], ScheduleExpression=kept["ScheduleExpression"],
            FlexibleTimeWindow={"Mode": "OFF"}, Target={**kept["Target"], **change},
        )  # fmt: skip

    for refused in (created, updated):
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert why in str(refused.value)
    assert scheduler.get_schedule(Name=kept["Name"])["Target"] == kept["Target"]


# --- making and listing them --------------------------------------------------------------------


def test_a_schedule_whose_making_was_not_answered_is_there_once(
    ecs_ground: EcsGround, universal: Make, token: str, scheduler: Any
) -> None:
    ecs_ground.plan("CreateSchedule", cluster=None, matching=token, closes=True, has_effect=True)

    name = universal(clientToken=token)  # the SDK tries again, by the same token

    listed = scheduler.list_schedules(NamePrefix=name)["Schedules"]
    assert [one["Name"] for one in listed] == [name]


def test_schedules_are_listed_in_pages(universal: Make, scheduler: Any) -> None:
    names = [universal() for _ in range(3)]

    pages = scheduler.get_paginator("list_schedules").paginate(
        NamePrefix=names[0].removesuffix("0"), PaginationConfig={"PageSize": 2}
    )

    assert [[one["Name"] for one in page["Schedules"]] for page in pages] == [names[:2], names[2:]]


# --- when ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "after", "times"),
    [
        ("cron(30 2 * * ? *)", "2027-03-27T00:00:00Z",  # no 02:30 on the 28th
         ["2027-03-27T01:30:00Z", "2027-03-29T00:30:00Z"]),
        ("cron(30 2 * * ? *)", "2027-10-30T12:00:00Z",  # 02:30 twice on the 31st
         ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]),
        ("cron(0/30 * * * ? *)", "2027-10-31T00:00:00Z",  # an hour that is not run again
         ["2027-10-31T00:30:00Z", "2027-10-31T02:00:00Z", "2027-10-31T02:30:00Z"]),
        ("at(2027-07-01T09:00:00)", "2027-01-01T00:00:00Z", ["2027-07-01T07:00:00Z"]),
    ],
    ids=["skipped", "repeated", "repeated hour", "at"],
)  # fmt: skip
def test_a_schedule_follows_the_clocks_of_its_zone(
    ecs_ground: EcsGround, scheduler: Any, universal: Make,
    expression: str, after: str, times: list[str],
) -> None:  # fmt: skip
    kept = scheduler.get_schedule(Name=universal())

    scheduler.update_schedule(
        Name=kept["Name"], State="DISABLED", FlexibleTimeWindow={"Mode": "OFF"},
        Target=kept["Target"], ScheduleExpression=expression,
        ScheduleExpressionTimezone="Europe/Berlin",
    )  # fmt: skip

    assert ecs_ground.due(kept["Name"], after, count=len(times)) == times


def test_a_schedule_that_is_late_is_told_when_it_was_due(
    ecs_ground: EcsGround, scheduler: Any, universal: Make, token: str, sid: str, trail: Trail
) -> None:
    kept = scheduler.get_schedule(Name=universal(clientToken=token))
    due = {"requestParameters": {"clientToken": [f"{sid}-2026-01-01T08:00:00Z"]}}

    with trail(**due) as queue:
        scheduler.update_schedule(
            Name=kept["Name"], FlexibleTimeWindow={"Mode": "OFF"}, Target=kept["Target"],
            ScheduleExpression="at(2026-01-01T09:00:00)",
            ScheduleExpressionTimezone="Europe/Berlin",
        )  # fmt: skip

        wait_until(lambda: bool(queue.take()))
