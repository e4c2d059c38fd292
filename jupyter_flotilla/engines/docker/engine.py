"""The Docker engine: one container an attempt, named by its launch key."""

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from jupyter_flotilla import machine, protocol
from jupyter_flotilla.engines.base import Check, Engine, LaunchOrder
from jupyter_flotilla.engines.docker import creation, deaths
from jupyter_flotilla.engines.docker.daemon import Daemon, Listed, NoContainer, NoImage
from jupyter_flotilla.engines.ecs.prices import fargate_rate
from jupyter_flotilla.engines.job_file import job_file
from jupyter_flotilla.engines.records import ask_to_stop, ended, given_up, going_on
from jupyter_flotilla.engines.runner_app import runner_app
from jupyter_flotilla.engines.secrets import read_secret
from jupyter_flotilla.errors import EngineUnavailable, LaunchError, SecretUnavailable
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import FailureKind, Handle, Observation, Phase
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.stop import SAVE_S, TERM_S
from jupyter_flotilla.model.units import format_size
from jupyter_flotilla.settings import Settings

#: The daemon is asked for its containers at most this often; files are read at every look.
_ASK_EVERY_S = 0.4
#: A container that has not stopped so long after its time is killed from outside.
_OVERDUE_S = 10.0
_LIVES = ("running", "paused", "restarting", "removing")


class DockerEngine(Engine):
    """Runs each job in a container of a Docker daemon on this machine."""

    name = "docker"
    bills = False
    is_here = False
    honours: ClassVar = frozenset({"image", "network", "gpu", "deps", "with_"})

    def __init__(self, settings: Settings, daemon: Daemon | None = None) -> None:
        self._settings = settings
        self._daemon = daemon or Daemon()
        #: What marks the containers of this home.
        self.home_label = hashlib.sha256(str(settings.home).encode()).hexdigest()[:16]
        self._asked_at = -1e9
        self._listed: Mapping[str, Listed] | None = {}

    @property
    def image(self) -> str:
        return self._settings.image or "python:{}.{}-slim".format(*sys.version_info[:2])

    @property
    def place(self) -> str:
        address = self._daemon.address
        return f"{machine.host()} {address}" if address else machine.host()

    def check(self, resources: Resources | None = None) -> Check:
        if self._daemon.address.startswith(("tcp:", "ssh:", "http")):
            return Check(
                ok=False,
                message=f"the daemon at {self._daemon.address} cannot see this machine's folders",
                next_step="unset DOCKER_HOST, to use a daemon of this machine",
            )
        try:
            info = self._daemon.info()
        except EngineUnavailable as error:
            return Check(ok=False, message=error.message, next_step=error.next_step)
        there_is = int(info["MemTotal"]) // 2**20
        asked = (resources.memory_mib if resources else None) or 0
        if asked > there_is:
            return Check(
                ok=False,
                message=f"--memory {format_size(asked)} is more than Docker has "
                f"({format_size(there_is)})",
                next_step=f"--memory {there_is * 9 // 10}M at most, or a larger machine",
            )
        return Check(ok=True, message=f"Docker {info['ServerVersion']} on {machine.host()}")

    def image_digest(self, image: str) -> str:
        try:
            return self._daemon.image_id(image)
        except NoImage:
            pass
        try:
            self._daemon.pull(image)
            return self._daemon.image_id(image)
        except NoImage as error:
            raise EngineUnavailable(str(error), next_step="docker pull, or another --image") from (
                error
            )

    def ask_image(self, image: str, program: str) -> str:
        try:
            code, said = self._daemon.run(image, creation.boot("-c", program))
        except NoImage as error:
            raise EngineUnavailable(str(error)) from error
        if code:
            raise EngineUnavailable(
                f"image {image} cannot run jobs: {said.strip()[-500:]}",
                next_step="--image with Python 3.8 or later in it",
            )
        return said

    def rate(self, resources: Resources) -> Rate | None:
        return fargate_rate(resources, self._settings.region, is_hypothetical=True)

    def launch(self, order: LaunchOrder) -> Handle:
        folder = order.attempt_folder
        name = creation.container_name(order.launch_key)
        handle = Handle(
            engine=self.name, place=self.place, ref=str(folder), detail={"container": name}
        )
        if (folder / protocol.EXIT).exists() or (folder / protocol.STARTED).exists():
            return handle  # has begun, and so is never started again
        try:
            self._start(order, name)
        except NoImage as error:
            _record(folder, FailureKind.IMAGE, str(error))
        except SecretUnavailable as error:
            _record(folder, FailureKind.ENVIRONMENT, str(error))
        except LaunchError as error:
            _record(folder, FailureKind.IMAGE, str(error))
        except EngineUnavailable as error:
            raise LaunchError(error.message, retryable=True, next_step=error.next_step) from error
        self._asked_at = -1e9
        return handle

    def _start(self, order: LaunchOrder, name: str) -> None:
        listed = self._daemon.containers(self.home_label).get(name)
        if listed is not None and listed.state in _LIVES:
            return
        if listed is not None and listed.state != "created":
            self._daemon.remove(name)  # it has ended and had begun nothing
            listed = None
        secrets = {ref.name: read_secret(ref.name, ref.source) for ref in order.spec.secrets}
        folder = order.attempt_folder
        job = job_file(order, creation.LAYOUT)
        protocol.write_json(str(folder / protocol.JOB), job, exclusive=True)
        if listed is None:
            runner = runner_app(self._settings.home / "runner")
            options = creation.options(order, name, runner, self.home_label, self._daemon.info())
            self._daemon.create(order.spec.image or "", **options)
        with contextlib.suppress(NoContainer):  # removed meanwhile: the launch is repeated
            self._daemon.start(name, json.dumps(secrets).encode() if secrets else None)

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        listed = self._containers() if handles else {}
        return [self._observe_safely(handle, listed) for handle in handles]

    def stop(self, handle: Handle, grace_s: float) -> None:
        ask_to_stop(Path(handle.ref), grace_s)

    def tidy(self) -> int:
        """Remove containers whose end is recorded, or whose run is gone."""
        removed = 0
        for name, (state, folder) in self._daemon.containers(self.home_label).items():
            is_told = (folder / protocol.EXIT).exists() or not (folder / protocol.JOB).exists()
            if state in ("exited", "dead") and is_told:
                self._daemon.remove(name)
                removed += 1
        return removed

    def _containers(self) -> Mapping[str, Listed] | None:
        """Return this home's containers; None while the daemon does not answer."""
        if time.monotonic() - self._asked_at >= _ASK_EVERY_S:
            try:
                self._listed = self._daemon.containers(self.home_label)
            except EngineUnavailable:
                self._listed = None
            self._asked_at = time.monotonic()
        return self._listed

    def _observe_safely(self, handle: Handle, listed: Mapping[str, Listed] | None) -> Observation:
        folder = Path(handle.ref)
        try:
            return self._observe(folder, str(handle.detail["container"]), listed)
        except EngineUnavailable:
            return Observation(state="running", phase=Phase.UNCONFIRMED)
        except (KeyError, TypeError, ValueError, OSError) as error:
            # the job itself can write garbage into its folder
            if (folder / protocol.EXIT).exists():
                return given_up(f"How it ended, in {folder}, cannot be read: {error!r}"[:500])
            return Observation(state="running", phase=Phase.UNCONFIRMED)

    def _observe(self, folder: Path, name: str, listed: Mapping[str, Listed] | None) -> Observation:
        if (seen := ended(folder)) is not None:
            return seen
        if (folder / protocol.EXIT).exists():
            return given_up(f"How it ended, in {folder}, is no JSON.")
        if not (folder / protocol.JOB).exists():
            return given_up(f"Its folder {folder} is gone.", FailureKind.LOST)
        if listed is None:  # the daemon is away; its containers may run on
            return going_on(folder).model_copy(update={"phase": Phase.UNCONFIRMED})
        state = listed[name].state if name in listed else "gone"
        if state in _LIVES:
            self._hurry(folder, name)
            return going_on(folder)
        if state == "created" or (state == "gone" and not (folder / protocol.STARTED).exists()):
            return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
        record = deaths.examine(folder, self._daemon, name)
        if record is None:
            return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
        # by whoever is first: a second one reads the same end
        protocol.write_json(str(folder / protocol.EXIT), record, exclusive=True)
        return ended(folder) or given_up(str(record["message"]))

    def _hurry(self, folder: Path, name: str) -> None:
        """Kill what should have stopped long ago: its first process does not do what it should."""
        request = protocol.read_json(str(folder / protocol.STOP_REQUEST))
        if request is None:
            return
        is_due_s = request["grace_s"] + TERM_S + SAVE_S + _OVERDUE_S
        if time.monotonic() - request["monotonic"] > is_due_s:
            self._daemon.kill(name)


def _record(folder: Path, kind: FailureKind, message: str) -> None:
    """Record the end of an attempt that never began."""
    record: dict[str, Any] = {
        "outcome": "failed",
        "failure_kind": kind.value,
        "message": message,
        "ended_at": time.time(),
        "duration_s": 0.0,
    }
    protocol.write_json(str(folder / protocol.EXIT), record, exclusive=True)
