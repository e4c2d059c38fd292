"""`setup.ecs_doctor`: each link that can be broken, and what is said and done about it."""

import io
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from fake_account import FakeAccount, denied, refused

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.ecs.account import AwsError
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.setup.ecs_doctor import examine_ecs, mend

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/"
ECS = {
    "cluster": "flotilla", "subnets": ["subnet-1", "subnet-2"], "security_groups": ["sg-1"],
    "execution_role": f"{ROLE}execution", "task_role": f"{ROLE}task-{{owner}}", "owner": "ada",
    "log_group": "/flotilla/flotilla", "queue_url": "https://sqs.example/q",
    "scheduler_role": f"{ROLE}scheduler", "schedule_group": "flotilla",
    "dropped_queue": "https://sqs.example/d",
    "alerts": "arn:aws:sns:eu-west-1:123456789012:flotilla-alerts",
}  # fmt: skip
TRUST = {"Statement": [{"Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}
IGW = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}


def settings(home, artifacts="s3://files/ada", **changed):
    """Return settings that are as they should be, but for what is changed."""
    ecs = EcsSettings.model_validate(ECS | changed)
    return Settings(home=home, region="eu-west-1", artifacts=artifacts, ecs=ecs)


def whoami(at=NOW, arn="arn:aws:iam::123456789012:user/ada"):
    """Return who asks, and what AWS's clock says."""
    date = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {
        "Arn": arn, "Account": "123456789012",
        "ResponseMetadata": {"HTTPHeaders": {"date": date}},
    }  # fmt: skip


def role(RoleName):
    """Return a role as IAM describes it."""
    return {"Role": {"Arn": f"{ROLE}{RoleName}", "AssumeRolePolicyDocument": TRUST}}


def subnet(name, vpc="vpc-1"):
    """Return a subnet as EC2 describes it."""
    return {"SubnetId": name, "VpcId": vpc, "AvailabilityZone": "eu-west-1a"}


def group(vpc="vpc-1", egress=({"IpProtocol": "-1"},)):
    """Return a security group as EC2 describes it."""
    return {"GroupId": "sg-1", "VpcId": vpc, "IpPermissionsEgress": list(egress)}


@pytest.fixture
def aws():
    """Return an account where everything is as it should be."""
    made = FakeAccount()
    made.answer("sts:GetCallerIdentity", whoami())
    providers = ["FARGATE", "FARGATE_SPOT"]
    made.answer("ecs:DescribeClusters",
                {"clusters": [{"status": "ACTIVE", "capacityProviders": providers}]})  # fmt: skip
    made.answer("iam:GetRole", role)
    made.answer("iam:SimulatePrincipalPolicy", {"EvaluationResults": [
        {"EvalResourceName": f"{ROLE}execution", "EvalDecision": "allowed"}]})  # fmt: skip
    made.answer("ecs:RegisterTaskDefinition",
                {"taskDefinition": {"taskDefinitionArn": "arn:td:1"}})  # fmt: skip
    made.answer("ecs:DeregisterTaskDefinition", {})
    made.answer("logs:DescribeLogStreams", {"logStreams": []})
    made.answer("sqs:GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "0"}})
    made.answer("service-quotas:GetServiceQuota", {"Quota": {"Value": 6.0}})
    made.answer("ec2:DescribeSubnets", {"Subnets": [subnet("subnet-1"), subnet("subnet-2")]})
    made.answer("ec2:DescribeRouteTables",
                {"RouteTables": [{"Routes": [IGW], "Associations": [{"Main": True}]}]})  # fmt: skip
    made.answer("ec2:DescribeSecurityGroups", {"SecurityGroups": [group()]})
    made.answer("ec2:DescribeVpcEndpoints", {"VpcEndpoints": []})
    made.answer("s3:GetBucketLocation", {"LocationConstraint": "eu-west-1"})
    made.answer("s3:PutObject", {})
    made.answer("s3:GetObject", lambda **request: {"Body": io.BytesIO(b"doctor")})
    made.answer("s3:DeleteObject", {})
    rule = {"Status": "Enabled", "Filter": {"Prefix": "ada/runs/"}, "Expiration": {"Days": 30}}
    return made.answer("s3:GetBucketLifecycleConfiguration", {"Rules": [rule]})


def broken(findings):
    """Return what is not good: name → finding."""
    return {one.name: one for one in findings if not one.ok}


def test_where_all_is_well_every_link_is_said_to_be(aws, weird_path):
    findings = examine_ecs(settings(weird_path), NOW, aws)

    assert broken(findings) == {}
    assert [one.name for one in findings] == [
        "aws credentials", "clock", "cluster", "capacity", "execution role", "task role",
        "pass roles", "log group", "event queue", "cloud schedules", "quota", "definition",
        "way out", "security groups", "bucket", "expiry",
    ]  # fmt: skip


def test_what_was_made_to_look_is_taken_away(aws, weird_path):
    examine_ecs(settings(weird_path), NOW, aws)

    [put] = [request for name, request in aws.asked if name == "s3:PutObject"]
    [gone] = [request for name, request in aws.asked if name == "s3:DeleteObject"]
    assert put["Key"] == gone["Key"] and put["Key"].startswith("ada/doctor/")
    assert ("ecs:DeregisterTaskDefinition", {"taskDefinition": "arn:td:1"}) in aws.asked


def test_without_credentials_nothing_else_is_looked_at(aws, weird_path):
    aws.answer("sts:GetCallerIdentity", AwsError(
        "AWS session for profile 'dev' expired 5 min ago", kind="credentials",
        action="sts:GetCallerIdentity", next_step="aws sso login --profile dev"))  # fmt: skip

    [finding] = examine_ecs(settings(weird_path), NOW, aws)

    assert finding.is_bad and finding.next_step == "aws sso login --profile dev"
    assert aws.names() == ["sts:GetCallerIdentity"]


@pytest.mark.parametrize(
    ("minutes", "ok", "words"),
    [(0, True, "as AWS's"), (3, True, "180 s ahead of AWS's"), (-20, False, "1200 s behind AWS's")],
)
def test_the_clock_is_compared_with_awss(aws, weird_path, minutes, ok, words):
    findings = examine_ecs(settings(weird_path), NOW + timedelta(minutes=minutes), aws)

    [clock] = [one for one in findings if one.name == "clock"]
    assert (clock.ok, clock.message) == (ok, words)


def missing(action, code):
    """Return what AWS says of something that is not there."""
    return refused(action, code, "not there")


def rule(**changed):
    """Return an answer with one lifecycle rule."""
    return {"Rules": [{"Status": "Enabled", "Expiration": {"Days": 9}, **changed}]}


@pytest.mark.parametrize(
    ("action", "answer", "name", "words"),
    [
        ("ecs:DescribeClusters", {"clusters": []}, "cluster", "in eu-west-1 is not there"),
        ("ecs:DescribeClusters", {"clusters": [{"status": "INACTIVE"}]}, "cluster", "is INACTIVE"),
        (
            "ecs:DescribeClusters", {"clusters": [{"status": "ACTIVE", "capacityProviders": []}]},
            "capacity", "lacks FARGATE, FARGATE_SPOT",
        ),
        ("iam:GetRole", missing("iam:GetRole", "NoSuchEntity"), "task role", "task-ada"),
        (
            "iam:GetRole", lambda RoleName: {"Role": {"Arn": f"{ROLE}{RoleName}"}},
            "execution role", "does not trust ecs-tasks",
        ),
        (
            "iam:GetRole", {"Role": {"Arn": "arn:aws:iam::9:role/x"}}, "task role",
            "is arn:aws:iam::9:role/x in this account",
        ),
        (
            "iam:SimulatePrincipalPolicy", {"EvaluationResults": [
                {"EvalResourceName": f"{ROLE}execution", "EvalDecision": "implicitDeny"}]},
            "pass roles", f"user/ada may not pass {ROLE}execution",
        ),
        (
            "ecs:RegisterTaskDefinition", denied("iam:PassRole"), "definition",
            "may not iam:PassRole",
        ),
        (
            "logs:DescribeLogStreams",
            missing("logs:DescribeLogStreams", "ResourceNotFoundException"),
            "log group", "there is no /flotilla/flotilla",
        ),
        (
            "sqs:GetQueueAttributes",
            missing("sqs:GetQueueAttributes", "AWS.SimpleQueueService.NonExistentQueue"),
            "event queue", "there is no https://sqs.example/q",
        ),
        ("service-quotas:GetServiceQuota", {"Quota": {"Value": 0}}, "quota", "0 vCPU"),
        ("ec2:DescribeSubnets", {"Subnets": [subnet("subnet-1")]}, "subnets", "no subnet-2"),
        (
            "ec2:DescribeSubnets",
            missing("ec2:DescribeSubnets", "InvalidSubnetID.NotFound"), "subnets", "not there",
        ),
        (
            "ec2:DescribeRouteTables", {"RouteTables": []}, "way out",
            "no gateway, NAT or endpoints for subnet-1, subnet-2",
        ),
        (
            "ec2:DescribeSecurityGroups",
            missing("ec2:DescribeSecurityGroups", "InvalidGroup.NotFound"), "security groups",
            "there is no sg-1",
        ),
        (
            "ec2:DescribeSecurityGroups", {"SecurityGroups": [group(vpc="vpc-9")]},
            "security groups", "sg-1 is not in vpc-1",
        ),
        (
            "ec2:DescribeSecurityGroups", {"SecurityGroups": [group(egress=())]},
            "security groups", "sg-1 lets nothing out",
        ),
        (
            "s3:GetBucketLocation", missing("s3:GetBucketLocation", "NoSuchBucket"), "bucket",
            "there is no bucket files",
        ),
        (
            "s3:GetBucketLocation", {"LocationConstraint": None}, "bucket",
            "files is in us-east-1, jobs are in eu-west-1",
        ),
        ("s3:PutObject", denied("s3:PutObject"), "bucket", "may not s3:PutObject"),
    ],
)  # fmt: skip
def test_each_broken_link_is_named_with_its_next_step(aws, weird_path, action, answer, name, words):
    aws.answer(action, answer)

    found = broken(examine_ecs(settings(weird_path), NOW, aws))

    assert words in found[name].message
    assert found[name].is_bad
    assert found[name].next_step or "not there" in words


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("ecs:DescribeClusters", "cluster"),
        ("iam:GetRole", "roles"),
        ("iam:SimulatePrincipalPolicy", "pass roles"),
        ("logs:DescribeLogStreams", "log group"),
        ("sqs:GetQueueAttributes", "event queue"),
        ("service-quotas:GetServiceQuota", "quota"),
        ("ec2:DescribeSubnets", "subnets"),
        ("s3:GetBucketLifecycleConfiguration", "expiry"),
    ],
)
def test_what_may_not_be_looked_at_is_unknown_and_not_bad(aws, weird_path, action, name):
    aws.answer(action, denied(action))

    found = broken(examine_ecs(settings(weird_path), NOW, aws))

    assert set(found) == {name}
    assert found[name].is_unknown and not found[name].is_bad
    assert f"may not {action}" in found[name].message


def test_a_bucket_whose_place_may_not_be_asked_is_tried_all_the_same(aws, weird_path):
    aws.answer("s3:GetBucketLocation", denied("s3:GetBucketLocation"))

    assert broken(examine_ecs(settings(weird_path), NOW, aws)) == {}


@pytest.mark.parametrize(
    ("answer", "days"),
    [
        (rule(Filter={"Prefix": "ada/"}), "9 days"),
        (rule(Filter={}), "9 days"),
        (rule(Prefix=""), "9 days"),
        (rule(Filter={"Prefix": "bob/runs/"}), None),
        (rule(Filter={"Tag": {"Key": "a", "Value": "b"}}), None),
        (rule(Status="Disabled"), None),
        (missing("s3:x", "NoSuchLifecycleConfiguration"), None),
    ],
    ids=range(7),
)
def test_when_files_go_is_read_from_the_buckets_rules(aws, weird_path, answer, days):
    aws.answer("s3:GetBucketLifecycleConfiguration", answer)

    findings = examine_ecs(settings(weird_path), NOW, aws)

    [expiry] = [one for one in findings if one.name == "expiry"]
    assert not expiry.is_bad
    assert (days or "stay, and are paid for") in expiry.message


@pytest.mark.parametrize(
    ("prefix", "is_said"), [("ada/runs/", False), ("ada/", True), ("", True), ("ada/kept/", True)]
)
def test_a_rule_that_deletes_what_is_kept_is_said(aws, weird_path, prefix, is_said):
    aws.answer("s3:GetBucketLifecycleConfiguration", rule(Filter={"Prefix": prefix}))

    findings = examine_ecs(settings(weird_path), NOW, aws)

    said = [one for one in findings if one.name == "kept results"]
    assert bool(said) is is_said
    assert not any(one.is_bad for one in said)
    assert all(one.next_step and "ada/kept/runs/" in one.message for one in said)


@pytest.mark.parametrize(
    ("arn", "source"),
    [
        ("arn:aws:sts::123456789012:assumed-role/dev/ada@x", f"{ROLE}dev"),
        ("arn:aws-cn:iam::123456789012:user/ada", "arn:aws-cn:iam::123456789012:user/ada"),
        ("arn:aws:iam::123456789012:root", None),
    ],
)
def test_iam_is_asked_about_whoever_is_behind_a_session(aws, weird_path, arn, source):
    aws.who = type(aws.who)(account="123456789012", arn=arn)

    assert broken(examine_ecs(settings(weird_path), NOW, aws)) == {}

    asked = [r["PolicySourceArn"] for name, r in aws.asked if name == "iam:SimulatePrincipalPolicy"]
    assert asked == ([source] if source else [])


@pytest.mark.parametrize(
    ("changed", "name", "words"),
    [
        ({"cluster": None}, "cluster", "ecs.cluster is not set"),
        ({"subnets": []}, "subnets", "ecs.subnets is not set"),
        ({"task_role": None}, "task role", "is not set"),
        ({"artifacts": None}, "bucket", "artifacts is not set"),
        ({"assign_public_ip": False}, "way out", "tasks get none"),
        ({"capacity": "gpus"}, "capacity", "the cluster lacks gpus"),
    ],
)
def test_what_is_not_set_is_named(aws, weird_path, changed, name, words):
    found = broken(examine_ecs(settings(weird_path, **changed), NOW, aws))

    assert found[name].is_bad and words in found[name].message
    assert "setup-aws" in found[name].next_step or "ecs." in found[name].next_step


def test_what_need_not_be_set_is_no_fault(aws, weird_path):
    changed = {"log_group": None, "queue_url": None, "security_groups": []}

    findings = examine_ecs(settings(weird_path, **changed), NOW, aws)

    assert set(broken(findings)) == {"log group", "event queue"}
    assert not [one for one in findings if one.is_bad]


@pytest.mark.parametrize("name", ["scheduler_role", "schedule_group", "dropped_queue", "alerts"])
def test_without_what_schedules_in_the_cloud_need_it_is_said_and_no_fault(aws, weird_path, name):
    findings = examine_ecs(settings(weird_path, **{name: None}), NOW, aws)

    [finding] = broken(findings).values()
    assert "schedules in the cloud need it" in finding.message
    assert finding.next_step == "jupyter flotilla setup-aws --apply"
    assert not finding.is_bad


def test_instances_of_the_clusters_own_need_no_provider(aws, weird_path):
    aws.answer("ecs:DescribeClusters", {"clusters": [{"status": "ACTIVE"}]})

    assert broken(examine_ecs(settings(weird_path, capacity="ec2"), NOW, aws)) == {}


def fixed(aws, given, path):
    """Return what is done about what is found."""
    return mend(given, examine_ecs(given, NOW, aws), path, aws)


def test_a_log_group_is_made_and_forgets(aws, weird_path):
    aws.answer("logs:DescribeLogStreams", missing("logs:x", "ResourceNotFoundException"))
    aws.answer("logs:CreateLogGroup", {}).answer("logs:PutRetentionPolicy", {})

    done = fixed(aws, settings(weird_path), weird_path / "flotilla.toml")

    assert done == ["log group /flotilla/flotilla is made, 14 days"]
    assert aws.asked[-1][1] == {"logGroupName": "/flotilla/flotilla", "retentionInDays": 14}


def test_fargate_is_added_and_other_capacity_stays(aws, weird_path):
    strategy = [{"capacityProvider": "gpus", "weight": 1}]
    aws.answer("ecs:DescribeClusters", {"clusters": [
        {"status": "ACTIVE", "capacityProviders": ["gpus", "FARGATE"],
         "defaultCapacityProviderStrategy": strategy}]})  # fmt: skip
    aws.answer("ecs:PutClusterCapacityProviders", {})

    fixed(aws, settings(weird_path), weird_path / "flotilla.toml")

    assert aws.asked[-1][1] == {
        "cluster": "flotilla", "capacityProviders": ["gpus", "FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": strategy,
    }  # fmt: skip


def test_a_public_address_is_written_into_the_settings(aws, weird_path):
    path = weird_path / "flotilla.toml"
    path.write_text("[ecs]\nassign_public_ip = false # why not\n", encoding="utf-8")

    fixed(aws, settings(weird_path, assign_public_ip=False), path)

    assert tomllib.loads(path.read_text(encoding="utf-8"))["ecs"]["assign_public_ip"] is True


def test_the_buckets_region_is_written_where_the_cluster_is_not_here_either(aws, weird_path):
    path = weird_path / "flotilla.toml"
    aws.answer("s3:GetBucketLocation", {"LocationConstraint": "EU"})
    aws.region = "us-east-1"
    aws.answer("ecs:DescribeClusters", {"clusters": []})

    fixed(aws, settings(weird_path), path)

    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"region": "eu-west-1"}


def test_the_region_stays_where_the_cluster_is(aws, weird_path):
    path = weird_path / "flotilla.toml"
    aws.answer("s3:GetBucketLocation", {"LocationConstraint": "us-west-2"})

    assert fixed(aws, settings(weird_path), path) == []
    assert not path.exists()


def test_what_could_not_be_mended_is_told(aws, weird_path):
    aws.answer("logs:DescribeLogStreams", missing("logs:x", "ResourceNotFoundException"))
    aws.answer("logs:CreateLogGroup", denied("logs:CreateLogGroup"))

    [words] = fixed(aws, settings(weird_path), weird_path / "flotilla.toml")

    assert words.startswith("log group could not be mended: ")
