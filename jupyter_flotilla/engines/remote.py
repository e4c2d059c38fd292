"""Jobs whose input and output go through S3: what a launch sends, and what a look brings back."""

import base64
import hashlib
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts.s3 import S3Artifacts
from jupyter_flotilla.bootstrap.start import LAYER, RUNNER
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.job_file import Layout
from jupyter_flotilla.errors import ArtifactsUnavailable, FlotillaError
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import Observation, Phase, Progress
from jupyter_flotilla.model.units import format_bytes

#: Where a container has its job; no other folder can be made in every image by every user.
ROOM = "/tmp/flotilla"
LAYOUT = Layout(
    input=f"{ROOM}/input",
    attempt=f"{ROOM}/attempt",
    runner=f"{ROOM}/input/{RUNNER}",
    interpreter="python3",
    cwd=None,
    layer=f"{ROOM}/layer",
    kernel_argv=("python", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
)
#: Seconds between two looks for what an attempt has written, by its age: as often as its container
#: uploads (`runner.upload`), since each look is paid for as well.
_SYNC_EVERY_S = ((60.0, 1.5), (600.0, 5.0), (3600.0, 15.0), (float("inf"), 30.0))
#: Keys of one job live so long at most (docs.aws.amazon.com/STS/latest/APIReference/
#: API_GetFederationToken.html, read 2026-11).
_KEYS_S = 36 * 3600
_START = """\
import base64, os, sys, tempfile
path = os.path.join(tempfile.mkdtemp(), "start.pyz")
open(path, "wb").write(base64.b64decode("{app}"))
os.execv(sys.executable, [sys.executable, path])
"""
_MAIN = "import sys\nfrom bootstrap.start import main\nsys.exit(main())\n"


def start_program() -> str:
    """Return the program that prepares a container: Python 3.8, standard library only."""
    return _START.format(app=base64.b64encode(_start_app()).decode())


@cache
def _start_app() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((Path(__file__).parents[1] / "bootstrap").glob("*.py")):
            archive.writestr(f"bootstrap/{path.name}", path.read_text(encoding="utf-8"))
        archive.writestr("__main__.py", _MAIN)
    return buffer.getvalue()


@dataclass(slots=True)
class Sending:
    """An upload that goes on, or has ended."""

    future: "Future[None]"
    done_bytes: int = 0
    all_bytes: int = 0

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
    """

    def __init__(
        self,
        artifacts: S3Artifacts,
        bucket: Bucket,
        keys: Callable[[Mapping[str, Any], int], Mapping[str, str]] | None,
    ) -> None:
        self._artifacts = artifacts
        self._bucket = bucket
        self._keys = keys
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="flotilla-s3")
        self._lock = threading.Lock()
        self._sending: dict[str, Sending] = {}
        #: Launch key → when it was first looked for, and when it is due again.
        self._looks: dict[str, tuple[float, float]] = {}

    def check(self) -> None:
        """Raise ArtifactsUnavailable if the bucket cannot be used."""
        self._artifacts.check()

    def send(self, order: LaunchOrder, job: Mapping[str, Any], runner: Path) -> Sending:
        """Begin to upload what an attempt needs, unless that is being done; return how far it is.

        Once it is done (`is_sent`), `place` says where everything is.

        Raises
        ------
        FlotillaError, OSError
            Why the last upload failed; the next call begins another.
        """
        with self._lock:
            known = self._sending.get(order.launch_key)
            if known is not None and known.future.done():
                del self._sending[order.launch_key]
                known.future.result()
                known = None
            if known is None:
                known = self._sending[order.launch_key] = Sending(Future())
                self._pool.submit(self._upload, known, order, dict(job), runner)
            return known

    def sending(self, launch_key: str) -> Sending | None:
        """Return an upload that goes on; None: there is none."""
        known = self._sending.get(launch_key)
        return None if known is None or known.future.done() else known

    def place(self, order: LaunchOrder) -> dict[str, Any]:
        """Return what `bootstrap.start` needs, with keys that are this attempt's alone."""
        self._sending.pop(order.launch_key, None)
        sent = json.loads((order.attempt_folder / _SENT).read_text())
        number = _number(order.launch_key)
        place = {
            "bucket": self._artifacts.bucket,
            "prefix": self._artifacts.run_prefix(order.run_id),
            "attempt": f"attempts/{number}",
            "region": self._bucket.region,
            "endpoint": self._bucket.endpoint,
            "room": ROOM,
            **sent,
        }
        if self._keys is not None:
            place["keys"] = dict(self._keys(self._policy(order.run_id, number), _KEYS_S))
        return place

    def sync(self, run_id: str, number: int, folder: Path, *, now: bool = False) -> None:
        """Bring what an attempt has written: in the background, or at once.

        Raises ArtifactsUnavailable where it is to be done at once.
        """
        if now:
            self._artifacts.sync_attempt(run_id, number, folder)
            self._looks.pop(f"{run_id}-{number}", None)
            return
        key, at = f"{run_id}-{number}", time.monotonic()
        with self._lock:
            first_at, due_at = self._looks.get(key, (at, at))
            if at < due_at:
                return
            self._looks[key] = (first_at, float("inf"))  # one at a time
        self._pool.submit(self._sync, key, run_id, number, folder)

    def _sync(self, key: str, run_id: str, number: int, folder: Path) -> None:
        try:
            with suppress(FlotillaError, OSError):  # the next look tries again
                self._artifacts.sync_attempt(run_id, number, folder)
        finally:
            first_at, at = self._looks[key][0], time.monotonic()
            pause_s = next(every for until, every in _SYNC_EVERY_S if at - first_at < until)
            self._looks[key] = (first_at, at + pause_s)

    def _upload(
        self, sending: Sending, order: LaunchOrder, job: dict[str, Any], runner: Path
    ) -> None:
        def progress(done: int, total: int) -> None:
            sending.done_bytes, sending.all_bytes = done, total

        try:
            _add(order, RUNNER, runner)
            if order.layer is not None:
                _add(order, LAYER, order.layer.with_name(f"{order.layer.name}.tar.gz"))
            sent = self._artifacts.upload_folder(order.run_id, order.input_folder, progress)
            content = json.dumps(job).encode()
            self._artifacts.put_job(order.run_id, _number(order.launch_key), content)
            digests = {
                "input_sha256": sent.manifest_sha256,
                "job_sha256": hashlib.sha256(content).hexdigest(),
            }
            path = order.attempt_folder / _SENT
            path.write_text(json.dumps(digests))
        except BaseException as error:
            sending.future.set_exception(error)
        else:
            sending.future.set_result(None)

    def _policy(self, run_id: str, number: int) -> dict[str, Any]:
        """Return what a job may do: read its input, write its attempt."""
        run = f"arn:aws:s3:::{self._artifacts.bucket}/{self._artifacts.run_prefix(run_id)}"
        attempt = f"{run}attempts/{number}/"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": [f"{run}input.json", f"{run}input/*",
                                 f"{attempt}job.json", f"{attempt}lease"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                    "Resource": f"{attempt}*",
                },
            ],
        }  # fmt: skip


#: In an attempt's folder here: that its input is in S3, and the digests of it.
_SENT = ".sent.json"


def is_sent(folder: Path) -> bool:
    """Say whether an attempt's input is in S3, whole."""
    return (folder / _SENT).exists()


def federated_keys(bucket: Bucket) -> Callable[[Mapping[str, Any], int], Mapping[str, str]]:
    """Return what gets keys of a policy from STS, by the user's own."""

    def get(policy: Mapping[str, Any], seconds: int) -> Mapping[str, str]:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            sts = boto3.client("sts", region_name=bucket.region, endpoint_url=bucket.endpoint)
            found = sts.get_federation_token(
                Name="flotilla", Policy=json.dumps(policy), DurationSeconds=seconds
            )["Credentials"]
        except (BotoCoreError, ClientError) as error:
            raise ArtifactsUnavailable(
                f"no keys can be had for one job alone: {error}",
                next_step="use an IAM user that may call sts:GetFederationToken, or unset "
                "artifacts: keys of your own never go into a container",
            ) from error
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    return get


def _number(launch_key: str) -> int:
    return int(launch_key.rpartition("-")[2])


def _add(order: LaunchOrder, name: str, path: Path) -> None:
    """Put a file of ours among a run's input, without copying it where that can be."""
    target = order.input_folder / name
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        try:
            os.link(path, target)
        except OSError:
            if not target.exists():
                target.write_bytes(path.read_bytes())
