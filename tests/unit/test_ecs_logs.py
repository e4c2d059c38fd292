"""What a task has printed, from CloudWatch: every line once, and when there are no more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_aws import FakeAccount, Unlimited

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.logs import LogTail, last_lines, stream_name
from jupyter_flotilla.engines.ecs.throttle import Category
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.testing.fake_ecs import FakeEcs, faults
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings

GROUP = "/flotilla"
ARN = "arn:aws:ecs:us-east-1:123456789012:task/flotilla/0123456789abcdef"
STREAM = stream_name(ARN)


@pytest.fixture
def fake() -> FakeEcs:
    return FakeEcs(settings=FakeSettings(throttles=False))


@pytest.fixture
def account(fake: FakeEcs, tmp_path: Path) -> Account:
    return Account(Settings(home=tmp_path), make_client=fake.client, throttle=Unlimited())


@pytest.fixture
def look(account: Account) -> Callable[..., list[str]]:
    tail = LogTail(account, GROUP, ARN)

    def read(at_s: float, *, is_stopped: bool = True) -> list[str]:
        return [line.text for line in tail.read(at_s, is_stopped=is_stopped)]

    read.tail = tail  # type: ignore[attr-defined]
    return read


def test_the_stream_is_the_one_that_the_definition_asks_for() -> None:
    assert STREAM == "flotilla/job/0123456789abcdef"


def test_each_line_comes_once(fake: FakeEcs, look: Any) -> None:
    fake.logs.append(GROUP, STREAM, "a", "b")
    assert look(0) == ["a", "b"]

    fake.logs.append(GROUP, STREAM, "c")

    assert look(1) == ["c"]
    assert look(2) == []


def test_many_lines_come_over_pages_that_may_be_empty(fake: FakeEcs, look: Any) -> None:
    fake.logs.page_events = 10
    fake.logs.has_empty_pages = True
    fake.logs.append(GROUP, STREAM, *(str(number) for number in range(95)))

    assert look(0) == [str(number) for number in range(95)]


def test_more_than_a_look_takes_comes_with_the_next_one(fake: FakeEcs, look: Any) -> None:
    fake.logs.page_events = 10
    fake.logs.append(GROUP, STREAM, *(str(number) for number in range(250)))

    seen = [look(second) for second in range(3)]

    assert [len(lines) for lines in seen] == [200, 50, 0]
    assert seen[1][-1] == "249"


def test_a_task_that_runs_is_never_drained(look: Any) -> None:
    for second in range(0, 100, 10):
        look(second, is_stopped=False)

    assert not look.tail.is_drained


def test_it_is_drained_when_nothing_has_come_for_ten_seconds(fake: FakeEcs, look: Any) -> None:
    fake.logs.append(GROUP, STREAM, "a")
    look(0, is_stopped=False)

    look(100)
    look(105)
    assert not look.tail.is_drained

    look(110)
    assert look.tail.is_drained


def test_a_line_that_comes_late_begins_the_ten_seconds_anew(fake: FakeEcs, look: Any) -> None:
    look(0)
    fake.logs.append(GROUP, STREAM, "late")

    assert look(11) == ["late"]
    assert not look.tail.is_drained
    look(15)
    assert not look.tail.is_drained
    look(21)
    assert look.tail.is_drained


def test_a_task_that_has_printed_nothing_is_drained_too(look: Any) -> None:
    assert look(0) == look(10) == []

    assert look.tail.is_drained


def test_an_error_between_pages_loses_no_line() -> None:
    def page(*texts: str, token: str) -> dict[str, Any]:
        events = [{"timestamp": 0, "message": text} for text in texts]
        return {"events": events, "nextForwardToken": token}

    away = AwsError("…", kind="unreachable", action="logs:GetLogEvents")
    answers = [page("a", token="1"), away, page("b", token="2"), page(token="2")]
    account = FakeAccount({"logs:GetLogEvents": answers})
    tail = LogTail(account, GROUP, ARN)

    seen = [[line.text for line in tail.read(at, is_stopped=True)] for at in (0.0, 1.0)]

    assert seen == [["a"], ["b"]]
    assert account.made[2][1]["nextToken"] == "1"


def test_an_error_at_once_is_told(fake: FakeEcs, look: Any) -> None:
    fake.plan("GetLogEvents", faults.access_denied("logs:GetLogEvents"))

    with pytest.raises(AwsError, match="logs:GetLogEvents"):
        look(0)


def test_all_tails_share_three_calls_a_second(account: Account) -> None:
    assert account.throttle.rate_per_s(Category.LOGS) == 3


def test_the_last_lines_are_had_with_one_call(fake: FakeEcs, account: Account) -> None:
    fake.logs.append(GROUP, STREAM, *(str(number) for number in range(100)))

    lines = last_lines(account, GROUP, ARN, 3)

    assert [line.text for line in lines] == ["97", "98", "99"]
    assert account.calls == {"logs:GetLogEvents": 1}


def test_the_last_lines_are_looked_for_behind_empty_pages() -> None:
    answers = [
        {"events": [], "nextBackwardToken": "1"},
        {"events": [], "nextBackwardToken": "2"},
        {"events": [{"timestamp": 0, "message": "a"}], "nextBackwardToken": "3"},
    ]
    account = FakeAccount({"logs:GetLogEvents": answers})

    assert [line.text for line in last_lines(account, GROUP, ARN)] == ["a"]


def test_without_a_stream_there_are_no_last_lines(account: Account) -> None:
    assert last_lines(account, GROUP, ARN) == []
