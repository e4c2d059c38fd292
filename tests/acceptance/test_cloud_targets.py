"""Targets that a schedule in EventBridge Scheduler may have, on the emulator: which one to use.

Scheduler delivers at least once. These tests say what keeps a tick that is delivered twice from
becoming two tasks, and where one that starts none is to be seen. What they show is what AWS
documents, as the emulator has it; ``tests/ground/emulator`` says where each part of it was read.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ecs_ground import EcsGround, pascal

_TICK = "2026-11-26T09:00:00Z"
_RUN_TASK = "arn:aws:scheduler:::aws-sdk:ecs:runTask"

Make = Callable[..., str]


@pytest.fixture
def scheduler(ecs_ground: EcsGround) -> Any:
    """A client of EventBridge Scheduler."""
    return ecs_ground.client("scheduler")


@pytest.fixture
def make(ecs_ground: EcsGround, scheduler: Any) -> Iterator[Make]:
    """Makes a schedule that is never due by itself, and gives its name."""
    names: list[str] = []

    def schedule(**target: Any) -> str:
        name = f"flotilla-{uuid.uuid4().hex[:8]}"
        scheduler.create_schedule(
            Name=name, ScheduleExpression="cron(0 9 * * ? *)", State="DISABLED",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"RoleArn": ecs_ground.execution_role, **target},
        )  # fmt: skip
        names.append(name)
        return name

    yield schedule
    for name in names:
        scheduler.delete_schedule(Name=name)


@pytest.fixture
def definition(ecs_ground: EcsGround) -> str:
    """ARN of a definition whose one container does nothing."""
    ecs = ecs_ground.client("ecs")
    container = {"name": "job", "image": ecs_ground.image, "entryPoint": ["true"]}
    made = ecs.register_task_definition(
        family=f"target-{uuid.uuid4().hex[:8]}", networkMode="awsvpc", cpu="256", memory="512",
        requiresCompatibilities=["FARGATE"], containerDefinitions=[container],
    )  # fmt: skip
    arn: str = made["taskDefinition"]["taskDefinitionArn"]
    return arn


@pytest.fixture
def request_of(ecs_ground: EcsGround, definition: str) -> Callable[..., dict[str, Any]]:
    """Gives a RunTask request, named as the SDKs have it."""

    def request(**fields: Any) -> dict[str, Any]:
        return {
            "cluster": ecs_ground.cluster,
            "taskDefinition": definition,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": list(ecs_ground.subnets)}},
            **fields,
        }

    return request


def test_a_universal_target_fired_twice_for_one_scheduled_time_starts_one_task(
    ecs_ground: EcsGround, make: Make, request_of: Any
) -> None:
    request = request_of(clientToken="s1-<aws.scheduler.scheduled-time>")
    name = make(Arn=_RUN_TASK, Input=json.dumps(pascal(request)))

    first, second = ecs_ground.fire(name, _TICK, times=2)

    assert len(ecs_ground.tasks()) == 1
    assert first["answer"]["tasks"][0]["taskArn"] == second["answer"]["tasks"][0]["taskArn"]
