"""Jobs for machines with GPUs, in real containers: all but the GPU, which this machine has not.

The emulator has no Auto Scaling, and refuses what would give a container a GPU: that is left out of
the definition here, and nothing else.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.ecs import launching
from jupyter_flotilla.engines.ecs.engine import EcsEngine
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Observation
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.settings import load_settings

_GPU = Resources(cpu=1, memory_mib=4096, gpu=1)


@pytest.fixture
def provider(ecs_ground: EcsGround) -> Iterator[str]:
    """A capacity provider of the cluster, as `setup-aws --gpu` makes it."""
    ecs, name = ecs_ground.client("ecs"), f"gpu-{uuid.uuid4().hex[:8]}"
    group = f"arn:aws:autoscaling:{ecs_ground.region}:000000000000:autoScalingGroup:x:{name}"
    ecs.create_capacity_provider(
        name=name, autoScalingGroupProvider={"autoScalingGroupArn": group}
    )  # fmt: skip

    def put(*providers: str) -> None:
        ecs.put_cluster_capacity_providers(
            cluster=ecs_ground.cluster, capacityProviders=["FARGATE", "FARGATE_SPOT", *providers],
            defaultCapacityProviderStrategy=[],
        )  # fmt: skip

    put(name)
    yield name
    put()
    ecs.delete_capacity_provider(capacityProvider=name)


@pytest.fixture
def engine(
    ecs_ground: EcsGround, provider: str, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> EcsEngine:
    """An engine of a cluster with such machines."""
    ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch, ecs={"gpu_capacity": provider})
    define = launching.definition

    def without_gpu(**given: Any) -> dict[str, Any]:
        return define(**given | {"gpus": 0})

    monkeypatch.setattr(launching, "definition", without_gpu)
    made = EcsEngine(load_settings())
    assert made.check(_GPU).ok
    return made


@pytest.fixture
def order(ecs_ground: EcsGround, engine: EcsEngine, tmp_path: Path) -> LaunchOrder:
    """A job with a GPU that says which network it has, and leaves a file."""
    script = "ip addr 2>/dev/null | grep -c eth0; wc -c < /etc/hosts; echo done > left"
    spec = JobSpec(
        kind="command", name="gpu", command=("sh", "-c", script), cwd="/nowhere", own_cwd=True,
        interpreter="python3", engine="ecs", place=engine.place, image=ecs_ground.image,
        bucket=engine.bucket, fetch=("*",), resources=_GPU,
    )  # fmt: skip
    for name in ("input", "attempt"):
        (tmp_path / name).mkdir()
    run_id = f"r{uuid.uuid4().hex[:12]}"
    return LaunchOrder(
        run_id=run_id, launch_key=f"{run_id}-1", spec=spec, resources=_GPU, max_cost_usd=None,
        input_folder=tmp_path / "input", attempt_folder=tmp_path / "attempt",
        rate=engine.rate(_GPU),
    )  # fmt: skip


def ended(engine: EcsEngine, order: LaunchOrder) -> Observation:
    """Return how a job ended, launched until it has a task."""
    handle = witness.until(
        lambda: made if (made := engine.launch(order)).detail["task"] else None, "its task"
    )

    def look() -> Observation | None:
        [seen] = engine.poll([handle])
        return seen if seen.ending is not None else None

    found: Observation = witness.until(look, "its end")
    return found


def test_a_job_runs_behind_the_bridge_with_its_roles_keys_and_is_charged_the_machine(
    ecs_ground: EcsGround, engine: EcsEngine, provider: str, order: LaunchOrder
) -> None:
    seen = ended(engine, order)

    assert seen.ending is not None
    assert seen.ending.outcome == "succeeded", seen.ending
    # what came and went did so by S3, with the keys of the task's role
    assert (order.attempt_folder / "files" / "left").read_text() == "done\n"
    [task] = [one for one in ecs_ground.tasks() if order.launch_key in one.get("startedBy", "")]
    assert (task["launchType"], task["capacityProviderName"]) == ("EC2", provider)
    assert (task["cpu"], task["memory"]) == ("4096", "14745")
    assert task["attachments"] == []
    described = ecs_ground.client("ecs").describe_task_definition(
        taskDefinition=task["taskDefinitionArn"]
    )["taskDefinition"]
    assert described["networkMode"] == "bridge"
    rate = seen.ending.rate
    assert rate is not None
    assert (rate.machine, rate.provider) == ("g4dn.xlarge", "EC2")
    assert seen.ending.billed_s == 60
