"""Throttles and planned faults of the fake ECS, as a botocore client meets them."""

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from fargate_task import STARTED_BY, register, run, run_one

from jupyter_flotilla.testing.fake_ecs import BUCKETS, BucketSize, FakeEcs, Settings, faults


@pytest.fixture
def fake():
    return FakeEcs(seed=1)


@pytest.fixture
def ecs(fake):
    client = fake.client("ecs")
    register(client)
    return client


def until_throttled(call, most=1000):
    """Return how often a call is answered before it is throttled."""
    for count in range(most):
        try:
            call()
        except ClientError as error:
            assert error.response["Error"] == {
                "Code": "ThrottlingException",
                "Message": "Rate exceeded",
            }
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
            return count
    raise AssertionError(f"no throttle in {most} calls")


CALLS = {
    "read": lambda ecs: ecs.list_tasks(),
    "definition-read": lambda ecs: ecs.list_task_definitions(),
    "definition-modify": lambda ecs: register(ecs),
    "definition-delete": lambda ecs: ecs.delete_task_definitions(taskDefinitions=["job:9"]),
    "cluster-read": lambda ecs: ecs.describe_clusters(),
    "tag-modify": lambda ecs: ecs.tag_resource(
        resourceArn="arn:aws:ecs:us-east-1:123456789012:cluster/default",
        tags=[{"key": "a", "value": "b"}],
    ),
    "providers": lambda ecs: ecs.describe_capacity_providers(),
    "fargate-run-task": lambda ecs: run(ecs),
}


@pytest.mark.parametrize(
    ("call", "burst", "per_s"),
    [
        ("read", 100, 20),
        ("definition-read", 50, 20),
        ("definition-modify", 19, 1),  # one of the 20 is the fixture's
        ("definition-delete", 5, 1),
        ("cluster-read", 50, 20),
        ("tag-modify", 20, 10),
        ("providers", 50, 20),
        ("fargate-run-task", 20, 20),
    ],
)
def test_each_category_has_its_bucket(fake, ecs, call, burst, per_s):
    assert until_throttled(lambda: CALLS[call](ecs)) == burst
    fake.advance(1)
    assert until_throttled(lambda: CALLS[call](ecs)) == per_s


def test_describing_and_listing_share_a_bucket(ecs):
    for _ in range(60):
        ecs.describe_tasks(tasks=["0" * 32])

    assert until_throttled(ecs.list_tasks) == 40


def test_stopping_shares_a_bucket_with_running(fake):
    fake = FakeEcs(settings=Settings(buckets={**BUCKETS, "fargate-run-task": BucketSize(1e9, 1)}))
    ecs = fake.client("ecs")
    register(ecs)
    arn = run_one(ecs)

    assert until_throttled(lambda: ecs.stop_task(task=arn)) == 99


def test_tasks_of_a_kind_have_a_bucket_of_their_own(fake, ecs):
    spot = {
        "launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}],
    }  # fmt: skip

    assert until_throttled(lambda: run(ecs, count=10)) == 10
    # a fault of one bucket takes nothing from another: 10 of the 20 calls are left
    assert until_throttled(lambda: run(ecs, count=10, **spot)) == 10


def test_an_ec2_launch_is_not_under_fargates_limit(ecs):
    register(ecs, family="big", requiresCompatibilities=["EC2"], networkMode="bridge")
    request = {"taskDefinition": "big", "launchType": "EC2", "networkConfiguration": None}

    assert until_throttled(lambda: run(ecs, **request)) == 100


def test_throttles_are_counted_and_start_nothing(fake, ecs):
    launched = until_throttled(lambda: run(ecs))

    assert fake.launched == {STARTED_BY: launched}
    assert fake.calls["RunTask"] == launched + 1
    assert fake.accepted["RunTask"] == launched
    assert fake.throttled["RunTask"] == 1


def test_throttling_can_be_switched_off():
    ecs = FakeEcs(settings=Settings(throttles=False)).client("ecs")

    for _ in range(200):
        ecs.list_tasks()


@pytest.mark.parametrize(
    ("fault", "code", "message", "status"),
    [
        (faults.throttle(), "ThrottlingException", "Rate exceeded", 400),
        (faults.disguised_throttle(), "ClientException", "Rate exceeded", 400),
        (faults.server_error(), "ServerException", "try again", 500),
        (faults.server_error(status=503), "ServerException", "try again", 503),
        (faults.service_error("ClientException", "own words"), "ClientException", "own", 400),
        (faults.access_denied(), "AccessDeniedException", "not authorized to perform", 400),
        (faults.expired_token(), "ExpiredTokenException", "token included in the request", 400),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_an_error_before_the_effect_starts_nothing(fake, ecs, fault, code, message, status):
    fake.plan("RunTask", fault)

    with pytest.raises(ClientError) as caught:
        run(ecs)

    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert fake.launched == {}
    assert run_one(ecs)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.server_error(has_effect=True), ClientError),
        (faults.read_timeout(), ReadTimeoutError),
        (faults.connection_closed(), ConnectionClosedError),
        (faults.garbage(), ResponseParserError),
    ],
    ids=["5xx", "time-out", "closed", "garbage"],
)
def test_after_the_effect_the_task_is_there_and_a_replay_finds_it(fake, ecs, fault, error):
    fake.plan("RunTask", fault)

    try:
        answer = run(ecs, clientToken="r1-1")
    except error:
        answer = {}
    arn = run_one(ecs, clientToken="r1-1")

    assert "tasks" not in answer
    assert fake.launched == {STARTED_BY: 1}
    assert [task.arn for task in fake.tasks()] == [arn]
    assert (fake.calls["RunTask"], fake.accepted["RunTask"]) == (2, 2)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.read_timeout(has_effect=False), ReadTimeoutError),
        (faults.connect_timeout(), ConnectTimeoutError),
        (faults.connection_closed(has_effect=False), ConnectionClosedError),
    ],
    ids=["time-out", "no connection", "closed"],
)
def test_a_broken_connection_before_the_effect_starts_nothing(fake, ecs, fault, error):
    fake.plan("RunTask", fault)

    with pytest.raises(error):
        run(ecs)

    assert fake.launched == {}
    assert fake.faulted == {fault.name: 1}


def test_a_refusal_comes_with_http_200(fake, ecs):
    fake.plan("RunTask", faults.refusal())

    answer = run(ecs)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["tasks"] == []
    assert "Capacity is unavailable" in answer["failures"][0]["reason"]


def test_faults_come_in_the_planned_order_and_number(fake, ecs):
    fake.plan("ListTasks", faults.expired_token(), times=2)
    fake.plan("ListTasks", faults.access_denied("ecs:ListTasks"))
    codes = []
    for _ in range(4):
        try:
            ecs.list_tasks()
            codes.append("fine")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    assert codes == [
        "ExpiredTokenException", "ExpiredTokenException", "AccessDeniedException", "fine",
    ]  # fmt: skip


def test_a_fault_of_one_action_leaves_others_alone(fake, ecs):
    fake.plan("DescribeTasks", faults.server_error(), times=None)

    assert run_one(ecs)
    with pytest.raises(ClientError):
        ecs.describe_tasks(tasks=["0" * 32])
    fake.clear_plans()
    assert ecs.describe_tasks(tasks=["0" * 32])["failures"]


def outcomes(seed):
    fake = FakeEcs(seed=seed, settings=Settings(throttles=False))
    fake.plan("*", faults.server_error(), None, probability=0.3)
    fake.plan("*", faults.read_timeout(), None, probability=0.2)
    ecs = fake.client("ecs")
    seen = []
    for _ in range(400):
        try:
            ecs.list_tasks()
            seen.append("fine")
        except (ClientError, ReadTimeoutError) as error:
            seen.append(type(error).__name__)
    return seen


def test_chance_comes_from_the_seed():
    first, again, other = outcomes(3), outcomes(3), outcomes(4)

    assert first == again != other
    assert 90 < first.count("ServerException") < 150
    assert 50 < first.count("ReadTimeoutError") < 110


def test_botocore_retries_what_it_is_told_to(fake, ecs):
    patient = fake.client("ecs", Config(retries={"mode": "standard", "total_max_attempts": 3}))
    fake.plan("RunTask", faults.connection_closed(), times=1)

    answer = run(patient)

    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert fake.calls["RunTask"] == 2
    # botocore sends the token that it made up again, so that there is one task
    assert fake.launched == {STARTED_BY: 1}


def test_a_call_that_is_throttled_uses_up_no_planned_fault():
    sizes = {"cluster-resource-read": BucketSize(1, 1)}
    fake = FakeEcs(settings=Settings(buckets=sizes))
    ecs = fake.client("ecs")
    ecs.list_tasks()
    fake.plan("ListTasks", faults.read_timeout())

    with pytest.raises(ClientError, match="Rate exceeded"):
        ecs.list_tasks()
    fake.advance(1)
    with pytest.raises(ReadTimeoutError):
        ecs.list_tasks()
