"""`setup.stack`: the template and the policies, without AWS."""

import json
import re
from importlib.resources import files

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from jupyter_flotilla.artifacts.s3 import KEPT
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.setup.stack import policies
from jupyter_flotilla.setup.stack.site import Member, Site, logical
from jupyter_flotilla.setup.stack.template import template

ADA, BOB = Member(owner="ada", install="0123abcd"), Member(owner="bob", install="89ab0000")
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1f0c6a2e-0000-4000-8000-000000000000"
BOUNDARY = "arn:aws:iam::123456789012:policy/edge"
REUSED = {
    "cluster": "shared", "bucket": "team-files", "log-group": "/team", "security-groups": "sg-1",
    "execution-role": "arn:aws:iam::123456789012:role/team-execution",
    "role": "arn:aws:iam::123456789012:role/team-{owner}",
}  # fmt: skip


def site(**changed):
    """Return a set-up of Ada's in Ireland."""
    given = {"account": "123456789012", "region": "eu-west-1", "member": ADA, "vpc": "vpc-0a1b2c3d"}
    return Site(**given | changed)


SITES = [
    pytest.param(site(), id="plain"),
    pytest.param(site(members=(ADA, BOB)), id="two members"),
    pytest.param(
        site(kms_key=KEY, permissions_boundary=BOUNDARY, alerts=("ada@example.org",)),
        id="key, boundary, alert",
    ),
    pytest.param(site(reuse=REUSED), id="all reused"),
    pytest.param(site(member=Member(owner="a.b_c-d", install="00000000")), id="odd owner"),
]
LONG = site(
    stack="s" * 31, region="ap-southeast-1", member=Member(owner="o" * 7, install="0" * 8),
    kms_key=KEY, permissions_boundary=BOUNDARY, vpc="vpc-0a1b2c3d4e5f60718",
)  # fmt: skip


def of_type(made, kind):
    """Return the properties of a template's resources of one type."""
    found = made["Resources"].values()
    return [one["Properties"] for one in found if one["Type"] == f"AWS::{kind}"]


def statements(policy, effect="Allow"):
    """Return a policy's statements of one effect."""
    return [one for one in policy["Statement"] if one["Effect"] == effect]


def all_policies(of):
    """Return name → policy, of people and of roles."""
    return {
        "submit": policies.submit(of),
        "admin": policies.admin(of),
        "execution": policies.execution(of),
        **{f"scheduler {owner}": policies.scheduler(of, owner) for owner in of.owners()},
        **{f"task {owner}": policies.task(of, owner) for owner in of.owners()},
    }


# a few only: the linter takes seconds
@pytest.mark.parametrize("of", SITES[1:4])
def test_the_linter_finds_nothing_in_the_template_and_the_printed_policies(of):
    made = template(of)
    for name, policy in {"Submit": policies.submit(of), "Admin": policies.admin(of)}.items():
        printed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
        made["Resources"][name] = printed

    found = lint(json.dumps(made), config=ManualArgs(regions=[of.region]))

    assert [f"{one.rule.id} {one.message} {one.path}" for one in found] == []


@pytest.mark.parametrize("of", SITES)
def test_no_policy_has_a_wildcard_in_an_action(of):
    for name, policy in all_policies(of).items():
        for statement in statements(policy):
            assert not [action for action in statement["Action"] if "*" in action], name
            assert "NotAction" not in statement and "NotResource" not in statement


@pytest.mark.parametrize("of", SITES)
def test_every_resource_is_named_but_where_the_list_says_why_not(of):
    for name, policy in all_policies(of).items():
        for statement in statements(policy):
            if any(not one.startswith("arn:") for one in statement["Resource"]):
                assert statement["Resource"] == ["*"], name
                assert set(statement["Action"]) <= set(policies.UNSCOPED), (name, statement)


def test_the_list_holds_no_action_that_could_name_a_resource():
    known = json.loads(files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text())

    with_resource = {
        action for action in policies.UNSCOPED
        for service, _, verb in [action.partition(":")]
        if known[service]["Actions"][verb.lower()].get("Resources")
    }  # fmt: skip

    assert with_resource == {"ecs:ListTasks"}  # which has a condition in its place
    everywhere = [policy for policy in all_policies(site()).values()]
    listing = [s for p in everywhere for s in statements(p) if s["Action"] == ["ecs:ListTasks"]]
    assert listing and all("ecs:cluster" in json.dumps(s["Condition"]) for s in listing)


@pytest.mark.parametrize("of", SITES)
def test_every_resource_is_in_this_account_or_in_this_bucket(of):
    buckets = {of.bucket_arn}
    for name, policy in all_policies(of).items():
        for statement in statements(policy):
            for resource in statement["Resource"]:
                if resource.startswith("arn:aws:s3:::"):
                    assert any(resource == b or resource.startswith(f"{b}/") for b in buckets), name
                elif resource != "*":
                    assert resource.split(":")[4] == "123456789012", (name, resource)


@pytest.mark.parametrize("of", [*SITES, pytest.param(LONG, id="long names")])
def test_printed_policies_fit_into_one_managed_policy_each(of):
    assert policies.size(policies.submit(of)) <= 6144
    assert policies.size(policies.admin(of)) <= 6144


def test_a_job_reaches_its_owners_files_and_no_others():
    of = site(members=(ADA, BOB))

    for owner in ("ada", "bob"):
        reached = [r for s in statements(policies.task(of, owner)) for r in s["Resource"]]
        own = tuple(f"{of.bucket_arn}/{owner}/{kind}/" for kind in ("runs", "schedules", "ticks"))
        assert all(r.startswith(own) for r in reached)


def test_a_job_reads_what_its_schedule_runs_and_only_marks_ticks():
    of = site()
    made = {one["Sid"]: one for one in statements(policies.task(of, "ada"))}

    def actions(kind):
        reaching = [s for s in made.values() if f"{of.bucket_arn}/ada/{kind}/*" in s["Resource"]]
        return [action for one in reaching for action in one["Action"]]

    assert actions("schedules") == ["s3:GetObject"]
    assert actions("ticks") == ["s3:PutObject"]


def test_whoever_submits_reaches_their_own_files_and_queue_and_no_others():
    text = json.dumps(policies.submit(site(members=(ADA, BOB))))

    assert "ada" in text and ADA.install in text
    assert "bob" not in text and BOB.install not in text


def test_whoever_submits_passes_two_roles_to_tasks_and_one_to_the_scheduler():
    of = site(members=(ADA, BOB))

    passing = [s for s in statements(policies.submit(of)) if s["Action"] == ["iam:PassRole"]]

    given = {s["Condition"]["StringEquals"]["iam:PassedToService"]: s["Resource"] for s in passing}
    assert given == {
        "ecs-tasks.amazonaws.com": [of.execution_role_arn, of.task_role_arn("ada")],
        "scheduler.amazonaws.com": [of.scheduler_role_arn("ada")],
    }


def test_tasks_are_started_in_this_cluster_alone():
    of = site(reuse={"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/shared"})

    for policy in (policies.submit(of), policies.scheduler(of, "ada")):
        [running] = [s for s in statements(policy) if "ecs:RunTask" in s["Action"]]
        assert running["Condition"] == {"ArnEquals": {"ecs:cluster": of.cluster_arn}}
    assert of.cluster_arn.endswith("cluster/shared")


def test_roles_can_be_made_within_the_boundary_alone():
    of = site(permissions_boundary=BOUNDARY)

    [making] = [s for s in statements(policies.admin(of)) if "iam:CreateRole" in s["Action"]]

    assert making["Condition"] == {"ArnEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    assert {role["PermissionsBoundary"] for role in of_type(template(of), "IAM::Role")} == {
        BOUNDARY
    }


def test_nobody_else_can_be_a_role():
    for role in of_type(template(site()), "IAM::Role"):
        [one] = role["AssumeRolePolicyDocument"]["Statement"]
        assert one["Principal"]["Service"] in ("ecs-tasks.amazonaws.com", "scheduler.amazonaws.com")
        assert one["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"


def test_the_bucket_is_private_encrypted_and_forgets():
    made = template(site(members=(ADA, BOB), expire_days=7))

    [bucket] = of_type(made, "S3::Bucket")
    rules = bucket["LifecycleConfiguration"]["Rules"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in json.dumps(bucket["BucketEncryption"])
    expiring = {r["Prefix"]: r["ExpirationInDays"] for r in rules if "ExpirationInDays" in r}
    kinds = ("runs", "blobs", "ticks")
    assert expiring == {f"{owner}/{kind}/": 7 for owner in ("ada", "bob") for kind in kinds}
    assert [r for r in rules if "AbortIncompleteMultipartUpload" in r]


def test_a_key_encrypts_the_bucket_and_whoever_needs_it_may_use_it():
    of = site(kms_key=KEY)

    [bucket] = of_type(template(of), "S3::Bucket")

    assert KEY in json.dumps(bucket["BucketEncryption"])
    for policy in all_policies(of).values():
        assert KEY in json.dumps(policy) or policy == policies.scheduler(of, "ada")


def test_nothing_comes_in():
    [group] = of_type(template(site()), "EC2::SecurityGroup")

    assert "SecurityGroupIngress" not in group
    assert group["VpcId"] == "vpc-0a1b2c3d"


def test_each_home_gets_the_events_of_its_own_tasks_alone():
    of = site(members=(ADA, BOB))
    rules = {rule["Name"]: rule for rule in of_type(template(of), "Events::Rule")}

    names = [of.rule_name(one.install) for one in (ADA, BOB)]
    details = [rules[name]["EventPattern"]["detail"] for name in names]

    assert [one["startedBy"] for one in details] == [
        [{"prefix": "flotilla/0123abcd/"}], [{"prefix": "flotilla/89ab0000/"}],
    ]  # fmt: skip
    assert all(one["clusterArn"] == [of.cluster_arn] for one in details)


def test_only_its_rule_writes_into_a_queue():
    of = site()
    policy = template(of)["Resources"][logical("QueuePolicy", ADA.install)]["Properties"]

    [put] = policy["PolicyDocument"]["Statement"]

    assert put["Action"] == "sqs:SendMessage"
    assert put["Condition"] == {"ArnEquals": {"aws:SourceArn": of.rule_arn(ADA.install)}}


def test_what_is_reused_is_not_made():
    made = template(site(reuse=REUSED))

    kinds = {one["Type"] for one in made["Resources"].values()}

    assert kinds == {
        "AWS::IAM::Role", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Events::Rule",
        "AWS::Scheduler::ScheduleGroup", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy",
        "AWS::CloudWatch::Alarm",
    }  # fmt: skip
    assert [role["RoleName"] for role in of_type(made, "IAM::Role")] == [
        "flotilla-eu-west-1-scheduler-ada"
    ]
    assert made["Outputs"]["Bucket"]["Value"] == "team-files"
    assert made["Outputs"]["TaskRole"]["Value"] == REUSED["role"]


def test_nothing_costs_by_the_hour():
    for param in SITES:
        kinds = {one["Type"] for one in template(param.values[0])["Resources"].values()}
        assert not [kind for kind in kinds if re.search("Nat|Endpoint|Instance|ElasticIP", kind)]


def test_the_stack_remembers_what_was_chosen():
    of = site(members=(BOB,), kms_key=KEY, reuse={"cluster": "shared"}, alerts=("a@b.org",))

    kept = template(of)["Metadata"]["Flotilla"]

    assert kept["alerts"] == ["a@b.org"]

    assert [one["owner"] for one in kept["members"]] == ["ada", "bob"]
    assert (kept["kms_key"], kept["reuse"]) == (KEY, {"cluster": "shared"})
    assert "permissions_boundary" not in kept


def test_logical_names_are_letters_and_digits_and_apart():
    names = {logical("TaskRole", owner) for owner in ("a.b", "a_b", "a-b", "ab")}

    assert len(names) == 4
    assert all(re.fullmatch("[A-Za-z0-9]+", name) for name in names)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"stack": "9lives"}, "--stack-name '9lives'", id="stack begins with a digit"),
        pytest.param({"stack": "a" * 32}, "--stack-name", id="long stack"),
        pytest.param({"member": Member(owner="a b", install="0" * 8)}, "--owner 'a b'", id="space"),
        pytest.param({"member": Member(owner="*", install="0" * 8)}, "--owner '*'", id="wildcard"),
        pytest.param({"reuse": {"vpn": "x"}}, "--use vpn=…", id="unknown part"),
        pytest.param(
            {"stack": "s" * 31, "member": Member(owner="o" * 32, install="0" * 8)},
            "has room for 64", id="role's name too long",
        ),
    ],
)  # fmt: skip
def test_names_that_aws_refuses_are_refused_before(changed, said):
    with pytest.raises(InvalidOption, match=re.escape(said)):
        site(**changed)


@pytest.mark.parametrize("of", SITES)
def test_no_rule_of_the_bucket_deletes_what_is_kept_and_only_its_owner_may_copy_it(of):
    [bucket] = of_type(template(of), "S3::Bucket") or [{}]
    rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
    owner = of.member.owner

    expiring = [rule["Prefix"] for rule in rules if "ExpirationInDays" in rule]
    assert not [prefix for prefix in expiring if f"{owner}/{KEPT}/runs/".startswith(prefix)]
    [files] = [one for one in policies.submit(of)["Statement"] if one["Sid"] == "OwnFiles"]
    assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} <= set(files["Action"])
    assert files["Resource"] == [f"{of.bucket_arn}/{owner}/*"]
    assert f"/{KEPT}/" not in json.dumps(policies.task(of, owner))
    rooms = (f"{owner}/runs/", f"{owner}/schedules/", f"{owner}/ticks/")
    assert all(any(room in one for room in rooms) for s in policies.task(of, owner)["Statement"]
               for one in s["Resource"] if ":s3:" in one)  # fmt: skip
