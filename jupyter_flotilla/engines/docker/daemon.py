"""The daemon: what it says of itself, its images and our containers. All of the Docker SDK is here.

Source: Docker Engine API 1.41, docs.docker.com/engine/api/v1.41, read 2026-11.
"""

import contextlib
import io
import os
import socket
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_flotilla.engines.docker.refusals import (
    MAKE_ROOM,
    NoImage,
    has_no_room,
    is_for_another_machine,
    other_machine,
    refusal,
)
from jupyter_flotilla.errors import EngineUnavailable, LaunchError

#: Labels of each container: the home that it belongs to, and its attempt's folder here.
HOME_LABEL = "flotilla.home"
FOLDER_LABEL = "flotilla.folder"
#: States of a container whose processes may still do something.
LIVES = frozenset({"running", "paused", "restarting", "removing"})
#: Exit code of a container whose results are nowhere else (`runner.container`), and how long it is
#: kept for them.
NOT_UPLOADED = 73
_KEPT_FOR = timedelta(days=7)
#: How long an answer may take: of what works, and of what only looks, many times a minute.
_TIMEOUT_S = 60
_LOOK_TIMEOUT_S = 5
#: A daemon that did not answer for some time is left alone for so many times as long: whoever
#: dispatches has other things to do than to wait for it.
_REST = 3
_LONGEST_REST_S = 15.0
_AT_ONCE_S = 1.0
_DEFAULT_SOCKET = "unix:///var/run/docker.sock"


class Listed(NamedTuple):
    """A container of ours, at one look."""

    #: created, running, paused, restarting, removing, exited or dead.
    state: str
    #: Its attempt's folder.
    folder: Path


class NoContainer(Exception):
    """There is no container of that name."""


class Daemon:
    """A daemon, spoken to when it is needed. Methods raise EngineUnavailable if it is not there."""

    def __init__(self) -> None:
        self._silent_until = -1e9

    @property
    def address(self) -> str:
        """Where it listens, as ``DOCKER_HOST`` says it; empty: where daemons do by default."""
        address = os.environ.get("DOCKER_HOST", "")
        return "" if address == _DEFAULT_SOCKET else address

    @cached_property
    def _client(self) -> Any:
        import docker

        return docker.from_env(timeout=_TIMEOUT_S)

    @cached_property
    def _looking_client(self) -> Any:
        import docker

        return docker.from_env(timeout=_LOOK_TIMEOUT_S)

    def info(self) -> dict[str, Any]:
        """Return what the daemon says of itself (``GET /info``)."""
        with self._asking():
            found: dict[str, Any] = self._client.info()
        return found

    def image_id(self, image: str) -> str:
        """Return the id of an image that is here; raises NoImage."""
        with self._asking():
            import docker.errors

            try:
                return str(self._client.images.get(image).id)
            except docker.errors.ImageNotFound as error:
                raise NoImage(f"there is no image {image} here") from error

    def pull(self, image: str) -> None:
        """Get an image from where its name says it is.

        Raises NoImage if it cannot be had, EngineUnavailable if the daemon has no room for it.
        """
        refused = None
        with self._asking():
            import docker.errors

            tag = None if _has_tag(image) else "latest"
            try:
                # what goes wrong once it has begun is one of its records
                for record in self._client.api.pull(image, tag=tag, stream=True, decode=True):
                    refused = record.get("error", refused)
            except docker.errors.APIError as error:
                refused = error.explanation
        if refused is None:
            return
        if has_no_room(str(refused)):
            raise EngineUnavailable(
                f"the Docker daemon has no room left for image {image}: {refused}",
                next_step=MAKE_ROOM,
            )
        raise NoImage(f"image {image} cannot be pulled: {refused}")

    def other_machine(self, image: str) -> str:
        """Return the line about an image whose programs cannot run on this machine."""
        its = ""
        with self._asking():
            import docker.errors

            with contextlib.suppress(docker.errors.ImageNotFound):  # deleted meanwhile
                its = str(self._client.images.get(image).attrs.get("Architecture", ""))
            return other_machine(image, its, str(self._client.version()["Arch"]))

    def run(self, image: str, argv: Sequence[str]) -> tuple[int, str]:
        """Run a program in a container of its own; return its exit code and what it said.

        Raises NoImage where there is no such image, or it is for another kind of machine.
        """
        code, said = self._run(image, argv)
        if code and is_for_another_machine(said):
            raise NoImage(self.other_machine(image))
        return code, said

    def _run(self, image: str, argv: Sequence[str]) -> tuple[int, str]:
        with self._asking():
            import docker.errors

            try:
                container = self._client.containers.create(
                    image, entrypoint=list(argv), command=[], network_mode="none"
                )
            except docker.errors.ImageNotFound as error:
                raise NoImage(f"there is no image {image} here") from error
            try:
                container.start()
                code = int(container.wait()["StatusCode"])
                return code, container.logs().decode(errors="replace")
            except docker.errors.APIError as error:
                return 127, str(error.explanation)
            finally:
                with contextlib.suppress(docker.errors.APIError):
                    container.remove(force=True)

    def containers(self, home: str) -> dict[str, Listed]:
        """Return a home's containers by name, ended ones too."""
        with self._asking():
            filters = {"label": f"{HOME_LABEL}={home}"}
            found = self._looking_client.api.containers(all=True, filters=filters)
        return {
            one["Names"][0].lstrip("/"): Listed(
                one["State"], Path(one["Labels"].get(FOLDER_LABEL, ""))
            )
            for one in found
            if one["Names"]
        }

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a container; the same one that is there already stays as it is.

        Parameters
        ----------
        body
            Of ``POST /containers/create``.

        Raises
        ------
        NoImage
        LaunchError
            For what the daemon refuses, and where another one has this name.
        """
        with self._asking():
            import docker.errors

            try:
                self._client.api.create_container_from_config(dict(body), name)
            except docker.errors.APIError as error:
                if error.status_code != 409:
                    raise refusal(error, str(body["Image"])) from error
            else:
                return
        with contextlib.suppress(NoContainer), self._container(name) as container:
            label = container.labels.get(FOLDER_LABEL)
            if label != body["Labels"][FOLDER_LABEL]:
                raise LaunchError(
                    f"a container that is not of this run has its name, {name}",
                    next_step=f"docker rename {name} {name}-old",
                )

    def start(self, name: str, stdin: bytes | None) -> None:
        """Start a container that was created, and give it its standard input, whole.

        Raises
        ------
        NoContainer
        NoImage, LaunchError
            For what the daemon refuses: a program that is not in the image, a GPU it has not.
        """
        import docker.errors

        with self._container(name) as container:
            attached = None
            if stdin is not None:
                attached = container.attach_socket(params={"stdin": 1, "stream": 1})
            try:
                container.start()
                if attached is not None and stdin is not None:
                    _send_all(attached._sock, stdin)
            except docker.errors.APIError as error:
                if error.status_code == 404 and name in str(error.explanation):
                    raise NoContainer(name) from error
                image = str(container.attrs["Config"]["Image"])
                if is_for_another_machine(str(error.explanation)):
                    raise NoImage(self.other_machine(image)) from error
                raise refusal(error, image) from error
            finally:
                if attached is not None:
                    attached._sock.close()
                    attached.close()

    def put(self, name: str, folder: str, file: str, content: bytes) -> None:
        """Write a file into a folder of a container; raises NoContainer."""
        import docker.errors

        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(file)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
        with self._container(name) as container, contextlib.suppress(docker.errors.APIError):
            container.put_archive(folder, buffer.getvalue())

    def state(self, name: str) -> dict[str, Any]:
        """Return all that is known of a container's state: ``OOMKilled``, ``ExitCode`` …

        Raises NoContainer.
        """
        with self._container(name) as container:
            found: dict[str, Any] = container.attrs["State"]
        return found

    def image_of(self, name: str) -> str:
        """Return the name of a container's image; raises NoContainer."""
        with self._container(name) as container:
            return str(container.attrs["Config"]["Image"])

    def words(self, name: str) -> str:
        """Return the last lines that a container's own program has said; raises NoContainer."""
        import docker.errors

        with self._container(name) as container:
            try:
                said: bytes = container.logs(tail=5)
            except docker.errors.APIError:
                return ""  # in the middle of its removal
        return " | ".join(said.decode(errors="replace").split("\n")).strip(" |")[-1000:]

    def resume(self, name: str) -> None:
        """Let a paused container go on; none is there, or it is not paused: that is well."""
        import docker.errors

        refused = contextlib.suppress(docker.errors.APIError)
        with contextlib.suppress(NoContainer), self._container(name) as container, refused:
            container.unpause()

    def kill(self, name: str) -> None:
        """End a container, paused or not; none is there, or it has ended: that is well."""
        import docker.errors

        self.resume(name)
        refused = contextlib.suppress(docker.errors.APIError)
        with contextlib.suppress(NoContainer), self._container(name) as container, refused:
            container.kill()

    def remove(self, name: str) -> bool:
        """Remove a container that does not run; False if it cannot be, or none is there.

        One whose results could not be uploaded is kept for a week, as long as its run is.
        """
        import docker.errors

        with contextlib.suppress(NoContainer), self._container(name) as container:
            if _is_kept(container.attrs):
                return False
            try:
                container.remove(v=True)
            except docker.errors.APIError:
                return False
            return True
        return False

    @contextlib.contextmanager
    def _container(self, name: str) -> Iterator[Any]:
        with self._asking():
            import docker.errors

            try:
                yield self._client.containers.get(name)
            except docker.errors.NotFound as error:
                raise NoContainer(name) from error

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what says that nobody answers into our error, and do not ask again too soon."""
        began = time.monotonic()
        if began < self._silent_until:
            raise EngineUnavailable("the Docker daemon did not answer a moment ago")
        try:
            with _as_unavailable():
                yield
        except EngineUnavailable:
            took_s = time.monotonic() - began
            if took_s > _AT_ONCE_S:
                self._silent_until = time.monotonic() + min(_LONGEST_REST_S, _REST * took_s)
            raise


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    """Turn what says that nobody answers into our error."""
    try:
        import docker.errors
        import requests
    except ImportError as error:
        raise EngineUnavailable(
            "the docker package is not installed",
            next_step="pip install 'jupyter_flotilla[docker]'",
        ) from error
    try:
        yield
    except docker.errors.APIError as error:  # which is a RequestException, too
        if has_no_room(str(error.explanation)):
            raise EngineUnavailable(
                f"the Docker daemon has no room left: {error.explanation}", next_step=MAKE_ROOM
            ) from error
        raise EngineUnavailable(f"the Docker daemon says: {error.explanation}") from error
    except requests.exceptions.RequestException as error:
        raise EngineUnavailable(
            f"the Docker daemon does not answer: {_cause(error)}",
            next_step="start it (systemctl start docker, or Docker Desktop); jobs that run go on",
        ) from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(
            f"there is no Docker daemon: {_cause(error)}",
            next_step="start it (systemctl start docker, or Docker Desktop), or set DOCKER_HOST",
        ) from error


def _cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error)[:200]


def _is_kept(container: Mapping[str, Any]) -> bool:
    state, labels = container["State"], container["Config"]["Labels"] or {}
    folder = labels.get(FOLDER_LABEL)
    if state["ExitCode"] != NOT_UPLOADED or not folder or not Path(folder).exists():
        return False
    ended_at = datetime.fromisoformat(f"{state['FinishedAt'][:19]}+00:00")
    return datetime.now(UTC) - ended_at < _KEPT_FOR


def _send_all(connection: socket.socket, content: bytes) -> None:
    """Send the whole of a standard input and its end.

    A container that does not read it to its end says so by its exit code, and starts anew.
    """
    with contextlib.suppress(OSError):
        connection.settimeout(_LOOK_TIMEOUT_S)  # it may be paused, or have ended
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)


def _has_tag(image: str) -> bool:
    return "@" in image or ":" in image.rpartition("/")[2]
