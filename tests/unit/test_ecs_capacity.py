"""Whether an account has room, and what is said where that cannot be seen."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scripted_aws import FakeAccount

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.capacity import Capacity
from jupyter_flotilla.engines.ecs.observe import InUse
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.testing.fake_ecs import FakeEcs
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SMALL = Resources(cpu=2, memory_mib=4096)
QUOTA = "service-quotas:GetServiceQuota"
USE = "cloudwatch:GetMetricStatistics"


def _denied(action: str) -> AwsError:
    return AwsError(f"may not {action}", kind="permission", action=action, next_step="allow it")


def _six(provider: str) -> InUse:
    return InUse(vcpu=6.0 if provider == "FARGATE" else 0.0)


def _point(value: float, at: datetime = NOW) -> dict[str, Any]:
    return {"Timestamp": at, "Maximum": value}


@pytest.fixture
def make_account() -> Callable[..., FakeAccount]:
    def make(quota: Any = 6.0, used: float | AwsError = 0.0, **more: Any) -> FakeAccount:
        is_value = isinstance(quota, float)
        return FakeAccount(
            {
                QUOTA: {"Quota": {"Value": quota}} if is_value else quota,
                USE: used if isinstance(used, AwsError) else {"Datapoints": [_point(used)]},
                **more,
            }
        )

    return make


MakeAccount = Callable[..., FakeAccount]


@pytest.fixture
def make_capacity(tmp_path: Path) -> Callable[..., Capacity]:
    def make(account: Any, capacity: str = "fargate") -> Capacity:
        return Capacity(account, tmp_path / "ecs", "123456789012", capacity)

    return make


MakeCapacity = Callable[..., Capacity]


def test_a_job_for_which_there_is_room_fits(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    found = make_capacity(make_account(used=4.0)).feasible(SMALL, NOW)

    assert (found.verdict, found.message) == ("fits", "")


def test_a_job_larger_than_the_whole_quota_is_refused_with_the_link(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    found = make_capacity(make_account()).feasible(Resources(cpu=8), NOW)

    assert found.verdict == "refused"
    assert "8 vCPU are more than all" in found.message
    assert "L-3032A538?region=us-east-1" in str(found.next_step)


def test_what_counts_is_the_size_that_fargate_has(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    found = make_capacity(make_account()).feasible(Resources(cpu=1, memory_mib=60 * 1024), NOW)

    assert found.verdict == "refused"


def test_a_job_waits_while_others_use_the_quota(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    found = make_capacity(make_account(used=5.0)).feasible(SMALL, NOW)

    assert found.verdict == "held"
    assert found.message == "Fargate in us-east-1: 5 of 6 vCPU are in use, and it needs 2"


def test_our_own_tasks_count_although_aws_has_not_counted_them_yet(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    assert make_capacity(make_account()).feasible(SMALL, NOW, _six).verdict == "held"


def test_spot_has_a_quota_of_its_own(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    account = make_account(used=6.0)

    found = make_capacity(account).feasible(SMALL.model_copy(update={"spot": True}), NOW)

    assert "Fargate Spot" in found.message
    assert account.made[0][1]["QuotaCode"] == "L-36FBB829"
    assert {"Name": "Class", "Value": "Standard/Spot"} in account.made[1][1]["Dimensions"]


def test_a_quota_is_asked_for_once_a_day_and_its_use_once_a_minute(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    account = make_account()
    capacity = make_capacity(account)

    for second in range(0, 120, 10):
        capacity.feasible(SMALL, NOW + timedelta(seconds=second))
    assert account.names() == [QUOTA, USE, USE]

    capacity.feasible(SMALL, NOW + DAY)
    assert account.names().count(QUOTA) == 2


def test_another_process_knows_the_quota(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    make_capacity(make_account()).feasible(SMALL, NOW)
    account = make_account()

    make_capacity(account).feasible(SMALL, NOW + MINUTE)

    assert QUOTA not in account.names()


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"123456789012 us-east-1": 1}', '{"123456789012 us-east-1": {"L-3032A538": {}}}'],
)
def test_a_file_of_garbage_is_as_none(
    make_account: MakeAccount, make_capacity: MakeCapacity, tmp_path: Path, content: str
) -> None:
    (tmp_path / "ecs").mkdir()
    (tmp_path / "ecs" / "quotas.json").write_text(content)

    assert make_capacity(make_account()).feasible(SMALL, NOW).verdict == "fits"


def test_the_newest_count_is_taken(make_account: MakeAccount, make_capacity: MakeCapacity) -> None:
    account = make_account()
    points = [_point(6.0, NOW - 2 * MINUTE), _point(1.0, NOW), _point(6.0, NOW - MINUTE)]
    account.answers[USE] = {"Datapoints": points}

    assert make_capacity(account).feasible(SMALL, NOW).verdict == "fits"


def test_no_count_is_nothing_in_use(make_account: MakeAccount, make_capacity: MakeCapacity) -> None:
    account = make_account()
    account.answers[USE] = {"Datapoints": []}

    assert make_capacity(account).feasible(SMALL, NOW).verdict == "fits"


def test_a_permission_that_is_missing_is_said_once_and_holds_up_nothing(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    account = make_account(quota=_denied("servicequotas:GetServiceQuota"))
    capacity = make_capacity(account)

    found = [capacity.feasible(Resources(cpu=16), NOW + MINUTE * n) for n in range(3)]

    assert [one.verdict for one in found] == ["unknown"] * 3
    assert "servicequotas:GetServiceQuota" in found[0].message
    assert [one.message for one in found[1:]] == ["", ""]
    assert account.names() == [QUOTA]


def test_without_a_count_what_is_too_large_is_refused_all_the_same(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    capacity = make_capacity(make_account(used=_denied("cloudwatch:GetMetricStatistics")))

    assert capacity.feasible(Resources(cpu=8), NOW).verdict == "refused"
    assert capacity.feasible(SMALL, NOW).verdict == "unknown"
    assert capacity.feasible(SMALL, NOW, _six).verdict == "held"


def test_an_aws_that_is_away_holds_up_nothing(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    away = AwsError("…", kind="unreachable", action="servicequotas:GetServiceQuota")
    account = make_account(quota=[away, {"Quota": {"Value": 6.0}}])
    capacity = make_capacity(account)

    assert [capacity.feasible(SMALL, NOW).verdict for _ in "ab"] == ["unknown", "fits"]


def test_gpus_of_fargate_are_refused_with_what_can_be_added(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    account = make_account()

    found = make_capacity(account).feasible(Resources(gpu=1), NOW)

    assert (found.verdict, account.made) == ("refused", [])
    assert str(found.next_step).startswith("jupyter flotilla setup-aws --gpu g4dn.xlarge --apply")


def _machine(cpu: int, memory: int, gpus: int = 0) -> dict[str, Any]:
    return {
        "registeredResources": [
            {"name": "CPU", "integerValue": cpu},
            {"name": "MEMORY", "integerValue": memory},
            {"name": "GPU", "stringSetValue": [f"gpu-{n}" for n in range(gpus)]},
        ]
    }


@pytest.mark.parametrize(
    ("machines", "resources", "verdict"),
    [
        ([], SMALL, "refused"),
        ([_machine(1024, 8192)], SMALL, "refused"),
        ([_machine(1024, 8192), _machine(4096, 8192)], SMALL, "fits"),
        ([_machine(4096, 8192)], Resources(cpu=1, memory_mib=16_384), "refused"),
        ([_machine(4096, 8192)], Resources(cpu=1, gpu=1), "refused"),
        ([_machine(4096, 8192, gpus=1)], Resources(cpu=1, gpu=1), "fits"),
    ],
)
def test_a_job_must_fit_a_machine_of_the_cluster(
    make_account: MakeAccount,
    make_capacity: MakeCapacity,
    machines: list[dict[str, Any]],
    resources: Resources,
    verdict: str,
) -> None:
    account = make_account()
    arns = [f"arn:{number}" for number in range(len(machines))]
    account.answers |= {
        "ecs:ListContainerInstances": {"containerInstanceArns": arns},
        "ecs:DescribeContainerInstances": {"containerInstances": machines},
    }

    assert make_capacity(account, "ec2").feasible(resources, NOW).verdict == verdict


def test_a_capacity_provider_makes_machines_as_they_are_needed(
    make_account: MakeAccount, make_capacity: MakeCapacity
) -> None:
    account = make_account()

    found = make_capacity(account, "gpus").feasible(Resources(cpu=4, gpu=1), NOW)

    assert (found.verdict, account.made) == ("fits", [])


def test_what_botocore_reads_is_understood(tmp_path: Path, make_capacity: MakeCapacity) -> None:
    fake = FakeEcs(settings=FakeSettings(on_demand_vcpu=6))
    account = Account(Settings(home=tmp_path), make_client=fake.client)

    capacity = make_capacity(account)

    assert capacity.feasible(SMALL, NOW).verdict == "fits"
    assert capacity.feasible(Resources(cpu=8), NOW).verdict == "refused"
