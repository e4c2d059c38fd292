"""The log driver ``awslogs``: every line that a container writes, into CloudWatch Logs."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator

from emulator.docker import DockerError
from emulator.inner import Inner
from emulator.task import Container, Task
from emulator.wire import Json, ServiceError

_FLUSH_S = 0.2
#: Limits of PutLogEvents, "CloudWatch Logs quotas", read 2026-11: 10,000 events, 1,048,576 bytes
#: with 26 more for each event; here far below both.
_MOST_EVENTS = 1000
_MOST_BYTES = 500_000
_LONGEST_LINE = 256 * 1024 - 26
_HEADER = 8  # of a frame: which stream, three zeros, the length in four bytes

_log = logging.getLogger(__name__)


class NoLogStream(Exception):
    """The log stream cannot be made; the task does not start."""


class LogStream:
    """Where one container's lines go.

    Parameters
    ----------
    inner
        The services.
    task, container
        Whose lines they are.
    """

    def __init__(self, inner: Inner, task: Task, container: Container) -> None:
        options = container.definition["logConfiguration"].get("options") or {}
        self._inner = inner
        self._caller = task.caller
        self._group = options["awslogs-group"]
        self._makes_group = options.get("awslogs-create-group") == "true"
        prefix = options.get("awslogs-stream-prefix", "ecs")
        self._name = f"{prefix}/{container.name}/{task.id}"
        self._lines: list[tuple[int, str]] = []
        self._in_order = asyncio.Lock()

    async def make(self) -> None:
        """Make it; raises NoLogStream where there is no group."""
        try:
            if self._makes_group:
                await self._call("CreateLogGroup", may_exist=True)
            await self._call("CreateLogStream", may_exist=True, logStreamName=self._name)
        except ServiceError as error:
            raise NoLogStream(
                "ResourceInitializationError: failed to validate logger args: create stream has "
                f"been retried 1 times: failed to create Cloudwatch log stream: {error}: "
                "exit status 1"
            ) from error

    async def follow(self, frames: AsyncIterator[bytes]) -> None:
        """Put what a container writes, until it writes no more."""
        flusher = asyncio.create_task(self._flush_often())
        lines = _Lines()
        try:
            async for part in frames:
                self._add(lines.feed(part))
        except DockerError as error:
            _log.warning("log stream %s breaks off: %s", self._name, error)
        flusher.cancel()
        self._add(lines.rest())
        await self._flush()

    def _add(self, lines: Iterator[bytes]) -> None:
        now = int(time.time() * 1000)
        self._lines += [(now, line.decode(errors="replace")) for line in lines]

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            # a cancelled flush would lose what it has in hand
            await asyncio.shield(self._flush())

    async def _flush(self) -> None:
        async with self._in_order:
            while self._lines:
                await self._put(self._batch())

    async def _put(self, batch: list[tuple[int, str]]) -> None:
        events = [{"timestamp": at, "message": text} for at, text in batch]
        try:
            await self._call("PutLogEvents", logStreamName=self._name, logEvents=events)
        except ServiceError as error:
            _log.warning("%d lines of %s are lost: %s", len(batch), self._name, error)

    def _batch(self) -> list[tuple[int, str]]:
        """Take as many lines as go into one call."""
        size = count = 0
        while count < min(len(self._lines), _MOST_EVENTS) and size < _MOST_BYTES:
            size += len(self._lines[count][1])
            count += 1
        batch, self._lines = self._lines[:count], self._lines[count:]
        return batch

    async def _call(self, action: str, *, may_exist: bool = False, **params: object) -> None:
        whole: Json = {"logGroupName": self._group, **params}
        try:
            await self._inner.call(self._caller, "logs", action, whole)
        except ServiceError as error:
            if not (may_exist and error.code == "ResourceAlreadyExistsException"):
                raise


class _Lines:
    """Takes the daemon's frames apart, and gives whole lines of both streams."""

    def __init__(self) -> None:
        self._frames = bytearray()
        self._open = {1: b"", 2: b""}

    def feed(self, part: bytes) -> Iterator[bytes]:
        self._frames += part
        while len(self._frames) >= _HEADER:
            end = _HEADER + int.from_bytes(self._frames[4:_HEADER], "big")
            if len(self._frames) < end:
                return
            stream, content = self._frames[0], bytes(self._frames[_HEADER:end])
            del self._frames[:end]
            *lines, rest = (self._open[stream] + content).split(b"\n")
            if len(rest) >= _LONGEST_LINE:  # the rest of a line is an event of its own
                lines, rest = [*lines, rest[:_LONGEST_LINE]], rest[_LONGEST_LINE:]
            self._open[stream] = rest
            for line in lines:
                yield line.removesuffix(b"\r")

    def rest(self) -> Iterator[bytes]:
        return (line for line in self._open.values() if line)
