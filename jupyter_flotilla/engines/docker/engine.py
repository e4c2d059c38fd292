"""The Docker engine: one container an attempt, named by its launch key."""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from jupyter_flotilla import machine, protocol
from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.engines.base import Check, Engine, LaunchOrder, too_much_memory
from jupyter_flotilla.engines.boot import boot
from jupyter_flotilla.engines.docker import creation, deaths
from jupyter_flotilla.engines.docker.daemon import LIVES, Daemon, Listed, NoContainer
from jupyter_flotilla.engines.docker.refusals import NoImage
from jupyter_flotilla.engines.ecs.prices import PriceList, fargate_rate, load_prices
from jupyter_flotilla.engines.job_file import job_file
from jupyter_flotilla.engines.job_keys import federated_keys
from jupyter_flotilla.engines.records import (
    ask_to_stop,
    ended,
    ending_record,
    given_up,
    going_on,
)
from jupyter_flotilla.engines.remote import (
    LAYOUT,
    Remote,
    is_sent,
    start_program,
)
from jupyter_flotilla.engines.runner_app import runner_app
from jupyter_flotilla.engines.secrets import read_secret
from jupyter_flotilla.errors import (
    EngineUnavailable,
    FlotillaError,
    LaunchError,
    SecretUnavailable,
    UsageError,
)
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import FailureKind, Handle, Observation, Phase
from jupyter_flotilla.model.resources import Arch, Resources
from jupyter_flotilla.model.stop import SAVE_S, TERM_S
from jupyter_flotilla.settings import Settings

#: The daemon is asked for its containers at most this often; files are read at every look.
_ASK_EVERY_S = 0.4
#: A container that has not stopped so long after its time is killed from outside.
_OVERDUE_S = 10.0
#: What a container that was stopped gets to upload what it has.
_UPLOAD_S = 300.0
#: How often a container that has not heard of a request to stop is told again.
_TELL_EVERY_S = 1.0
#: A container that ends again and again before anything has begun is started so often at most.
_MAX_STARTS = 20


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
        #: Buckets of jobs, once they were needed.
        self._remotes: dict[Bucket, Remote] = {}
        #: Container → when it was last told of a request to stop.
        self._told_at: dict[str, float] = {}
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
        lacks = too_much_memory(resources, int(info["MemTotal"]) // 2**20, "Docker")
        if lacks is not None:
            return lacks
        return Check(ok=True, message=f"Docker {info['ServerVersion']} on {machine.host()}")

    def check_files(self) -> None:
        if (remote := self._remote(self.bucket)) is not None:
            remote.check()

    @property
    def bucket(self) -> Bucket | None:
        if self._settings.artifacts is None:
            return None
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        return Bucket(url=self._settings.artifacts, region=self._settings.region, endpoint=endpoint)

    def _remote(self, bucket: Bucket | None) -> Remote | None:
        """Return the bucket that a job's files go through; None: its folders are mounted."""
        if bucket is not None and bucket not in self._remotes:
            self._remotes[bucket] = Remote(s3_of(bucket), bucket, federated_keys(bucket))
        return None if bucket is None else self._remotes[bucket]

    @property
    def notes(self) -> tuple[str, ...]:
        if self.bucket is None:
            return ()
        return ("files go through a bucket: a job's keys end after 36 h",)

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

    def ask_image(self, image: str, program: str, arch: Arch = "x86_64") -> str:
        try:
            code, said = self._daemon.run(image, boot("-c", program))
        except NoImage as error:
            raise EngineUnavailable(str(error)) from error
        if code:
            raise EngineUnavailable(
                f"image {image} cannot run jobs: {said.strip()[-500:]}",
                next_step="--image with Python 3.8 or later in it",
            )
        return said

    def rate(self, resources: Resources) -> Rate | None:
        return fargate_rate(
            resources, self._settings.region, is_hypothetical=True, prices=self._prices
        )

    @cached_property
    def _prices(self) -> PriceList:
        return load_prices(self._settings.home)

    def launch(self, order: LaunchOrder) -> Handle:
        folder = order.attempt_folder
        name = creation.container_name(order.launch_key)
        bucket = order.spec.bucket
        detail = {
            "container": name,
            "run_id": order.run_id,
            "launch_key": order.launch_key,
            "bucket": None if bucket is None else bucket.model_dump(),
        }
        handle = Handle(engine=self.name, place=self.place, ref=str(folder), detail=detail)
        if (folder / protocol.EXIT).exists() or (folder / protocol.STARTED).exists():
            return handle  # has begun, and so is never started again
        try:
            self._start(order, name)
        except NoContainer:
            pass  # removed meanwhile: the launch is repeated
        except NoImage as error:
            _record(folder, FailureKind.IMAGE, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        except SecretUnavailable as error:
            _record(folder, FailureKind.ENVIRONMENT, str(error))
        except LaunchError as error:
            if error.retryable:
                raise
            _record(folder, FailureKind.ENVIRONMENT, str(error))
        except UsageError as error:  # of its input: the same at every try
            _record(folder, FailureKind.ENVIRONMENT, str(error))
        except FlotillaError as error:
            raise LaunchError(error.message, retryable=True, next_step=error.next_step) from error
        self._asked_at = -1e9
        return handle

    def _start(self, order: LaunchOrder, name: str) -> None:
        folder = order.attempt_folder
        listed = self._daemon.containers(self.home_label).get(name)
        if listed is not None and listed.state in LIVES:
            return
        secrets = {ref.name: read_secret(ref.name, ref.source) for ref in order.spec.secrets}
        runner = runner_app(self._settings.home / "runner")
        remote = self._remote(order.spec.bucket)
        layout = creation.LAYOUT if remote is None else LAYOUT
        # a container outlives any dispatcher, and cannot start one
        job = job_file(replace(order, keeper=None), layout, self._settings.checkpoint_every_s)
        protocol.write_json(str(folder / protocol.JOB), job, exclusive=True)
        if (folder / protocol.STOP_REQUEST).exists():
            return  # cancelled before it began: told at the next poll
        if _starts(folder) >= _MAX_STARTS:
            message = f"Its container ended {_MAX_STARTS} times before the job began."
            with contextlib.suppress(NoContainer):
                message += f" It said: {self._daemon.words(name)}"
            _record(folder, FailureKind.ENVIRONMENT, message)
            return
        if listed is not None and listed.state != "created":
            self._daemon.remove(name)  # it has ended and had begun nothing
            listed = None
        said: dict[str, Any] = {"secrets": secrets} if secrets else {}
        if remote is not None:
            place = remote.send(order, runner)
            if place is None:
                return  # started at a later look
            said["s3"] = place
        if listed is None:
            program = None if remote is None else start_program()
            body = creation.body(order, runner, self.home_label, self._daemon.info(), program)
            self._daemon.create(name, body)
        _count_start(folder)
        self._daemon.start(name, json.dumps(said).encode() if said else None)

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        listed = self._containers() if handles else {}
        seen = []
        for handle in handles:
            try:
                seen.append(self._observe_safely(handle, listed))
            except EngineUnavailable:
                listed = self._listed = None  # it went away just now: do not ask for each
                seen.append(self._observe_safely(handle, listed))
        return seen

    def stop(self, handle: Handle, grace_s: float) -> None:
        ask_to_stop(Path(handle.ref), grace_s)
        self._told_at.pop(handle.detail["container"], None)

    def tidy(self) -> int:
        """Remove containers whose end is recorded, or whose run is gone."""
        removed = 0
        for name, (state, folder) in self._daemon.containers(self.home_label).items():
            is_told = (folder / protocol.EXIT).exists() or not (folder / protocol.JOB).exists()
            if state not in LIVES and is_told:
                removed += self._daemon.remove(name)
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

    def _through_s3(
        self, handle: Handle, remote: Remote, listed: Mapping[str, Listed]
    ) -> Observation | None:
        """See to it that an attempt's folder is as its container's; None: it is, so look there."""
        folder, name = Path(handle.ref), str(handle.detail["container"])
        lives = name in listed and listed[name].state in LIVES
        if lives and is_sent(folder):
            self._tell_of_stop(folder, name)
        return remote.follow(handle, lives=lives, was_started=_starts(folder) > 0)

    def _tell_of_stop(self, folder: Path, name: str) -> None:
        """Bring a request to stop into a container that sees nothing of this machine."""
        is_asked = (folder / protocol.STOP_REQUEST).exists()
        is_heard = not is_asked or (folder / protocol.STOP).exists()
        if is_heard or time.monotonic() - self._told_at.get(name, -1e9) < _TELL_EVERY_S:
            return
        self._told_at[name] = time.monotonic()
        content = (folder / protocol.STOP_REQUEST).read_bytes()
        with contextlib.suppress(NoContainer):
            self._daemon.put(name, LAYOUT.attempt, protocol.STOP_REQUEST, content)

    def _remote_of(self, handle: Handle) -> Remote | None:
        found = handle.detail.get("bucket")
        return self._remote(None if found is None else Bucket.model_validate(found))

    def _observe_safely(self, handle: Handle, listed: Mapping[str, Listed] | None) -> Observation:
        folder = Path(handle.ref)
        try:
            remote = self._remote_of(handle)
            if remote is not None and listed is not None:
                seen = self._through_s3(handle, remote, listed)
                if seen is not None:
                    return seen
            return self._observe(folder, str(handle.detail["container"]), listed)
        except NoContainer:
            return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
        except (KeyError, TypeError, ValueError, OSError) as error:
            # the job itself can write garbage into its folder; a full disk passes
            one = (listed or {}).get(str(handle.detail["container"]))
            is_over = listed is not None and (one is None or one.state not in LIVES)
            is_garbage = is_over and not isinstance(error, OSError)
            if is_garbage or (folder / protocol.EXIT).exists():
                return given_up(f"How it ended, in {folder}, cannot be read: {error!r}"[:500])
            return Observation(state="running", phase=Phase.UNCONFIRMED)

    def _observe(self, folder: Path, name: str, listed: Mapping[str, Listed] | None) -> Observation:
        if (seen := ended(folder)) is not None:
            return seen
        if (folder / protocol.EXIT).exists():
            # it may have come just now
            return ended(folder) or given_up(f"How it ended, in {folder}, is no JSON.")
        if not (folder / protocol.JOB).exists():
            return given_up(f"Its folder {folder} is gone.", FailureKind.LOST)
        if listed is None:  # the daemon is away; its containers may run on
            return going_on(folder).model_copy(update={"phase": Phase.UNCONFIRMED})
        state = listed[name].state if name in listed else "gone"
        request = protocol.read_json(str(folder / protocol.STOP_REQUEST))
        if state in LIVES:
            if request is not None:
                self._hurry(request, name, state, _UPLOAD_S if is_sent(folder) else 0.0)
            return going_on(folder)
        if state in ("created", "gone") and not (folder / protocol.STARTED).exists():
            if request is None:
                return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
            record = ending_record("cancelled", "Cancelled before it began.")
        elif (found := deaths.examine(folder, self._daemon, name)) is not None:
            record = found
        else:
            return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
        # by whoever is first: a second one reads the same end
        protocol.write_json(str(folder / protocol.EXIT), record, exclusive=True)
        return ended(folder) or given_up(str(record["message"]))

    def _hurry(self, request: dict[str, Any], name: str, state: str, upload_s: float) -> None:
        """Help a stop: whoever pauses a job cannot keep it from ending."""
        if state == "paused":
            self._daemon.resume(name)
        is_due_s = request["grace_s"] + TERM_S + SAVE_S + upload_s + _OVERDUE_S
        if time.monotonic() - request["monotonic"] > is_due_s:
            self._daemon.kill(name)  # its first process does not do what it should


def _starts(folder: Path) -> int:
    counted = folder / protocol.SUPERVISOR_STARTS
    return counted.stat().st_size if counted.exists() else 0


def _count_start(folder: Path) -> None:
    with (
        contextlib.suppress(OSError),
        protocol.open_private(str(folder / protocol.SUPERVISOR_STARTS), "ab") as file,
    ):
        file.write(b".")


def _record(folder: Path, kind: FailureKind, message: str) -> None:
    """Record the end of an attempt that never began; not where another launcher was luckier."""
    if not (folder / protocol.STARTED).exists():
        record = ending_record("failed", message, kind.value)
        protocol.write_json(str(folder / protocol.EXIT), record, exclusive=True)
