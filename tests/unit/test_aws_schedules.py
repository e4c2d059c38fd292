"""`setup.stack.schedules`: what schedules in the cloud stand on, and who is told when they fail."""

import json
import re

import pytest

from jupyter_flotilla.engines.ecs.outcomes import ALREADY_STARTED
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.setup.stack import policies, schedules
from jupyter_flotilla.setup.stack.site import Member, Site, logical
from jupyter_flotilla.setup.stack.template import template

ADA, BOB = Member(owner="ada", install="0123abcd"), Member(owner="bob", install="89ab0000")
#: Ada's other home.
DEN = Member(owner="ada", install="77770000")
GROUP = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/flotilla"


def site(**changed):
    """Return a set-up of Ada's and Bob's."""
    given = {
        "account": "123456789012", "region": "eu-west-1", "member": ADA, "members": (BOB, DEN),
        "vpc": "vpc-0a1b2c3d",
    }  # fmt: skip
    return Site(**given | changed)


def made(of, name):
    """Return the properties of a resource of the template."""
    return template(of)["Resources"][name]["Properties"]


def named(of, kind):
    """Return name → properties of the resources of a type."""
    key = {"IAM::Role": "RoleName", "Events::Rule": "Name", "SQS::Queue": "QueueName"}[kind]
    found = [one["Properties"] for one in template(of)["Resources"].values()
             if one["Type"] == f"AWS::{kind}"]  # fmt: skip
    return {one[key]: one for one in found}


def allowed(policy, action):
    """Return the resources on which a policy allows an action."""
    return [
        resource for one in policy["Statement"] if action in one["Action"]
        for resource in one["Resource"]
    ]  # fmt: skip


def test_all_schedules_of_a_stack_are_in_its_group():
    assert made(site(stack="team"), schedules.GROUP) == {"Name": "team"}


def test_each_owner_has_a_role_for_schedules_by_which_nobody_runs_as_somebody_else():
    of = site()

    for owner, other in (("ada", "bob"), ("bob", "ada")):
        role = named(of, "IAM::Role")[f"flotilla-eu-west-1-scheduler-{owner}"]
        [policy] = role["Policies"]
        passed = allowed(policy["PolicyDocument"], "iam:PassRole")
        assert passed == [of.execution_role_arn, of.task_role_arn(owner)]
        assert f"-task-{other}" not in json.dumps(role)


def test_schedules_of_an_owner_may_have_the_roles_with_an_alias_in_any_of_their_homes():
    reader, writer = (f"arn:aws:iam::123456789012:role/{name}" for name in ("reader", "writer"))
    den = Member(owner="ada", install="77770000", roles=(reader,))
    bob = Member(owner="bob", install="89ab0000", roles=(writer,))
    of = site(members=(den, bob))

    assert reader in allowed(policies.scheduler(of, "ada"), "iam:PassRole")
    assert writer not in allowed(policies.scheduler(of, "ada"), "iam:PassRole")
    assert reader not in allowed(policies.submit(of), "iam:PassRole")  # of this home, not that one


def test_only_schedules_of_this_group_can_be_that_role():
    role = named(site(), "IAM::Role")["flotilla-eu-west-1-scheduler-ada"]

    [trusted] = role["AssumeRolePolicyDocument"]["Statement"]

    assert trusted["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trusted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012", "aws:SourceArn": GROUP}
    }


def test_a_home_makes_schedules_of_its_own_alone_and_passes_its_owners_role():
    policy = policies.submit(site())

    for verb in ("Create", "Update", "Get", "Delete"):
        assert allowed(policy, f"scheduler:{verb}Schedule") == [
            "arn:aws:scheduler:eu-west-1:123456789012:schedule/flotilla/0123abcd-*"
        ]
    assert allowed(policy, "scheduler:ListSchedules") == ["*"]
    passed = [arn for arn in allowed(policy, "iam:PassRole") if "scheduler" in arn]
    assert passed == ["arn:aws:iam::123456789012:role/flotilla-eu-west-1-scheduler-ada"]


def test_a_home_drains_its_own_queue_of_dropped_ticks_alone():
    policy = policies.submit(site())

    for verb in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        dropped = [arn for arn in allowed(policy, f"sqs:{verb}") if "dropped" in arn]
        assert dropped == ["arn:aws:sqs:eu-west-1:123456789012:flotilla-dropped-0123abcd"]
    assert allowed(policy, "sqs:SendMessage") == []


def test_only_its_owners_role_writes_into_a_queue_of_dropped_ticks():
    of = site()

    for member in (ADA, BOB, DEN):
        [send] = made(of, logical("DroppedPolicy", member.install))["PolicyDocument"]["Statement"]
        assert send["Principal"] == {
            "AWS": {"Fn::GetAtt": [schedules.role_of(member.owner), "Arn"]}
        }
        assert (send["Action"], send["Effect"]) == ("sqs:SendMessage", "Allow")
    assert allowed(policies.scheduler(of, "ada"), "sqs:SendMessage") == [
        of.dropped_arn(ADA.install), of.dropped_arn(DEN.install)
    ]  # fmt: skip


def test_dropped_ticks_are_encrypted_and_kept_for_two_weeks():
    queue = named(site(), "SQS::Queue")["flotilla-dropped-0123abcd"]

    assert (queue["MessageRetentionPeriod"], queue["SqsManagedSseEnabled"]) == (1_209_600, True)


def test_an_alarm_tells_of_the_first_tick_that_is_dropped():
    alarm = made(site(), logical("DroppedAlarm", ADA.install))

    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "flotilla-dropped-0123abcd"}]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["Threshold"], alarm["Statistic"]) == (1, "Maximum")
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["AlarmActions"] == [{"Ref": schedules.TOPIC}]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_only_events_and_alarms_of_this_stack_publish_and_only_to_this_topic():
    policy = made(site(), "AlertsPolicy")["PolicyDocument"]

    for one in policy["Statement"]:
        assert (one["Action"], one["Resource"]) == ("sns:Publish", {"Ref": schedules.TOPIC})
    events, alarms = policy["Statement"]
    assert events["Principal"] == {"Service": "events.amazonaws.com"}
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:flotilla-dropped-*"
        },
    }


def test_the_topic_has_no_key_that_those_who_publish_could_not_use():
    assert "KmsMasterKeyId" not in made(site(), schedules.TOPIC)


def test_each_address_is_subscribed_by_mail():
    of = site(alerts=("ada@example.org", "bob@example.org"))

    found = [one["Properties"] for one in template(of)["Resources"].values()
             if one["Type"] == "AWS::SNS::Subscription"]  # fmt: skip

    assert [(one["Protocol"], one["Endpoint"]) for one in found] == [
        ("email", "ada@example.org"), ("email", "bob@example.org"),
    ]  # fmt: skip
    assert all(one["TopicArn"] == {"Ref": schedules.TOPIC} for one in found)


@pytest.mark.parametrize("end", ["failed", "unstarted"])
def test_rules_match_ticks_of_one_home_and_say_so_in_words(end):
    of = site()

    rule = named(of, "Events::Rule")[f"flotilla-events-0123abcd-{end}"]

    detail = rule["EventPattern"]["detail"]
    started = detail.get("startedBy") or detail["requestParameters"]["startedBy"]
    assert started == [{"prefix": "flotilla/0123abcd/s"}]
    assert rule["EventPattern"]["source"] == ["aws.ecs"]
    [target] = rule["Targets"]
    assert target["Arn"] == {"Ref": schedules.TOPIC}
    assert "RoleArn" not in target


def test_a_task_failed_unless_it_ended_well_or_had_nothing_to_do():
    detail = schedules.failed_pattern(site(), ADA.install)["detail"]

    assert detail["lastStatus"] == ["STOPPED"]
    assert {"containers": {"exitCode": [{"anything-but": [0, ALREADY_STARTED]}]}} in detail["$or"]
    assert {"containers": {"exitCode": [{"exists": False}]}} in detail["$or"]
    assert {"stopCode": ["TaskFailedToStart"]} in detail["$or"]


@pytest.mark.parametrize("end", ["failed", "unstarted"])
def test_what_is_said_names_each_variable_that_is_read_and_no_other(end):
    rule = named(site(), "Events::Rule")[f"flotilla-events-0123abcd-{end}"]
    words = rule["Targets"][0]["InputTransformer"]
    lines = [json.loads(line) for line in words["InputTemplate"].split("\n")]

    assert lines[0].startswith("Flotilla: a run of a schedule of ada")
    assert set(re.findall("<([^>]*)>", " ".join(lines))) == set(words["InputPathsMap"])
    # as CloudFormation takes them; and no environment, no overrides: nothing secret
    assert all(re.fullmatch("[a-zA-Z0-9]+", name) for name in words["InputPathsMap"])
    assert not re.search("overrides|environment", json.dumps(words["InputPathsMap"]))


def test_the_outputs_name_what_only_the_stack_knows():
    outputs = template(site())["Outputs"]

    assert outputs["Alerts"] == {"Value": {"Ref": schedules.TOPIC}}
    assert outputs["ScheduleGroup"] == {"Value": {"Ref": schedules.GROUP}}
    assert outputs["Dropped0123abcd"] == {"Value": {"Ref": logical("Dropped", ADA.install)}}


def test_an_owner_whose_role_for_schedules_had_too_long_a_name_is_refused():
    with pytest.raises(InvalidOption, match=r"-scheduler-o+' would have a name of"):
        site(member=Member(owner="o" * 32, install="0" * 8), stack="flotilla-two")
