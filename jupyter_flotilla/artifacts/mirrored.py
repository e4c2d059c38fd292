"""Artifacts of runs whose files also are in a bucket: what is read is always a folder here.

What is small comes here as it is written (`S3Artifacts.sync_attempt`), what is large when somebody
wants it.
"""

import re
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.artifacts.s3 import S3Artifacts, opened
from jupyter_flotilla.errors import ArtifactsUnavailable, InvalidSettings
from jupyter_flotilla.model.job import Bucket

#: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, read 2026-11.
_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
#: In a run's folder: which bucket it has files in.
_BUCKET = "bucket.json"


@cache
def s3_of(bucket: Bucket) -> S3Artifacts:
    """Return the artifacts in a bucket; raises InvalidSettings if that is no address of one."""
    found = _URL.fullmatch(bucket.url)
    if found is None:
        raise InvalidSettings(
            f"artifacts = {bucket.url!r} is no address of a bucket",
            next_step="s3://BUCKET/PREFIX, or unset it to keep everything on this machine",
        )
    client = opened(bucket.profile, bucket.region, bucket.endpoint)
    return S3Artifacts(found[1], found[2] or "", client)


class MirroredArtifacts(LocalArtifacts):
    """The folders of all runs under one home, and what some of them have in buckets."""

    def note_bucket(self, run_id: str, bucket: Bucket) -> None:
        """Write down that a run has files in a bucket; raises as `write_input`."""
        path = self.write_input(run_id, _BUCKET, bucket.model_dump_json().encode())
        path.rename(self.run_folder(run_id) / _BUCKET)

    def bring(self, run_id: str, number: int, name: str) -> Path:
        """Return where a file of an attempt is, fetched if it is not here.

        Raises
        ------
        ArtifactsUnavailable, DiskFull
        """
        folder = self.attempt_folder(run_id, number)
        path, bucket = folder / name, self._bucket(run_id)
        if bucket is None or path.exists():
            return path
        return s3_of(bucket).fetch(run_id, number, name, folder)

    def delete(self, run_id: str) -> None:
        """Delete all that belongs to a run: here, and in its bucket.

        Where that cannot be reached, the note of it stays, alone in the run's folder. So does it
        at a crash, and later the folder is deleted as one of a run that was never launched.
        """
        bucket = self._bucket(run_id)
        if bucket is not None:
            self._delete_all_but_note(run_id)
            try:
                with suppress(InvalidSettings):  # it never was an address
                    s3_of(bucket).delete(run_id)
            except ArtifactsUnavailable:
                return
        super().delete(run_id)

    def _delete_all_but_note(self, run_id: str) -> None:
        for path in self.run_folder(run_id).glob("*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _BUCKET:
                path.unlink(missing_ok=True)

    def _bucket(self, run_id: str) -> Bucket | None:
        try:
            return Bucket.model_validate_json((self.run_folder(run_id) / _BUCKET).read_bytes())
        except (OSError, ValidationError):
            return None
