"""Artifacts of runs whose files also are in a bucket: what is read is always a folder here.

What is small comes here as it is written (`S3Artifacts.sync_attempt`), what is large when somebody
wants it. A bucket may delete by itself what is old: what is to be kept is copied to where it does
not, and the run's note says so.
"""

import re
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_flotilla.artifacts.local import LocalArtifacts, disk_errors
from jupyter_flotilla.artifacts.s3 import KEPT, S3Artifacts, opened
from jupyter_flotilla.artifacts.s3_links import Link
from jupyter_flotilla.errors import ArtifactsUnavailable, InvalidOption, InvalidSettings
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.retention import InBucket, expires_at
from jupyter_flotilla.protocol import read_json, write_json

#: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, read 2026-11.
_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
#: In a run's folder: which bucket it has files in.
_BUCKET = "bucket.json"
#: In the home: after how many days each bucket deletes, as it was when it was last asked.
_EXPIRIES = "expiries.json"
_ASK_AFTER = timedelta(days=1)


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


class _Note(Bucket):
    """Where a run has files beside its folder here."""

    #: Where its job wrote them, where they were copied from there to be kept.
    kept_from: str | None = None
    #: Days after which the bucket deletes what is at ``url``; None: never, or nobody may know.
    expire_days: int | None = None
    #: Since when these count; None: since the run began.
    stored_at: datetime | None = None

    def at(self, url: str) -> Bucket:
        """Return another place that is reached like this one."""
        return Bucket(url=url, region=self.region, endpoint=self.endpoint, profile=self.profile)

    @property
    def place(self) -> Bucket:
        """Where its files are."""
        return self.at(self.url)


class MirroredArtifacts(LocalArtifacts):
    """The folders of all runs under one home, and what some of them have in buckets."""

    def note_bucket(self, run_id: str, bucket: Bucket) -> None:
        """Write down that a run has files in a bucket; raises as `write_input`."""
        days = self._expiries().get(_key(bucket), {}).get("days")
        self._write_note(run_id, _Note(**bucket.model_dump(), expire_days=days))

    def learn_expiry(self, bucket: Bucket, now: datetime) -> None:
        """Ask a bucket after how many days it deletes, once a day; nothing where one may not."""
        known = self._expiries()
        if not _is_old(known.get(_key(bucket)), now):
            return
        days = None
        with suppress(ArtifactsUnavailable):
            days = s3_of(bucket).expire_days()
        known[_key(bucket)] = {"days": days, "asked_at": now.isoformat()}
        with suppress(OSError):
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(str(self._home / _EXPIRIES), known)

    def in_bucket(self, run_id: str, began_at: datetime) -> InBucket | None:
        """Return what a run has in a bucket, without asking it; None: nothing."""
        note = self._note(run_id)
        if note is None:
            return None
        with suppress(InvalidSettings, InvalidOption):
            there = s3_of(note.place)
            days = note.expire_days
            return InBucket(
                url=f"s3://{there.bucket}/{there.run_prefix(run_id)}",
                expire_days=days,
                expires_at=None if days is None else expires_at(note.stored_at or began_at, days),
                is_kept=note.kept_from is not None,
            )
        return None

    def keep_in_bucket(self, run_id: str, now: datetime) -> None:
        """See to it that the bucket does not delete what a run has there.

        S3 copies it to where no rule is; what its job wrote stays, until the bucket deletes that.

        Raises
        ------
        ArtifactsUnavailable
            If it cannot be copied; a repeat does all of it.
        DiskFull
        """
        note = self._note(run_id)
        if note is None or note.kept_from is not None:
            return
        here = s3_of(note.place)
        url = f"{note.url.rstrip('/')}/{KEPT}"
        kept = s3_of(note.at(url))
        with suppress(ArtifactsUnavailable):  # who may not know takes no risk
            if here.expire_days() is None:
                self._write_note(run_id, note.model_copy(update={"expire_days": None}))
                return
        if not here.copy_attempts(run_id, kept):
            raise ArtifactsUnavailable(
                f"nothing of run {run_id} is left in {note.url}",
                next_step=f"what is here is kept: jupyter flotilla show {run_id}",
            )
        days = None
        with suppress(ArtifactsUnavailable):
            days = kept.expire_days()
        change = {"url": url, "kept_from": note.url, "expire_days": days, "stored_at": now}
        self._write_note(run_id, note.model_copy(update=change))

    def release_in_bucket(self, run_id: str, now: datetime) -> None:
        """Let the bucket delete again what a run has there, counted from now.

        Raises
        ------
        ArtifactsUnavailable
            If it cannot be copied back; a repeat does all of it.
        DiskFull
        """
        note = self._note(run_id)
        if note is None or note.kept_from is None:
            return
        kept, back = s3_of(note.place), s3_of(note.at(note.kept_from))
        kept.copy_attempts(run_id, back)
        days = back.expire_days()
        change = {"url": note.kept_from, "kept_from": None, "expire_days": days, "stored_at": now}
        self._write_note(run_id, note.model_copy(update=change))
        kept.delete(run_id)

    def bring(self, run_id: str, number: int, name: str) -> Path:
        """Return where a file of an attempt is, fetched if it is not here.

        Raises
        ------
        ArtifactsUnavailable, DiskFull
        """
        folder = self.attempt_folder(run_id, number)
        path, note = folder / name, self._note(run_id)
        if note is None or path.exists():
            return path
        return s3_of(note.place).fetch(run_id, number, name, folder)

    def link(
        self, run_id: str, number: int, name: str, expires_s: float, now: datetime
    ) -> Link | None:
        """Return a link to a file of an attempt; None: the run has no files in a bucket.

        Raises
        ------
        ArtifactsUnavailable, InvalidOption
        """
        note = self._note(run_id)
        if note is None:
            return None
        return s3_of(note.place).link(run_id, number, name, expires_s, now)

    def delete(self, run_id: str) -> None:
        """Delete all that belongs to a run: here, and in its bucket.

        Where that cannot be reached, the note of it stays, alone in the run's folder. So does it
        at a crash, and later the folder is deleted as one of a run that was never launched.
        """
        note = self._note(run_id)
        if note is not None:
            self._delete_all_but_note(run_id)
            places = (
                [note.place] if note.kept_from is None else [note.place, note.at(note.kept_from)]
            )
            try:
                with suppress(InvalidSettings):  # it never was an address
                    for place in places:
                        s3_of(place).delete(run_id)
            except ArtifactsUnavailable:
                return
        super().delete(run_id)

    def _delete_all_but_note(self, run_id: str) -> None:
        for path in self.run_folder(run_id).glob("*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _BUCKET:
                path.unlink(missing_ok=True)

    def _note(self, run_id: str) -> _Note | None:
        try:
            return _Note.model_validate_json((self.run_folder(run_id) / _BUCKET).read_bytes())
        except (OSError, ValidationError):
            return None

    def _write_note(self, run_id: str, note: _Note) -> None:
        path = self.run_folder(run_id) / _BUCKET
        with disk_errors(path):
            write_json(str(path), note.model_dump(mode="json"))

    def _expiries(self) -> dict[str, Any]:
        with suppress(OSError):
            return read_json(str(self._home / _EXPIRIES)) or {}
        return {}

    @property
    def _home(self) -> Path:
        return self._runs.parent


def _key(bucket: Bucket) -> str:
    """Return what tells buckets apart in the home."""
    return f"{bucket.url} {bucket.endpoint or ''}".strip()


def _is_old(known: Any, now: datetime) -> bool:
    try:
        asked_at = datetime.fromisoformat(known["asked_at"])
    except (TypeError, KeyError, ValueError):
        return True
    return abs(now - asked_at) >= _ASK_AFTER
