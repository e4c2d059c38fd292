"""An ECS that runs real containers: a cluster of the session's own, and faults on demand.

Use it through the fixture ``ecs_ground`` in ``conftest.py``. What can be planned is described in
``ground/emulator/control.py`` and ``ground/emulator/faults.py``.
"""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import container_ground
import pytest
from container_ground import Ground

_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    },
}
_SEND = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Principal": {"Service": "events.amazonaws.com"},
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EcsGround:
    """A cluster with all that a job on it needs."""

    #: Where the emulator answers, as ``http://host:port``, from here and from containers.
    url: str
    region: str
    #: Name of a cluster with the providers FARGATE and FARGATE_SPOT.
    cluster: str
    #: An image with Debian and Python that the daemon has.
    image: str
    bucket: str
    #: ARNs.
    task_role: str
    execution_role: str
    subnets: tuple[str, ...]
    security_group: str
    log_group: str
    #: Every AWS variable that a process needs to use it, by name.
    environment: Mapping[str, str]

    def client(self, service: str) -> Any:
        """Return a boto3 client that knows nothing of the user's own AWS settings."""
        import boto3

        with pytest.MonkeyPatch.context() as patch:
            container_ground.use_only(self.environment, patch)
            return boto3.session.Session().client(service)

    @property
    def has_task_address(self) -> bool:
        """Whether containers find keys of their role at 169.254.170.2, which takes root here.

        Elsewhere they have keys in their environment, which the emulator takes for anybody's.
        """
        return bool(self._control("GET", "ground")["has_task_address"])

    # --- settings ---------------------------------------------------------------------------

    def write_settings(self, path: Path, *, prefix: str, **ecs: Any) -> None:
        """Add to a settings file what it takes to run jobs here.

        Parameters
        ----------
        path
            The settings file; what is in it stays, and must not end in a table.
        prefix
            Of the keys in the bucket: the test's own.
        ecs
            More for the table ``[ecs]``, such as ``queue_url``.
        """
        settings = {
            "image": self.image,
            "region": self.region,
            "artifacts": f"s3://{self.bucket}/{prefix}",
        }
        table = {
            "cluster": self.cluster,
            "subnets": list(self.subnets),
            "security_groups": [self.security_group],
            "task_role": self.task_role,
            "execution_role": self.execution_role,
            "log_group": self.log_group,
            **ecs,
        }
        lines = [*_toml(settings), "[ecs]", *_toml(table)]
        before = path.read_text() if path.exists() else ""
        path.write_text(before + "\n".join(lines) + "\n")

    @contextmanager
    def feed(self, started_by_prefix: str) -> Iterator[str]:
        """Yield the URL of a queue that gets the events of tasks whose startedBy begins so."""
        sqs, events = self.client("sqs"), self.client("events")
        name = f"flotilla-{uuid.uuid4().hex[:12]}"
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(_SEND)})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {"startedBy": [{"prefix": started_by_prefix}]},
        }
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
        events.put_targets(Rule=name, Targets=[target])
        yield url
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        sqs.delete_queue(QueueUrl=url)

    # --- faults -----------------------------------------------------------------------------

    def plan(self, action: str = "RunTask", **fault: Any) -> None:
        """Have calls go wrong, ``times`` of them.

        Parameters
        ----------
        action
            What is called, of any service that speaks JSON.
        fault
            One of ``error={"code", "message", "status"}``, ``hangs_s``, ``closes`` (each with
            ``has_effect=True`` where the effect comes first), and for RunTask ``failures=[…]`` or
            ``fate={…}``; with ``times`` and ``matching``. Calls of this cluster unless
            ``cluster=None`` says any.
        """
        self._control("POST", "faults", {"action": action, "cluster": self.cluster, **fault})

    def throttle(self, action: str = "RunTask", *, times: int = 1) -> None:
        """Have calls throttled."""
        error = {"code": "ThrottlingException", "message": "Rate exceeded"}
        self.plan(action, times=times, error=error)

    def planned(self) -> Any:
        """Return the faults that have not come yet, as they were planned."""
        return self._control("GET", f"faults?cluster={self.cluster}")

    def calls(self) -> Any:
        """Return action → how often it was called on this cluster in this test."""
        return self._control("GET", f"calls?cluster={self.cluster}")

    def interrupt(self, task: str, *, grace_s: float | None = None) -> None:
        """Take a task's Spot capacity back: SIGTERM, and SIGKILL after the grace."""
        self.end(task, **({} if grace_s is None else {"grace_s": grace_s}))

    def end(self, task: str, **ending: Any) -> None:
        """End a task as AWS might: ``stop_code``, ``reason``, ``grace_s``."""
        self._control("POST", f"tasks/{_id(task)}/stop", ending)

    def kill(self, task: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a task's containers, of which ECS knows nothing."""
        self._control("POST", f"tasks/{_id(task)}/kill", {"signal": signal})

    def forget(self, task: str) -> None:
        """Have ECS know a task no more: MISSING."""
        self._control("POST", f"tasks/{_id(task)}/forget", {})

    def clean(self) -> None:
        """Forget faults and counts, and end all tasks; return when none is left."""
        self._control("POST", f"clean?cluster={self.cluster}", {})
        wait_until(lambda: all(task["lastStatus"] == "STOPPED" for task in self.tasks()))

    # --- schedules of EventBridge Scheduler -------------------------------------------------

    def fire(
        self, name: str, scheduled_at: str | None = None, *, group: str = "default", times: int = 1
    ) -> list[Any]:
        """Invoke the target of a schedule, whatever its state; return what came of it each time.

        Parameters
        ----------
        scheduled_at
            The scheduled time, as in ``2026-11-26T09:00:00Z``; None: now.
        times
            How often, all at once, for that one scheduled time.
        """
        when = {} if scheduled_at is None else {"scheduled_at": scheduled_at}
        path = f"schedules/{group}/{name}/fire"
        outcomes: list[Any] = self._control("POST", path, {**when, "times": times})
        return outcomes

    def due(self, name: str, after: str, *, group: str = "default", count: int = 1) -> list[str]:
        """Return the next scheduled times of a schedule after another, as `fire` takes them."""
        query = urlencode({"after": after, "count": count})
        times: list[str] = self._control("GET", f"schedules/{group}/{name}/due?{query}")
        return times

    # --- tasks ------------------------------------------------------------------------------

    def tasks(self) -> Any:
        """Return all tasks of the cluster, stopped ones too, as DescribeTasks shows them."""
        return self._control("GET", f"tasks?cluster={self.cluster}")

    def task(self, arn: str) -> Any:
        """Return one of them."""
        return next(task for task in self.tasks() if task["taskArn"] == arn)

    def wait(self, arn: str, status: str = "STOPPED") -> Any:
        """Return a task once it has a status."""
        wait_until(lambda: self.task(arn)["lastStatus"] == status)
        return self.task(arn)

    def log(self, arn: str, stream: str = "flotilla/job") -> list[str]:
        """Return the lines that a task has in CloudWatch, by stream prefix and container."""
        stream = f"{stream}/{_id(arn)}"
        logs, lines = self.client("logs"), list[str]()
        token: dict[str, str] = {}
        while True:
            page = logs.get_log_events(
                logGroupName=self.log_group, logStreamName=stream, startFromHead=True, **token
            )
            lines += [event["message"] for event in page["events"]]
            if token == (token := {"nextToken": page["nextForwardToken"]}):
                return lines

    def _control(self, method: str, what: str, said: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_flotilla/{what}",
            data=None if said is None else json.dumps(said).encode(),
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 60) -> None:
    """Return when something holds; fail the test if it never does."""
    ends_at = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > ends_at:
            pytest.fail(f"not within {timeout_s:g} s")
        time.sleep(0.05)


def pascal(value: Any) -> Any:
    """Return a request with its names as universal targets of schedules have them."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: pascal(inner) for name, inner in value.items()}
    return [pascal(one) for one in value] if isinstance(value, list) else value


@contextmanager
def cluster_on(ground: Ground) -> Iterator[EcsGround]:
    """Make a cluster and what it needs, for as long as the context lasts."""
    url = ground.need("FLOTILLA_ECS_ENDPOINT")
    name = f"flotilla-{uuid.uuid4().hex[:12]}"
    environment = container_ground.aws_variables(ground)
    role = f"arn:aws:iam::000000000000:role/{name}"
    made = EcsGround(
        url=url, region=environment["AWS_REGION"], cluster=name, bucket=name,
        image=ground.need("FLOTILLA_BASE_IMAGE"), task_role=f"{role}-task",
        execution_role=f"{role}-execution", subnets=("subnet-0a", "subnet-0b"),
        security_group="sg-0a", log_group=f"/{name}", environment=environment,
    )  # fmt: skip
    ecs, s3, iam, logs = (made.client(one) for one in ("ecs", "s3", "iam", "logs"))
    for kind in ("task", "execution"):
        iam.create_role(RoleName=f"{name}-{kind}", AssumeRolePolicyDocument=json.dumps(_TRUST))
    s3.create_bucket(Bucket=name)
    logs.create_log_group(logGroupName=made.log_group)
    ecs.create_cluster(clusterName=name, capacityProviders=["FARGATE", "FARGATE_SPOT"])
    yield made
    made.clean()
    ecs.delete_cluster(cluster=name)
    logs.delete_log_group(logGroupName=made.log_group)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=found["Key"])
    s3.delete_bucket(Bucket=name)
    for kind in ("task", "execution"):
        iam.delete_role(RoleName=f"{name}-{kind}")


def _id(task: str) -> str:
    return task.rsplit("/", 1)[-1]


def _toml(table: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table; JSON's text, numbers and lists are TOML's too."""
    return [f"{name} = {json.dumps(value)}" for name, value in table.items()]
