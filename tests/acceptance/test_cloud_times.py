"""AWS's scheduler, by its documented rules, starts what was promised, also where clocks change."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ecs_ground import EcsGround

from jupyter_flotilla.model.cloud_calendar import utc_moment
from jupyter_flotilla.model.cloud_when import at_moment, expressions, single_moments
from jupyter_flotilla.model.when import When, cron, interval, ticks

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
#: Days around which clocks change in one of the zones; and one on which they do not.
DAYS = [(3, 14), (3, 28), (4, 4), (6, 30), (10, 3), (10, 31), (11, 7)]
ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]
LINES = ["30 2 * * *", "*/20 * * * *", "0 1,2,3 * * SUN", "15 * L * *"]


@pytest.fixture(scope="module")
def scheduler(_ecs_ground: EcsGround) -> Iterator[tuple[Any, str]]:
    client, group = _ecs_ground.client("scheduler"), f"flotilla-{uuid.uuid4().hex[:8]}"
    client.create_schedule_group(Name=group)
    yield client, group
    client.delete_schedule_group(Name=group)


def started_by_aws(
    ground: EcsGround, scheduler: tuple[Any, str], when: When, begin: datetime, end: datetime
) -> set[str]:
    client, group = scheduler
    alone = [at_moment(one) for one in single_moments(when, begin, end)]
    found: set[str] = set()
    for expression in (*expressions(when), *alone):
        name = uuid.uuid4().hex
        client.create_schedule(
            Name=name, GroupName=group, ScheduleExpression=expression.text,
            ScheduleExpressionTimezone=expression.zone, FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": ground.task_role.replace(":iam:", ":sqs:us-east-1:"),
                    "RoleArn": ground.task_role},
        )  # fmt: skip
        count = 1 if expression.text.startswith("at(") else 300
        due = ground.due(name, utc_moment(begin), group=group, count=count)
        found.update(one for one in due if one <= utc_moment(end))
        client.delete_schedule(Name=name, GroupName=group)
    return found


@pytest.mark.parametrize("line", [*LINES, "every 90 minutes"])
@pytest.mark.parametrize("zone", ZONES)
def test_aws_starts_each_tick_and_no_other(
    ecs_ground: EcsGround, scheduler: tuple[Any, str], zone: str, line: str
) -> None:
    when = interval(5400, zone) if line.startswith("every") else cron(line, zone)
    for month, day in DAYS:
        begin = datetime(2027, month, day, tzinfo=UTC) - timedelta(hours=20)
        end = begin + timedelta(hours=60)
        own = set()
        for tick in ticks(when, begin):
            if tick > end:
                break
            own.add(utc_moment(tick))
        assert started_by_aws(ecs_ground, scheduler, when, begin, end) == own, begin
