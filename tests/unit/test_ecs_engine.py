"""The ECS engine on a fake ECS: launches, looks and endings."""

from pathlib import Path

import pytest
from ecs_tasks import Tasks

from jupyter_flotilla import protocol
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.observation import Again, Phase
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.testing.fake_ecs import Settings, endings, faults


@pytest.fixture
def tasks(home: Path, settings_file: Path) -> Tasks:
    """Return the engine of a home of its own on a fake ECS of its own."""
    return Tasks(home, settings_file)


def test_a_launch_is_one_task_with_the_launch_key_as_its_token(tasks: Tasks) -> None:
    order = tasks.order()

    handle = tasks.launch(order)

    [task] = tasks.fake.tasks()
    assert handle.detail["task"] == task.arn
    assert task.started_by.endswith(f"/{order.launch_key}")
    assert tasks.journal.rows[order.launch_key]["clientToken"] == order.launch_key


def test_a_task_that_ends_well_is_billed_from_its_pull(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    assert tasks.look(handle).state == "pending"
    tasks.advance(5)
    tasks.end(order)
    tasks.advance(90)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert (seen.state, seen.ending.outcome) == ("ended", "succeeded")
    assert seen.ending.billed_s == 60
    assert seen.ending.rate is not None
    assert seen.ending.rate.provider == "FARGATE"
    assert seen.ending.pull_share is not None


def test_a_repeat_after_the_end_finds_the_same_end_with_its_bill(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    tasks.end(order)
    tasks.advance(90)
    first = tasks.look(handle)

    again = tasks.look(tasks.restarted().launch(order))

    assert first.ending is not None
    assert again.ending == first.ending


def test_a_repeat_after_any_restart_finds_the_same_task(tasks: Tasks) -> None:
    order = tasks.order()
    first = tasks.launch(order)

    tasks.restarted()
    again = tasks.launch(order)

    assert again.detail["task"] == first.detail["task"]
    assert len(tasks.fake.tasks()) == 1


@pytest.mark.parametrize(
    "fault",
    [faults.read_timeout(has_effect=True), faults.server_error(has_effect=True),
     faults.connection_closed(has_effect=True), faults.throttle(), faults.disguised_throttle(),
     faults.connect_timeout(), faults.expired_token(), faults.garbage()],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_a_launch_without_an_answer_is_sent_again_and_starts_once(
    tasks: Tasks, fault: faults.Fault
) -> None:
    order = tasks.order()
    tasks.fake.plan("RunTask", fault)

    try:
        tasks.launch(order)
    except LaunchError as error:
        assert error.retryable
    tasks.advance(5)
    handle = tasks.launch(order)

    assert handle.detail["task"]
    assert len(tasks.fake.tasks()) == 1


def test_what_has_no_capacity_ends_and_may_be_tried_with_another_token(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.fake.plan("RunTask", faults.refusal("RESOURCE:CPU"))

    seen = tasks.look(tasks.launch(order))

    assert seen.ending is not None
    assert seen.ending.again is Again.CAPACITY
    assert seen.ending.billed_s == 0


def test_a_wrong_setting_ends_at_once_and_says_what_to_do(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.fake.plan("RunTask", faults.access_denied("RunTask"))

    seen = tasks.look(tasks.launch(order))

    assert seen.ending is not None
    assert (seen.ending.failure_kind, seen.ending.again) == ("environment", Again.NEVER)
    assert seen.ending.next_step


def test_an_old_request_is_looked_for_and_not_sent_again(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.restarted()
    tasks.journal.age_s = 46 * 60

    again = tasks.launch(order)

    assert again.detail["task"] == handle.detail["task"]
    assert tasks.fake.calls["RunTask"] == 1


def test_an_old_request_whose_task_has_begun_is_found_by_its_lease(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.journal.of(order.launch_key)({**_request(tasks, order)})
    tasks.journal.age_s = 46 * 60
    tasks.remote.leases[order.run_id, 1] = {"task": "arn:aws:ecs:us-east-1:1:task/default/x"}

    assert tasks.launch(order).detail["task"] == "arn:aws:ecs:us-east-1:1:task/default/x"


def test_an_old_request_without_any_trace_is_never_sent_again(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.journal.of(order.launch_key)({**_request(tasks, order)})
    tasks.journal.age_s = 46 * 60

    with pytest.raises(LaunchError, match="whether it ran is not known") as caught:
        tasks.launch(order)
    handle = tasks.engine.launch(order)

    assert caught.value.retryable
    assert tasks.look(handle).phase is Phase.UNCONFIRMED
    assert tasks.fake.launched == {}


def test_a_task_that_ecs_does_not_know_yet_is_waited_for(home: Path, settings_file: Path) -> None:
    tasks = Tasks(home, settings_file, settings=Settings(throttles=False, missing_s=10))
    order = tasks.order()
    handle = tasks.launch(order)

    assert tasks.look(handle).state == "pending"
    tasks.advance(15)
    seen = tasks.look(handle)

    assert seen.state in ("pending", "running", "ended")


def test_a_cancel_before_the_launch_starts_nothing(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.engine._handle(order, None)
    protocol.write_json(str(order.attempt_folder / protocol.JOB), {})
    tasks.engine.stop(handle, 10)

    seen = tasks.look(handle)
    tasks.launch(order)

    assert seen.ending is not None
    assert seen.ending.outcome == "cancelled"
    assert tasks.fake.launched == {}


def test_a_cancel_stops_the_task_and_tells_its_container_why(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)

    tasks.engine.stop(handle, 10)
    tasks.look(handle)
    tasks.advance(3)
    seen = tasks.look(handle)

    assert tasks.remote.stopped == [order.launch_key]
    assert seen.ending is not None
    assert seen.ending.outcome == "cancelled"


@pytest.mark.parametrize(
    ("ending", "kind", "again"),
    [
        (endings.out_of_memory(), "out-of-memory", Again.OOM),
        (endings.spot_interrupted(), "spot-reclaimed", Again.SPOT),
        (endings.host_terminated(), "infrastructure", Again.FREE),
        (endings.stopped_by_user(), "lost", Again.NEVER),
        (endings.exited(75), "lost", Again.NEVER),
    ],
    ids=["oom", "spot", "host", "outside", "lease"],
)
def test_what_ecs_knows_of_an_end_counts_where_the_job_left_none(
    tasks: Tasks, ending: endings.Ending, kind: str, again: Again
) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.advance(2)
    tasks.fake.end(handle.detail["task"], ending)
    tasks.advance(3)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert (seen.ending.failure_kind, seen.ending.again) == (kind, again)
    tasks.restarted()
    assert tasks.look(handle).ending == seen.ending


def test_a_second_task_of_an_attempt_names_the_one_that_has_begun_it(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    first = "arn:aws:ecs:us-east-1:123456789012:task/default/0123"
    tasks.remote.leases[order.run_id, 1] = {"id": "x", "task": first}
    tasks.advance(2)
    tasks.fake.end(handle.detail["task"], endings.exited(75))
    tasks.advance(3)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert seen.ending.message == f"Another task has begun this attempt before it: {first}."
    assert first in str(seen.ending.next_step)


def test_a_container_stopped_by_spot_is_reclaimed_although_it_says_lost(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.advance(2)
    tasks.end(order, outcome="failed", failure_kind="lost", message="stopped from outside")
    tasks.fake.end(handle.detail["task"], endings.spot_interrupted())
    tasks.advance(3)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert seen.ending.failure_kind == "spot-reclaimed"
    assert seen.ending.duration_s == 5


def test_a_task_that_ecs_has_forgotten_ends_by_its_own_record(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.end(order)
    tasks.restarted()
    tasks.advance(7200)
    handle.detail["seen_at"] -= 7200
    tasks.look(handle)
    tasks.advance(5)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert seen.ending.outcome == "succeeded"


def test_a_task_that_ecs_has_forgotten_and_that_left_nothing_is_lost(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.restarted()
    tasks.advance(7200)
    handle.detail["seen_at"] -= 7200
    for _ in range(3):
        tasks.look(handle)
        tasks.advance(5)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert (seen.ending.failure_kind, seen.ending.again) == ("lost", Again.NEVER)


def _request(tasks: Tasks, order: object) -> dict[str, object]:
    key = order.launch_key  # type: ignore[attr-defined]
    return {
        "cluster": "default",
        "startedBy": f"flotilla/x/{key}",
        "clientToken": key,
        "taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/flotilla-x:1",
    }


def test_a_launch_that_the_quota_has_no_room_for_waits_and_is_not_sent(
    home: Path, settings_file: Path
) -> None:
    tasks = Tasks(home, settings_file, settings=Settings(throttles=False, on_demand_vcpu=2))
    large = Resources(cpu=2, memory_mib=4096)
    first = tasks.launch(tasks.order(resources=large))
    tasks.engine.poll([first])
    second = tasks.order(resources=large)

    with pytest.raises(LaunchError, match="2 of 2 vCPU are in use"):
        tasks.launch(second)
    handle = tasks.engine._handle(second, None)
    seen = tasks.engine.poll([first, handle])[1]

    assert seen.phase is Phase.WAITING_FOR_CAPACITY
    assert tasks.fake.calls["RunTask"] == 1
    tasks.advance(120)
    tasks.engine.poll([first])
    assert tasks.launch(second).detail["task"]
