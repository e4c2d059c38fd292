"""What is asked of RunTask: all of it, the same each time, and nothing that must not be seen."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from jupyter_flotilla.ecs_settings import EcsNetwork
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.ecs.request import (
    MOST_OVERRIDES,
    MOST_TAGS,
    Site,
    check_tags,
    run_task,
)
from jupyter_flotilla.engines.ecs.sizes import task_size
from jupyter_flotilla.errors import InvalidOption, LaunchError
from jupyter_flotilla.model.job import JobSpec, SecretRef
from jupyter_flotilla.model.resources import Resources

ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/flotilla-0:1"
PLACE = {
    "bucket": "flotilla-123456789012",
    "prefix": "ana/runs/ab/rab0000000000/",
    "attempt": "attempts/1",
    "region": "us-east-1",
    "endpoint": None,
    "room": "/tmp/flotilla",
    "input_sha256": "0" * 64,
    "job_sha256": "1" * 64,
}
SMALL = Resources(memory_mib=2048)
SITE = Site(
    cluster="flotilla",
    network=EcsNetwork(
        name="default",
        subnets=("subnet-a", "subnet-b", "subnet-c"),
        security_groups=("sg-1",),
        assign_public_ip=True,
    ),
    install="01234567",
    owner="ana",
)


@pytest.fixture
def ask(make_spec: Callable[..., JobSpec]) -> Callable[..., dict[str, Any]]:
    """The request of an attempt, checked by AWS's own model."""
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("RunTask")

    def made(
        resources: Resources = SMALL,
        *,
        number: int = 1,
        site: dict[str, Any] | None = None,
        place: dict[str, Any] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        order = LaunchOrder(
            run_id="rab0000000000",
            launch_key=f"rab0000000000-{number}",
            spec=make_spec(engine="ecs", image="python", resources=resources, **fields),
            resources=resources,
            max_cost_usd=None,
            input_folder=Path("/input"),
            attempt_folder=Path("/attempt"),
            rate=None,
        )
        where = Site(**{name: getattr(SITE, name) for name in Site.__slots__} | (site or {}))
        request = run_task(order, definition_arn=ARN, place=place or PLACE, site=where)
        report = ParamValidator().validate(request, shape.input_shape)
        assert not report.has_errors(), report.generate_report()
        return request

    return made


Ask = Callable[..., dict[str, Any]]


def test_a_repeat_is_the_same_bytes(ask: Ask) -> None:
    first = json.dumps(ask(tags={"b": "1", "a": "2"}))

    assert json.dumps(ask(tags={"b": "1", "a": "2"})) == first
    assert json.dumps(json.loads(first)) == first


def test_an_attempt_has_a_token_of_its_own(ask: Ask) -> None:
    request = ask(number=3)

    assert request["clientToken"] == "rab0000000000-3"
    assert request["startedBy"] == "flotilla/01234567/rab0000000000-3"
    assert re.fullmatch(r"[A-Za-z0-9_/-]{1,128}", request["startedBy"])


def test_the_definition_is_named_with_its_revision(ask: Ask) -> None:
    assert ask()["taskDefinition"] == ARN
    assert ask()["count"] == 1


def test_each_attempt_begins_with_another_subnet(ask: Ask) -> None:
    def first(number: int) -> str:
        vpc = ask(number=number)["networkConfiguration"]["awsvpcConfiguration"]
        assert sorted(vpc["subnets"]) == ["subnet-a", "subnet-b", "subnet-c"]
        return str(vpc["subnets"][0])

    assert [first(number) for number in (1, 2, 3, 4)] == [
        "subnet-a", "subnet-b", "subnet-c", "subnet-a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("capacity", "spot", "expected"),
    [
        ("fargate", False, "FARGATE"),
        ("fargate", True, "FARGATE_SPOT"),
        ("my-machines", False, "my-machines"),
    ],
)
def test_a_capacity_provider_is_asked_for(
    ask: Ask, capacity: str, spot: bool, expected: str
) -> None:
    request = ask(Resources(spot=spot), site={"capacity": capacity})

    assert [one["capacityProvider"] for one in request["capacityProviderStrategy"]] == [expected]
    assert ("platformVersion" in request) is (capacity == "fargate")
    assert "launchType" not in request


def test_machines_of_the_cluster_itself_are_a_launch_type(ask: Ask) -> None:
    request = ask(site={"capacity": "ec2"})

    assert request["launchType"] == "EC2"
    assert "capacityProviderStrategy" not in request


@pytest.mark.parametrize(
    ("capacity", "is_public", "expected"),
    [
        ("fargate", True, "ENABLED"),
        ("fargate", False, "DISABLED"),
        ("ec2", True, "DISABLED"),
    ],
)
def test_a_public_address_is_asked_for_where_it_can_be(
    ask: Ask, capacity: str, is_public: bool, expected: str
) -> None:
    network = EcsNetwork(name="n", subnets=("subnet-a",), assign_public_ip=is_public)

    vpc = ask(site={"capacity": capacity, "network": network})["networkConfiguration"]

    assert vpc["awsvpcConfiguration"]["assignPublicIp"] == expected
    assert "securityGroups" not in vpc["awsvpcConfiguration"]


def test_a_size_is_one_that_fargate_has(ask: Ask) -> None:
    overrides = ask(Resources(cpu=1, memory_mib=10_000))["overrides"]

    assert (overrides["cpu"], overrides["memory"]) == ("2048", "10240")


def test_on_ec2_a_size_is_what_was_asked_for() -> None:
    assert task_size(Resources(cpu=1.5, memory_mib=5000), is_fargate=False) == (1536, 5000)
    assert task_size(Resources(cpu=0.01), is_fargate=False) == (128, 4096)


def test_what_no_fargate_task_has_is_refused() -> None:
    with pytest.raises(LaunchError, match="32 vCPU and 244 GiB") as error:
        task_size(Resources(cpu=64, memory_mib=4096), is_fargate=True)

    assert not error.value.retryable


def test_gpus_are_refused_on_fargate_and_not_of_a_provider_of_ones_own(ask: Ask) -> None:
    with pytest.raises(LaunchError, match="Fargate has no GPUs"):
        ask(Resources(gpu=1))

    request = ask(Resources(gpu=2), site={"capacity": "gpus"})
    assert request["capacityProviderStrategy"] == [{"capacityProvider": "gpus", "weight": 1}]


def test_more_disk_than_is_included_is_asked_for(ask: Ask) -> None:
    assert ask(Resources(disk_gib=50))["overrides"]["ephemeralStorage"] == {"sizeInGiB": 50}
    assert "ephemeralStorage" not in ask()["overrides"]


def test_a_task_is_told_where_its_files_are_and_which_variables_are_secrets(ask: Ask) -> None:
    secrets = (SecretRef(name="DB", source="ssm:/db"), SecretRef(name="API", source="sm:api"))

    environment = ask(secrets=secrets)["overrides"]["containerOverrides"][0]["environment"]

    assert [one["name"] for one in environment] == ["FLOTILLA_PLACE"]
    assert json.loads(environment[0]["value"]) == {"s3": PLACE, "secrets": ["API", "DB"]}


def test_keys_never_get_into_a_request(ask: Ask) -> None:
    with pytest.raises(AssertionError):
        ask(place=PLACE | {"keys": {"AWS_SECRET_ACCESS_KEY": "not-a-real-key"}})


def test_the_jobs_environment_is_not_in_the_overrides(ask: Ask) -> None:
    assert "sesame" not in json.dumps(ask(env={"OPEN": "sesame"}))


def test_overrides_are_half_of_what_ecs_takes_at_most(ask: Ask) -> None:
    with pytest.raises(LaunchError, match="4,096"):
        ask(place=PLACE | {"prefix": "x" * MOST_OVERRIDES})

    assert len(json.dumps(ask()["overrides"])) < 1000


def test_a_task_is_tagged_for_who_pays(ask: Ask) -> None:
    request = ask(
        tags={"team": "forecast", "cost center": "12/3 & more"},
        path="/home/ana/secret project/Train model.ipynb",
    )

    assert {one["key"]: one["value"] for one in request["tags"]} == {
        "team": "forecast",
        "cost center": "12/3 _ more",
        "flotilla:owner": "ana",
        "flotilla:queue": "default",
        "flotilla:job": "train",
        "flotilla:run": "rab0000000000",
        "flotilla:notebook": "Train model.ipynb",
    }


def test_a_user_cannot_pass_for_another(ask: Ask) -> None:
    request = ask(tags={"flotilla:owner": "bob"})

    assert [one["value"] for one in request["tags"] if one["key"] == "flotilla:owner"] == ["ana"]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"équipe": "Zoë 漢"}, {"équipe": "Zoë 漢"}),
        ({"a<b>": "x;y"}, {"a_b_": "x_y"}),
        ({"k" * 200: "v" * 300}, {"k" * 128: "v" * 256}),
        ({"empty": ""}, {"empty": ""}),
        ({" ": "x"}, {}),
    ],
)
def test_tags_are_as_aws_takes_them(given: dict[str, str], made: dict[str, str]) -> None:
    assert check_tags(given) == made


@pytest.mark.parametrize("given", [{"aws:x": "1"}, {"AWS:x": "1"}, {"x": "Aws:y"}])
def test_a_tag_that_aws_keeps_to_itself_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidOption, match="to itself"):
        check_tags(given)


def test_too_many_tags_are_refused() -> None:
    with pytest.raises(InvalidOption, match="more than a task can have"):
        check_tags({f"t{number}": "" for number in range(MOST_TAGS)})
