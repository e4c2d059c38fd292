"""The daemon: what it says of itself, its images and our containers. All of the Docker SDK is here.

Source: Docker Engine API 1.41, docs.docker.com/engine/api/v1.41, read 2026-11.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_flotilla.errors import EngineUnavailable, LaunchError

#: Labels of each container: the home that it belongs to, and its attempt's folder here.
HOME_LABEL = "flotilla.home"
FOLDER_LABEL = "flotilla.folder"
_TIMEOUT_S = 60
_DEFAULT_SOCKET = "unix:///var/run/docker.sock"


class Listed(NamedTuple):
    """A container of ours, at one look."""

    #: created, running, paused, restarting, removing, exited or dead.
    state: str
    #: Its attempt's folder.
    folder: Path


class NoContainer(Exception):
    """There is no container of that name."""


class NoImage(Exception):
    """The daemon has no image of that name, and cannot get it; the message says why."""


class Daemon:
    """A daemon, spoken to when it is needed. Methods raise EngineUnavailable if it is not there."""

    @property
    def address(self) -> str:
        """Where it listens, as ``DOCKER_HOST`` says it; empty: where daemons do by default."""
        address = os.environ.get("DOCKER_HOST", "")
        return "" if address == _DEFAULT_SOCKET else address

    @cached_property
    def _client(self) -> Any:
        import docker

        return docker.from_env(timeout=_TIMEOUT_S)

    def info(self) -> dict[str, Any]:
        """Return what the daemon says of itself (``GET /info``)."""
        with _as_unavailable():
            found: dict[str, Any] = self._client.info()
        return found

    def image_id(self, image: str) -> str:
        """Return the id of an image that is here; raises NoImage."""
        import docker.errors

        with _as_unavailable():
            try:
                return str(self._client.images.get(image).id)
            except docker.errors.ImageNotFound as error:
                raise NoImage(f"there is no image {image} here") from error

    def pull(self, image: str) -> None:
        """Get an image from where its name says it is; raises NoImage."""
        import docker.errors

        with _as_unavailable():
            try:
                self._client.images.pull(image, tag=None if _has_tag(image) else "latest")
            except docker.errors.APIError as error:
                raise NoImage(f"image {image} cannot be pulled: {error.explanation}") from error

    def run(self, image: str, argv: Sequence[str]) -> tuple[int, str]:
        """Run a program in a container of its own; return its exit code and what it said."""
        import docker.errors

        with _as_unavailable():
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
        with _as_unavailable():
            filters = {"label": f"{HOME_LABEL}={home}"}
            found = self._client.api.containers(all=True, filters=filters)
        return {
            one["Names"][0].lstrip("/"): Listed(
                one["State"], Path(one["Labels"].get(FOLDER_LABEL, ""))
            )
            for one in found
            if one["Names"]
        }

    def create(self, image: str, **options: Any) -> None:
        """Create a container; one of that name that is there already stays as it is.

        Raises
        ------
        NoImage
        LaunchError
            For what the daemon refuses.
        """
        import docker.errors

        with _as_unavailable():
            try:
                self._client.containers.create(image, **options)
            except docker.errors.ImageNotFound as error:
                raise NoImage(f"there is no image {image} here") from error
            except docker.errors.APIError as error:
                if error.status_code != 409:
                    raise _refused(error) from error

    def start(self, name: str, stdin: bytes | None) -> None:
        """Start a container that was created, and give it its standard input, whole.

        Raises
        ------
        NoContainer
        LaunchError
            For what the daemon refuses: a program that is not in the image, a GPU it has not.
        """
        import docker.errors

        with self._container(name) as container:
            socket = None
            if stdin is not None:
                socket = container.attach_socket(params={"stdin": 1, "stream": 1})
            try:
                container.start()
                if socket is not None:
                    socket._sock.sendall(stdin)
            except docker.errors.APIError as error:
                raise _refused(error) from error
            finally:
                if socket is not None:
                    socket._sock.close()  # which ends the container's input, too

    def state(self, name: str) -> dict[str, Any]:
        """Return all that is known of a container's state: ``OOMKilled``, ``ExitCode`` …

        Raises NoContainer.
        """
        with self._container(name) as container:
            found: dict[str, Any] = container.attrs["State"]
        return found

    def words(self, name: str) -> str:
        """Return the last lines that a container's own program has said; raises NoContainer."""
        with self._container(name) as container:
            said: bytes = container.logs(tail=5)
        return " | ".join(said.decode(errors="replace").split("\n")).strip(" |")[-1000:]

    def kill(self, name: str) -> None:
        """End a container, paused or not; none is there, or it has ended: that is well."""
        import docker.errors

        with contextlib.suppress(NoContainer), self._container(name) as container:
            with contextlib.suppress(docker.errors.APIError):
                container.unpause()
            with contextlib.suppress(docker.errors.APIError):
                container.kill()

    def remove(self, name: str) -> None:
        """Remove a container that does not run; none is there: that is well."""
        import docker.errors

        gone = (NoContainer, docker.errors.APIError)
        with contextlib.suppress(*gone), self._container(name) as container:
            container.remove(v=True)

    @contextlib.contextmanager
    def _container(self, name: str) -> Iterator[Any]:
        import docker.errors

        with _as_unavailable():
            try:
                yield self._client.containers.get(name)
            except docker.errors.NotFound as error:
                raise NoContainer(name) from error


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
    except requests.exceptions.RequestException as error:
        raise EngineUnavailable(
            f"the Docker daemon does not answer: {_cause(error)}",
            next_step="start it (systemctl start docker, or Docker Desktop); jobs that run go on",
        ) from error
    except docker.errors.APIError as error:
        raise EngineUnavailable(f"the Docker daemon says: {error.explanation}") from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(
            f"there is no Docker daemon: {_cause(error)}",
            next_step="start it (systemctl start docker, or Docker Desktop), or set DOCKER_HOST",
        ) from error


def _cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error)[:200]


def _refused(error: Any) -> LaunchError:
    return LaunchError(f"Docker refuses: {error.explanation}", retryable=False)


def _has_tag(image: str) -> bool:
    return "@" in image or ":" in image.rpartition("/")[2]
