"""How fast AWS is asked: what a share allows, who goes first, and what a refusal teaches."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker

from jupyter_flotilla.engines.ecs.throttle import (
    AWS_LIMITS,
    THROTTLE_CODES,
    Bucket,
    Category,
    Limit,
    Priority,
    Throttle,
    categories,
    is_throttle,
    limits,
    priority,
)

RUN = categories("ecs", "RunTask")
STOP = categories("ecs", "StopTask")
STATUS = categories("ecs", "DescribeTasks")
LOGS = categories("logs", "GetLogEvents")


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_throttle(clock: Clock) -> Callable[..., Throttle]:
    def make(share: float = 0.5, **options: Any) -> Throttle:
        return Throttle(share, clock=clock, wait=clock.wait, **options)

    return make


def _calls(throttle: Throttle, clock: Clock, wanted: tuple[Category, ...], seconds: float) -> int:
    """Return how many calls somebody makes who never pauses."""
    end, made = clock.now + seconds, 0
    while throttle.acquire(wanted, Priority.STATUS, timeout_s=end - clock.now):
        made += 1
    return made


@pytest.mark.parametrize(
    ("wanted", "burst", "per_s"),
    [
        pytest.param(RUN, 4, 10, id="RunTask on Fargate"),
        pytest.param(categories("ecs", "RunTask", is_fargate=False), 20, 20, id="RunTask on EC2"),
        pytest.param(STOP, 20, 20, id="StopTask"),
        pytest.param(STATUS, 20, 10, id="DescribeTasks"),
        pytest.param(categories("ecs", "RegisterTaskDefinition"), 4, 0.5, id="register"),
        pytest.param(categories("ecs", "DeleteTaskDefinitions"), 1, 0.5, id="delete"),
        pytest.param(LOGS, 3, 3, id="GetLogEvents"),
    ],
)
def test_half_of_a_rate_and_a_fifth_of_a_burst_is_used(
    make_throttle: Callable[..., Throttle],
    clock: Clock,
    wanted: tuple[Category, ...],
    burst: float,
    per_s: float,
) -> None:
    throttle = make_throttle()

    made = _calls(throttle, clock, wanted, 100)

    assert made == pytest.approx(burst + 100 * per_s, abs=1)


def test_a_run_task_counts_among_all_that_modify_a_cluster(
    make_throttle: Callable[..., Throttle], clock: Clock
) -> None:
    throttle = make_throttle()
    for _ in range(20):
        assert throttle.acquire(STOP, Priority.STOP, timeout_s=0)

    assert not throttle.acquire(RUN, Priority.LAUNCH, timeout_s=0)


def test_calls_of_one_kind_do_not_hold_up_those_of_another(
    make_throttle: Callable[..., Throttle], clock: Clock
) -> None:
    throttle = make_throttle()
    _calls(throttle, clock, LOGS, 1)

    assert not throttle.acquire(LOGS, Priority.LOGS, timeout_s=0)
    assert throttle.acquire(STATUS, Priority.STATUS, timeout_s=0)


def test_sqs_is_not_counted(make_throttle: Callable[..., Throttle]) -> None:
    throttle = make_throttle()

    assert all(
        throttle.acquire(categories("sqs", "ReceiveMessage"), Priority.STATUS, timeout_s=0)
        for _ in range(1000)
    )


def test_what_cannot_be_in_time_is_given_up_at_once(
    make_throttle: Callable[..., Throttle], clock: Clock
) -> None:
    throttle = make_throttle()
    register = categories("ecs", "RegisterTaskDefinition")
    for _ in range(4):
        throttle.acquire(register, Priority.STATUS)
    before = clock.now

    assert not throttle.acquire(register, Priority.STATUS, timeout_s=1.5)
    assert clock.now == before


def test_a_throttle_halves_the_rate_of_its_kind_alone(
    make_throttle: Callable[..., Throttle],
) -> None:
    throttle = make_throttle()

    throttle.throttled(RUN)

    assert throttle.rate_per_s(Category.FARGATE_RUN_TASK) == 5
    assert throttle.rate_per_s(Category.CLUSTER_RESOURCE_MODIFY) == 20


def test_throttles_of_one_moment_halve_it_once(
    make_throttle: Callable[..., Throttle], clock: Clock
) -> None:
    throttle = make_throttle()

    for _ in range(10):
        throttle.throttled(STATUS)
        clock.now += 0.05

    assert throttle.rate_per_s(Category.CLUSTER_RESOURCE_READ) == pytest.approx(5, rel=0.01)


def test_a_rate_comes_back_by_a_twentieth_in_ten_seconds(
    make_throttle: Callable[..., Throttle], clock: Clock
) -> None:
    throttle = make_throttle()
    throttle.throttled(STATUS)

    clock.now += 10
    after_ten = throttle.rate_per_s(Category.CLUSTER_RESOURCE_READ)
    clock.now += 1000

    assert after_ten == pytest.approx(5.5)
    assert throttle.rate_per_s(Category.CLUSTER_RESOURCE_READ) == 10


def test_however_often_aws_refuses_calls_go_on(
    make_throttle: Callable[..., Throttle], clock: Clock
) -> None:
    throttle = make_throttle()
    for _ in range(100):
        throttle.throttled(STATUS)
        clock.now += 1.5

    assert throttle.rate_per_s(Category.CLUSTER_RESOURCE_READ) > 0.1
    assert throttle.acquire(STATUS, Priority.STATUS, timeout_s=30)


def test_after_a_throttle_there_is_no_burst(make_throttle: Callable[..., Throttle]) -> None:
    throttle = make_throttle()

    throttle.throttled(STATUS)

    assert not throttle.acquire(STATUS, Priority.STATUS, timeout_s=0)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket.full(Limit(burst=3, refill_per_s=1), 0.0).taken()

    assert bucket.later(1e6).tokens == 3


def test_a_clock_that_goes_back_takes_nothing() -> None:
    bucket = Bucket.full(Limit(burst=3, refill_per_s=1), 100.0)

    assert bucket.later(50.0) == bucket


def test_a_stop_goes_before_a_launch_and_that_before_status() -> None:
    ranks = [
        priority("ecs", "StopTask"),
        priority("ecs", "RunTask"),
        priority("ecs", "DescribeTasks"),
        priority("logs", "GetLogEvents"),
    ]

    assert ranks == sorted(set(ranks))


def test_who_matters_more_goes_first_however_late_he_came() -> None:
    clock, gate, order = Clock(), threading.Event(), []

    def wait(condition: threading.Condition, seconds: float) -> None:
        # time stands still until all wait
        condition.wait(0.01)
        if gate.is_set():
            clock.now += 0.01

    throttle = Throttle(0.5, clock=clock, wait=wait)
    while throttle.acquire(STOP, Priority.STOP, timeout_s=0):
        pass

    def ask(rank: Priority) -> None:
        assert throttle.acquire(STOP, rank, timeout_s=1000)
        order.append(rank)

    threads = []
    for rank in (Priority.LOGS, Priority.STATUS, Priority.LAUNCH, Priority.STOP):
        threads.append(threading.Thread(target=ask, args=(rank,)))
        threads[-1].start()
        while len(throttle._waiting) < len(threads):
            threading.Event().wait(0.001)
    gate.set()
    for thread in threads:
        thread.join()

    assert order == sorted(order)


def test_many_threads_together_get_no_more_than_there_is() -> None:
    throttle = Throttle(0.5, clock=lambda: 0.0)
    got = []

    def ask() -> None:
        for _ in range(20):
            got.append(throttle.acquire(STATUS, Priority.STATUS, timeout_s=0))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(got) == 20


def test_what_was_learned_outlives_the_process(
    make_throttle: Callable[..., Throttle], tmp_path: Path
) -> None:
    file = tmp_path / "ecs" / "rates.json"
    make_throttle(file=file, name="123456789012 us-east-1").throttled(STATUS)

    here = make_throttle(file=file, name="123456789012 us-east-1")
    elsewhere = make_throttle(file=file, name="123456789012 eu-west-1")

    assert here.rate_per_s(Category.CLUSTER_RESOURCE_READ) == 5
    assert elsewhere.rate_per_s(Category.CLUSTER_RESOURCE_READ) == 10


def test_a_rate_that_came_back_is_not_slow_at_the_next_start(
    make_throttle: Callable[..., Throttle], tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / "rates.json"
    throttle = make_throttle(file=file, name="one")
    throttle.throttled(STATUS)
    clock.now += 1000
    throttle.acquire(STATUS, Priority.STATUS)

    assert make_throttle(file=file, name="one").rate_per_s(Category.CLUSTER_RESOURCE_READ) == 10


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        "\x00\xff",
        '{"one": 3}',
        '{"one": {"cluster-resource-read": "fast"}}',
        '{"one": {"cluster-resource-read": true, "logs": null}}',
        '{"one": {"cluster-resource-read": -1}}',
        '{"one": {"cluster-resource-read": NaN}}',
        '{"one": {"cluster-resource-read": 1e300}}',
    ],
)
def test_a_file_of_garbage_is_as_none(
    make_throttle: Callable[..., Throttle], tmp_path: Path, content: str
) -> None:
    file = tmp_path / "rates.json"
    file.write_bytes(content.encode("latin-1"))
    throttle = make_throttle(file=file, name="one")

    assert throttle.rate_per_s(Category.CLUSTER_RESOURCE_READ) == 10
    throttle.throttled(STATUS)
    assert json.loads(file.read_text())["one"] == {"cluster-resource-read": 0.5}


def test_a_rate_of_next_to_nothing_in_a_file_does_not_stop_us(
    make_throttle: Callable[..., Throttle], tmp_path: Path
) -> None:
    file = tmp_path / "rates.json"
    file.write_text('{"one": {"cluster-resource-read": 1e-300}}')

    assert make_throttle(file=file, name="one").acquire(STATUS, Priority.STATUS)


def test_a_home_that_was_deleted_is_not_made_again(
    make_throttle: Callable[..., Throttle], tmp_path: Path
) -> None:
    throttle = make_throttle(file=tmp_path / "home" / "ecs" / "rates.json", name="one")

    throttle.throttled(STATUS)

    assert not (tmp_path / "home").exists()


def test_the_codes_of_throttles_are_those_of_botocore() -> None:
    assert set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES) == THROTTLE_CODES


@pytest.mark.parametrize(
    ("code", "message", "is_one"),
    [
        ("ThrottlingException", "Rate exceeded", True),
        ("ClientException", "Rate exceeded for this API", True),
        ("ClientException", "… ErrorCode: ThrottlingException …", True),
        (
            "ClientException",
            "Too many concurrent attempts to create a new revision of the specified family.",
            True,
        ),
        ("InvalidParameterException", "No Container Instances were found", False),
        ("AccessDeniedException", "User is not authorized", False),
    ],
)
def test_a_throttle_is_known_in_disguise(code: str, message: str, is_one: bool) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "RunTask")

    assert is_throttle(error) is is_one


def test_an_error_without_an_answer_is_no_throttle() -> None:
    assert not is_throttle(TimeoutError("Rate exceeded"))


def test_a_larger_share_is_faster() -> None:
    whole = limits(1.0)

    assert {
        category: limit.refill_per_s for category, limit in whole.items() if category in AWS_LIMITS
    } == {category: limit.refill_per_s for category, limit in AWS_LIMITS.items()}
