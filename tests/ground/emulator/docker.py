"""The Docker daemon's HTTP interface, as far as tasks need it, without threads.

With Docker's Python package installed, ministack would find the daemon and remove containers that
it takes for its own; and a hundred tasks would be three hundred threads.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import h11

#: Of the interface: that of Docker 20.10, which later daemons speak too.
_VERSION = "/v1.41"
_READ_BYTES = 65536


class DockerError(Exception):
    """What the daemon refuses, in its words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Docker:
    """One daemon.

    Parameters
    ----------
    host
        As in ``DOCKER_HOST``: ``unix://…`` or ``tcp://…`` without TLS.
    label
        On every container made here; by it they are found again.
    """

    def __init__(self, host: str, label: str) -> None:
        self._host = host
        self.label = label

    async def image(self, name: str) -> Any:
        """Return what the daemon knows of an image."""
        return await self._call("GET", f"/images/{quote(name, safe='/:@')}/json")

    async def create(self, name: str, body: dict[str, Any]) -> str:
        """Make a container; return its id."""
        said = await self._call("POST", f"/containers/create?{urlencode({'name': name})}", body)
        return str(said["Id"])

    async def start(self, container: str) -> None:
        """Start a container."""
        await self._call("POST", f"/containers/{container}/start")

    async def inspect(self, container: str) -> Any:
        """Return what the daemon knows of a container."""
        return await self._call("GET", f"/containers/{container}/json")

    async def wait(self, container: str) -> None:
        """Wait until a container does not run."""
        await self._call("POST", f"/containers/{container}/wait?condition=not-running")

    async def stop(self, container: str, grace_s: float) -> None:
        """Send SIGTERM, and SIGKILL when the grace is over; return when it does not run."""
        await self._call("POST", f"/containers/{container}/stop?t={round(grace_s)}")

    async def kill(self, container: str, signal: str) -> None:
        """Send a signal."""
        await self._call("POST", f"/containers/{container}/kill?signal={quote(signal)}")

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone is no error."""
        with suppress(DockerError):
            await self._call("DELETE", f"/containers/{container}?force=1&v=1")

    async def stats(self, container: str) -> Any:
        """Return what a container uses now."""
        return await self._call("GET", f"/containers/{container}/stats?stream=0&one-shot=1")

    async def remove_all(self) -> None:
        """Remove every container that has the label."""
        filters = quote(json.dumps({"label": [self.label]}))
        found = await self._call("GET", f"/containers/json?all=1&filters={filters}")
        await asyncio.gather(*(self.remove(one["Id"]) for one in found))

    async def attach(self, container: str) -> AsyncIterator[bytes]:
        """Return what a container writes from now on, as the daemon frames it.

        It is attached when this returns: what is started afterwards is heard from its first byte.
        """
        path = f"/containers/{container}/attach?stream=1&stdout=1&stderr=1"
        parts = self._request("POST", path, None)
        await anext(parts)  # the head of the answer
        return parts

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        parts = [part async for part in self._request(method, path, body)]
        whole = b"".join(parts)
        return json.loads(whole) if whole.strip() else {}

    async def _request(self, method: str, path: str, body: object) -> AsyncIterator[bytes]:
        """Yield nothing when the answer begins, then its parts.

        Raises
        ------
        DockerError
            If the daemon refuses, or does not answer.
        """
        try:
            reader, writer = await self._connect()
        except OSError as error:
            raise DockerError(0, f"no Docker daemon at {self._host}: {error}") from error
        try:
            connection = h11.Connection(h11.CLIENT)
            writer.write(_written(connection, method, path, body))
            head = await _next(connection, reader)
            if head.status_code >= 300 and head.status_code != 304:
                said = b"".join([part async for part in _parts(connection, reader)])
                raise DockerError(head.status_code, _message(said))
            yield b""
            async for part in _parts(connection, reader):
                yield part
        except (OSError, h11.RemoteProtocolError) as error:
            raise DockerError(0, f"the Docker daemon breaks off: {error}") from error
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = urlsplit(self._host)
        if url.scheme == "unix":
            return await asyncio.open_unix_connection(url.path)
        return await asyncio.open_connection(url.hostname, url.port)


def _written(connection: h11.Connection, method: str, path: str, body: object) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    headers = [("Host", "docker"), ("Connection", "close"), ("Content-Length", str(len(content)))]
    if content:
        headers.append(("Content-Type", "application/json"))
    request = h11.Request(method=method, target=_VERSION + path, headers=headers)
    parts = [connection.send(request)]
    if content:
        parts.append(connection.send(h11.Data(data=content)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> Any:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_READ_BYTES))
    return event


async def _parts(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while isinstance(event := await _next(connection, reader), h11.Data):
        yield bytes(event.data)


def _message(said: bytes) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return said.decode(errors="replace")
