"""Jobs whose input and output go through S3: what a launch sends, and what a look brings back."""

import base64
import hashlib
import os
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts.s3 import S3Artifacts, Synced
from jupyter_flotilla.artifacts.s3_errors import is_of_keys
from jupyter_flotilla.bootstrap.start import LAYER, RUNNER
from jupyter_flotilla.engines.base import LaunchOrder, Save
from jupyter_flotilla.engines.job_file import in_container
from jupyter_flotilla.engines.job_keys import MakeKeys, attempt_policy
from jupyter_flotilla.engines.records import ending_record, going_on
from jupyter_flotilla.engines.runner_app import zipapp
from jupyter_flotilla.errors import ArtifactsUnavailable, FlotillaError
from jupyter_flotilla.model.attempt import number_of
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import Handle, Observation, Phase, Progress
from jupyter_flotilla.model.units import format_bytes
from jupyter_flotilla.protocol import EXIT, JOB, STOP_REQUEST, read_json, write_json

#: Where a container has its job; no other folder can be made in every image by every user.
ROOM = "/tmp/flotilla"
LAYOUT = replace(
    in_container(ROOM, runner=f"input/{RUNNER}"), restored=f"{ROOM}/earlier/checkpoint.1"
)
#: Seconds between two looks for what an attempt has written, by its age: as often as its container
#: uploads (`runner.upload`), since each look is paid for as well.
_SYNC_EVERY_S = ((60.0, 1.5), (600.0, 5.0), (3600.0, 15.0), (float("inf"), 30.0))
#: How long it is tried to bring what an ended container has written.
_PATIENCE_S = 600.0
#: Keys of one job live so long at most (docs.aws.amazon.com/STS/latest/APIReference/
#: API_GetFederationToken.html, read 2026-11).
_KEYS_S = 36 * 3600
_SHORTEST_KEYS_S = 900
_START = """\
import base64, os, sys, tempfile
path = os.path.join(tempfile.mkdtemp(), "start.pyz")
open(path, "wb").write(base64.b64decode("{app}"))
os.execv(sys.executable, [sys.executable, path])
"""
_MAIN = "import sys\nfrom bootstrap.start import main\nsys.exit(main())\n"


_PROBE_MAIN = "import sys\nfrom bootstrap.probe import main\nsys.exit(main({program!r}))\n"


def start_program() -> str:
    """Return the program that prepares a container: Python 3.8, standard library only."""
    return _START.format(app=base64.b64encode(_app(_MAIN)).decode())


def probe_program(program: str) -> str:
    """Return the program of a container that tells what another program prints in it."""
    app = _app(_PROBE_MAIN.format(program=program))
    return _START.format(app=base64.b64encode(app).decode())


@cache
def _app(main: str) -> bytes:
    sources = sorted((Path(__file__).parents[1] / "bootstrap").glob("*.py"))
    files = {f"bootstrap/{path.name}": path.read_text(encoding="utf-8") for path in sources}
    return zipapp({**files, "__main__.py": main}, zipfile.ZIP_DEFLATED)


class _Abandoned(Exception):
    """Nobody wants what is being uploaded any more."""


@dataclass(slots=True)
class Sending:
    """An upload that goes on, or has ended; what it makes is `bootstrap.start`'s place."""

    future: "Future[dict[str, Any]]"
    done_bytes: int = 0
    all_bytes: int = 0
    #: Set where it is to end as soon as it can.
    is_unwanted: bool = False

    def note(self, done: int, total: int) -> None:
        """Take note of how far it is; raises where nobody wants it any more."""
        self.done_bytes, self.all_bytes = done, total
        if self.is_unwanted:
            raise _Abandoned

    def observation(self) -> Observation:
        """Return what is to be said of it."""
        progress = None
        if self.all_bytes:  # else it is still being read
            size = format_bytes(self.all_bytes)
            progress = Progress(done=self.done_bytes, total=self.all_bytes, message=size)
        return Observation(state="pending", phase=Phase.UPLOADING, progress=progress)


class Remote:
    """The bucket of an engine's jobs.

    Parameters
    ----------
    keys
        Returns AWS variables by which a job reaches its own attempt and nothing else, from a
        policy; None: its container has a role of its own.
    hurry_s
        Seconds that a container which is stopped has for its last uploads; None: the usual.
    prints
        Whether containers print what their job says: where somebody keeps that.
    """

    def __init__(
        self,
        artifacts: S3Artifacts,
        bucket: Bucket,
        keys: MakeKeys | None,
        hurry_s: float | None = None,
        *,
        prints: bool = False,
    ) -> None:
        self._artifacts = artifacts
        self._bucket = bucket
        self._keys = keys
        self._hurry_s = hurry_s
        self._prints = prints
        # apart: long uploads must not keep what jobs write from coming here
        self._uploads = ThreadPoolExecutor(2, thread_name_prefix="flotilla-to-s3")
        self._looking = ThreadPoolExecutor(4, thread_name_prefix="flotilla-from-s3")
        self._lock = threading.Lock()
        self._sending: dict[str, Sending] = {}
        #: Launch key → when its last look was first asked for, and the look that goes on.
        self._last: dict[str, tuple[float, Future[Synced]]] = {}
        #: Launch key → when it was first looked for, and when it is due again.
        self._looks: dict[str, tuple[float, float]] = {}

    def check(self) -> None:
        """Raise ArtifactsUnavailable if the bucket cannot be used, or no job can get its keys."""
        self._artifacts.check()
        if self._keys is not None:
            self._keys(self._policy("r000000000000", 1, None), _SHORTEST_KEYS_S)

    def send(self, order: LaunchOrder, runner: Path) -> dict[str, Any] | None:
        """Upload what an attempt needs, in the background; return what its container is told.

        None: it is not done yet.

        Raises
        ------
        FlotillaError, OSError
            Why the last upload failed; the next call begins another.
        """
        sending = self._begun(order, runner)
        if not sending.future.done():
            return None
        with self._lock:
            self._sending.pop(order.launch_key, None)
        return sending.future.result()

    def when_sent(self, order: LaunchOrder, runner: Path, then: Callable[[], object]) -> None:
        """Begin to upload what an attempt needs, and call somebody once `send` has an answer."""
        self._begun(order, runner).future.add_done_callback(lambda _: then())

    def tell_of_stop(self, handle: Handle) -> None:
        """Bring a request to stop to where the container looks as it is stopped.

        Raises
        ------
        ArtifactsUnavailable, OSError
        """
        content = (Path(handle.ref) / STOP_REQUEST).read_bytes()
        number = number_of(handle.detail["launch_key"])
        self._artifacts.put_stop_request(handle.detail["run_id"], number, content)

    def lease(self, run_id: str, number: int) -> dict[str, Any] | None:
        """See `S3Artifacts.lease`."""
        return self._artifacts.lease(run_id, number)

    def _begun(self, order: LaunchOrder, runner: Path) -> Sending:
        with self._lock:
            known = self._sending.get(order.launch_key)
            if known is None:
                known = self._sending[order.launch_key] = Sending(Future())
                self._uploads.submit(self._upload, known, order, runner)
        return known

    def _going_on(self, launch_key: str) -> Sending | None:
        known = self._sending.get(launch_key)
        return None if known is None or known.future.done() else known

    def _place(self, order: LaunchOrder, sent: Mapping[str, str]) -> dict[str, Any]:
        """Return what `bootstrap.start` needs, with keys that are this attempt's alone."""
        number = number_of(order.launch_key)
        place = self.whole_place(order, sent)
        if self._keys is not None:
            policy = self._policy(order.run_id, number, sent.get("restore"))
            place["keys"] = dict(self._keys(policy, _KEYS_S))
        return place

    def whole_place(self, order: LaunchOrder, sent: Mapping[str, str]) -> dict[str, Any]:
        """Return what `bootstrap.start` needs, for whoever has AWS keys by itself.

        Parameters
        ----------
        sent
            Digests of what is in the bucket.
        """
        place = {**self.bare_place(order.run_id, number_of(order.launch_key)), **sent}
        if self._hurry_s is not None:
            place["hurry_s"] = self._hurry_s
        if self._prints:
            place["prints"] = True
        return place

    def bare_place(self, run_id: str, number: int) -> dict[str, Any]:
        """Return where an attempt's files are, for whoever has AWS keys by itself."""
        return {
            "bucket": self._artifacts.bucket,
            "prefix": self._artifacts.run_prefix(run_id),
            "attempt": f"attempts/{number}",
            "region": self._bucket.region,
            "endpoint": self._bucket.endpoint,
            "room": ROOM,
        }

    def _policy(self, run_id: str, number: int, earlier: str | None) -> dict[str, Any]:
        run = self._artifacts.run_prefix(run_id)
        name = self._artifacts.bucket
        return attempt_policy(self._bucket.region, name, run, number, earlier)

    def follow(self, handle: Handle, *, lives: bool, was_started: bool) -> Observation | None:
        """See to it that an attempt's folder here is as the job's own; None: it is as it can be.

        Parameters
        ----------
        lives
            Whether its container does.
        was_started
            Whether it ever was: else nothing can come from it.
        """
        folder, launch_key = Path(handle.ref), str(handle.detail["launch_key"])
        is_unwanted = (folder / STOP_REQUEST).exists()
        if (sending := self._going_on(launch_key)) is not None:
            sending.is_unwanted = is_unwanted
            return None if is_unwanted else sending.observation()
        if not is_sent(folder) or (folder / EXIT).exists():
            return None
        where = (str(handle.detail["run_id"]), number_of(launch_key), folder)
        if lives:
            self._sync_if_due(*where)
            return None
        return self._last_look(*where, is_unwanted) if was_started else None

    def _last_look(
        self, run_id: str, number: int, folder: Path, is_unwanted: bool
    ) -> Observation | None:
        """Bring all that an attempt has written whose container has ended; None: all is here."""
        key, at = f"{run_id}-{number}", time.monotonic()
        with self._lock:
            asked_at, look = self._last.get(key, (at, None))
            error = look.exception() if look is not None and look.done() else None
            if look is not None and look.done() and error is None:
                del self._last[key]
                self._looks.pop(key, None)
                return None
            if look is None or error is not None:
                look = self._looking.submit(self._artifacts.sync_attempt, run_id, number, folder)
                self._last[key] = (asked_at, look)
        is_lasting = is_unwanted or at - asked_at > _PATIENCE_S
        if error is not None and is_lasting and not _mends_itself(error):
            outcome, kind = ("cancelled", None) if is_unwanted else ("failed", "lost")
            message = f"It has ended, and what it wrote cannot be fetched: {error}"
            write_json(str(folder / EXIT), ending_record(outcome, message, kind), exclusive=True)
            return None
        return going_on(folder).model_copy(update={"phase": Phase.SAVING})

    def _sync_if_due(self, run_id: str, number: int, folder: Path) -> None:
        """Bring what an attempt has written by now, in the background."""
        key, at = f"{run_id}-{number}", time.monotonic()
        with self._lock:
            first_at, due_at = self._looks.get(key, (at, at))
            if at < due_at:
                return
            self._looks[key] = (first_at, float("inf"))  # one at a time
        self._looking.submit(self._sync, key, run_id, number, folder)

    def _sync(self, key: str, run_id: str, number: int, folder: Path) -> None:
        try:
            with suppress(FlotillaError, OSError):  # the next look tries again
                self._artifacts.sync_attempt(run_id, number, folder)
        finally:
            first_at, at = self._looks[key][0], time.monotonic()
            pause_s = next(every for until, every in _SYNC_EVERY_S if at - first_at < until)
            self._looks[key] = (first_at, at + pause_s)

    def _upload(self, sending: Sending, order: LaunchOrder, runner: Path) -> None:
        try:
            sending.future.set_result(self._sent(sending, order, runner))
        except BaseException as error:
            sending.future.set_exception(error)

    def _sent(self, sending: Sending, order: LaunchOrder, runner: Path) -> dict[str, Any]:
        """Upload what is not there yet; return what the container is told."""
        done = read_json(str(order.attempt_folder / _SENT))
        if done is None:
            add_programs(order, runner)
            sent = self._artifacts.upload_folder(order.run_id, order.input_folder, sending.note)
            # as the first launcher wrote it: another would write other bytes
            job = (order.attempt_folder / JOB).read_bytes()
            self._artifacts.put_job(order.run_id, number_of(order.launch_key), job)
            done = {
                "input_sha256": sent.manifest_sha256,
                "job_sha256": hashlib.sha256(job).hexdigest(),
            }
            if order.restore is not None:
                done["restore"] = self._save_prefix(order, order.restore, sending)
            write_json(str(order.attempt_folder / _SENT), done)
        return self._place(order, done)

    def _save_prefix(self, order: LaunchOrder, save: Save, sending: Sending) -> str:
        """Return the prefix of what an attempt goes on from; a save of this machine is sent."""
        if save.is_in_bucket:
            self._artifacts.bring_back_save(save.run_id, save.number)
            return self._artifacts.attempt_prefix(save.run_id, save.number).rstrip("/")
        number = number_of(order.launch_key)
        return self._artifacts.put_save(order.run_id, number, save.path, sending.note)


#: In an attempt's folder here: that its input is in S3, and the digests of it.
_SENT = ".sent.json"


def _mends_itself(error: BaseException) -> bool:
    """Say whether it is the user's next login that is missing, and nothing is lost."""
    return isinstance(error, ArtifactsUnavailable) and is_of_keys(error)


def is_sent(folder: Path) -> bool:
    """Say whether an attempt's input is in S3, whole."""
    return read_json(str(folder / _SENT)) is not None


def note_sent(folder: Path) -> None:
    """Note that an attempt's input was sent by somebody else."""
    write_json(str(folder / _SENT), {"by": "another"})


def is_sent_by_another(folder: Path) -> bool:
    """Say whether somebody else has sent an attempt's input: it is not to be launched from here."""
    return (read_json(str(folder / _SENT)) or {}).get("by") == "another"


def add_programs(order: LaunchOrder, runner: Path) -> None:
    """Put among a run's input what its container needs of ours: the runner, and packages."""
    _add(order, RUNNER, runner)
    if order.layer is not None:
        _add(order, LAYER, order.layer.with_name(f"{order.layer.name}.tar.gz"))


def _add(order: LaunchOrder, name: str, path: Path) -> None:
    """Put a file of ours among a run's input, without copying it where that can be."""
    target = order.input_folder / name
    target.parent.mkdir(mode=0o700, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(path, part)
    except OSError:
        shutil.copyfile(path, part)
    part.replace(target)
    part.unlink(missing_ok=True)  # a rename between two links of one file does nothing
