"""The ground itself: an ECS whose tasks are real containers, as like Fargate as we need it."""

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from ecs_ground import EcsGround, pascal, wait_until

from jupyter_flotilla.settings import load_settings

Launch = Callable[..., str]


@pytest.fixture
def ecs(ecs_ground: EcsGround) -> Any:
    """A client that tries once: what goes wrong is seen."""
    once = Config(retries={"total_max_attempts": 1}, region_name=ecs_ground.region)
    return boto3.client(
        "ecs", endpoint_url=ecs_ground.url, config=once,
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip


@pytest.fixture
def definition(ecs_ground: EcsGround, ecs: Any) -> Callable[..., str]:
    """Registers a definition of one container, ``sh -c …``; gives its ARN."""

    def register(script: str = "true", **container: Any) -> str:
        options = {"awslogs-group": ecs_ground.log_group, "awslogs-region": ecs_ground.region,
                   "awslogs-stream-prefix": "flotilla"}  # fmt: skip
        main = {
            "name": "job",
            "image": ecs_ground.image,
            "entryPoint": ["sh", "-c", script],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **container,
        }
        made = ecs.register_task_definition(
            family=f"smoke-{uuid.uuid4().hex[:8]}", networkMode="awsvpc", cpu="256", memory="512",
            requiresCompatibilities=["FARGATE"], taskRoleArn=ecs_ground.task_role,
            executionRoleArn=ecs_ground.execution_role, containerDefinitions=[main],
        )  # fmt: skip
        arn: str = made["taskDefinition"]["taskDefinitionArn"]
        return arn

    return register


@pytest.fixture
def request_of(ecs_ground: EcsGround) -> Callable[..., dict[str, Any]]:
    """Gives a RunTask request for a definition, on Spot if asked."""

    def request(definition: str, *, provider: str = "FARGATE", **fields: Any) -> dict[str, Any]:
        network = {"subnets": list(ecs_ground.subnets), "securityGroups": ["sg-0a"]}
        return {
            "cluster": ecs_ground.cluster,
            "taskDefinition": definition,
            "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
            "networkConfiguration": {"awsvpcConfiguration": network},
            **fields,
        }

    return request


@pytest.fixture
def launch(ecs: Any, definition: Callable[..., str], request_of: Callable[..., Any]) -> Launch:
    """Starts a script as a task; gives the task's ARN."""

    def run(script: str, *, container: dict[str, Any] | None = None, **fields: Any) -> str:
        [task] = ecs.run_task(**request_of(definition(script, **(container or {})), **fields))[
            "tasks"
        ]
        arn: str = task["taskArn"]
        return arn

    return run


def test_a_task_says_how_and_when_it_ran(ecs_ground: EcsGround, ecs: Any, launch: Launch) -> None:
    arn = launch(
        'echo "to $0"; echo wrong >&2; exit 3',
        container={"command": ["the command"]},
        startedBy="flotilla/00000000/r1-1",
        tags=[{"key": "team", "value": "größe"}],
    )

    ecs_ground.wait(arn)

    [task] = ecs.describe_tasks(cluster=ecs_ground.cluster, tasks=[arn], include=["TAGS"])["tasks"]
    [container] = task["containers"]
    assert (task["stopCode"], container["exitCode"]) == ("EssentialContainerExited", 3)
    assert "reason" not in container
    assert container["imageDigest"].startswith("sha256:")
    assert (task["launchType"], task["capacityProviderName"]) == ("FARGATE", "FARGATE")
    assert (task["cpu"], task["memory"], task["ephemeralStorage"]) == (
        "256",
        "512",
        {"sizeInGiB": 20},
    )
    assert task["attributes"] == [{"name": "ecs.cpu-architecture", "value": "x86_64"}]
    assert (task["startedBy"], task["tags"][0]["value"]) == ("flotilla/00000000/r1-1", "größe")
    times = [task[name] for name in ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt",
                                     "stoppingAt", "executionStoppedAt", "stoppedAt")]  # fmt: skip
    assert times == sorted(times)
    assert sorted(ecs_ground.log(arn)) == ["to the command", "wrong"]


def test_overrides_change_size_environment_and_disk(ecs_ground: EcsGround, launch: Launch) -> None:
    arn = launch(
        "echo $WHO; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max",
        overrides={
            "cpu": "512",
            "memory": "1024",
            "ephemeralStorage": {"sizeInGiB": 30},
            "containerOverrides": [
                {"name": "job", "environment": [{"name": "WHO", "value": "an override"}]}
            ],
        },
    )

    task = ecs_ground.wait(arn)

    assert (task["cpu"], task["memory"], task["ephemeralStorage"]) == (
        "512",
        "1024",
        {"sizeInGiB": 30},
    )
    assert {"an override", str(1024**3)} <= set(ecs_ground.log(arn))


def test_a_container_gets_keys_of_its_role_and_writes_to_s3(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    if not ecs_ground.has_task_address:
        pytest.skip("169.254.170.2 cannot exist in CI where it is not root")
    program = f"""
import json, os, urllib.request
uri = os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
keys = json.load(urllib.request.urlopen("http://169.254.170.2" + uri))
print(keys["RoleArn"], sorted(keys))
signed = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/s3/aws4_request, SignedHeaders=host"
headers = {{"Authorization": signed % keys["AccessKeyId"] + ", Signature=0"}}
url = os.environ["AWS_ENDPOINT_URL"] + "/{ecs_ground.bucket}/by-a-task"
urllib.request.urlopen(urllib.request.Request(url, b"42", headers, method="PUT"))
"""

    arn = launch("", container={"entryPoint": ["python3", "-c", program]})

    task = ecs_ground.wait(arn)
    names = ["AccessKeyId", "Expiration", "RoleArn", "SecretAccessKey", "Token"]
    assert ecs_ground.log(arn) == [f"{ecs_ground.task_role} {names}"]
    assert task["containers"][0]["exitCode"] == 0
    stored = ecs_ground.client("s3").get_object(Bucket=ecs_ground.bucket, Key="by-a-task")
    assert stored["Body"].read() == b"42"


def test_a_container_learns_which_task_it_is(ecs_ground: EcsGround, launch: Launch) -> None:
    program = """
import json, os, urllib.request
url = os.environ["ECS_CONTAINER_METADATA_URI_V4"]
task, stats = (json.load(urllib.request.urlopen(url + path)) for path in ("/task", "/stats"))
limit = stats["memory_stats"]["limit"]
print(task["TaskARN"], task["PullStartedAt"] <= task["PullStoppedAt"], limit)
"""

    arn = launch("", container={"entryPoint": ["python3", "-c", program]})

    ecs_ground.wait(arn)
    assert ecs_ground.log(arn) == [f"{arn} True {512 * 1024**2}"]


def test_secrets_come_into_the_container_by_reference(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    name = f"smoke-{uuid.uuid4().hex[:8]}"
    value = json.dumps({"password": "öpen"})
    secret = ecs_ground.client("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"]
    ssm = ecs_ground.client("ssm")
    ssm.put_parameter(Name=f"/{name}/key", Value="sesame", Type="SecureString")
    parameter = f"arn:aws:ssm:us-east-1:000000000000:parameter/{name}/key"
    secrets = [
        {"name": "WHOLE", "valueFrom": secret},
        {"name": "PART", "valueFrom": f"{secret}:password::"},
        {"name": "KEY", "valueFrom": parameter},
        {"name": "NAMED", "valueFrom": f"/{name}/key"},
    ]

    arn = launch('echo "$WHOLE $PART $KEY $NAMED"', container={"secrets": secrets})

    ecs_ground.wait(arn)
    assert ecs_ground.log(arn) == [f"{value} öpen sesame sesame"]


def test_a_missing_secret_keeps_a_task_from_starting(ecs_ground: EcsGround, launch: Launch) -> None:
    arn = launch("true", container={"secrets": [{"name": "X", "valueFrom": "/nowhere/at-all"}]})

    task = ecs_ground.wait(arn)

    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError")
    assert "pullStartedAt" not in task


def test_stop_task_lets_a_program_end_and_says_why(
    ecs_ground: EcsGround, ecs: Any, launch: Launch
) -> None:
    arn = launch("trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    wait_until(lambda: ecs_ground.log(arn) == ["up"])

    stopped = ecs.stop_task(cluster=ecs_ground.cluster, task=arn, reason="no longer wanted")["task"]

    task = ecs_ground.wait(arn)
    assert stopped["desiredStatus"] == "STOPPED"
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "no longer wanted")
    assert task["containers"][0]["exitCode"] == 5
    assert ecs_ground.log(arn) == ["up", "bye"]


def test_a_program_that_does_not_listen_is_killed_after_its_stop_timeout(
    ecs_ground: EcsGround, ecs: Any, launch: Launch
) -> None:
    arn = launch("trap '' TERM; sleep 1000", container={"stopTimeout": 2})
    ecs_ground.wait(arn, "RUNNING")

    ecs.stop_task(cluster=ecs_ground.cluster, task=arn)

    task = ecs_ground.wait(arn)
    assert task["containers"][0]["exitCode"] == 137
    assert task["stoppedAt"] - task["stoppingAt"] >= 1.9


def test_a_task_can_be_stopped_before_it_starts(
    ecs_ground: EcsGround, ecs: Any, launch: Launch
) -> None:
    ecs_ground.plan(fate={"start_delay_s": 600})
    arn = launch("echo never")

    ecs.stop_task(cluster=ecs_ground.cluster, task=arn)

    task = ecs_ground.wait(arn)
    assert task["stopCode"] == "UserInitiated"
    assert not {"startedAt", "pullStartedAt"} & task.keys()
    assert "exitCode" not in task["containers"][0]


def test_too_much_memory_is_told_apart_from_a_kill(ecs_ground: EcsGround, launch: Launch) -> None:
    greedy = launch("x", container={"entryPoint": ["python3", "-c", "b'x' * 2**30"]})
    killed = launch("sleep 1000")
    ecs_ground.wait(killed, "RUNNING")

    ecs_ground.kill(killed)

    [of_greedy], [of_killed] = (ecs_ground.wait(arn)["containers"] for arn in (greedy, killed))
    assert (of_greedy["exitCode"], of_killed["exitCode"]) == (137, 137)
    assert of_greedy["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert "reason" not in of_killed


def test_spot_capacity_is_taken_back_with_a_warning(ecs_ground: EcsGround, launch: Launch) -> None:
    script = "trap 'echo warned' TERM; while :; do sleep 0.05; done"
    ecs_ground.plan(fate={"stop_after_s": 0.5, "grace_s": 1}, times=2)

    on_spot = launch(script, provider="FARGATE_SPOT")
    on_demand = launch(script)

    task = ecs_ground.wait(on_spot)
    assert (task["capacityProviderName"], task["stopCode"]) == ("FARGATE_SPOT", "SpotInterruption")
    assert task["stoppedReason"] == "Your Spot Task was interrupted."
    assert task["containers"][0]["exitCode"] == 137
    assert ecs_ground.log(on_spot) == ["warned"]
    assert ecs_ground.wait(on_demand, "RUNNING")["desiredStatus"] == "RUNNING"


def test_a_running_task_is_interrupted_or_ended_when_a_test_says_so(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    spot, host = launch("sleep 1000", provider="FARGATE_SPOT"), launch("sleep 1000")
    for arn in (spot, host):
        ecs_ground.wait(arn, "RUNNING")

    ecs_ground.interrupt(spot, grace_s=0)
    ecs_ground.end(host, stop_code="TerminationNotice", reason="Host terminated.", grace_s=0)

    codes = [ecs_ground.wait(arn)["stopCode"] for arn in (spot, host)]
    assert codes == ["SpotInterruption", "TerminationNotice"]


def test_an_image_that_does_not_exist_cannot_be_pulled(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    arn = launch("true", container={"image": "flotilla/no-such:image"})

    task = ecs_ground.wait(arn)

    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert "pullStartedAt" in task
    assert not {"startedAt", "pullStoppedAt"} & task.keys()
    assert "exitCode" not in task["containers"][0]


def test_a_program_that_does_not_exist_cannot_be_started(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    arn = launch("x", container={"entryPoint": ["/no/such/program"]})

    task = ecs_ground.wait(arn)

    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotStartContainerError")


def test_a_client_token_gives_the_same_task_again(
    ecs_ground: EcsGround, ecs: Any, definition: Any, request_of: Any
) -> None:
    request = request_of(definition("sleep 1000"), clientToken=uuid.uuid4().hex, startedBy="one")

    first, again = (ecs.run_task(**request)["tasks"] for _ in range(2))

    assert [task["taskArn"] for task in first] == [task["taskArn"] for task in again]
    listed = ecs.list_tasks(cluster=ecs_ground.cluster)["taskArns"]
    assert listed == [task["taskArn"] for task in first]


def test_a_client_token_of_another_request_is_a_conflict(
    ecs_ground: EcsGround, ecs: Any, definition: Any, request_of: Any
) -> None:
    request = request_of(definition("sleep 1000"), clientToken=uuid.uuid4().hex)
    [task] = ecs.run_task(**request)["tasks"]

    with pytest.raises(ClientError) as refused:
        ecs.run_task(**request | {"startedBy": "another"})

    assert refused.value.response["Error"]["Code"] == "ConflictException"
    assert refused.value.response["resourceIds"] == [task["taskArn"]]


def test_a_throttled_call_has_no_effect(ecs_ground: EcsGround, ecs: Any, launch: Launch) -> None:
    ecs_ground.throttle(times=2)
    before = len(ecs_ground.tasks())

    codes = []
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            launch("true")
        codes.append(refused.value.response["Error"]["Code"])

    assert codes == ["ThrottlingException"] * 2
    assert len(ecs_ground.tasks()) == before
    launch("true")
    assert ecs_ground.calls()["RunTask"] == 3


def test_a_refusal_is_kept_under_its_token(
    ecs_ground: EcsGround, ecs: Any, definition: Any, request_of: Any
) -> None:
    ecs_ground.plan(failures=[{"reason": "RESOURCE:MEMORY"}])
    request = request_of(definition(), clientToken=uuid.uuid4().hex)

    answers = [ecs.run_task(**request) for _ in range(2)]

    assert [answer["tasks"] for answer in answers] == [[], []]
    assert [answer["failures"][0]["reason"] for answer in answers] == ["RESOURCE:MEMORY"] * 2
    assert ecs.run_task(**request | {"clientToken": uuid.uuid4().hex})["tasks"]


@pytest.mark.parametrize(
    "fault",
    [
        {"error": {"code": "ServerException", "message": "Service Unavailable.", "status": 500}},
        {"closes": True},
        {"hangs_s": 0.5},
    ],
    ids=["a 500", "closed", "a silence, then closed"],
)
def test_an_answer_can_be_lost_after_the_task_was_started(
    ecs_ground: EcsGround, ecs: Any, definition: Any, request_of: Any, fault: dict[str, Any]
) -> None:
    request = request_of(definition("sleep 1000"), clientToken=uuid.uuid4().hex)
    ecs_ground.plan(has_effect=True, **fault)

    with pytest.raises((ClientError, ConnectionClosedError)):
        ecs.run_task(**request)

    found = ecs.list_tasks(cluster=ecs_ground.cluster)["taskArns"]
    assert [task["taskArn"] for task in ecs.run_task(**request)["tasks"]] == found


def test_a_fault_comes_only_to_the_calls_that_it_matches(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    ecs_ground.plan(fate={"fails_to_start": "ResourceInitializationError: no"}, matching="r2-1")

    well, badly = launch("true", startedBy="f/r1-1"), launch("true", startedBy="f/r2-1")

    ends = [ecs_ground.wait(arn)["stopCode"] for arn in (well, badly)]
    assert ends == ["EssentialContainerExited", "TaskFailedToStart"]
    assert ecs_ground.planned() == []


def test_tasks_are_found_by_who_started_them_and_by_family(
    ecs_ground: EcsGround, ecs: Any, launch: Launch
) -> None:
    mark = f"flotilla/00000000/{uuid.uuid4().hex}"
    runs, ended = launch("sleep 1000", startedBy=mark), launch("true")
    family = ecs_ground.wait(ended)["group"].removeprefix("family:")

    def found(**filters: str) -> list[str]:
        arns: list[str] = ecs.list_tasks(cluster=ecs_ground.cluster, **filters)["taskArns"]
        return arns

    assert found(startedBy=mark) == [runs]
    assert found(family=family) == []
    assert found(family=family, desiredStatus="STOPPED") == [ended]
    with pytest.raises(ClientError, match="only filter"):
        found(startedBy=mark, desiredStatus="STOPPED")


def test_a_forgotten_task_is_missing(ecs_ground: EcsGround, ecs: Any, launch: Launch) -> None:
    arn = launch("true")
    ecs_ground.wait(arn)

    ecs_ground.forget(arn)

    said = ecs.describe_tasks(cluster=ecs_ground.cluster, tasks=[arn])
    assert said["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_events_of_one_installation_come_into_its_queue(
    ecs_ground: EcsGround, launch: Launch
) -> None:
    sqs, events = ecs_ground.client("sqs"), []
    with ecs_ground.feed("flotilla/0000000a/") as queue:
        mine = launch("true", startedBy="flotilla/0000000a/r1-1")
        launch("true", startedBy="flotilla/0000000b/r1-1")
        while not events or events[-1]["lastStatus"] != "STOPPED":
            said = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)
            bodies = [json.loads(one["Body"]) for one in said["Messages"]]
            events += sorted((one["detail"] for one in bodies), key=lambda one: one["version"])

    assert {event["taskArn"] for event in events} == {mine}
    versions = [event["version"] for event in events]
    assert sorted(set(versions)) == sorted(versions)
    assert [event["lastStatus"] for event in events][:1] == ["PROVISIONING"]
    assert events[-1]["containers"][0]["exitCode"] == 0
    assert events[-1]["stoppedAt"].endswith("Z")


@pytest.mark.parametrize("is_universal", [False, True], ids=["templated", "universal"])
def test_a_schedule_starts_a_task(
    ecs_ground: EcsGround, definition: Any, request_of: Any, is_universal: bool
) -> None:
    arn, scheduler = definition("true"), ecs_ground.client("scheduler")
    name = f"smoke-{uuid.uuid4().hex[:8]}"
    request = request_of(arn, startedBy=name, clientToken=name)
    target: dict[str, Any] = {
        "Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask",
        "Input": json.dumps(pascal(request)),
    }
    if not is_universal:
        vpc = {"awsvpcConfiguration": {"Subnets": list(ecs_ground.subnets)}}
        target = {
            "Arn": f"arn:aws:ecs:us-east-1:000000000000:cluster/{ecs_ground.cluster}",
            "EcsParameters": {
                "TaskDefinitionArn": arn, "LaunchType": "FARGATE", "NetworkConfiguration": vpc,
            },
        }  # fmt: skip

    scheduler.create_schedule(
        Name=name, ScheduleExpression="at(2026-01-01T00:00:00)", ActionAfterCompletion="DELETE",
        FlexibleTimeWindow={"Mode": "OFF"}, Target=target | {"RoleArn": ecs_ground.execution_role},
    )  # fmt: skip

    started_by = name if is_universal else f"chronos-schedule/{name}"
    wait_until(lambda: started_by in [task["startedBy"] for task in ecs_ground.tasks()
                                      if "startedBy" in task])  # fmt: skip


def test_every_line_of_much_output_is_kept(ecs_ground: EcsGround, launch: Launch) -> None:
    arn = launch("seq 20000; printf 'no newline'")

    ecs_ground.wait(arn)

    assert ecs_ground.log(arn) == [*map(str, range(1, 20001)), "no newline"]


def test_many_tasks_at_once_all_end(
    ecs_ground: EcsGround, ecs: Any, definition: Any, request_of: Any
) -> None:
    request = request_of(definition("true"), count=10)

    arns = [task["taskArn"] for _ in range(3) for task in ecs.run_task(**request)["tasks"]]

    wait_until(lambda: all(task["lastStatus"] == "STOPPED" for task in ecs_ground.tasks()))
    codes = [ecs_ground.task(arn)["containers"][0]["exitCode"] for arn in arns]
    assert codes == [0] * 30


def test_no_container_is_left(ecs_ground: EcsGround, launch: Launch) -> None:
    arn = launch("sleep 1000")
    ecs_ground.wait(arn, "RUNNING")

    ecs_ground.clean()

    listed = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label=flotilla.task={arn}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert listed.stdout == ""


def test_settings_for_it_can_be_read(ecs_ground: EcsGround, settings_file: Path) -> None:
    ecs_ground.write_settings(settings_file, prefix="a test's", max_running=7)

    settings = load_settings()

    assert settings.artifacts == f"s3://{ecs_ground.bucket}/a test's"
    assert (settings.ecs.cluster, settings.ecs.max_running) == (ecs_ground.cluster, 7)
    assert settings.ecs.network().subnets == ecs_ground.subnets
