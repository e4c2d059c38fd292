"""`setup.set_up`: what was chosen now and before, and what is asked before it is deleted."""

import tomllib

import pytest
from fake_account import FakeAccount, denied, refused

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.ecs.account import AwsError
from jupyter_flotilla.engines.ecs.install import install_of
from jupyter_flotilla.errors import EnvironmentProblem, InvalidOption, Refused
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.setup.deployment import refuse
from jupyter_flotilla.setup.set_up import UNKNOWN_ACCOUNT, Choices, SetUp

NO_STACK = refused("cloudformation:DescribeStacks", "ValidationError",
                   "Stack with id flotilla does not exist")  # fmt: skip
OTHER = {"owner": "bob", "install": "89ab0000"}


@pytest.fixture
def settings(weird_path):
    """Return settings with a home of this test's own."""
    return Settings(home=weird_path / "home", region="eu-west-1")


@pytest.fixture
def path(weird_path):
    """Return where settings are written."""
    return weird_path / "flotilla.toml"


def aws(kept=None, **outputs):
    """Return an account with a default VPC; with a stack, if it keeps something."""
    made = FakeAccount()
    made.answer("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1"}]})
    subnet = {"SubnetId": "subnet-1", "AvailabilityZone": "eu-west-1a", "VpcId": "vpc-1"}
    made.answer("ec2:DescribeSubnets", {"Subnets": [subnet]})
    out = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    made.answer("ec2:DescribeRouteTables",
                {"RouteTables": [{"Routes": [out], "Associations": [{"Main": True}]}]})  # fmt: skip
    there = {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": [
        {"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]}]}  # fmt: skip
    before = [NO_STACK] * 2 if kept is None else []
    made.answer("cloudformation:DescribeStacks", *before, there)
    body = {"Metadata": {"Flotilla": kept or {}}}
    made.answer("cloudformation:GetTemplate", {"TemplateBody": body})
    for action in ("CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "DeleteStack"):
        made.answer(f"cloudformation:{action}", {})
    change = {"ResourceChange": {"Action": "Add", "ResourceType": "AWS::ECS::Cluster"}}
    made.answer("cloudformation:DescribeChangeSet",
                {"Status": "CREATE_COMPLETE", "Changes": [change]})  # fmt: skip
    made.answer("cloudformation:DescribeStackEvents", {"StackEvents": []})
    made.answer("ecs:ListTasks", {"taskArns": []})
    made.answer("scheduler:ListSchedules", {"Schedules": []})
    made.answer("s3:ListObjectVersions", {})
    return made.answer("s3:ListMultipartUploads", {})


def gone_in_the_end(account):
    """Have a stack there until it is deleted."""
    there = account.answers["cloudformation:DescribeStacks"][0]

    def describe(**request):
        if "cloudformation:DeleteStack" in account.names():
            raise NO_STACK
        return there

    return account.answer("cloudformation:DescribeStacks", describe)


def set_up(settings, path, account, said=None, **choices):
    """Return a set-up of Ada's."""
    chosen = Choices(**{"owner": "ada"} | choices)
    say = (said if said is not None else []).append
    return SetUp(settings, chosen, path, say, account, pause=lambda s: None)


def test_a_plan_asks_much_and_changes_nothing(settings, path):
    account = aws()

    planned = set_up(settings, path, account).plan()

    assert (planned.site.vpc, planned.site.subnets) == ("vpc-1", ("subnet-1",))
    assert (planned.status, planned.warnings) == (None, ())
    assert {name.partition(":")[2][:3] for name in account.names()} <= {"Des", "Get", "Lis"}
    assert not path.exists()


def test_a_plan_without_a_login_shows_everything_but_the_account(settings, path):
    account = aws()
    account.who = AwsError("there are no AWS credentials", kind="credentials", action="sts:x",
                           next_step="aws sso login")  # fmt: skip

    planned = set_up(settings, path, account).plan()

    assert planned.site.account == UNKNOWN_ACCOUNT
    assert planned.warnings[0] == "there are no AWS credentials → aws sso login"
    assert account.asked == []


def test_a_plan_goes_as_far_as_it_may(settings, path):
    account = aws().answer("ec2:DescribeVpcs", denied("ec2:DescribeVpcs"))

    planned = set_up(settings, path, account).plan()

    assert planned.site.account == "123456789012"
    assert "may not ec2:DescribeVpcs" in planned.warnings[0]


def test_applying_needs_a_login(settings, path):
    account = aws()
    account.who = AwsError("no", kind="credentials", action="sts:GetCallerIdentity")

    with pytest.raises(AwsError):
        set_up(settings, path, account).apply(refuse)


def test_what_is_applied_is_written(settings, path):
    install = install_of(settings.home)
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
    account = aws(SecurityGroup="sg-1", **{f"Queue{install}": url})

    set_up(settings, path, account, profile="work").apply(refuse)

    written = tomllib.loads(path.read_text(encoding="utf-8"))
    ecs = EcsSettings.model_validate(written["ecs"])
    assert (written["region"], written["artifacts"]) == (
        "eu-west-1", "s3://flotilla-123456789012-eu-west-1/ada",
    )  # fmt: skip
    assert (ecs.cluster, ecs.security_groups, ecs.queue_url) == ("flotilla", ("sg-1",), url)
    assert (ecs.subnets, ecs.assign_public_ip, ecs.profile) == (("subnet-1",), True, "work")
    assert ecs.role(owner="x").task_role.endswith(":role/flotilla-eu-west-1-task-ada")


def test_what_schedules_in_the_cloud_need_is_written(settings, path):
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/d"
    account = aws(**{f"Dropped{install_of(settings.home)}": url})

    set_up(settings, path, account).apply(refuse)

    ecs = EcsSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))["ecs"])
    assert (ecs.schedule_group, ecs.dropped_queue) == ("flotilla", url)
    assert ecs.scheduler_role == "arn:aws:iam::123456789012:role/flotilla-eu-west-1-scheduler-ada"
    assert ecs.alerts == "arn:aws:sns:eu-west-1:123456789012:flotilla-alerts"


def test_addresses_for_alerts_add_up_until_they_are_cleared(settings, path):
    kept = {"members": [], "alerts": ["ada@example.org"]}

    def planned(*given):
        return set_up(settings, path, aws(kept), alerts=given).plan().site.alerts

    assert planned() == ("ada@example.org",)
    assert planned("bob@example.org", "ada@example.org") == ("ada@example.org", "bob@example.org")
    assert planned("none") == ()


@pytest.mark.parametrize("wrong", ["ada", "ada@x", "a b@example.org", "", "https://example.org"])
def test_what_is_no_address_is_refused(settings, path, wrong):
    with pytest.raises(InvalidOption, match="is no e-mail address"):
        set_up(settings, path, aws(), alerts=(wrong,)).plan()


def test_nobody_beside_somebody_is_refused(settings, path):
    with pytest.raises(InvalidOption, match="--alert 'none' is no e-mail address"):
        set_up(settings, path, aws(), alerts=("ada@example.org", "none")).plan()


def test_what_was_chosen_before_stays_and_others_stay_in(settings, path):
    kept = {
        "members": [OTHER], "kms_key": "arn:aws:kms:::key/1", "reuse": {"cluster": "shared"},
        "vpc": "vpc-1", "expire_days": 7,
    }  # fmt: skip

    site = set_up(settings, path, aws(kept)).plan().site

    assert [member.owner for member in site.everyone()] == ["ada", "bob"]
    assert (site.kms_key, site.cluster, site.expire_days) == ("arn:aws:kms:::key/1", "shared", 7)


def test_what_is_chosen_now_is_stronger(settings, path):
    kept = {"members": [], "reuse": {"cluster": "old", "bucket": "files"}, "expire_days": 7}
    now = {"reuse": {"cluster": "new"}, "expire_days": 90}

    site = set_up(settings, path, aws(kept), **now).plan().site

    assert (site.cluster, site.bucket, site.expire_days) == ("new", "files", 90)


def test_a_home_that_gets_another_owner_is_still_one_member(settings, path):
    kept = {"members": [{"owner": "old", "install": install_of(settings.home)}, OTHER]}

    site = set_up(settings, path, aws(kept)).plan().site

    assert site.owners() == ("ada", "bob")


def test_roles_with_an_alias_may_be_passed_as_well(settings, path):
    arn = "arn:aws:iam::123456789012:role/reader"
    ecs = EcsSettings.model_validate({"roles": {"reader": {"task_role": arn}}})
    settings = settings.model_copy(update={"ecs": ecs})

    assert set_up(settings, path, aws()).plan().site.member.roles == (arn,)


def test_roles_with_an_alias_of_another_home_stay_known_to_the_stack(settings, path):
    arn = "arn:aws:iam::123456789012:role/reader"
    kept = {"members": [{**OTHER, "roles": [arn]}]}

    site = set_up(settings, path, aws(kept)).plan().site

    assert [one.roles for one in site.homes("bob")] == [(arn,)]
    assert {**OTHER, "roles": [arn]} in site.remembered()["members"]


def test_subnets_without_a_way_out_and_a_bucket_of_yours_are_warned_of(settings, path):
    account = aws().answer("ec2:DescribeRouteTables", {"RouteTables": []})
    account.answer("ec2:DescribeVpcEndpoints", {"VpcEndpoints": []})

    planned = set_up(settings, path, account, reuse={"bucket": "mine"}).plan()

    assert "no way out of subnet-1" in planned.warnings[0]
    assert "bucket mine is yours" in planned.warnings[1]


def test_removing_asks_about_files_and_others_first(settings, path):
    account = aws({"members": [OTHER]})
    versions = [{"Key": f"k{n}", "VersionId": "null"} for n in range(3)]
    account.answer("s3:ListObjectVersions", {"Versions": versions})
    asked = []

    def no(harsh):
        asked.extend(harsh)
        raise Refused("no")

    with pytest.raises(Refused):
        set_up(settings, path, account).remove(no)

    assert asked[0].startswith("delete stack flotilla and all ")
    assert asked[1:] == [
        "take it from bob as well",
        "delete 3 files in bucket flotilla-123456789012-eu-west-1",
    ]
    assert not [name for name in account.names() if ":Delete" in name]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"Schedules": [{}, {}]}, "delete 2 schedules in group flotilla", id="some"),
        pytest.param({"Schedules": [{}] * 100, "NextToken": "x"},
                     "delete 100 schedules or more in group", id="many"),
        pytest.param(denied("scheduler:ListSchedules"), "delete the schedules in group", id="hid"),
    ],
)  # fmt: skip
def test_removing_asks_about_schedules_that_would_go(settings, path, answer, said):
    asked = []
    account = gone_in_the_end(aws({"members": []})).answer("scheduler:ListSchedules", answer)

    set_up(settings, path, account).remove(asked.extend)

    assert [words for words in asked if words.startswith(said)]


def test_removing_a_stack_of_before_there_were_schedules_asks_about_none(settings, path):
    asked = []
    none = refused("scheduler:ListSchedules", "ResourceNotFoundException", "no such group")
    account = gone_in_the_end(aws({"members": []})).answer("scheduler:ListSchedules", none)

    set_up(settings, path, account).remove(asked.extend)

    assert not [words for words in asked if "schedules" in words]


def test_removing_waits_for_tasks_that_run(settings, path):
    account = aws({"members": []}).answer("ecs:ListTasks", {"taskArns": ["a", "b"]})

    with pytest.raises(Refused, match="2 tasks run in cluster flotilla"):
        set_up(settings, path, account).remove(lambda harsh: None)


def test_removing_empties_the_bucket_then_deletes_the_stack_then_unsets(settings, path):
    set_up(settings, path, aws(SecurityGroup="sg-1")).apply(refuse)
    account = gone_in_the_end(aws({"members": []})).answer("s3:DeleteObjects", {})
    version = {"Key": "a", "VersionId": "1"}
    account.answer("s3:ListObjectVersions", {"Versions": [version], "DeleteMarkers": [version]})

    set_up(settings, path, account).remove(lambda harsh: None)

    changing = [name for name in account.names() if "Delete" in name]
    assert changing == ["s3:DeleteObjects", "cloudformation:DeleteStack"]
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {}


def test_a_bucket_of_yours_and_a_cluster_of_yours_are_not_touched(settings, path):
    account = aws({"members": [], "reuse": {"bucket": "mine", "cluster": "shared"}})

    set_up(settings, path, gone_in_the_end(account)).remove(lambda harsh: None)

    assert not [name for name in account.names() if name.startswith(("s3:", "ecs:"))]


def test_removing_twice_is_harmless(settings, path):
    said = []
    account = aws().answer("cloudformation:DescribeStacks", NO_STACK)

    set_up(settings, path, account, said).remove(refuse)

    assert said == ["there is no stack flotilla in eu-west-1"]


def test_a_file_that_s3_does_not_delete_is_named(settings, path):
    account = aws({"members": []})
    account.answer("s3:ListObjectVersions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    account.answer("s3:DeleteObjects", {"Errors": [{"Key": "a", "Message": "Access Denied"}]})

    with pytest.raises(EnvironmentProblem, match=r"does not delete 'a' in .*: Access Denied"):
        set_up(settings, path, account).remove(lambda harsh: None)


def test_each_home_has_a_word_of_its_own_that_stays(weird_path):
    one, other = install_of(weird_path / "a"), install_of(weird_path / "b")

    assert one == install_of(weird_path / "a") != other
    assert len(one) == 8


def test_a_home_whose_word_was_damaged_says_so(weird_path):
    install_of(weird_path)
    (weird_path / "ecs" / "install").write_text("../x")

    with pytest.raises(EnvironmentProblem, match=r"holds '\.\./x'"):
        install_of(weird_path)
