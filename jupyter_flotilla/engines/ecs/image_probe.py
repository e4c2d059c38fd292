"""Asks an image what it has by a task that runs it: where no Docker here can."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_flotilla.artifacts.s3 import S3Artifacts
from jupyter_flotilla.bootstrap.probe import ANSWER
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.definition import definition
from jupyter_flotilla.engines.ecs.launching import Parts
from jupyter_flotilla.engines.ecs.outcomes import refused, stopped
from jupyter_flotilla.engines.ecs.request import run_task
from jupyter_flotilla.engines.ecs.verdict import Verdict
from jupyter_flotilla.engines.remote import probe_program
from jupyter_flotilla.errors import ArtifactsUnavailable, EngineUnavailable
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.resources import Arch, Resources

#: The smallest task there is.
SIZE = Resources(cpu=0.25, memory_mib=512)
_LOOK_EVERY_S = 2.0
#: To wait for capacity and to pull a large image.
_PATIENCE_S = 15 * 60.0


def probe_order(image: str, arch: Arch, place: str) -> LaunchOrder:
    """Return the order of a task that asks an image."""
    run_id = f"r{uuid.uuid4().hex[:12]}"
    spec = JobSpec(
        kind="command", name="image-ask", command=("ask",), cwd="/", own_cwd=True,
        interpreter="python3", engine="ecs", place=place, image=image,
    )  # fmt: skip
    return LaunchOrder(
        run_id=run_id, launch_key=f"{run_id}-1", spec=spec,
        resources=SIZE.model_copy(update={"arch": arch}), max_cost_usd=None,
        input_folder=Path(), attempt_folder=Path(), rate=None,
    )  # fmt: skip


def probe_image(
    aws: Account,
    parts: Parts,
    order: LaunchOrder,
    artifacts: S3Artifacts,
    program: str,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Return what a Python program prints in an image.

    Raises
    ------
    EngineUnavailable
        If the task cannot be started, or ends without an answer.
    """
    wanted = definition(
        image=order.spec.image or "", region=aws.region, arch=order.resources.arch,
        is_fargate=parts.site.is_fargate, log_group=parts.log_group,
        execution_role=parts.execution_role, task_role=parts.task_role,
        program=probe_program(program),
    )  # fmt: skip
    arn = parts.definitions.ensure(wanted, utc_now())
    place = parts.remote.bare_place(order.run_id, 1)
    request = run_task(order, definition_arn=arn, place=place, site=parts.site)
    answer = aws.call("ecs", "RunTask", **request)
    if not answer.get("tasks"):
        raise _unavailable(order, refused(answer.get("failures") or ()))
    try:
        task = _ended(aws, request["cluster"], answer["tasks"][0]["taskArn"], sleep)
        with TemporaryDirectory() as folder:
            try:
                path = artifacts.fetch(order.run_id, 1, ANSWER, Path(folder))
            except ArtifactsUnavailable as error:
                verdict = stopped(task, stop_asked=False, peak_fraction=None)
                raise _unavailable(order, verdict) from error
            return path.read_text(encoding="utf-8", errors="replace")
    finally:
        artifacts.delete(order.run_id)


def _ended(aws: Account, cluster: str, arn: str, sleep: Callable[[float], None]) -> dict[str, Any]:
    waited_s = 0.0
    while waited_s < _PATIENCE_S:
        answer = aws.call("ecs", "DescribeTasks", cluster=cluster, tasks=[arn])
        for task in answer.get("tasks", ()):
            if task["lastStatus"] == "STOPPED":
                return dict(task)
        sleep(_LOOK_EVERY_S)
        waited_s += _LOOK_EVERY_S
    aws.call("ecs", "StopTask", cluster=cluster, task=arn, reason="flotilla: no answer")
    raise EngineUnavailable(
        f"the task that asks the image has not ended after {_PATIENCE_S / 60:.0f} minutes",
        next_step="jupyter flotilla doctor --engine ecs",
    )


def _unavailable(order: LaunchOrder, verdict: Verdict) -> EngineUnavailable:
    return EngineUnavailable(
        f"image {order.spec.image} does not say what it has: {verdict.message}",
        next_step=verdict.next_step or "jupyter flotilla doctor --engine ecs",
    )
