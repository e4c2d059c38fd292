"""What AWS itself says of a schedule's run that fails, and who may make whose schedules."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
import pytest
import witness
from botocore.exceptions import ClientError
from live import OWNER, Live

from jupyter_flotilla.engines.ecs.account import AwsError

#: Far enough that it never comes.
_LATER = "at(2099-01-01T00:00:00)"


@contextmanager
def subscribed(live: Live) -> Iterator[str]:
    """Yield the URL of a queue that gets what the topic of alerts says."""
    call, topic = live.account.call, str(live.settings.ecs.alerts)
    url = str(call("sqs", "CreateQueue", QueueName=f"{live.stack}-told")["QueueUrl"])
    found = call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}}  # fmt: skip
    call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    subscription = call(
        "sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"}, ReturnSubscriptionArn=True,
    )["SubscriptionArn"]  # fmt: skip
    try:
        yield url
    finally:
        call("sns", "Unsubscribe", SubscriptionArn=subscription)
        call("sqs", "DeleteQueue", QueueUrl=url)


def test_a_tick_that_fails_is_told_with_its_exit_code_and_one_that_succeeds_is_not(
    live: Live,
) -> None:
    told: list[str] = []
    with subscribed(live) as url:
        good = live.run("pass", started_by=f"{live.started_by}s{uuid.uuid4().hex[:12]}")
        bad = live.run(
            "raise SystemExit(3)", started_by=f"{live.started_by}s{uuid.uuid4().hex[:12]}"
        )

        def is_told() -> bool:
            page = live.account.call(
                "sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5
            )
            told.extend(one["Body"] for one in page.get("Messages", ()))
            return any(bad["taskArn"] in one for one in told)

        witness.until(is_told, "the message of the end")
    live.seen["messages of a failed tick"] = told
    assert not [one for one in told if good["taskArn"] in one]
    [message] = [one for one in told if bad["taskArn"] in one]
    assert bad["startedBy"] in message
    if not live.is_emulated:  # which knows no places in lists
        assert "Exit code, if it had one: 3." in message


def test_whoever_submits_makes_schedules_of_their_own_home_and_of_no_other(live: Live) -> None:
    live.need_aws("it enforces no policy")
    install = live.started_by.split("/")[1]
    with submitter(live) as scheduler:
        own, other = (f"{one}-s{uuid.uuid4().hex[:12]}-1" for one in (install, "ffffffff"))

        def is_made() -> bool:
            try:
                scheduler.create_schedule(**schedule(live, own))
            except ClientError as error:  # what was just allowed is not known everywhere
                live.seen["first refusals of a schedule"] = str(error)
                return False
            return True

        witness.until(is_made, "a schedule of its own")
        with pytest.raises(ClientError) as refused:
            scheduler.create_schedule(**schedule(live, other))
        live.seen["refusal of another home's schedule"] = str(refused.value)
        scheduler.get_schedule(Name=own, GroupName=live.settings.ecs.schedule_group)
        listed = scheduler.list_schedules(GroupName=live.settings.ecs.schedule_group)
        assert [one["Name"] for one in listed["Schedules"]] == [own]
        scheduler.delete_schedule(Name=own, GroupName=live.settings.ecs.schedule_group)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def schedule(live: Live, name: str) -> dict[str, Any]:
    """Return a schedule that never comes; AWS looks whether its role can be had."""
    return {
        "Name": name, "GroupName": live.settings.ecs.schedule_group,
        "ScheduleExpression": _LATER, "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask",
            "RoleArn": live.settings.ecs.scheduler_role,
            "Input": json.dumps({"TaskDefinition": "flotilla-none", "Cluster": live.cluster}),
        },
    }  # fmt: skip


@contextmanager
def submitter(live: Live) -> Iterator[Any]:
    """Yield a client of the scheduler with the policy for submitting, and nothing else."""
    plan = live.flotilla("setup-aws", "--json", "--stack-name", live.stack, "--owner", OWNER)
    policy = json.dumps(json.loads(plan.stdout)["policies"]["submit"])
    call, name = live.account.call, f"{live.stack}-{uuid.uuid4().hex[:6]}"
    trust = {"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{live.account.identity().account}:root"}}}  # fmt: skip
    made = call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    try:
        call("iam", "PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=policy)

        def keys() -> dict[str, str] | None:
            with suppress(AwsError):  # a role that was just made is not known everywhere
                answer: dict[str, str] = call(
                    "sts", "AssumeRole", RoleArn=made["Role"]["Arn"], RoleSessionName="submit"
                )["Credentials"]
                return answer
            return None

        given = witness.until(keys, "a role that can be assumed")
        yield boto3.client(
            "scheduler", region_name=live.settings.region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )  # fmt: skip
    finally:
        call("iam", "DeleteRolePolicy", RoleName=name, PolicyName="p")
        call("iam", "DeleteRole", RoleName=name)
