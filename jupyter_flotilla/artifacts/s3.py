"""Artifacts in a bucket of S3, for jobs that run elsewhere.

::

    PREFIX/blobs/7f/7f3a…                     contents, once each, for the host alone
    PREFIX/runs/7f/r7f3a…/input.json          path → sha256, size, mode; written last
    PREFIX/runs/7f/r7f3a…/input/7f3a…         the contents that this run needs
    PREFIX/runs/7f/r7f3a…/attempts/1/…        what `protocol` says of one attempt
    PREFIX/kept/runs/7f/r7f3a…/attempts/…     copies that no rule of the bucket is for
    PREFIX/schedules/s7f3a…/3-1700…/…         what AWS's scheduler runs (`engines.ecs.placings`)
    PREFIX/ticks/s7f3a…/2027-01-31T02:00:00Z  that a tick of it has begun

A job's credentials reach its own run and nothing else. Were contents shared by all runs in one
place that all jobs may read, whoever knows or guesses a content's hash could read another's input,
or learn that it is there. So ``blobs`` is for the host, and what a run needs is copied from there
by S3 itself, which sends no byte over the network.
"""

import hashlib
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts import s3_download, s3_upload
from jupyter_flotilla.artifacts.s3_checkpoint import upload_save
from jupyter_flotilla.artifacts.s3_copy import copy_below
from jupyter_flotilla.artifacts.s3_download import Left, Synced
from jupyter_flotilla.artifacts.s3_errors import code_of, is_of_keys, opened, s3_errors
from jupyter_flotilla.artifacts.s3_lifecycle import expire_days
from jupyter_flotilla.artifacts.s3_links import Link, signed_link
from jupyter_flotilla.artifacts.s3_sending import Sending
from jupyter_flotilla.artifacts.s3_upload import LocalFile, Meter, Progress
from jupyter_flotilla.errors import ArtifactsUnavailable, InvalidOption
from jupyter_flotilla.protocol import CHECKPOINT, JOB, LEASE, STOP_REQUEST

__all__ = ["Left", "Progress", "S3Artifacts", "Synced", "Uploaded", "opened"]

#: Below a prefix: what is kept. No rule of `setup.stack.template` is for it.
KEPT = "kept"
#: Larger objects stay in S3 until somebody wants them.
LARGE_BYTES = 32 * 2**20
_DELETED_AT_ONCE = 1000
_SMALL_BYTES = 4096
_RUN_ID = re.compile("r[0-9A-Za-z]{6,40}")
_SCHEDULE_ID = re.compile("s[0-9a-z]{12}")
#: What XML 1.0 cannot hold, or not as it is.
_NOT_XML = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """The input of a run in S3."""

    #: Of ``input.json``: who has it knows whether anything was tampered with.
    manifest_sha256: str
    files: int
    #: Bytes of all files.
    size: int
    #: Bytes that had to be sent; the rest was there.
    sent: int


class S3Artifacts:
    """What belongs to runs, below a prefix of a bucket.

    Every method raises ArtifactsUnavailable where S3 cannot be used as asked. Safe from several
    threads and processes.

    Parameters
    ----------
    prefix
        Of this installation; other installations have others.
    client
        Returns boto3's S3 client, when it is first needed; see `opened`.
    """

    def __init__(self, bucket: str, prefix: str, client: Callable[[], Any] | None = None) -> None:
        #: Its name.
        self.bucket = self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._make = client or opened()
        self._made: Any = None
        self._lock = threading.Lock()

    def run_prefix(self, run_id: str) -> str:
        """Return the beginning of all keys of a run, with a slash at its end."""
        if not _RUN_ID.fullmatch(run_id):
            raise InvalidOption(f"{run_id!r} is no id of a run")
        return f"{self._prefix}runs/{run_id[1:3]}/{run_id}/"

    @property
    def top(self) -> str:
        """Beginning of all keys, with a slash at its end where it is not empty."""
        return self._prefix

    def schedule_prefix(self, schedule_id: str) -> str:
        """Return the beginning of all keys of a schedule, with a slash at its end."""
        if not _SCHEDULE_ID.fullmatch(schedule_id):
            raise InvalidOption(f"{schedule_id!r} is no id of a schedule")
        return f"{self._prefix}schedules/{schedule_id}/"

    def attempt_prefix(self, run_id: str, number: int) -> str:
        """Return the beginning of all keys of an attempt, with a slash at its end."""
        return f"{self.run_prefix(run_id)}attempts/{int(number)}/"

    def check(self) -> None:
        """Say why the bucket cannot be used, if it cannot; raises ArtifactsUnavailable."""
        with self._client() as client:
            client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def upload_folder(
        self, run_id: str, folder: Path, progress: Progress | None = None
    ) -> Uploaded:
        """Upload the input of a run; what is there, and parts that are there, are not sent again.

        Folders without files do not travel.

        Raises
        ------
        UnsendableInput
            If something in it is no file, or changes meanwhile.
        """
        return self.upload_below(self.run_prefix(run_id), folder, progress)

    def upload_below(self, prefix: str, folder: Path, progress: Progress | None = None) -> Uploaded:
        """Upload an input below a prefix, which ends with a slash; see `upload_folder`."""
        inside = prefix + "input"
        with self._client() as client:
            paths = list(s3_upload.files_below(folder))
            files = s3_upload.in_parallel(LocalFile.read, paths)
            contents = {file.sha256: file for file in files}
            sending = Sending(client, self._bucket, self._prefix + "blobs/", inside + "/")
            sent = sending.send(list(contents.values()), progress)
            manifest = {
                path.relative_to(folder).as_posix(): {
                    "sha256": file.sha256, "size": file.size, "mode": file.mode,
                }
                for path, file in zip(paths, files, strict=True)
            }  # fmt: skip
            text = json.dumps(manifest, sort_keys=True).encode()
            client.put_object(Bucket=self._bucket, Key=inside + ".json", Body=text)
        return Uploaded(
            manifest_sha256=hashlib.sha256(text).hexdigest(), files=len(files),
            size=sum(file.size for file in files), sent=sent,
        )  # fmt: skip

    def put_job(self, run_id: str, number: int, content: bytes) -> None:
        """Write an attempt's ``job.json``, which its container checks by its digest."""
        self.put(self.attempt_prefix(run_id, number) + JOB, content)

    def put_stop_request(self, run_id: str, number: int, content: bytes) -> None:
        """Say why an attempt's container is about to be stopped, where it looks then."""
        self.put(self.attempt_prefix(run_id, number) + STOP_REQUEST, content)

    def put(self, key: str, content: bytes) -> None:
        """Write a small object."""
        with self._client() as client:
            client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def small(self, key: str, most_bytes: int = _SMALL_BYTES) -> bytes | None:
        """Return the beginning of a small object; None: it is not there."""
        from botocore.exceptions import ClientError

        with self._client() as client:
            try:
                found = client.get_object(Bucket=self._bucket, Key=key)
                return bytes(found["Body"].read(most_bytes))
            except ClientError as error:
                if code_of(error) in ("404", "NoSuchKey", "NotFound"):
                    return None
                raise

    def below(self, prefix: str, after: str = "") -> list[str]:
        """Return the keys below a prefix that come after one, in their order, 1,000 at most."""
        with self._client() as client:
            more = {"StartAfter": after} if after else {}
            page = client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **more)
        return [one["Key"] for one in page.get("Contents", ())]

    def folders(self, prefix: str) -> list[str]:
        """Return the names directly below a prefix, which ends with a slash, that have a slash."""
        with self._client() as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            )
            found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
        return [one.removeprefix(prefix).rstrip("/") for one in found]

    def lease(self, run_id: str, number: int) -> dict[str, Any] | None:
        """Return what the container that has begun an attempt says of itself; None: none has.

        ``task`` is its ARN, where it runs on ECS.
        """
        content = self.small(self.attempt_prefix(run_id, number) + LEASE)
        try:
            return None if content is None else dict(json.loads(content))
        except (ValueError, TypeError, RecursionError):
            return {}

    def put_save(
        self, run_id: str, number: int, save: Path, progress: Progress | None = None
    ) -> str:
        """Upload a save of a checkpoint folder for an attempt to go on from.

        Returns
        -------
        Its prefix, without a slash at its end.
        """
        prefix = self.attempt_prefix(run_id, number) + "earlier"
        with self._client() as client:
            upload_save(client, self._bucket, prefix + "/", save, progress)
        return prefix

    def sync_attempt(
        self, run_id: str, number: int, folder: Path, limit_bytes: int = LARGE_BYTES
    ) -> Synced:
        """Bring what is new of an attempt into a folder, but for values and what is large.

        Raises
        ------
        DiskFull
        """
        prefix = self.attempt_prefix(run_id, number)
        with self._client() as client:
            return s3_download.sync(client, self._bucket, prefix, folder, limit_bytes)

    def fetch(
        self,
        run_id: str,
        number: int,
        name: str,
        folder: Path,
        progress: Progress | None = None,
    ) -> Path:
        """Bring one file of an attempt into its folder, and return where it is.

        What was fetched before an interruption is not fetched again.

        Raises
        ------
        DiskFull
        """
        key = self.attempt_prefix(run_id, number) + name
        path = s3_download.safe_path(folder, name)
        if path is None:
            raise ArtifactsUnavailable(f"{name!r} cannot be the name of a file below {folder}")
        with self._client() as client, _missing(run_id, number, name):
            s3_download.fetch(client, self._bucket, key, path, progress)
        return path

    def publish(self, name: str, path: Path) -> str:
        """Swap what lies under a name that no rule deletes; return its address."""
        key, file = f"{self._prefix}{KEPT}/published/{name}", LocalFile.read(path)
        with self._client() as client:
            s3_upload.put(client, self._bucket, key, file, Meter(file.size, None))
        return f"s3://{self._bucket}/{key}"

    def link(self, run_id: str, number: int, name: str, expires_s: float, now: datetime) -> Link:
        """Return a link with which a browser downloads a file of an attempt; see `signed_link`."""
        key = self.attempt_prefix(run_id, number) + name
        with self._client() as client, _missing(run_id, number, name):
            client.head_object(Bucket=self._bucket, Key=key)  # else it would lead nowhere
            return signed_link(client, self._bucket, key, expires_s, now)

    def expire_days(self) -> int | None:
        """Return after how many days the bucket itself deletes files of runs; None: never."""
        from botocore.exceptions import ClientError

        with self._client() as client:
            try:
                found = client.get_bucket_lifecycle_configuration(Bucket=self._bucket)
            except ClientError as error:
                if code_of(error) == "NoSuchLifecycleConfiguration":
                    return None
                raise
        return expire_days(found.get("Rules", ()), f"{self._prefix}runs/")

    def copy_attempts(self, run_id: str, to: "S3Artifacts") -> int:
        """Have S3 copy all that a run's attempts have written; return how many objects that was.

        Parameters
        ----------
        to
            Artifacts below another prefix of the same bucket.
        """
        source, target = (one.run_prefix(run_id) + "attempts/" for one in (self, to))
        with self._client() as client:
            return copy_below(client, self._bucket, source, target)

    def bring_back_save(self, run_id: str, number: int) -> None:
        """See to it that jobs find what an attempt has saved and was kept: they reach no KEPT."""
        own = self.attempt_prefix(run_id, number) + CHECKPOINT
        kept = f"{self._prefix}{KEPT}/{own.removeprefix(self._prefix)}"
        with self._client() as client:
            copy_below(client, self._bucket, kept, own)

    def delete(self, run_id: str) -> int:
        """Delete all that belongs to a run, and return how many objects that was.

        Blobs stay, for the next run. In a bucket with versions, S3 keeps the old ones.
        """
        return self.delete_below(self.run_prefix(run_id))

    def delete_below(self, prefix: str) -> int:
        """Delete all below a prefix, which ends with a slash; return how many objects that was."""
        with self._client() as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": _DELETED_AT_ONCE}
            )
            gone = sum(
                self._delete_keys(client, [found["Key"] for found in page.get("Contents", ())])
                for page in pages
            )
            self._abort_uploads(client, prefix)
        return gone

    def _delete_keys(self, client: Any, keys: list[str]) -> int:
        plain = [key for key in keys if not _NOT_XML.search(key)]
        for key in set(keys) - set(plain):
            client.delete_object(Bucket=self._bucket, Key=key)
        if plain:
            objects = [{"Key": key} for key in plain]
            answer = client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
            )
            for failed in answer.get("Errors", ()):
                raise ArtifactsUnavailable(
                    f"S3 does not delete {failed['Key']!r}: {failed.get('Message')}",
                    next_step="give these AWS credentials s3:DeleteObject on the bucket",
                )
        return len(keys)

    def _abort_uploads(self, client: Any, prefix: str) -> None:
        pages = client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._bucket, Prefix=prefix, EncodingType="url"
        )
        for page in pages:
            for upload in page.get("Uploads", ()):
                key = urllib.parse.unquote_plus(upload["Key"])
                client.abort_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload["UploadId"]
                )

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """Give the client; what goes wrong with it is told in our words."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        try:
            with s3_errors(self._bucket):
                yield self._made
        except ArtifactsUnavailable as error:
            if is_of_keys(error):
                self._made = None  # which would go on with these keys after another login
            raise


@contextmanager
def _missing(run_id: str, number: int, name: str) -> Iterator[None]:
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code_of(error) in ("412", "PreconditionFailed"):
            raise ArtifactsUnavailable(
                f"{name!r} of run {run_id} changed while it was being fetched",
                next_step="fetch it again",
            ) from error
        if code_of(error) not in ("404", "NoSuchKey", "NotFound"):
            raise
        raise ArtifactsUnavailable(
            f"attempt {number} of run {run_id} has no {name!r} in S3",
            next_step="it may still be on its way, or have been deleted",
        ) from error
