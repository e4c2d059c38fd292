"""``setup-aws`` against an emulator of AWS: made, made again, joined, removed."""

import json
import os
import re
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import witness
from container_ground import Ground, S3Endpoint

import jupyter_flotilla as fl
from jupyter_flotilla.settings import load_settings


@pytest.fixture
def stack(aws_environment: Mapping[str, str]) -> Iterator[str]:
    """The name of a stack of this test's own, which is gone afterwards."""
    name = f"fl-{uuid.uuid4().hex[:8]}"
    yield name
    witness.flotilla("setup-aws", "--remove", "--yes", "--stack-name", name)


def client(service: str, endpoint: S3Endpoint) -> Any:
    """Return a client of the emulator."""
    import boto3

    return boto3.client(service, endpoint_url=endpoint.url)


def apply(stack: str, *words: str, **env: str) -> Any:
    """Apply a stack, and expect that it works."""
    said = witness.flotilla(
        "setup-aws", "--apply", "--stack-name", stack, "--owner", "ada", *words,
        env={**os.environ, **env},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return said


def test_what_is_applied_is_there_and_written_and_applying_again_changes_nothing(
    stack: str, s3_endpoint: S3Endpoint
) -> None:
    first, second = apply(stack, "--alert", "ada@example.org"), apply(stack)

    ecs = load_settings().ecs
    sns = client("sns", s3_endpoint)
    told = sns.list_subscriptions_by_topic(TopicArn=ecs.alerts)["Subscriptions"]
    assert [one["Endpoint"] for one in told] == ["ada@example.org"]
    assert all("ada@example.org: AWS mails when" in said.stderr for said in (first, second))
    group = client("scheduler", s3_endpoint).get_schedule_group(Name=ecs.schedule_group)
    assert group["State"] == "ACTIVE"
    [cluster] = client("ecs", s3_endpoint).describe_clusters(clusters=[ecs.cluster])["clusters"]
    assert set(cluster["capacityProviders"]) == {"FARGATE", "FARGATE_SPOT"}
    iam = client("iam", s3_endpoint)
    for arn in (ecs.execution_role, ecs.role(owner="x").task_role, ecs.scheduler_role):
        assert iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]["Arn"] == arn
    # of a bucket the emulator makes no more than its name: the linter reads the rest
    bucket = load_settings().artifacts.split("/")[2]
    assert bucket in {b["Name"] for b in s3_endpoint.client().list_buckets()["Buckets"]}
    groups = client("logs", s3_endpoint).describe_log_groups(logGroupNamePrefix=ecs.log_group)
    assert [group["retentionInDays"] for group in groups["logGroups"]] == [14]
    assert "resources to create" in first.stderr and "COMPLETE" in first.stderr
    assert "is as it should be" in second.stderr


def test_only_events_of_this_homes_tasks_come_into_its_queue(
    stack: str, s3_endpoint: S3Endpoint
) -> None:
    apply(stack)
    ecs = load_settings().ecs
    name = ecs.queue_url.rpartition("/")[2]  # as its queue's

    rule = client("events", s3_endpoint).describe_rule(Name=name)
    pattern = json.loads(rule["EventPattern"])["detail"]

    [prefix] = pattern["startedBy"]
    install = prefix["prefix"].split("/")[1]
    assert ecs.queue_url.endswith(f"{stack}-events-{install}")
    assert pattern["clusterArn"][0].endswith(f"cluster/{stack}")


def test_another_home_joins_and_the_first_one_stays(
    stack: str, s3_endpoint: S3Endpoint, tmp_path: Path
) -> None:
    apply(stack)
    other = {"FLOTILLA_HOME": str(tmp_path / "b"), "FLOTILLA_CONFIG": str(tmp_path / "b.toml")}

    apply(stack, "--owner", "bob", **other)

    roles = {role["RoleName"] for role in client("iam", s3_endpoint).list_roles()["Roles"]}
    assert {f"{stack}-us-east-1-task-ada", f"{stack}-us-east-1-task-bob"} <= roles
    queues = client("sqs", s3_endpoint).list_queues(QueueNamePrefix=f"{stack}-events")["QueueUrls"]
    assert len([url for url in queues if not url.endswith("-unread")]) == 2
    assert tomllib.loads((tmp_path / "b.toml").read_text())["ecs"]["owner"] == "bob"


def test_removing_deletes_files_stack_and_settings_and_leaves_the_users_own(
    stack: str, s3_endpoint: S3Endpoint
) -> None:
    file = Path(os.environ["FLOTILLA_CONFIG"])
    file.write_text("# mine\nidle_s = 5\n", encoding="utf-8")
    apply(stack)
    bucket = load_settings().artifacts.split("/")[2]
    s3_endpoint.client().put_object(Bucket=bucket, Key="ada/runs/x/a b", Body=b"x")

    asked = witness.flotilla("setup-aws", "--remove", "--stack-name", stack)
    removed = witness.flotilla("setup-aws", "--remove", "--yes", "--stack-name", stack)

    assert asked.returncode == 3 and "delete 1 files in bucket" in asked.stderr
    assert removed.returncode == 0, removed.stderr
    assert file.read_text(encoding="utf-8").strip() == "# mine\nidle_s = 5"
    names = [one["Name"] for one in s3_endpoint.client().list_buckets()["Buckets"]]
    assert bucket not in names
    clusters = client("ecs", s3_endpoint).describe_clusters(clusters=[stack])["clusters"]
    assert not [one for one in clusters if one["status"] == "ACTIVE"]


def test_what_there_is_can_be_used(stack: str, s3_endpoint: S3Endpoint) -> None:
    apply(stack, "--use", f"bucket={s3_endpoint.bucket}", "--tags", "team=x y")

    kinds = {
        one["ResourceType"]
        for one in client("cloudformation", s3_endpoint).list_stack_resources(StackName=stack)[
            "StackResourceSummaries"
        ]
    }

    assert "AWS::S3::Bucket" not in kinds
    assert load_settings().artifacts == f"s3://{s3_endpoint.bucket}/ada"


def test_an_apply_that_is_killed_is_finished_by_the_next(
    stack: str, s3_endpoint: S3Endpoint
) -> None:
    made = json.loads(
        witness.flotilla("setup-aws", "--json", "--stack-name", stack, "--owner", "ada").stdout
    )
    # killed between the change set and its execution
    client("cloudformation", s3_endpoint).create_change_set(
        StackName=stack, ChangeSetName="half", ChangeSetType="CREATE",
        TemplateBody=json.dumps(made["template"]), Capabilities=["CAPABILITY_NAMED_IAM"],
    )  # fmt: skip

    apply(stack)

    assert load_settings().ecs.cluster == stack


def dispatcher() -> int | None:
    """Return the process that dispatches jobs on this machine; None: none does."""
    rows = json.loads(witness.flotilla("dispatch", "--status", "--json").stdout)
    return next((row["pid"] for row in rows if row["is_alive"]), None)


def test_a_dispatcher_that_lives_leaves_for_one_with_the_new_settings_and_jobs_go_on(
    stack: str, settings_file: Path, tmp_path: Path
) -> None:
    settings_file.write_text("idle_s = 60\n", encoding="utf-8")
    go = tmp_path / "go"
    run = fl.submit(["sh", "-c", f"until [ -e '{go}' ]; do sleep 0.1; done"])
    before = witness.until(dispatcher, "one dispatches")

    first = apply(stack)

    assert "the dispatcher leaves for one that goes by these settings" in first.stderr
    witness.until(lambda: dispatcher() not in (None, before), "another dispatches")
    assert run.refresh().status == "RUNNING"
    second = apply(stack)
    assert "the dispatcher leaves" not in second.stderr  # nothing has changed
    go.touch()
    assert run.wait().status == "SUCCEEDED"


@pytest.fixture
def public_vpc(s3_endpoint: S3Endpoint, aws_environment: Mapping[str, str]) -> Iterator[str]:
    """A VPC with one subnet that has a route out; the emulator's default one has none."""
    ec2 = client("ec2", s3_endpoint)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    yield vpc
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def doctor(*words: str) -> tuple[int, dict[str, Any]]:
    """Return doctor's exit code, and what it found by name."""
    said = witness.flotilla("doctor", "--json", *words)
    return said.returncode, {one["name"]: one for one in json.loads(said.stdout)}


def test_doctor_finds_nothing_bad_in_what_was_set_up_and_each_thing_that_breaks(
    public_vpc: str, stack: str, s3_endpoint: S3Endpoint
) -> None:
    apply(stack, "--vpc", public_vpc)

    code, found = doctor("--engine", "ecs")

    links = ("cluster", "capacity", "execution role", "task role", "definition", "log group",
             "event queue", "cloud schedules", "way out", "security groups", "bucket")  # fmt: skip
    assert {name: found[name]["message"] for name in links if not found[name]["ok"]} == {}
    assert found["quota"]["is_unknown"]  # which the emulator does not have
    assert code == 0, found

    client("logs", s3_endpoint).delete_log_group(logGroupName=load_settings().ecs.log_group)
    code, found = doctor("--engine", "ecs")
    assert code == 1 and found["log group"]["fix"] == "log-group"

    code, found = doctor("--engine", "ecs", "--fix")
    assert code == 0 and found["log group"]["ok"]


def test_doctor_runs_a_tiny_command_and_says_what_it_cost() -> None:
    said = witness.flotilla("doctor", "--engine", "process", "--smoke")

    [line] = [line for line in said.stdout.splitlines() if "smoke process" in line]
    assert said.returncode == 0, said.stdout
    assert line.startswith("✔ smoke process") and line.endswith("from submit to end, $0.00")


def test_doctor_runs_a_tiny_command_in_the_cluster_that_was_set_up(
    public_vpc: str, stack: str, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.need("FLOTILLA_ECS_ENDPOINT")
    monkeypatch.setenv("FLOTILLA_IMAGE", ground.need("FLOTILLA_BASE_IMAGE"))
    apply(stack, "--vpc", public_vpc)

    code, found = doctor("--engine", "ecs", "--smoke")

    assert code == 0, found
    smoked = found["smoke ecs"]
    assert smoked["ok"]
    assert re.fullmatch(r"[\dms.]+ from submit to end, \$0\.00\d+", smoked["message"])
    [run] = json.loads(witness.flotilla("ls", "--json").stdout)
    assert run["spec"]["engine"] == "ecs"
    assert run["latest_attempt"]["charge_usd"] > 0


def test_doctor_says_why_the_tiny_command_did_not_run(
    public_vpc: str, stack: str, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.need("FLOTILLA_ECS_ENDPOINT")
    monkeypatch.setenv("FLOTILLA_IMAGE", ground.need("FLOTILLA_NO_PYTHON_IMAGE"))
    apply(stack, "--vpc", public_vpc)

    code, found = doctor("--engine", "ecs", "--smoke")

    assert code == 1
    assert not found["smoke ecs"]["ok"]
    assert "python" in found["smoke ecs"]["message"].lower()
    assert found["smoke ecs"]["next_step"]
