"""An account's buckets and ours together: no call is refused, and hardly any is wasted."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.throttle import Category, Throttle
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.testing.fake_ecs import BUCKETS, BucketSize, FakeEcs, faults
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore pauses between its own repeats."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


@pytest.fixture
def make_account(tmp_path: Path) -> Callable[..., Account]:
    """Return a factory of accounts whose waiting is the fake's time."""

    def make(fake: FakeEcs, share: float = 0.5) -> Account:
        def wait(_condition: threading.Condition, seconds: float) -> None:
            fake.advance(seconds)

        return Account(
            Settings(home=tmp_path, ecs=EcsSettings(api_share=share)),
            make_client=fake.client,
            throttle=Throttle(share, clock=fake.clock.now, wait=wait),
            clock=fake.clock.now,
            sleep=fake.advance,
            jitter=lambda: 0.5,
        )

    return make


def _fake(**buckets: BucketSize) -> FakeEcs:
    sizes = {**BUCKETS, **{name.replace("_", "-"): size for name, size in buckets.items()}}
    fake = FakeEcs(settings=FakeSettings(buckets=sizes, on_demand_vcpu=1e6))
    fake.client("ecs").register_task_definition(
        family="job", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256",
        memory="512", containerDefinitions=[{"name": "job", "image": "python"}],
    )  # fmt: skip
    return fake


def _launch(account: Account, token: str, **options: Any) -> dict[str, Any]:
    return account.call(
        "ecs", "RunTask", taskDefinition="job:1", clientToken=token,
        capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}}, **options,
    )  # fmt: skip


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_launches_are_as_fast_as_configured_and_none_is_refused(
    make_account: Callable[..., Account], share: float
) -> None:
    fake = _fake()
    account = make_account(fake, share)
    began = fake.clock.now()

    for number in range(300):
        _launch(account, f"r{number}-1")

    per_s = 300 / (fake.clock.now() - began)
    assert fake.throttled["RunTask"] == 0
    assert per_s >= 0.95 * 20 * share


def test_status_is_asked_for_without_a_refusal(make_account: Callable[..., Account]) -> None:
    fake = _fake()
    account = make_account(fake)

    for _ in range(300):
        account.call("ecs", "DescribeTasks", tasks=["0" * 32])

    assert fake.throttled["DescribeTasks"] == 0


def test_where_others_use_up_the_rate_few_calls_are_refused(
    make_account: Callable[..., Account],
) -> None:
    fake = _fake(fargate_run_task=BucketSize(2, 2))
    account = make_account(fake)
    began = fake.clock.now()

    for number in range(600):
        _launch(account, f"r{number}-1", wait_s=300)

    per_s = 600 / (fake.clock.now() - began)
    assert fake.throttled["RunTask"] < 0.1 * 600
    assert per_s > 0.7 * 2
    assert account.calls["ecs:RunTask"] == fake.calls["RunTask"]


def test_launches_that_are_refused_do_not_hold_up_stops(
    make_account: Callable[..., Account],
) -> None:
    fake = _fake(fargate_run_task=BucketSize(1, 0.1))
    account = make_account(fake)
    _launch(account, "r0-1")
    with pytest.raises(AwsError):
        _launch(account, "r1-1", wait_s=5)

    assert account.throttle.rate_per_s(Category.FARGATE_RUN_TASK) < 5
    assert account.throttle.rate_per_s(Category.CLUSTER_RESOURCE_MODIFY) == 20


@pytest.mark.parametrize(
    "fault",
    [
        faults.read_timeout(),
        faults.connection_closed(),
        faults.server_error(has_effect=True),
        faults.garbage(),
    ],
    ids=lambda fault: str(fault.name),
)
def test_a_launch_without_an_answer_is_the_same_task_when_it_is_repeated(
    make_account: Callable[..., Account], fault: Any
) -> None:
    fake = _fake()
    account = make_account(fake)
    fake.plan("RunTask", fault, times=None)
    with pytest.raises(AwsError) as error:
        _launch(account, "r1-1")
    assert error.value.is_unknown
    fake.clear_plans()

    _launch(account, "r1-1")

    assert len(fake.tasks()) == 1


def test_a_launch_that_never_left_is_no_unknown_one(make_account: Callable[..., Account]) -> None:
    fake = _fake()
    fake.plan("RunTask", faults.connect_timeout(), times=None)

    with pytest.raises(AwsError) as error:
        _launch(make_account(fake), "r1-1")

    assert not error.value.is_unknown
    assert fake.tasks() == []


def test_another_launch_under_the_same_token_names_the_task(
    make_account: Callable[..., Account],
) -> None:
    fake = _fake()
    account = make_account(fake)
    arn = _launch(account, "r1-1")["tasks"][0]["taskArn"]

    with pytest.raises(AwsError) as error:
        _launch(account, "r1-1", startedBy="other")

    assert (error.value.kind, error.value.resources) == ("conflict", (arn,))


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (faults.access_denied(), "permission", "may not ecs:RunTask"),
        (faults.expired_token(), "credentials", "expired"),
        (faults.disguised_throttle(), "throttled", "Rate exceeded"),
        (faults.connect_timeout(), "unreachable", "cannot be reached"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_goes_wrong_is_told(
    make_account: Callable[..., Account], fault: Any, kind: str, said: str
) -> None:
    fake = _fake()
    fake.plan("RunTask", fault, times=None)

    with pytest.raises(AwsError, match=said) as error:
        _launch(make_account(fake), "r1-1", wait_s=2)

    assert error.value.kind == kind
    assert error.value.next_step
