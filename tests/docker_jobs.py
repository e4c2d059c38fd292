"""Runs jobs in containers at the engine's own level, with no store and no dispatcher around it."""

import io
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import witness

from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.docker.creation import container_name
from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.engine import DockerEngine
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Ending, Handle, Observation
from jupyter_flotilla.settings import load_settings


class Killed(BaseException):
    """The launcher is killed here."""


class KilledBefore(Daemon):
    """A daemon whose caller is killed before one of its verbs."""

    def __init__(self, verb: str) -> None:
        super().__init__()
        self._verb = verb

    def create(self, *given: Any) -> None:
        if self._verb == "create":
            raise Killed
        super().create(*given)

    def start(self, name: str, stdin: bytes | None) -> None:
        if self._verb == "start":
            raise Killed
        if self._verb == "send":
            super().start(name, None if stdin is None else b"")  # the system ends what was begun
            raise Killed
        if self._verb == "end of send":
            super().start(name, None if stdin is None else stdin[:70_000])
            raise Killed
        super().start(name, stdin)


class Jobs:
    """Launches jobs and looks at what becomes of them.

    Parameters
    ----------
    image
        Of jobs that name none.
    folder
        Where their folders are made.
    """

    def __init__(self, image: str, folder: Path) -> None:
        self.daemon = Daemon()
        self.engine = self.another_engine()
        self._image = image
        self._folder = folder

    def another_engine(self, daemon: Daemon | None = None) -> DockerEngine:
        """Return an engine of the same home, as another process has it."""
        return DockerEngine(load_settings(), daemon or Daemon())

    def order(self, *command: str, **fields: Any) -> LaunchOrder:
        """Return the order of a command, of a shell script if it is one word.

        ``max_cost_usd`` and ``rate`` are the order's fields, all others the spec's.
        """
        of_order = {name: fields.pop(name, None) for name in ("max_cost_usd", "rate")}
        argv = command if len(command) > 1 else ("sh", "-c", *command)
        given: dict[str, Any] = {
            "kind": "command",
            "name": "job",
            "command": argv,
            "cwd": "/nowhere",
            "own_cwd": True,
            "interpreter": "python3",
            "engine": "docker",
            "place": self.engine.place,
            "image": self._image,
        }
        spec = JobSpec(**(given | fields))
        run_id = f"r{uuid.uuid4().hex[:12]}"
        for name in ("input", "attempt"):
            (self._folder / run_id / name).mkdir(parents=True)
        return LaunchOrder(
            run_id=run_id,
            launch_key=f"{run_id}-1",
            spec=spec,
            resources=spec.resources,
            input_folder=self._folder / run_id / "input",
            attempt_folder=self._folder / run_id / "attempt",
            **of_order,
        )

    def handle(self, order: LaunchOrder) -> Handle:
        """Return the handle that an order's launch returns, without launching it."""
        return Handle(
            engine=self.engine.name,
            place=self.engine.place,
            ref=str(order.attempt_folder),
            detail={"container": name_of_order(order)},
        )

    def launch(self, *command: str, **fields: Any) -> Handle:
        """Launch a command, see `order`."""
        return self.engine.launch(self.order(*command, **fields))

    def run(self, *command: str, **fields: Any) -> Ending:
        """Launch a command and return how it ended."""
        return self.end(self.launch(*command, **fields))

    def look(self, handle: Handle) -> Observation:
        """Poll one handle."""
        [seen] = self.engine.poll([handle])
        return seen

    def until(self, handle: Handle, is_so: Callable[[Observation], Any]) -> Observation:
        """Poll one handle until something is true of it."""

        def seen() -> Observation | None:
            found = self.look(handle)
            return found if is_so(found) else None

        found: Observation = witness.until(seen, "what is polled")
        return found

    def end_with_repeats(self, handle: Handle, order: LaunchOrder) -> Observation:
        """Follow an attempt as a dispatcher does: what is unconfirmed is launched again."""

        def look() -> Observation | None:
            seen = self.look(handle)
            if seen.state == "unconfirmed":
                self.engine.launch(order)
            return seen if seen.state == "ended" else None

        seen: Observation = witness.until(look, "the end")
        return seen

    def begin(self, *command: str, **fields: Any) -> Handle:
        """Launch a script and return when it has made a file ``ready`` in its folder."""
        handle = self.launch(*command, **fields)
        witness.until((work(handle) / "ready").exists, "the script is ready")
        return handle

    def end(self, handle: Handle) -> Ending:
        """Poll one handle to its end."""
        ending = self.until(handle, lambda seen: seen.state == "ended").ending
        assert ending is not None
        return ending

    def inspect(self, handle: Handle) -> dict[str, Any]:
        """Return what the daemon says of a handle's container."""
        found: dict[str, Any] = self.daemon._client.api.inspect_container(name_of(handle))
        return found

    def remove_all(self) -> None:
        """Remove every container of this home, whatever it does."""
        for name in self.daemon.containers(self.engine.home_label):
            docker("rm", "-f", name)


def name_of(handle: Handle) -> str:
    """Return the name of a handle's container."""
    return str(handle.detail["container"])


def name_of_order(order: LaunchOrder) -> str:
    """Return the name that an order's container has or would have."""
    return container_name(order.launch_key)


def work(handle: Handle) -> Path:
    """Return the working directory of a job, as it is seen from here."""
    return Path(handle.ref) / "work"


def docker(*words: str) -> str:
    """Run a docker command and return what it printed."""
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return ran.stdout


def image_with(image: str, files: Mapping[str, str | bytes], changes: Sequence[str] = ()) -> str:
    """Return the id of an image made of another one.

    Parameters
    ----------
    files
        What is added by path; all can be executed.
    changes
        Lines of a Dockerfile.
    """
    import docker as sdk

    api = sdk.from_env().api
    container = api.create_container(image, command=["nothing"])["Id"]
    try:
        api.put_archive(container, "/", archive(files))
        return str(api.commit(container, changes=list(changes))["Id"])
    finally:
        api.remove_container(container)
        api.close()


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Return a tar archive of files that can all be executed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
