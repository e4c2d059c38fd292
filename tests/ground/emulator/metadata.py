"""What a container may ask about itself: its keys, and the task metadata endpoint, version 4.

"Amazon ECS task metadata endpoint version 4 for tasks on Fargate" and "Container credential
provider" (docs.aws.amazon.com), read 2026-11.
"""

from collections.abc import Iterable
from typing import Any

from emulator.docker import Docker, DockerError
from emulator.inner import Inner
from emulator.task import Container, Task, iso
from emulator.wire import Answer, Json, ServiceError, json_answer


class Metadata:
    """Answers the containers of tasks.

    Parameters
    ----------
    tasks
        All tasks.
    inner
        Where roles are.
    docker
        Where containers are.
    """

    def __init__(self, tasks: Iterable[Task], inner: Inner, docker: Docker) -> None:
        self._tasks = tasks
        self._inner = inner
        self._docker = docker

    async def answer(self, path: str) -> Answer:
        """Answer a request for a path."""
        parts = path.strip("/").split("/")
        if parts[:2] == ["v2", "credentials"] and len(parts) == 3:
            return await self._keys(parts[2])
        if parts[0] == "v4" and len(parts) >= 2:
            return await self._about(parts[1], "/".join(parts[2:]))
        return json_answer({"message": f"nothing is at {path}"}, 404)

    async def _keys(self, name: str) -> Answer:
        task = next((one for one in self._tasks if one.credentials_id == name), None)
        if task is None or task.task_role is None:
            return json_answer({"code": "InvalidIdInRequest", "message": "no such keys"}, 400)
        try:
            keys = await self._inner.assume_role(task.caller, task.task_role, task.id)
        except ServiceError as error:
            return json_answer({"code": error.code, "message": error.message}, 500)
        return json_answer({
            "RoleArn": task.task_role,
            "AccessKeyId": keys["AccessKeyId"],
            "SecretAccessKey": keys["SecretAccessKey"],
            "Token": keys["SessionToken"],
            "Expiration": keys["Expiration"],
        })  # fmt: skip

    async def _about(self, token: str, rest: str) -> Answer:
        for task in self._tasks:
            for container in task.containers:
                if container.token == token:
                    return await self._shown(task, container, rest)
        return json_answer({"message": "no such container"}, 404)

    async def _shown(self, task: Task, container: Container, rest: str) -> Answer:
        if rest in ("task", "taskWithTags"):
            return json_answer(_task(task))
        if rest == "":
            return json_answer(_container(task, container))
        if rest == "stats":
            return json_answer(await self._stats(container))
        if rest == "task/stats":
            return json_answer({
                one.docker_id: await self._stats(one) for one in task.containers if one.docker_id
            })  # fmt: skip
        return json_answer({"message": f"nothing is at {rest}"}, 404)

    async def _stats(self, container: Container) -> Any:
        try:
            return await self._docker.stats(container.docker_id or "")
        except DockerError:
            return None  # as on Fargate, before there are any


def _task(task: Task) -> Json:
    family, _, revision = task.definition["taskDefinitionArn"].rsplit("/", 1)[-1].partition(":")
    times = {"PullStartedAt": "pullStartedAt", "PullStoppedAt": "pullStoppedAt",
             "ExecutionStoppedAt": "executionStoppedAt"}  # fmt: skip
    return {
        "Cluster": task.cluster_arn,
        "TaskARN": task.arn,
        "Family": family,
        "Revision": revision,
        "DesiredStatus": task.desired,
        "KnownStatus": task.status,
        "Limits": {"CPU": int(task.cpu or 0) / 1024, "Memory": int(task.memory or 0)},
        **{name: iso(task.times[at]) for name, at in times.items() if at in task.times},
        "AvailabilityZone": task.caller.region + "a",
        "LaunchType": task.launch_type,
        "Containers": [_container(task, one) for one in task.containers],
    }


def _container(task: Task, container: Container) -> Json:
    definition = container.definition
    return {
        "DockerId": container.docker_id,
        "Name": container.name,
        "Image": definition["image"],
        "ImageID": container.image_digest,
        "ContainerARN": container.arn,
        "Labels": {
            "com.amazonaws.ecs.cluster": task.cluster_arn,
            "com.amazonaws.ecs.container-name": container.name,
            "com.amazonaws.ecs.task-arn": task.arn,
        },
        "DesiredStatus": task.desired,
        "KnownStatus": container.status,
        "Limits": {"CPU": definition.get("cpu") or 0, "Memory": definition.get("memory") or 0},
        "CreatedAt": iso(task.times.get("pullStoppedAt", task.created_at)),
        "Type": "NORMAL",
    }
