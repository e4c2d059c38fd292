"""What AWS itself says of schedules that go wrong, with no machine of ours on.

The stack's own rules, topic and alarm, in an emulator. Whoever is subscribed here is a queue.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import witness
from container_ground import Ground, S3Endpoint

from jupyter_flotilla.setup.stack.site import Member, Site
from jupyter_flotilla.setup.stack.template import template

HOME, OTHER = "0123abcd", "89ab0000"
TICK = f"flotilla/{HOME}/s0123456789ab"
#: What no rule may tell: ticks of another home, and runs that somebody has started.
NOT_OURS = [f"flotilla/{OTHER}/s0123456789ab", f"flotilla/{HOME}/r0123456789ab-1", "somebody"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A stack that is there, and a queue that is told what its topic tells."""

    site: Site
    endpoint: S3Endpoint
    #: Of the queue.
    url: str
    image: str

    def client(self, service: str) -> Any:
        """Return a client of the emulator."""
        return client(service, self.endpoint)

    def said(self, at_least: int = 1) -> list[str]:
        """Wait for messages, and return those and what has come beside them."""
        found: list[str] = []

        def receive() -> bool:
            page = self.client("sqs").receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            for one in page.get("Messages", ()):
                found.append(one["Body"])
                self.client("sqs").delete_message(
                    QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"]
                )
            return len(found) >= at_least

        witness.until(receive, f"{at_least} messages")
        receive()
        return found

    def rule(self, name: str) -> dict[str, Any]:
        """Return the pattern of a rule."""
        pattern: dict[str, Any] = json.loads(
            self.client("events").describe_rule(Name=name)["EventPattern"]
        )
        return pattern

    def run(self, script: str, started_by: str) -> str:
        """Run a task to its end; return its ARN."""
        ecs = self.client("ecs")
        container = {"name": "job", "image": self.image, "entryPoint": ["sh", "-c", script]}
        ecs.register_task_definition(
            family="flotilla-alerts", networkMode="awsvpc", cpu="256", memory="512",
            requiresCompatibilities=["FARGATE"], containerDefinitions=[container],
            executionRoleArn=self.site.execution_role_arn,
        )  # fmt: skip
        network = {"awsvpcConfiguration": {"subnets": ["subnet-0a"], "securityGroups": ["sg-0a"]}}
        [task] = ecs.run_task(
            cluster=self.site.cluster, taskDefinition="flotilla-alerts", startedBy=started_by,
            launchType="FARGATE", networkConfiguration=network,
        )["tasks"]  # fmt: skip
        arn: str = task["taskArn"]

        def is_stopped() -> bool:
            [found] = ecs.describe_tasks(cluster=self.site.cluster, tasks=[arn])["tasks"]
            return bool(found["lastStatus"] == "STOPPED")

        witness.until(is_stopped, "the task has stopped")
        return arn


def client(service: str, endpoint: S3Endpoint) -> Any:
    """Return a client of the emulator, whatever the environment says."""
    import boto3

    given = endpoint.environment
    return boto3.client(
        service, endpoint_url=endpoint.url, region_name=given["AWS_REGION"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def stack(ground: Ground, s3_endpoint: S3Endpoint) -> Iterator[Stack]:
    """A stack of this module's own, and a queue that is subscribed to its topic."""
    ground.need("FLOTILLA_ECS_ENDPOINT")
    formation, sqs, sns = (client(one, s3_endpoint) for one in ("cloudformation", "sqs", "sns"))
    name = f"fl-{uuid.uuid4().hex[:8]}"
    [vpc] = client("ec2", s3_endpoint).describe_vpcs(
        Filters=[{"Name": "is-default", "Values": ["true"]}]
    )["Vpcs"]
    site = Site(
        account=client("sts", s3_endpoint).get_caller_identity()["Account"],
        region=s3_endpoint.environment["AWS_REGION"], stack=name, vpc=vpc["VpcId"],
        member=Member(owner="ada", install=HOME), members=(Member(owner="bob", install=OTHER),),
        alerts=("ada@example.org",),
    )  # fmt: skip
    formation.create_stack(
        StackName=name, TemplateBody=json.dumps(template(site)),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )  # fmt: skip
    formation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    url = sqs.create_queue(QueueName=f"{name}-told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(
        TopicArn=site.topic_arn, Protocol="sqs", Endpoint=arn["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )  # fmt: skip
    yield Stack(site=site, endpoint=s3_endpoint, url=url, image=ground.need("FLOTILLA_BASE_IMAGE"))
    sqs.delete_queue(QueueUrl=url)
    formation.delete_stack(StackName=name)


def test_a_tick_whose_task_fails_is_told_once_in_words_and_nothing_else_is(stack: Stack) -> None:
    for started_by in NOT_OURS[1:]:  # the other home is told of its own by the same topic
        stack.run("exit 3", started_by)
    stack.run("exit 0", TICK)
    stack.run("exit 75", TICK)

    arn = stack.run("exit 3", TICK)

    [message] = stack.said()
    assert "a run of a schedule of ada failed in the cloud" in message
    assert TICK in message and arn in message
    assert "EssentialContainerExited" in message


def test_the_topic_tells_each_homes_failures_as_those_of_its_owner(stack: Stack) -> None:
    stack.run("exit 3", NOT_OURS[0])

    [message] = stack.said()

    assert "a run of a schedule of bob failed" in message and NOT_OURS[0] in message


def stopped(**changed: Any) -> dict[str, Any]:
    """Return the detail of an event of a task that has stopped."""
    return {
        "clusterArn": "…", "lastStatus": "STOPPED", "startedBy": TICK,
        "stopCode": "EssentialContainerExited", "containers": [{"name": "job", "exitCode": 1}],
        **changed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "is_told"),
    [
        pytest.param(stopped(), True, id="exit code 1"),
        pytest.param(stopped(containers=[{"exitCode": 137}]), True, id="killed"),
        pytest.param(
            stopped(stopCode="TaskFailedToStart", containers=[{"reason": "no image"}]), True,
            id="no container began",
        ),
        pytest.param(stopped(stopCode="SpotInterruption", containers=[{}]), True, id="gone"),
        pytest.param(stopped(containers=[{"exitCode": 0}]), False, id="success"),
        pytest.param(stopped(containers=[{"exitCode": 75}]), False, id="second task of a tick"),
        pytest.param(stopped(lastStatus="DEPROVISIONING"), False, id="not yet stopped"),
        pytest.param(stopped(clusterArn="another"), False, id="another cluster"),
        *(pytest.param(stopped(startedBy=one), False, id=one) for one in NOT_OURS),
    ],
)  # fmt: skip
def test_which_ends_of_tasks_are_told(stack: Stack, detail: dict[str, Any], is_told: bool) -> None:
    cluster = {"clusterArn": stack.site.cluster_arn} if detail["clusterArn"] == "…" else {}

    assert matches(stack, stack.site.failed_rule_name(HOME), {
        "detail-type": "ECS Task State Change", "detail": {**detail, **cluster},
    }) is is_told  # fmt: skip


def called(started_by: str = TICK, **changed: Any) -> dict[str, Any]:
    """Return CloudTrail's record of a RunTask, as far as it matters here."""
    no_room = {"arn": "arn:aws:ecs:…", "reason": "Capacity is unavailable at this time"}
    return {
        "eventSource": "ecs.amazonaws.com", "eventName": "RunTask",
        "eventTime": "2026-11-26T09:00:00Z", "requestParameters": {"startedBy": started_by},
        "responseElements": {"tasks": [], "failures": [no_room]}, **changed,
    }  # fmt: skip


STARTED = {"tasks": [{"taskArn": "arn:aws:ecs:…"}], "failures": []}
REFUSED = {"responseElements": None, "errorMessage": "not authorized to perform: iam:PassRole"}


@pytest.mark.parametrize(
    ("detail", "is_told"),
    [
        pytest.param(called(), True, id="no capacity"),
        pytest.param(called(errorCode="AccessDeniedException", **REFUSED), True, id="refused"),
        pytest.param(called(responseElements=STARTED), False, id="started"),
        pytest.param(called(errorCode="ThrottlingException", **REFUSED), False, id="repeated"),
        pytest.param(called(eventName="StopTask"), False, id="another call"),
        *(pytest.param(called(one), False, id=one) for one in NOT_OURS),
    ],
)
def test_which_calls_are_told(stack: Stack, detail: dict[str, Any], is_told: bool) -> None:
    assert matches(stack, stack.site.unstarted_rule_name(HOME), {
        "detail-type": "AWS API Call via CloudTrail", "detail": detail,
    }) is is_told  # fmt: skip


def matches(stack: Stack, rule: str, event: dict[str, Any]) -> bool:
    """Say whether an event of ECS matches a rule."""
    whole = {
        "id": "1", "account": stack.site.account, "source": "aws.ecs", "region": stack.site.region,
        "time": "2026-11-26T09:00:00Z", "resources": [], **event,
    }  # fmt: skip
    answer = stack.client("events").test_event_pattern(
        EventPattern=json.dumps(stack.rule(rule)), Event=json.dumps(whole)
    )
    return bool(answer["Result"])


def test_each_tick_that_started_no_task_is_told_once_in_words(stack: Stack) -> None:
    name = stack.site.unstarted_rule_name(HOME)
    events = stack.client("events")
    # nobody may put events of AWS's own sources: the same rule for a source that we may use
    pattern = stack.rule(name) | {"source": ["test.ecs"]}
    [target] = events.list_targets_by_rule(Rule=name)["Targets"]
    events.put_rule(Name=f"{name}-twin", EventPattern=json.dumps(pattern))
    events.put_targets(Rule=f"{name}-twin", Targets=[target])
    quiet = [called(responseElements=STARTED), *map(called, NOT_OURS)]

    refused = called(errorCode="InvalidParameterException", **REFUSED)

    for detail in (*quiet, called(), refused):
        put = events.put_events(Entries=[{
            "Source": "test.ecs", "DetailType": "AWS API Call via CloudTrail",
            "Detail": json.dumps(detail),
        }])  # fmt: skip
        assert put["FailedEntryCount"] == 0
    events.remove_targets(Rule=f"{name}-twin", Ids=[target["Id"]])
    events.delete_rule(Name=f"{name}-twin")

    messages = stack.said(at_least=2)
    for message in messages:
        assert "a run of a schedule of ada was not started in the cloud" in message
        assert TICK in message and "2026-11-26T09:00:00Z" in message
    assert len(messages) == 2
    [of_refusal] = [one for one in messages if "InvalidParameterException" in one]
    assert "iam:PassRole" in of_refusal


def test_the_alarm_of_dropped_ticks_is_told(stack: Stack) -> None:
    name = stack.site.dropped_name(HOME)
    watch = stack.client("cloudwatch")
    [alarm] = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]

    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="1 >= 1")

    [message] = stack.said()
    assert alarm["AlarmActions"] == [stack.site.topic_arn]
    assert json.loads(message)["AlarmName"] == name
    assert "AWS gave up starting a run of a schedule of ada" in message


def test_whoever_was_named_is_subscribed_by_mail(stack: Stack) -> None:
    found = stack.client("sns").list_subscriptions_by_topic(TopicArn=stack.site.topic_arn)

    assert ("email", "ada@example.org") in [
        (one["Protocol"], one["Endpoint"]) for one in found["Subscriptions"]
    ]


def test_dropped_ticks_have_a_queue_and_schedules_a_group(stack: Stack) -> None:
    scheduler, sqs = stack.client("scheduler"), stack.client("sqs")

    group = scheduler.get_schedule_group(Name=stack.site.schedule_group)
    url = sqs.get_queue_url(QueueName=stack.site.dropped_name(HOME))["QueueUrl"]

    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert group["State"] == "ACTIVE"
    assert kept["MessageRetentionPeriod"] == "1209600"
