"""How tasks end, in AWS's own words, and what is made of them."""

from typing import Any

import pytest
from live import Live

from jupyter_flotilla.engines.ecs.outcomes import stopped
from jupyter_flotilla.model.observation import Again, FailureKind

#: One that is not for Fargate's x86_64, whatever its list says.
ARM_IMAGE = "docker.io/arm64v8/python:3.11-slim"


def words(task: dict[str, Any]) -> dict[str, Any]:
    """Return what tells how a task ended."""
    [container] = task["containers"]
    return {
        **{name: task.get(name) for name in ("stopCode", "stoppedReason")},
        **{name: container.get(name) for name in ("exitCode", "reason")},
    }


def verdict(task: dict[str, Any]) -> Any:
    """Return what we make of it."""
    return stopped(task, stop_asked=False, peak_fraction=None)


def test_a_program_that_fails_is_told_by_its_exit_code(live: Live) -> None:
    task = live.run("import sys; sys.exit(3)")

    live.seen["failed"] = words(task)
    assert words(task)["exitCode"] == 3
    assert task["stopCode"] == "EssentialContainerExited"
    assert verdict(task).again is Again.USER


def test_a_task_that_somebody_stops_has_their_reason(live: Live) -> None:
    arn = live.launch(live.request("import time; time.sleep(120)"))
    live.wait(arn, "RUNNING")
    live.stop(arn, "somebody's reason")

    task = live.wait(arn)

    live.seen["stopped"] = words(task)
    assert task["stopCode"] == "UserInitiated"
    assert "somebody's reason" in task["stoppedReason"]
    assert verdict(task).again is Again.NEVER


def test_an_image_that_is_not_there_is_told_as_that(live: Live) -> None:
    task = live.run("pass", image="public.ecr.aws/docker/library/no-such-image-flotilla:1")

    live.seen["no image"] = words(task)
    assert (verdict(task).failure_kind, verdict(task).again) == (FailureKind.IMAGE, Again.NEVER)


def test_an_image_of_another_architecture_is_told_as_that(live: Live) -> None:
    live.need_aws("its daemon has no such image")

    task = live.run("pass", image=ARM_IMAGE)

    live.seen["wrong architecture"] = words(task)
    assert (verdict(task).failure_kind, verdict(task).again) == (FailureKind.IMAGE, Again.NEVER)


def test_a_task_that_needs_more_memory_is_told_as_that(live: Live) -> None:
    task = live.run("a = []\nwhile True: a.append(bytearray(b'x') * 2**24)")

    live.seen["out of memory"] = words(task)
    assert words(task)["exitCode"] == 137
    assert verdict(task).again is Again.OOM


@pytest.mark.parametrize("disk_gib", [None, 25])
def test_a_task_gets_the_disk_that_it_asks_for(live: Live, disk_gib: int | None) -> None:
    task = live.run(
        "import json, shutil; print(json.dumps(shutil.disk_usage('/').total))", disk_gib=disk_gib
    )

    names = ("ephemeralStorage", "fargateEphemeralStorage")
    live.seen[f"disk {disk_gib}"] = {name: task.get(name) for name in names}
    assert verdict(task).message.startswith("It ended well")
    if disk_gib is not None:
        assert {(task.get(name) or {}).get("sizeInGiB") for name in names} & {disk_gib}
        live.need_aws("all its tasks share one disk")
        assert live.said(task["taskArn"]) > 20 * 2**30


def test_spot_is_told_by_the_provider_that_was_got(live: Live) -> None:
    task = live.run("pass", spot=True)

    live.seen["spot"] = {name: task.get(name) for name in ("capacityProviderName", "launchType")}
    assert task["capacityProviderName"] == "FARGATE_SPOT"


def test_a_task_knows_its_own_address_and_limits(live: Live) -> None:
    task = live.run(
        "import os, urllib.request\n"
        "url = os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task'\n"
        "print(urllib.request.urlopen(url).read().decode())"
    )

    found = live.said(task["taskArn"])

    live.seen["metadata"] = sorted(found)
    assert found["TaskARN"] == task["taskArn"]
    assert found["Limits"] == {"CPU": 0.25, "Memory": 512}


def test_a_task_is_billed_from_the_pull_to_the_end(live: Live) -> None:
    task = live.run("pass")

    live.seen["times"] = {name: task[name] for name in sorted(task) if name.endswith("At")}
    assert task["createdAt"] <= task["pullStartedAt"] <= task["pullStoppedAt"] <= task["stoppedAt"]
