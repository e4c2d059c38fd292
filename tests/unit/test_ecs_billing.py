"""`engines.ecs.billing`: what AWS bills for a task, read off its description."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.engines.ecs.billing import (
    actual_provider,
    billed,
    moment,
    pull_share,
)
from jupyter_flotilla.engines.ecs.prices import shipped_prices

PULL = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
PRICES = shipped_prices()


def task(**fields):
    """Return a task of DescribeTasks that runs on Fargate since ten minutes."""
    described = {
        "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/flotilla/0123456789abcdef",
        "cpu": "1024",
        "memory": "4096",
        "capacityProviderName": "FARGATE",
        "launchType": "FARGATE",
        "platformFamily": "Linux",
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "createdAt": PULL - timedelta(seconds=20),
        "pullStartedAt": PULL,
        "pullStoppedAt": PULL + timedelta(seconds=45),
        "startedAt": PULL + timedelta(seconds=50),
    } | fields
    return {name: value for name, value in described.items() if value is not None}


def bill(seconds=600, **fields):
    return billed(task(**fields), PULL + timedelta(seconds=seconds), PRICES)


@pytest.mark.parametrize(
    ("stopped_s", "now_s", "expected_s"),
    [
        pytest.param(None, 600, 600, id="until now"),
        pytest.param(300, 600, 300, id="until its end"),
        pytest.param(300.001, 600, 301, id="rounded up"),
        pytest.param(59, 600, 60, id="a minute at least"),
        pytest.param(None, 1, 60, id="a minute from the first second"),
        pytest.param(None, -5, 60, id="a clock that is behind"),
    ],
)
def test_seconds_count_from_the_pull(stopped_s, now_s, expected_s):
    stopped_at = None if stopped_s is None else PULL + timedelta(seconds=stopped_s)

    found = bill(now_s, stoppedAt=stopped_at)

    assert (found.billed_s, found.since) == (expected_s, PULL)


def test_what_was_never_pulled_is_not_billed():
    found = bill(pullStartedAt=None, stoppedAt=PULL)

    assert (found.billed_s, found.since) == (0.0, None)


@pytest.mark.parametrize(
    ("provider", "launch_type", "expected", "usd_per_h"),
    [
        ("FARGATE", "FARGATE", "FARGATE", 0.04048 + 4 * 0.004445),
        ("FARGATE_SPOT", "FARGATE", "FARGATE_SPOT", 0.01224056 + 4 * 0.0013441),
        (None, "FARGATE", "FARGATE", 0.04048 + 4 * 0.004445),
    ],
)
def test_price_is_that_of_what_it_really_ran_on(provider, launch_type, expected, usd_per_h):
    rate = bill(capacityProviderName=provider, launchType=launch_type).rate

    assert rate.usd_per_h == pytest.approx(usd_per_h)
    assert (rate.provider, rate.region, rate.is_hypothetical) == (expected, "eu-west-1", False)


@pytest.mark.parametrize(
    ("provider", "launch_type", "expected"),
    [
        (None, "EC2", "EC2"),
        ("gpus", "EC2", "EC2"),
        ("managed", "MANAGED_INSTANCES", None),
        (None, "EXTERNAL", None),
        (None, None, None),
    ],
)
def test_what_fargate_does_not_bill_has_no_bill(provider, launch_type, expected):
    described = {"capacityProviderName": provider, "launchType": launch_type}

    assert bill(**described) is None
    assert actual_provider(task(**described)) == expected


@pytest.mark.parametrize(
    ("attributes", "asked", "expected"),
    [
        ([{"name": "ecs.cpu-architecture", "value": "arm64"}], "x86_64", "arm64"),
        ([], "arm64", "arm64"),
        (None, "x86_64", "x86_64"),
        ([{"name": "ecs.cpu-architecture"}], "arm64", "arm64"),
    ],
)
def test_architecture_is_the_tasks_own_word(attributes, asked, expected):
    found = billed(task(attributes=attributes), PULL, PRICES, asked_arch=asked)

    assert found.rate.arch == expected


@pytest.mark.parametrize("name", ["fargateEphemeralStorage", "ephemeralStorage"])
def test_disk_above_what_is_included_is_billed(name):
    arn = "arn:aws:ecs:us-east-1:123456789012:task/flotilla/0123456789abcdef"

    plain = bill(taskArn=arn, **{name: {"sizeInGiB": 20}}).rate
    larger = bill(taskArn=arn, **{name: {"sizeInGiB": 50}}).rate

    assert larger.usd_per_h - plain.usd_per_h == pytest.approx(30 * 0.000111, abs=1e-9)


def test_a_public_address_is_billed_where_there_is_one():
    plain = billed(task(), PULL, PRICES).rate
    public = billed(task(), PULL, PRICES, has_public_ipv4=True).rate

    assert public.usd_per_h - plain.usd_per_h == pytest.approx(0.005)


def test_size_is_the_tasks_whatever_is_legal_now():
    rate = bill(cpu="512", memory="1024").rate

    assert (rate.cpu, rate.memory_mib) == (0.5, 1024)


@pytest.mark.parametrize(
    "fields",
    [
        {"taskArn": "arn:aws:ecs:mx-central-1:123456789012:task/x"},
        {"taskArn": None},
        {"cpu": None},
        {"memory": "many"},
        {"platformFamily": "Windows_Server_2022_Core"},
        {"fargateEphemeralStorage": {"sizeInGiB": 50}},
    ],
    ids=str,
)
def test_an_unknown_price_leaves_the_seconds_known(fields):
    found = bill(**fields)

    assert (found.billed_s, found.rate) == (600.0, None)


@pytest.mark.parametrize(
    "value",
    ["2026-11-25T01:00:00Z", "2026-11-25T01:00:00.000Z", "2026-11-25T02:00:00+01:00",
     "2026-11-25T01:00:00", PULL, PULL.replace(tzinfo=None), PULL.timestamp()],
    ids=str,
)  # fmt: skip
def test_times_are_read_from_boto3_events_and_raw_json_alike(value):
    assert moment(value) == PULL


@pytest.mark.parametrize("value", [None, "", "yesterday", {}], ids=repr)
def test_what_is_no_time_is_none(value):
    assert moment(value) is None


@pytest.mark.parametrize(
    ("fields", "now_s", "expected"),
    [
        ({}, 450, 0.1),
        ({"stoppedAt": PULL + timedelta(seconds=90)}, 600, 0.5),
        ({"stoppedAt": PULL + timedelta(seconds=50)}, 600, 0.75),
        ({"pullStoppedAt": None}, 600, None),
        ({"pullStartedAt": None}, 600, None),
        ({"pullStoppedAt": PULL - timedelta(seconds=1)}, 600, 0.0),
    ],
    ids=str,
)
def test_share_of_the_pull_is_of_what_is_billed(fields, now_s, expected):
    share = pull_share(task(**fields), PULL + timedelta(seconds=now_s))

    assert share == (None if expected is None else pytest.approx(expected))


@given(now_s=st.floats(-1e6, 1e6), stopped_s=st.none() | st.floats(-1e6, 1e6))
def test_seconds_are_whole_and_a_minute_at_least(now_s, stopped_s):
    stopped_at = None if stopped_s is None else PULL + timedelta(seconds=stopped_s)

    seconds = bill(now_s, stoppedAt=stopped_at).billed_s

    assert seconds >= 60
    assert seconds == int(seconds)
