"""The ways to the fake ECS, and the smaller services beside it."""

import doctest
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from fargate_task import STARTED_BY, describe, register, run, run_one

from jupyter_flotilla.testing.fake_ecs import (
    FakeEcs,
    ManualClock,
    Script,
    Settings,
    WallClock,
    cbor,
    endings,
    faults,
)

ONCE = Config(retries={"total_max_attempts": 1})
USE = {
    "Namespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "Dimensions": [
        {"Name": "Service", "Value": "Fargate"},
        {"Name": "Type", "Value": "Resource"},
        {"Name": "Resource", "Value": "vCPU"},
        {"Name": "Class", "Value": "Standard/OnDemand"},
    ],
}


@pytest.fixture
def fake():
    return FakeEcs(seed=1)


def by_url(service, url, **keywords):
    """Return a client that has nothing of the fake but its URL."""
    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret", config=ONCE, **keywords,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", ".clock", ".fake"])
def test_examples_in_docstrings_are_right(name):
    module = import_module("jupyter_flotilla.testing.fake_ecs" + name)

    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted


def test_a_session_of_ones_own_can_be_attached(fake):
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name="eu-west-1")
    fake.attach(session)

    assert session.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_single_client_can_be_attached(fake):
    client = boto3.client("ecs", "us-east-1", aws_access_key_id="A", aws_secret_access_key="s")
    fake.attach(client)

    assert client.describe_clusters()["clusters"][0]["clusterName"] == "default"


def test_every_service_is_served_by_url(fake):
    fake.add_queue("events")
    fake.logs.append("/flotilla", "main/1", "hello")
    with fake.serve() as url:
        ecs, sqs = by_url("ecs", url), by_url("sqs", url)
        register(ecs)
        arn = run_one(ecs)
        fake.advance(30)

        assert describe(ecs, arn)["lastStatus"] == "RUNNING"
        queue_url = sqs.get_queue_url(QueueName="events")["QueueUrl"]
        sqs.send_message(QueueUrl=queue_url, MessageBody="é")
        assert sqs.receive_message(QueueUrl=queue_url)["Messages"][0]["Body"] == "é"
        assert by_url("sts", url).get_caller_identity()["Account"] == "123456789012"
        quota = by_url("service-quotas", url).get_service_quota(
            ServiceCode="fargate", QuotaCode="L-3032A538"
        )
        assert quota["Quota"]["Value"] == 6
        points = by_url("cloudwatch", url).get_metric_statistics(
            **USE, StartTime=0, EndTime=1, Period=60, Statistics=["Maximum"]
        )["Datapoints"]
        assert points[0]["Maximum"] == 0.25
        events = by_url("logs", url).get_log_events(
            logGroupName="/flotilla", logStreamName="main/1", startFromHead=True
        )["events"]
        assert [event["message"] for event in events] == ["hello"]


@pytest.mark.parametrize(
    "fault", [faults.read_timeout(), faults.connection_closed(), faults.connect_timeout()],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_a_broken_connection_is_a_closed_socket_by_url(fake, fault):
    with fake.serve() as url:
        ecs = by_url("ecs", url)
        register(ecs)
        fake.plan("RunTask", fault)

        with pytest.raises(ConnectionClosedError):
            run(ecs, clientToken="r1-1")
        run_one(ecs, clientToken="r1-1")

    assert fake.launched == {STARTED_BY: 1}


def test_an_error_is_the_same_by_url(fake):
    with fake.serve() as url:
        ecs = by_url("ecs", url)
        register(ecs)
        arn = run_one(ecs, clientToken="r1-1")

        with pytest.raises(ecs.exceptions.ConflictException) as caught:
            run(ecs, clientToken="r1-1", startedBy="other")

    assert caught.value.response["resourceIds"] == [arn]


def test_another_process_finds_it_by_its_environment(fake):
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    with fake.serve() as url:
        environment = {
            "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s",
        }  # fmt: skip
        printed = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    assert printed == "123456789012\n"
    assert fake.calls == {"GetCallerIdentity": 1}


def test_one_token_from_many_threads_is_one_task():
    fake = FakeEcs(settings=Settings(throttles=False))
    ecs = fake.client("ecs")
    register(ecs)

    with ThreadPoolExecutor(16) as pool:
        arns = list(pool.map(lambda _: run_one(ecs, clientToken="r1-1"), range(64)))

    assert len(set(arns)) == 1
    assert fake.launched == {STARTED_BY: 1}


def test_a_real_clock_may_be_fast():
    fake = FakeEcs(clock=WallClock(speed=10_000), script=Script(runs_s=1))
    ecs = fake.client("ecs")
    register(ecs)
    arn = run_one(ecs)
    deadline = time.monotonic() + 20

    while describe(ecs, arn)["lastStatus"] != "STOPPED":
        assert time.monotonic() < deadline


def test_a_long_poll_ends_when_a_message_comes():
    fake = FakeEcs(clock=WallClock(), settings=Settings(long_poll_s=20))
    fake.add_queue("events")
    sqs = fake.client("sqs")
    url = sqs.get_queue_url(QueueName="events")["QueueUrl"]

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        while fake.calls["ReceiveMessage"] == 0:
            time.sleep(0.01)
        fake.put_message("events", "at last")

        assert waiting.result(timeout=20)["Messages"][0]["Body"] == "at last"
    assert fake.calls["ReceiveMessage"] == 1


def test_a_clock_does_not_go_back():
    with pytest.raises(ValueError, match="does not go back"):
        ManualClock().advance(-1)


def test_an_action_that_is_not_faked_says_so(fake):
    with pytest.raises(ClientError, match="ListServices is not faked here"):
        fake.client("ecs").list_services()


@pytest.mark.parametrize(
    ("code", "value"), [("L-3032A538", 6.0), ("L-36FBB829", 9.0)], ids=["on demand", "spot"]
)
def test_quotas_are_told(code, value):
    fake = FakeEcs(settings=Settings(spot_vcpu=9))
    quotas = fake.client("service-quotas")

    quota = quotas.get_service_quota(ServiceCode="fargate", QuotaCode=code)["Quota"]

    assert (quota["Value"], quota["Adjustable"]) == (value, True)
    assert quota["UsageMetric"]["MetricName"] == "ResourceCount"
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="fargate", QuotaCode="L-0")


def test_the_use_of_vcpu_is_a_metric(fake):
    ecs, cloudwatch = fake.client("ecs"), fake.client("cloudwatch")
    register(ecs, cpu="2048", memory="4096")
    fake.script_next(Script(runs_s=None))
    arn = run_one(ecs)

    def used():
        query = {"Id": "vcpu", "MetricStat": {"Metric": USE, "Period": 300, "Stat": "Maximum"}}
        [result] = cloudwatch.get_metric_data(
            MetricDataQueries=[query], StartTime="2026-11-24T01:00:00Z", EndTime=1_800_000_000
        )["MetricDataResults"]
        assert [moment.timestamp() for moment in result["Timestamps"]] == [fake.clock.now()]
        return result["Values"]

    assert used() == [2]
    fake.end(arn, endings.host_terminated())
    fake.advance(60)
    assert used() == [0]


def test_a_refusal_of_cloudwatch_can_be_read(fake):
    fake.plan("GetMetricData", faults.access_denied("cloudwatch:GetMetricData"))

    with pytest.raises(ClientError) as caught:
        fake.client("cloudwatch").get_metric_data(MetricDataQueries=[], StartTime=0, EndTime=1)

    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_expired_credentials_of_sts_have_its_own_code(fake):
    fake.plan("GetCallerIdentity", faults.expired_token())

    with pytest.raises(ClientError) as caught:
        fake.client("sts").get_caller_identity()

    assert caught.value.response["Error"]["Code"] == "ExpiredToken"


@pytest.mark.parametrize(
    "value",
    [0, 23, 24, 255, 65536, 2**40, -1, -500, 1.5, "", "é" * 300, True, False, None, [], [1, [2]],
     {"a": {"b": [1, None]}}],
    ids=str,
)  # fmt: skip
def test_cbor_goes_there_and_back(value):
    assert cbor.loads(cbor.dumps(value)) == value


def read_all(logs, **keywords):
    """Follow a stream to its end as its documentation says; return its lines and the calls."""
    lines, token, calls = [], None, 0
    while True:
        calls += 1
        more = {"nextToken": token} if token else {}
        page = logs.get_log_events(
            logGroupName="g", logStreamName="s", startFromHead=True, **more, **keywords
        )
        lines += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == token:
            return lines, calls
        token = page["nextForwardToken"]


@pytest.mark.parametrize("has_empty_pages", [False, True])
def test_a_log_stream_is_read_to_its_end(fake, has_empty_pages):
    written = [f"line {number}" for number in range(25)]
    fake.logs.append("g", "s", *written)
    fake.logs.has_empty_pages = has_empty_pages

    lines, calls = read_all(fake.client("logs"), limit=10)

    assert lines == written
    assert calls == (7 if has_empty_pages else 4)


def test_a_log_stream_goes_on_where_it_ended(fake):
    logs = fake.client("logs")
    fake.logs.append("g", "s", "one")
    token = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)[
        "nextForwardToken"
    ]
    fake.logs.append("g", "s", "two")

    page = logs.get_log_events(logGroupName="g", logStreamName="s", nextToken=token)

    assert [event["message"] for event in page["events"]] == ["two"]


def test_a_log_stream_is_read_backwards(fake):
    logs = fake.client("logs")
    fake.logs.append("g", "s", *"abcde")
    where = {"logGroupName": "g", "logStreamName": "s", "limit": 2}

    last = logs.get_log_events(**where)
    before = logs.get_log_events(**where, nextToken=last["nextBackwardToken"])

    assert [event["message"] for event in last["events"]] == ["d", "e"]
    assert [event["message"] for event in before["events"]] == ["b", "c"]


def test_log_reads_are_25_a_second(fake):
    logs = fake.client("logs")
    fake.logs.append("g", "s", "one")
    for _ in range(25):
        logs.get_log_events(logGroupName="g", logStreamName="s")

    with pytest.raises(ClientError, match="Rate exceeded"):
        logs.get_log_events(logGroupName="g", logStreamName="s")


def test_a_log_stream_that_is_not_there(fake):
    logs = fake.client("logs")

    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName="g", logStreamName="s")
