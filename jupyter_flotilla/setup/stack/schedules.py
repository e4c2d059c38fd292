"""What schedules that run in the cloud stand on, and how AWS itself says that one went wrong.

A group of EventBridge Scheduler and a topic for all; for each home a queue of the ticks that were
given up, an alarm on it, and two rules. None of it needs a machine of ours to be on.
"""

import json
from collections.abc import Mapping
from typing import Any

from jupyter_flotilla.engines.ecs.install import STARTED_BY
from jupyter_flotilla.engines.ecs.outcomes import ALREADY_STARTED
from jupyter_flotilla.setup.stack.policies import document
from jupyter_flotilla.setup.stack.site import Member, Site, logical

#: The longest that SQS keeps a message (docs.aws.amazon.com/AWSSimpleQueueService/latest/
#: SQSDeveloperGuide/quotas-messages.html, read 2026-11).
_KEPT_S = 14 * 86_400
#: Names of the resources inside the template.
GROUP, TOPIC = "ScheduleGroup", "Alerts"
#: ``startedBy`` of a tick's task goes on so after what begins that of all of a home's: ids of
#: schedules begin with it, those of runs with another letter.
TICK = "s"
#: What the scheduler repeats by itself; what it gives up is told by the alarm. Names of errors of
#: ECS (docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html, read 2026-11).
_REPEATED = ["ThrottlingException", "ServerException"]
_EVENTS, _CLOUDWATCH = "events.amazonaws.com", "cloudwatch.amazonaws.com"


def resources(site: Site) -> dict[str, dict[str, Any]]:
    """Return what the stack has for schedules in the cloud, by name inside the template."""
    made = {GROUP: _made("Scheduler::ScheduleGroup", Name=site.schedule_group)} | _topic(site)
    for member in site.everyone():
        made |= _dropped(site, member) | _alarm(site, member)
        made[logical("Failed", member.install)] = _rule(
            site.failed_rule_name(member.install),
            f"Ticks of {member.owner}'s home {member.install} whose task failed",
            failed_pattern(site, member.install), _failed_words(site, member),
        )  # fmt: skip
        made[logical("Unstarted", member.install)] = _rule(
            site.unstarted_rule_name(member.install),
            f"Ticks of {member.owner}'s home {member.install} that started no task",
            unstarted_pattern(member.install), _unstarted_words(member),
        )  # fmt: skip
    return made


def outputs(site: Site) -> dict[str, Any]:
    """Return what only the stack knows, or what tells that all of this is there."""
    values: dict[str, Any] = {"ScheduleGroup": {"Ref": GROUP}, "Alerts": {"Ref": TOPIC}}
    for member in site.everyone():
        values[f"Dropped{member.install}"] = {"Ref": logical("Dropped", member.install)}
    return values


def role_of(owner: str) -> str:
    """Return the name inside the template of the role by which an owner's schedules run."""
    return logical("SchedulerRole", owner)


def failed_pattern(site: Site, install: str) -> dict[str, Any]:
    """Return which events tell that the task of a home's tick failed.

    An exit code that is neither 0 nor that of a second task of one attempt, which has done nothing;
    or none at all: no container began, or its machine went away.
    """
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [site.cluster_arn],
            "lastStatus": ["STOPPED"],
            "startedBy": _by_tick(install),
            "$or": [
                {"containers": {"exitCode": [{"anything-but": [0, ALREADY_STARTED]}]}},
                {"containers": {"exitCode": [{"exists": False}]}},
                {"stopCode": ["TaskFailedToStart"]},
            ],
        },
    }


def unstarted_pattern(install: str) -> dict[str, Any]:
    """Return which events tell that a home's tick started no task.

    RunTask succeeds where there is no capacity, and names what failed; so to the scheduler all is
    well. CloudTrail tells of calls only where a trail logs management events (docs.aws.amazon.com/
    eventbridge/latest/userguide/eb-service-event-cloudtrail.html, read 2026-11).
    """
    return {
        "source": ["aws.ecs"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["ecs.amazonaws.com"],
            "eventName": ["RunTask"],
            "requestParameters": {"startedBy": _by_tick(install)},
            "$or": [
                {"errorCode": [{"anything-but": _REPEATED}]},
                {"responseElements": {"failures": {"reason": [{"exists": True}]}}},
            ],
        },
    }


def _by_tick(install: str) -> list[dict[str, str]]:
    return [{"prefix": STARTED_BY.format(install=install) + TICK}]


def _failed_words(site: Site, member: Member) -> dict[str, Any]:
    return _message(
        {
            "started": "$.detail.startedBy", "task": "$.detail.taskArn", "time": "$.time",
            "code": "$.detail.stopCode", "reason": "$.detail.stoppedReason",
            "exit": "$.detail.containers[0].exitCode",
        },
        f"Flotilla: a run of a schedule of {member.owner} failed in the cloud.",
        "Schedule (the last part): <started>. Time: <time>.",
        "Why: <code>: <reason>. Exit code, if it had one: <exit>.",
        f"Task: <task>. What it said: log group {site.log_group}.",
    )  # fmt: skip


def _unstarted_words(member: Member) -> dict[str, Any]:
    return _message(
        {
            "started": "$.detail.requestParameters.startedBy", "time": "$.detail.eventTime",
            "code": "$.detail.errorCode", "error": "$.detail.errorMessage",
            "reason": "$.detail.responseElements.failures[0].reason",
        },
        f"Flotilla: a run of a schedule of {member.owner} was not started in the cloud.",
        "Schedule (the last part): <started>. Time: <time>.",
        "Why: <reason> <code> <error>",
    )  # fmt: skip


def _message(paths: Mapping[str, str], *lines: str) -> dict[str, Any]:
    """Return how an event becomes words; what an event lacks becomes nothing.

    Each line is in quotes, which arrive with it: without them AWS refuses the rule as no JSON
    (github.com/aws/aws-cdk/issues/38121 and github.com/hashicorp/terraform-provider-aws/issues/
    43253, read 2026-11).
    """
    return {"InputPathsMap": dict(paths), "InputTemplate": "\n".join(map(json.dumps, lines))}


def _rule(
    name: str, description: str, pattern: dict[str, Any], words: dict[str, Any]
) -> dict[str, Any]:
    target = {"Id": "topic", "Arn": {"Ref": TOPIC}, "InputTransformer": words}
    return _made(
        "Events::Rule", Name=name, Description=description, State="ENABLED",
        EventPattern=pattern, Targets=[target],
    )  # fmt: skip


def _topic(site: Site) -> dict[str, dict[str, Any]]:
    """Return the topic, who may publish to it, and who is told.

    It has no key: neither EventBridge nor CloudWatch may use AWS's own one for SNS, and nothing
    secret is in what they say ("Key management", docs.aws.amazon.com/sns/latest/dg/
    sns-key-management.html, read 2026-11).
    """
    alarms = {
        "StringEquals": {"aws:SourceAccount": site.account},
        "ArnLike": {"aws:SourceArn": site.arn("cloudwatch", f"alarm:{site.dropped_name('*')}")},
    }
    # without a condition: in a topic's policy EventBridge meets none ("Using resource-based
    # policies", docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html)
    allowed = [_publish("Rules", _EVENTS), _publish("Alarms", _CLOUDWATCH, alarms)]
    topic = _made("SNS::Topic", TopicName=site.topic_name, DisplayName="Flotilla")
    policy = _made("SNS::TopicPolicy", Topics=[{"Ref": TOPIC}], PolicyDocument=document(*allowed))
    made = {TOPIC: topic, "AlertsPolicy": policy}
    for address in site.alerts:
        made[logical("Alert", address)] = _made(
            "SNS::Subscription", TopicArn={"Ref": TOPIC}, Protocol="email", Endpoint=address
        )
    return made


def _publish(sid: str, service: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": sid, "Effect": "Allow", "Principal": {"Service": service},
        "Action": "sns:Publish", "Resource": {"Ref": TOPIC},
    }  # fmt: skip
    return statement | ({"Condition": condition} if condition else {})


def _dropped(site: Site, member: Member) -> dict[str, dict[str, Any]]:
    """Return where the scheduler leaves the ticks that it gave up."""
    queue = logical("Dropped", member.install)
    kept = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    send = {
        "Sid": "Scheduler", "Effect": "Allow", "Action": "sqs:SendMessage",
        "Principal": {"AWS": _arn(role_of(member.owner))}, "Resource": _arn(queue),
    }  # fmt: skip
    return {
        queue: kept | _made(
            "SQS::Queue", QueueName=site.dropped_name(member.install),
            MessageRetentionPeriod=_KEPT_S, SqsManagedSseEnabled=True,
        ),
        logical("DroppedPolicy", member.install): _made(
            "SQS::QueuePolicy", Queues=[{"Ref": queue}], PolicyDocument=document(send),
        ),
    }  # fmt: skip


def _alarm(site: Site, member: Member) -> dict[str, dict[str, Any]]:
    """Return what tells that a tick was given up: it needs no trail, and no dispatcher."""
    name = site.dropped_name(member.install)
    alarm = _made(
        "CloudWatch::Alarm", AlarmName=name,
        AlarmDescription=f"Flotilla: AWS gave up starting a run of a schedule of {member.owner}. "
        "Why: jupyter flotilla schedule history SCHEDULE.",
        Namespace="AWS/SQS", MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": name}], Statistic="Maximum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
        # a queue that nobody touches has no metric
        TreatMissingData="notBreaching", AlarmActions=[{"Ref": TOPIC}],
    )  # fmt: skip
    return {logical("DroppedAlarm", member.install): alarm}


def _arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


def _made(kind: str, **properties: Any) -> dict[str, Any]:
    """Return a resource; its properties have the names of CloudFormation."""
    return {"Type": f"AWS::{kind}", "Properties": properties}
