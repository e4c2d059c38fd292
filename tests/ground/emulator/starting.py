"""What it takes to start a task: secrets, log streams, images, containers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from emulator import containers, secret_values
from emulator.awslogs import LogStream, NoLogStream
from emulator.docker import Docker, DockerError
from emulator.inner import Inner
from emulator.secret_values import NoSecret
from emulator.task import Container, Task

#: Containers that are made at a time: more only wait for each other in the daemon.
_STARTS_AT_ONCE = 6


class StartFailure(Exception):
    """Why a task does not start, as in ``stoppedReason``."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a container needs before it can be made."""

    container: Container
    #: Variable to value.
    secrets: Mapping[str, str]
    #: None: nobody keeps what it writes.
    stream: LogStream | None


class Starter:
    """Starts containers.

    Parameters
    ----------
    docker
        The daemon.
    inner
        The services that tasks need.
    place
        What containers can reach.
    """

    def __init__(self, docker: Docker, inner: Inner, place: containers.Place) -> None:
        self._docker = docker
        self._inner = inner
        self._place = place
        self._starts = asyncio.Semaphore(_STARTS_AT_ONCE)

    async def needs(self, task: Task) -> list[Needs]:
        """Return what each container needs; raises StartFailure."""
        try:
            return [await self._needs_of(task, one) for one in task.containers]
        except (NoSecret, NoLogStream) as error:
            raise StartFailure(str(error)) from error

    async def pull(self, task: Task) -> None:
        """Find the images: there is no registry, what is not here does not exist.

        Raises
        ------
        StartFailure
            If one is not here.
        """
        for one in task.containers:
            name = one.definition["image"]
            try:
                image = await self._docker.image(name)
            except DockerError as error:
                one.reason = (
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                    f"failed to resolve ref {name}: {name}: not found ({error})"
                )
                raise StartFailure(one.reason) from error
            one.image_digest = image["Id"]

    async def start(self, task: Task, needs: Needs) -> asyncio.Task[None] | None:
        """Make and start a container; return what keeps what it writes. Raises StartFailure."""
        container = needs.container
        async with self._starts:
            container.docker_id = await self._create(task, needs)
            try:
                log = await self._begin_log(container.docker_id, needs.stream)
                await self._docker.start(container.docker_id)
            except DockerError as error:
                raise _failure(container, "CannotStartContainerError", error) from error
        shown = await self._docker.inspect(container.docker_id)
        container.address = shown["NetworkSettings"]["IPAddress"] or None
        return log

    async def _needs_of(self, task: Task, container: Container) -> Needs:
        secrets = await secret_values.values(self._inner, task, container)
        driver = (container.definition.get("logConfiguration") or {}).get("logDriver")
        if driver != "awslogs":
            return Needs(container, secrets, None)
        stream = LogStream(self._inner, task, container)
        await stream.make()
        return Needs(container, secrets, stream)

    async def _create(self, task: Task, needs: Needs) -> str:
        container = needs.container
        body = containers.body(task, container, self._place, needs.secrets, self._docker.label)
        try:
            return await self._docker.create(f"ecs-{task.id[:12]}-{container.name}", body)
        except DockerError as error:
            raise _failure(container, "CannotCreateContainerError", error) from error

    async def _begin_log(
        self, container: str, stream: LogStream | None
    ) -> asyncio.Task[None] | None:
        if stream is None:
            return None
        return asyncio.create_task(stream.follow(await self._docker.attach(container)))


def _failure(container: Container, kind: str, error: DockerError) -> StartFailure:
    container.reason = f"{kind}: Error response from daemon: {error}"
    return StartFailure(container.reason)
