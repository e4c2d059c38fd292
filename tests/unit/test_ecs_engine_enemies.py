"""The ECS engine when AWS, the bucket, a clock or the job itself is against it."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from ecs_tasks import ECS, Tasks

from jupyter_flotilla import protocol
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs.capacity import Capacity
from jupyter_flotilla.engines.ecs.definition import definition
from jupyter_flotilla.engines.ecs.engine import EcsEngine
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.testing.fake_ecs import Settings, endings, faults

_REFUSALS = [
    faults.access_denied("ecs:RunTask"),
    faults.service_error("InvalidParameterException", "subnet-a does not exist"),
    faults.service_error("ClientException", "TaskDefinition is inactive"),
    faults.service_error("ClusterNotFoundException", "Cluster not found."),
    faults.service_error("ConflictException", "clientToken is in use"),
]


@pytest.fixture
def tasks(home: Path, settings_file: Path) -> Tasks:
    """Return the engine of a home of its own on a fake ECS of its own."""
    return Tasks(home, settings_file)


def _try(tasks: Tasks, order: object) -> None:
    try:
        tasks.launch(order)  # type: ignore[arg-type]
    except LaunchError as error:
        assert error.retryable


@pytest.mark.parametrize("refusal", _REFUSALS, ids=lambda fault: fault.name)
def test_a_task_whose_launch_was_not_answered_is_not_forgotten_for_a_refusal(
    tasks: Tasks, refusal: faults.Fault
) -> None:
    order = tasks.order()
    tasks.fake.plan("RunTask", faults.read_timeout(has_effect=True))
    _try(tasks, order)
    tasks.advance(5)
    tasks.fake.plan("RunTask", refusal)
    _try(tasks, order)

    assert not (order.attempt_folder / protocol.EXIT).exists()
    tasks.advance(61)
    assert tasks.launch(order).detail["task"] == tasks.fake.tasks()[0].arn
    assert len(tasks.fake.tasks()) == 1


def test_nothing_is_asked_of_a_definition_once_a_request_stands(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.fake.plan("RunTask", faults.read_timeout(has_effect=True))
    _try(tasks, order)
    tasks.restarted()
    for path in (tasks.home / "ecs").glob("definitions*"):
        path.unlink()
    tasks.fake.plan("DescribeTaskDefinition", faults.access_denied("x"), times=None)
    tasks.fake.plan("RegisterTaskDefinition", faults.access_denied("x"), times=None)

    assert tasks.launch(order).detail["task"] == tasks.fake.tasks()[0].arn


def test_what_was_cancelled_before_aws_took_it_is_never_started(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.fake.plan("RunTask", faults.expired_token())
    _try(tasks, order)
    handle = tasks.engine._handle(order, None)
    tasks.engine.stop(handle, 10)
    tasks.advance(5)
    _try(tasks, order)
    tasks.advance(70)
    tasks.journal.age_s = 80
    _try(tasks, order)
    tasks.launch(order)

    ending = tasks.look(handle).ending
    assert ending is not None
    assert ending.outcome == "cancelled"
    assert tasks.fake.tasks() == []


def test_a_cancel_reaches_a_task_that_may_not_be_described(tasks: Tasks) -> None:
    order = tasks.order()
    tasks.fake.plan("DescribeTasks", faults.access_denied("ecs:DescribeTasks"), times=None)
    handle = tasks.launch(order)
    tasks.look(handle)

    tasks.engine.stop(handle, 10)
    tasks.look(handle)

    assert tasks.fake.accepted["StopTask"] == 1


def test_a_cancel_reaches_a_task_that_ecs_does_not_know_yet(
    home: Path, settings_file: Path
) -> None:
    tasks = Tasks(home, settings_file, settings=Settings(throttles=False, missing_s=200))
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)

    tasks.engine.stop(handle, 10)
    tasks.look(handle)

    assert tasks.fake.calls["StopTask"] >= 1


def test_a_cancel_of_which_the_container_did_not_hear_why_is_one(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    tasks.engine.stop(handle, 10)
    tasks.look(handle)
    tasks.end(order, outcome="failed", failure_kind="lost", message="stopped from outside")
    tasks.advance(5)

    ending = tasks.look(handle).ending

    assert ending is not None
    assert ending.outcome == "cancelled"


def test_a_long_grace_leaves_time_for_the_last_upload(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)

    tasks.engine.stop(handle, 600)

    request = protocol.read_json(str(order.attempt_folder / protocol.STOP_REQUEST))
    assert request is not None
    assert request["grace_s"] <= 20


def _late(tasks: Tasks, order: object) -> Path:
    """Make an attempt one that is long past its timeout."""
    folder: Path = order.attempt_folder  # type: ignore[attr-defined]
    job = json.loads((folder / protocol.JOB).read_text())
    job["deadlines"] = [{"reason": "timeout", "after_s": 60, "message": "x", "grace_s": 10}]
    (folder / protocol.JOB).write_text(json.dumps(job))
    (folder / protocol.STARTED).write_text(json.dumps({"at": time.time() - 3600}))
    return folder


def test_a_job_that_does_not_stop_at_its_time_is_stopped_from_here(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    _late(tasks, order)
    tasks.look(handle)
    tasks.advance(5)
    tasks.look(handle)

    ending = tasks.look(handle).ending

    assert tasks.fake.accepted["StopTask"] == 1
    assert ending is not None
    assert ending.failure_kind == "timeout"


def test_a_job_whose_code_is_over_may_upload_beyond_its_time(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    folder = _late(tasks, order)
    (folder / protocol.CODE_ENDED).write_text("{}")

    tasks.look(handle)

    assert tasks.fake.calls["StopTask"] == 0


def test_a_clock_that_is_wrong_for_a_moment_decides_nothing(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    folder = _late(tasks, order)
    tasks.fake.plan("StopTask", faults.service_error("InvalidSignatureException", "expired"))
    tasks.look(handle)
    (folder / protocol.STARTED).write_text(json.dumps({"at": time.time()}))
    tasks.fake.end(handle.detail["task"], endings.spot_interrupted())
    tasks.advance(30)

    ending = tasks.look(handle).ending

    assert ending is not None
    assert ending.failure_kind == "spot-reclaimed"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (protocol.STARTED, '{"at": 1e300}'),
        (protocol.STARTED, '{"at": "soon"}'),
        (protocol.EXIT, "[" * 100_000),
        (protocol.USAGE, '{"a":' * 100_000),
        (protocol.PROGRESS, '{"a":' * 100_000),
    ],
    ids=["a time that is none", "a word", "deep end", "deep usage", "deep progress"],
)
def test_garbage_of_one_job_ends_with_it_and_holds_up_no_other(
    tasks: Tasks, name: str, content: str
) -> None:
    bad, good = tasks.order(), tasks.order()
    handles = [tasks.launch(bad), tasks.launch(good)]
    tasks.engine.poll(handles)
    (bad.attempt_folder / name).write_text(content)
    tasks.end(good)
    tasks.advance(120)

    for _ in range(3):
        seen = tasks.engine.poll(handles)
        tasks.advance(5)

    assert [one.state for one in seen] == ["ended", "ended"]
    assert seen[1].ending is not None
    assert seen[1].ending.outcome == "succeeded"


def test_a_lost_attempt_is_charged_for_as_long_as_it_was_heard_of(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.look(handle)
    (order.attempt_folder / protocol.STARTED).write_text(json.dumps({"at": time.time() - 3000}))
    handle.detail["seen_at"] -= 7200
    tasks.restarted()
    tasks.advance(7200)
    for _ in range(3):
        tasks.look(handle)
        tasks.advance(30)

    ending = tasks.look(handle).ending

    assert ending is not None
    assert ending.duration_s >= 3000


def test_capacity_that_fargate_does_not_bill_has_no_price(home: Path, settings_file: Path) -> None:
    home.mkdir(parents=True)
    settings_file.write_text(ECS + 'capacity = "ec2"\n')

    assert EcsEngine(load_settings()).rate(Resources(cpu=1, memory_mib=4096)) is None


def test_homes_that_share_a_store_have_places_of_their_own(
    home: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings_file.write_text('store = "postgresql://somewhere/x"\n' + ECS)
    places = set()
    for folder in (tmp_path / "one", tmp_path / "other"):
        monkeypatch.setenv("FLOTILLA_HOME", str(folder))
        places.add(EcsEngine(load_settings()).place)

    assert len(places) == 2


class _Account:
    """An account whose quota can be raised."""

    region, cluster = "us-east-1", "c"

    def __init__(self) -> None:
        self.quota = 8.0

    def call(self, service: str, action: str, /, **_: object) -> dict[str, object]:
        return {"Quota": {"Value": self.quota}} if action == "GetServiceQuota" else {}


def test_a_quota_that_was_raised_counts_at_once(tmp_path: Path) -> None:
    account, large = _Account(), Resources(cpu=16, memory_mib=65536)
    capacity = Capacity(account, tmp_path, "1")  # type: ignore[arg-type]
    assert capacity.feasible(large, utc_now()).verdict == "refused"

    account.quota = 64.0

    later = utc_now() + timedelta(minutes=5)
    assert capacity.feasible(large, later).verdict == "fits"
    again = Capacity(account, tmp_path, "1")  # type: ignore[arg-type]
    assert again.feasible(large, later).verdict == "fits"


def test_a_definition_of_the_same_name_with_another_content_is_not_used(tasks: Tasks) -> None:
    role = "arn:aws:iam::123456789012:role/execution"
    wanted = definition(image="python:3.12-slim", region="us-east-1", execution_role=role)
    [container] = wanted["containerDefinitions"]
    other = {**container, "image": "evil/image", "entryPoint": ["/evil"]}
    call = tasks.engine.aws.call
    call("ecs", "RegisterTaskDefinition", **{**wanted, "containerDefinitions": [other]})

    arn = tasks.engine._definitions.ensure(wanted, utc_now())

    found = call("ecs", "DescribeTaskDefinition", taskDefinition=arn)["taskDefinition"]
    assert found["containerDefinitions"][0]["image"] == "python:3.12-slim"
