"""Schedules that AWS's scheduler starts, into real containers, with nothing of ours alive then."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import witness
from ecs_ground import EcsGround
from ecs_jobs import use_ecs
from witness import until

import jupyter_flotilla as fl
from jupyter_flotilla import api
from jupyter_flotilla.api import flotilla
from jupyter_flotilla.errors import CloudBehind, EngineUnavailable, UsageError
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.schedule import TickStatus
from jupyter_flotilla.store.schema import schedules

HOUR = timedelta(hours=1)


class Cloud:
    """A group of AWS's scheduler of the test's own, and its queue of dead letters."""

    def __init__(self, ground: EcsGround) -> None:
        self.ground = ground
        self.group = f"flotilla-{uuid.uuid4().hex[:8]}"
        self.scheduler, sqs = ground.client("scheduler"), ground.client("sqs")
        self.scheduler.create_schedule_group(Name=self.group)
        self.queue = sqs.create_queue(QueueName=self.group)["QueueUrl"]
        self.settings = {
            "scheduler_role": ground.execution_role,
            "schedule_group": self.group,
            "dropped_queue": self.queue,
        }

    def all(self) -> list[Any]:
        """Return what AWS has, whole, by name."""
        found = self.scheduler.list_schedules(GroupName=self.group)["Schedules"]
        names = sorted(one["Name"] for one in found)
        return [self.scheduler.get_schedule(GroupName=self.group, Name=name) for name in names]

    def fire(self, moment: datetime, times: int = 1) -> list[Any]:
        """Have AWS start a tick of the one schedule there is."""
        name = self.all()[0]["Name"]
        at = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        return self.ground.fire(name, group=self.group, scheduled_at=at, times=times)

    def tasks_of(self, schedule: fl.ScheduleHandle) -> list[Any]:
        """Return all tasks that were started for a schedule by AWS."""
        # others in this cluster may have been started by nobody that is said
        mark = f"/{schedule.id}"
        return [one for one in self.ground.tasks() if one.get("startedBy", "").endswith(mark)]


@pytest.fixture
def cloud(
    ecs_ground: EcsGround, home: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    made = Cloud(ecs_ground)
    use_ecs(ecs_ground, settings_file, monkeypatch, ecs=made.settings)
    yield made
    made.scheduler.delete_schedule_group(Name=made.group)


def saved_hours_ago(schedule: fl.ScheduleHandle, cursor: datetime) -> None:
    """Have a schedule expect ticks since a moment that is over."""
    with flotilla().store.write() as tx:
        this = schedules.c.id == schedule.id
        tx.execute(schedules.update().where(this).values(cursor=cursor, next_at=cursor + HOUR))


def kill_all(home: Path) -> None:
    for pid in witness.processes_of_home(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_ticks_run_once_with_nothing_alive_here_and_are_taken_over_later(
    cloud: Cloud, home: Path, tmp_path: Path
) -> None:
    parameters = "scheduled_at: int = 0\ninterval_start: str = ''"
    said = "print(scheduled_at, interval_start, __import__('os').environ['FLOTILLA_RUN_ID'])"
    path = witness.notebook(tmp_path / "report.ipynb", said, parameters=parameters)
    schedule = fl.schedule(
        path, when="0 * * * *", tz="UTC", where="cloud", max_age="1m", timeout="5m", confirm=False
    )
    tick = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    kill_all(home)
    saved_hours_ago(schedule, tick - 3 * HOUR)

    # what AWS delivers twice is one task; what it cannot start is a dead letter; one is not started
    cloud.ground.plan(error={"code": "AccessDeniedException", "message": "PassRole"})
    (dropped,) = cloud.fire(tick - 2 * HOUR)
    assert dropped["error_code"], dropped
    first, second = cloud.fire(tick, times=2)
    assert first["answer"]["tasks"][0]["taskArn"] == second["answer"]["tasks"][0]["taskArn"]
    until(lambda: cloud.tasks_of(schedule)[0]["lastStatus"] == "STOPPED", "the end of the task")
    assert {one.tick.status for one in schedule.history()} <= {TickStatus.AWAITED}

    run = until(
        lambda: next((one.run for one in schedule.history() if one.run is not None), None), "a run"
    )
    run.wait()
    assert run.status is RunStatus.SUCCEEDED, run.explain()
    begin = (tick - HOUR).isoformat()
    assert str(run.logs()).split()[:3] == [str(int(tick.timestamp())), begin, run.id]
    assert run.snapshot.scheduled_at == tick
    assert run.cost.usd is not None

    by_time = {one.tick.scheduled_at: one.tick for one in until(lambda: _whole(schedule), "all")}
    assert by_time[tick - 2 * HOUR].status is TickStatus.FAILED
    assert "PassRole" in (by_time[tick - 2 * HOUR].reason or "")
    assert by_time[tick - HOUR].status is TickStatus.MISSED
    assert "no task" in (by_time[tick - HOUR].reason or "")
    assert len(cloud.tasks_of(schedule)) == 1
    schedule.delete()
    assert cloud.all() == []


def _whole(schedule: fl.ScheduleHandle) -> list[Any]:
    """Return what became of all ticks once nothing is awaited any more."""
    found = schedule.history()
    return [] if any(one.tick.status is TickStatus.AWAITED for one in found) else found


def test_aws_has_what_is_saved_edited_paused_and_deleted(cloud: Cloud) -> None:
    schedule = fl.schedule(
        ["echo", "{scheduled_at}"], when="weekdays 07:00 Europe/Berlin", where="cloud",
        name="load", timeout="5m", confirm=False,
    )  # fmt: skip
    (made,) = cloud.all()
    target = made["Target"]
    assert made["ScheduleExpression"] == "cron(0 7 ? * MON,TUE,WED,THU,FRI *)"
    assert made["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert (made["State"], made["FlexibleTimeWindow"]) == ("ENABLED", {"Mode": "OFF"})
    assert target["Arn"] == "arn:aws:scheduler:::aws-sdk:ecs:runTask"
    assert target["DeadLetterConfig"]["Arn"].endswith(f":{cloud.group}")
    request = json.loads(target["Input"])
    assert request["ClientToken"] == f"{schedule.id}-<aws.scheduler.scheduled-time>"
    assert request["StartedBy"].endswith(f"/{schedule.id}")
    assert "execution-id" not in target["Input"]

    schedule.edit(when="every 90 minutes", start="2026-01-01")  # AWS takes no start that is over
    texts = {one["ScheduleExpression"].split()[0] for one in cloud.all()}
    assert texts == {"cron(0", "cron(30"}
    schedule.pause()
    assert {one["State"] for one in cloud.all()} == {"DISABLED"}
    schedule.resume()
    assert {one["State"] for one in cloud.all()} == {"ENABLED"}
    schedule.edit(where="here")
    assert cloud.all() == []
    schedule.edit(where="cloud")
    assert len(cloud.all()) == 2
    schedule.delete()
    assert cloud.all() == []


def test_nothing_is_saved_that_aws_does_not_take(cloud: Cloud) -> None:
    cloud.scheduler.delete_schedule_group(Name=cloud.group)
    with pytest.raises(EngineUnavailable, match="scheduler"):
        fl.schedule(["true"], when="daily 07:00", where="cloud", timeout="5m", confirm=False)
    assert fl.schedules() == []
    cloud.scheduler.create_schedule_group(Name=cloud.group)


def test_what_is_saved_while_aws_fails_reaches_it_without_anybody(cloud: Cloud, home: Path) -> None:
    schedule = fl.schedule(["true"], when="daily 07:00 UTC", where="cloud", timeout="5m",
                           confirm=False)  # fmt: skip
    cloud.ground.plan("UpdateSchedule", cluster=None, matching=cloud.group, times=1,
                      error={"code": "AccessDeniedException", "message": "no"})  # fmt: skip
    with pytest.raises(CloudBehind, match="AWS still has the one before"):
        schedule.edit(when="daily 08:00 UTC")

    until(lambda: cloud.all()[0]["ScheduleExpression"] == "cron(0 8 * * ? *)", "the edit in AWS")
    until(lambda: fl.get_schedule(schedule.id).snapshot.is_placed, "word of it")


def test_a_tick_that_is_on_its_way_survives_what_is_changed(cloud: Cloud, home: Path) -> None:
    schedule = fl.schedule(["true"], when="0 * * * *", tz="UTC", where="cloud", timeout="5m",
                           confirm=False)  # fmt: skip
    kill_all(home)
    tick = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    saved_hours_ago(schedule, tick - HOUR)
    cloud.fire(tick)
    schedule.pause()
    schedule.edit(where="here", when="daily 03:00 UTC")

    # not known yet, so not run again by hand, nor by this machine
    [one] = [one.tick for one in schedule.history() if one.tick.scheduled_at == tick]
    if one.status is TickStatus.AWAITED:
        with pytest.raises(UsageError, match="not known yet"):
            schedule.run(tick=tick)
    until(lambda: cloud.tasks_of(schedule)[0]["lastStatus"] == "STOPPED", "the end of the task")
    kill_all(home)  # who has just looked would look again in a minute
    run = until(lambda: next((one.run for one in schedule.history() if one.run), None), "its run")
    run.wait()
    assert run.status is RunStatus.SUCCEEDED, run.explain()
    assert run.snapshot.scheduled_at == tick
    assert len(cloud.tasks_of(schedule)) == 1
    until(lambda: fl.get_schedule(schedule.id).snapshot.placed is None, "nothing left in AWS")
    assert cloud.all() == []


def test_a_pause_that_aws_does_not_hear_reaches_it_later(cloud: Cloud, home: Path) -> None:
    schedule = fl.schedule(["true"], when="daily 07:00 UTC", where="cloud", timeout="5m",
                           confirm=False)  # fmt: skip
    kill_all(home)
    cloud.ground.plan("UpdateSchedule", cluster=None, matching=cloud.group, times=1,
                      error={"code": "AccessDeniedException", "message": "no"})  # fmt: skip
    with pytest.raises(CloudBehind):
        schedule.pause()
    until(lambda: cloud.all()[0]["State"] == "DISABLED", "the pause in AWS")


def test_what_cannot_be_saved_nor_taken_back_is_not_forgotten(cloud: Cloud) -> None:
    cloud.ground.plan("CreateSchedule", cluster=None, matching=cloud.group, has_effect=True,
                      error={"code": "AccessDeniedException", "message": "no"})  # fmt: skip
    cloud.ground.plan("DeleteSchedule", cluster=None, matching=cloud.group, times=1,
                      error={"code": "AccessDeniedException", "message": "no"})  # fmt: skip
    with pytest.raises(CloudBehind, match="stays here, paused"):
        fl.schedule(["true"], when="daily 07:00 UTC", where="cloud", timeout="5m", confirm=False)
    [left] = fl.schedules()
    assert left.snapshot.paused_at is not None
    left.delete()
    assert (fl.schedules(), cloud.all()) == ([], [])


def test_another_group_in_the_settings_leaves_nothing_in_the_old_one(
    cloud: Cloud, settings_file: Path
) -> None:
    schedule = fl.schedule(["true"], when="daily 07:00 UTC", where="cloud", timeout="5m",
                           confirm=False)  # fmt: skip
    other = f"{cloud.group}-b"
    cloud.scheduler.create_schedule_group(Name=other)
    settings_file.write_text(
        settings_file.read_text().replace(f'schedule_group = "{cloud.group}"',
                                          f'schedule_group = "{other}"')
    )  # fmt: skip
    api._opened.cache_clear()
    again = fl.get_schedule(schedule.id)
    again.edit(when="daily 08:00 UTC")
    assert cloud.all() == []
    found = cloud.scheduler.list_schedules(GroupName=other)["Schedules"]
    assert len(found) == 1
    again.delete()
    cloud.scheduler.delete_schedule_group(Name=other)


def test_a_lost_answer_doubles_nothing(cloud: Cloud) -> None:
    cloud.ground.plan(
        "CreateSchedule", cluster=None, matching=cloud.group, closes=True, has_effect=True, times=1
    )
    schedule = fl.schedule(["true"], when="daily 07:00 UTC", where="cloud", timeout="5m",
                           confirm=False)  # fmt: skip
    assert len(cloud.all()) == 1
    assert schedule.snapshot.is_placed


def test_one_who_is_killed_while_saving_leaves_it_to_the_dispatcher(
    cloud: Cloud, home: Path, tmp_path: Path
) -> None:
    cloud.ground.plan("CreateSchedule", cluster=None, matching=cloud.group, hangs_s=5, times=1)
    words = ["schedule", "add", "--when", "daily 07:00 UTC", "--where", "cloud", "--name", "load",
             "--timeout", "5m", "--yes", "--", "true"]  # fmt: skip
    saving = subprocess.Popen([sys.executable, "-m", "jupyter_flotilla", *words], cwd=tmp_path)
    until(fl.schedules, "its row")
    saving.kill()
    saving.wait()

    fl.schedules()
    until(lambda: fl.get_schedule("load").snapshot.is_placed, "it in AWS")
    assert len(cloud.all()) == 1
