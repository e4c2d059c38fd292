"""Task definitions: what is in them, and how seldom they are registered."""

import json
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scripted_aws import Unlimited

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.definition import (
    Definitions,
    Secret,
    definition,
    family,
    is_gone,
)
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.testing.fake_ecs import FakeEcs, faults
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ROLE = "arn:aws:iam::123456789012:role/execution"


def _definition(**fields: Any) -> dict[str, Any]:
    given = {"image": "python:3.12-slim", "region": "us-east-1", "execution_role": ROLE}
    return definition(**(given | fields))


@pytest.fixture
def fake() -> FakeEcs:
    return FakeEcs(settings=FakeSettings(throttles=False))


@pytest.fixture
def make_definitions(fake: FakeEcs, tmp_path: Path) -> Callable[..., Definitions]:
    def make(home: Path = tmp_path) -> Definitions:
        account = Account(
            Settings(home=home), make_client=fake.client, throttle=Unlimited(),
            sleep=lambda seconds: None,
        )  # fmt: skip
        return Definitions(account, home / "ecs", "123456789012")

    return make


@pytest.fixture
def definitions(make_definitions: Callable[..., Definitions]) -> Definitions:
    return make_definitions()


def test_the_first_program_is_ours_whatever_the_image_would_start() -> None:
    container = _definition()["containerDefinitions"][0]

    assert container["entryPoint"][:2] == ["/bin/sh", "-c"]
    assert container["entryPoint"][-2] == "-c"
    assert container["command"] == []


def test_a_definition_is_far_from_the_most_that_ecs_takes() -> None:
    # 64 KiB: docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
    assert len(json.dumps(_definition())) < 48 * 1024


def test_what_is_asked_for_with_an_attempt_is_not_in_it() -> None:
    made = _definition()

    assert (made["cpu"], made["memory"]) == ("256", "512")
    assert not {"cpu", "memory", "environment"} & made["containerDefinitions"][0].keys()


def test_secrets_are_named_and_never_there() -> None:
    secrets = [Secret(name="B", value_from="/b"), Secret(name="A", value_from="arn:aws:ssm:…/a")]

    container = _definition(secrets=secrets)["containerDefinitions"][0]

    assert container["secrets"] == [
        {"name": "A", "valueFrom": "arn:aws:ssm:…/a"},
        {"name": "B", "valueFrom": "/b"},
    ]


def test_without_a_log_group_there_is_no_log_driver() -> None:
    with_one = _definition(log_group="/flotilla")["containerDefinitions"][0]["logConfiguration"]

    assert with_one["options"]["awslogs-group"] == "/flotilla"
    assert with_one["options"]["mode"] == "non-blocking"
    assert "logConfiguration" not in _definition()["containerDefinitions"][0]


@pytest.mark.parametrize(
    ("fields", "where", "what"),
    [
        ({"arch": "arm64"}, "runtimePlatform", "ARM64"),
        ({"is_fargate": False}, "requiresCompatibilities", "EC2"),
        ({"task_role": ROLE}, "taskRoleArn", ROLE),
        ({"image": "python:3.13"}, "containerDefinitions", "python:3.13"),
        ({"program": "print()"}, "containerDefinitions", "print()"),
        ({"log_group": "/g"}, "containerDefinitions", "/g"),
        ({"secrets": [Secret(name="A", value_from="/a")]}, "containerDefinitions", "/a"),
    ],
)
def test_whatever_differs_makes_another_family(
    fields: dict[str, Any], where: str, what: str
) -> None:
    made = _definition(**fields)

    assert what in str(made[where])
    assert made["family"] != _definition()["family"]


def test_the_order_of_secrets_makes_no_other_family() -> None:
    a, b = Secret(name="A", value_from="/a"), Secret(name="B", value_from="/b")

    assert _definition(secrets=[a, b]) == _definition(secrets=[b, a])


def test_what_is_empty_makes_no_other_family() -> None:
    assert family({"cpu": "1", "secrets": [], "x": {"y": None}}) == family({"cpu": "1"})


def test_a_false_is_not_empty() -> None:
    assert family({"initProcessEnabled": False}) != family({})


def test_a_family_is_a_legal_name() -> None:
    made = _definition(image="registry.example:5000/émile/x@sha256:" + "0" * 64)

    assert made["family"].removeprefix("flotilla-").isalnum()
    assert len(made["family"]) < 255


def test_a_definition_is_registered_once(definitions: Definitions, fake: FakeEcs) -> None:
    arns = {definitions.ensure(_definition(), NOW) for _ in range(100)}

    assert len(arns) == 1
    assert arns.pop().endswith(":1")
    assert (fake.calls["DescribeTaskDefinition"], fake.calls["RegisterTaskDefinition"]) == (1, 1)


def test_another_process_asks_nobody(
    make_definitions: Callable[..., Definitions], fake: FakeEcs
) -> None:
    arn = make_definitions().ensure(_definition(), NOW)

    again = make_definitions().ensure(_definition(), NOW)

    assert again == arn
    assert sum(fake.calls.values()) == 2


def test_another_home_finds_what_is_registered(
    make_definitions: Callable[..., Definitions], fake: FakeEcs, tmp_path: Path
) -> None:
    (other := tmp_path / "other").mkdir()
    arn = make_definitions().ensure(_definition(), NOW)

    assert make_definitions(other).ensure(_definition(), NOW) == arn
    assert fake.calls["RegisterTaskDefinition"] == 1


def test_many_threads_register_once(
    make_definitions: Callable[..., Definitions], fake: FakeEcs
) -> None:
    ours = [make_definitions() for _ in range(6)]
    threads = [
        threading.Thread(target=one.ensure, args=(_definition(), NOW)) for one in ours for _ in "ab"
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert fake.calls["RegisterTaskDefinition"] == 1


def _ensure_in_process(home: Path, url: str, start: Any) -> None:
    import os

    os.environ |= {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-real-key", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    account = Account(Settings(home=home))
    start.wait()
    Definitions(account, home / "ecs", "123456789012").ensure(_definition(), NOW)


@pytest.fixture
def url(fake: FakeEcs) -> Iterator[str]:
    with fake.serve() as address:
        yield address


def test_several_processes_of_a_home_register_once(fake: FakeEcs, url: str, tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    start = spawning.Barrier(3)
    processes = [
        spawning.Process(target=_ensure_in_process, args=(tmp_path, url, start)) for _ in range(3)
    ]

    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert fake.calls["RegisterTaskDefinition"] == 1


def test_a_definition_that_somebody_has_deregistered_is_registered_anew(
    definitions: Definitions, fake: FakeEcs
) -> None:
    wanted = _definition()
    arn = definitions.ensure(wanted, NOW)
    fake.client("ecs").deregister_task_definition(taskDefinition=arn)
    definitions.forget(wanted["family"])

    assert definitions.ensure(wanted, NOW).endswith(":2")


@pytest.mark.parametrize(
    "said",
    [
        "TaskDefinition is inactive",
        "TaskDefinition not found.",
        "Unable to describe task definition.",
    ],
)
def test_a_refusal_because_of_the_definition_is_known(said: str) -> None:
    error = AwsError("…", kind="refused", action="ecs:RunTask", aws_message=said)

    assert is_gone(error)
    assert not is_gone(AwsError("…", kind="failed", action="ecs:RunTask", aws_message=said))


def test_what_fails_is_not_remembered(definitions: Definitions, fake: FakeEcs) -> None:
    fake.plan("RegisterTaskDefinition", faults.access_denied("ecs:RegisterTaskDefinition"))

    with pytest.raises(AwsError, match="ecs:RegisterTaskDefinition"):
        definitions.ensure(_definition(), NOW)

    assert definitions.ensure(_definition(), NOW).endswith(":1")


def test_a_registration_without_an_answer_is_found_at_the_next_try(
    definitions: Definitions, fake: FakeEcs
) -> None:
    for _ in range(3):
        fake.plan("RegisterTaskDefinition", faults.server_error(has_effect=True))
    with pytest.raises(AwsError) as error:
        definitions.ensure(_definition(), NOW)
    assert error.value.is_unknown
    before = fake.calls["RegisterTaskDefinition"]

    definitions.ensure(_definition(), NOW)

    assert fake.calls["RegisterTaskDefinition"] == before


def test_what_is_used_is_never_collected(definitions: Definitions, fake: FakeEcs) -> None:
    for day in range(200):
        definitions.ensure(_definition(), NOW + day * DAY)

    assert definitions.collect(NOW + 200 * DAY) == 0
    assert fake.calls["RegisterTaskDefinition"] == 1


def test_what_nobody_has_used_for_90_days_is_deleted(
    definitions: Definitions, fake: FakeEcs
) -> None:
    old = definitions.ensure(_definition(image="old"), NOW)
    kept = definitions.ensure(_definition(image="kept"), NOW + 50 * DAY)

    assert definitions.collect(NOW + 91 * DAY) == 1

    listed = fake.client("ecs").list_task_definitions()["taskDefinitionArns"]
    assert old not in listed and kept in listed
    assert definitions.collect(NOW + 91 * DAY) == 0


def test_what_a_schedule_needs_is_kept(definitions: Definitions) -> None:
    arn = definitions.ensure(_definition(), NOW)

    assert definitions.collect(NOW + 400 * DAY, in_use={arn}) == 0


def test_definitions_of_others_are_never_touched(
    make_definitions: Callable[..., Definitions], fake: FakeEcs, tmp_path: Path
) -> None:
    (other := tmp_path / "other").mkdir()
    theirs = make_definitions(other).ensure(_definition(image="theirs"), NOW)

    assert make_definitions().collect(NOW + 400 * DAY) == 0
    assert theirs in fake.client("ecs").list_task_definitions()["taskDefinitionArns"]


def test_ten_are_deleted_at_a_time(definitions: Definitions) -> None:
    for number in range(12):
        definitions.ensure(_definition(image=f"i{number}"), NOW)

    assert [definitions.collect(NOW + 400 * DAY) for _ in range(3)] == [10, 2, 0]


def test_who_may_not_delete_keeps_them_in_mind(definitions: Definitions, fake: FakeEcs) -> None:
    definitions.ensure(_definition(), NOW)
    fake.plan("DeleteTaskDefinitions", faults.access_denied("ecs:DeleteTaskDefinitions"))

    with pytest.raises(AwsError):
        definitions.collect(NOW + 400 * DAY)

    assert definitions.collect(NOW + 400 * DAY) == 1


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"123456789012 us-east-1": 3}',
        '{"123456789012 us-east-1": {"x": 1, "y": {"arn": "a", "used_at": "soon"}}}',
    ],
)
def test_a_ledger_of_garbage_is_as_none(
    definitions: Definitions, tmp_path: Path, content: str
) -> None:
    (tmp_path / "ecs").mkdir()
    (tmp_path / "ecs" / "definitions.json").write_text(content)

    assert definitions.ensure(_definition(), NOW).endswith(":1")


def test_a_home_that_was_deleted_is_not_made_again(
    make_definitions: Callable[..., Definitions], tmp_path: Path
) -> None:
    gone = tmp_path / "gone"

    make_definitions(gone).ensure(_definition(), NOW)

    assert not gone.exists()
