"""A task's life: placed, pulled, started, watched and ended, on a Docker daemon."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

from emulator.docker import Docker
from emulator.starting import Starter, StartFailure
from emulator.task import SPOT_INTERRUPTED, Container, Ending, Status, Task

#: Seconds that what was written has to reach CloudWatch, once a container has ended.
_DRAIN_S = 10.0
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """What goes on for a task that has containers."""

    #: Of each container: done when it does not run.
    ends: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    logs: list[asyncio.Task[None]] = field(default_factory=list)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Lives:
    """Runs tasks.

    Parameters
    ----------
    docker
        The daemon.
    starter
        Starts containers on it.
    announce
        Told of every change of a task.
    """

    def __init__(self, docker: Docker, starter: Starter, announce: Callable[[Task], None]) -> None:
        self._docker = docker
        self._starter = starter
        self._announce = announce
        self._going: set[asyncio.Task[None]] = set()

    def begin(self, task: Task) -> None:
        """Let a new task live."""
        self._announce(task)
        self._keep(self._live(task))

    def stop(self, task: Task, ending: Ending) -> None:
        """Ask a task to end; the first who asks says why."""
        if task.ending is not None:
            return
        task.ending = ending
        task.desired = "STOPPED"
        self._move(task, task.status, "stoppingAt")
        task.stop_asked.set()

    async def kill(self, task: Task, signal: str) -> None:
        """Send a signal to its containers; raises DockerError where none runs."""
        for one in task.containers:
            if one.docker_id is not None and not one.has_ended:
                await self._docker.kill(one.docker_id, signal)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        going = asyncio.create_task(work)
        self._going.add(going)  # a loop only has weak references
        going.add_done_callback(self._going.discard)

    async def _live(self, task: Task) -> None:
        running = _Running()
        try:
            try:
                await self._start(task, running)
                await self._watch(task, running)
            except StartFailure as failure:
                self._settle(task, Ending(stop_code="TaskFailedToStart", reason=str(failure)))
            await self._end(task, running)
        except Exception:
            # its test must not wait for ever
            _log.exception("the emulator failed task %s", task.arn)
            self._settle(task, Ending(stop_code="InfrastructureHealth", reason="emulator failed"))
            self._move(task, "STOPPED", "stoppedAt")

    async def _start(self, task: Task, running: _Running) -> None:
        if task.fate.start_delay_s:
            with suppress(TimeoutError):
                await asyncio.wait_for(task.stop_asked.wait(), task.fate.start_delay_s)
        if task.ending is not None:
            return
        self._move(task, "PENDING", "connectivityAt")
        if task.fate.fails_to_start is not None:
            raise StartFailure(task.fate.fails_to_start)
        needs = await self._starter.needs(task)
        self._move(task, "PENDING", "pullStartedAt")
        await self._starter.pull(task)
        self._move(task, "PENDING", "pullStoppedAt")
        for one in needs:
            if task.ending is None:
                log = await self._starter.start(task, one)
                running.logs += [] if log is None else [log]
                end = asyncio.create_task(self._docker.wait(one.container.docker_id or ""))
                running.ends[one.container.name] = end
        if running.ends:  # also where it is to end already: its program has begun
            self._move(task, "RUNNING", "startedAt")
            self._set_timers(task, running)

    def _set_timers(self, task: Task, running: _Running) -> None:
        fate, loop = task.fate, asyncio.get_running_loop()
        ending = Ending(stop_code=fate.stop_code, reason=fate.reason, grace_s=fate.grace_s)
        is_spot_fate = fate.stop_code == SPOT_INTERRUPTED[0]
        # what is not on Spot is not interrupted
        if fate.stop_after_s is not None and not (is_spot_fate and task.provider != "FARGATE_SPOT"):
            running.timers.append(loop.call_later(fate.stop_after_s, self.stop, task, ending))
        if fate.kill_after_s is not None:
            running.timers.append(loop.call_later(fate.kill_after_s, self._kill_soon, task))

    def _kill_soon(self, task: Task) -> None:
        self._keep(self.kill(task, "SIGKILL"))

    async def _watch(self, task: Task, running: _Running) -> None:
        """Wait until an essential container ends, or somebody wants the end."""
        essential = [running.ends[one.name] for one in task.containers
                     if one.is_essential and one.name in running.ends]  # fmt: skip
        if task.ending is None and essential:
            stop = asyncio.ensure_future(task.stop_asked.wait())
            await asyncio.wait([*essential, stop], return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
        self._settle(task, Ending(stop_code="EssentialContainerExited",
                                  reason="Essential container in task exited"))  # fmt: skip

    def _settle(self, task: Task, ending: Ending) -> None:
        """Note why it ends, unless somebody has."""
        if task.ending is None:
            task.ending = ending
            task.desired = "STOPPED"
            task.times["stoppingAt"] = time.time()

    async def _end(self, task: Task, running: _Running) -> None:
        for timer in running.timers:
            timer.cancel()
        await asyncio.gather(*(self._end_container(task, one) for one in task.containers))
        if "startedAt" in task.times:
            task.times["executionStoppedAt"] = time.time()
        if running.logs:
            await asyncio.wait(running.logs, timeout=_DRAIN_S)
        self._move(task, "DEPROVISIONING")
        for one in task.containers:
            if one.docker_id is not None:
                await self._docker.remove(one.docker_id)
        self._move(task, "STOPPED", "stoppedAt")

    async def _end_container(self, task: Task, container: Container) -> None:
        if container.docker_id is None:
            return
        grace = task.ending.grace_s if task.ending else None
        grace = container.stop_timeout_s if grace is None else grace
        state = (await self._docker.inspect(container.docker_id))["State"]
        if state["Running"]:
            await self._docker.stop(container.docker_id, grace)
            state = (await self._docker.inspect(container.docker_id))["State"]
        container.has_ended = True
        if state["StartedAt"].startswith("0001"):
            return  # it never ran
        container.exit_code = state["ExitCode"]
        if state["OOMKilled"]:
            container.reason = _OUT_OF_MEMORY

    def _move(self, task: Task, status: Status, time_name: str | None = None) -> None:
        task.status = status
        if time_name is not None:
            task.times[time_name] = time.time()
        task.version += 1
        self._announce(task)
