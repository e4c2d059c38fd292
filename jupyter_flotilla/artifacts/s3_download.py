"""What a job has written to S3, brought into a folder: small things as they come, large on demand.

A job's names are a stranger's: each is kept below the folder, or refused.
"""

import contextlib
import hashlib
import os
import random
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts.local import disk_errors
from jupyter_flotilla.artifacts.s3_upload import Meter, Progress, file_sha256, in_parallel
from jupyter_flotilla.errors import ArtifactsUnavailable
from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.protocol import (
    CHECKPOINT,
    EXIT,
    JOB,
    OUTCOME,
    PROCESSES,
    STOP_REQUEST,
    STREAM,
    SUPERVISOR,
    SUPERVISOR_LOCK,
    SUPERVISOR_LOG,
    SUPERVISOR_STARTS,
    VALUES,
    read_json,
    write_json,
)

PART_BYTES = 16 * 2**20
_BLOCK_BYTES = 2**20
#: Tries of a read that makes no progress.
_TRIES = 6
_WAIT_S = 600.0
_STATE = ".s3-sync.json"
_LOCK = ".s3-sync.lock"
#: What the host writes into an attempt's folder, besides names that begin with a dot: no job can
#: put another in its place.
_OURS = frozenset(
    {JOB, STOP_REQUEST, PROCESSES, SUPERVISOR, SUPERVISOR_LOCK, SUPERVISOR_LOG, SUPERVISOR_STARTS}
)
#: Who sees these thinks that all else is there: they come last, in this order.
_LAST = (OUTCOME, EXIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """An object that was not brought along, because it is large; ``size`` in bytes."""

    name: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What `sync` did: names below the folder."""

    #: New or longer now.
    brought: tuple[str, ...]
    #: Large: `fetch` brings them.
    left: tuple[Left, ...]
    #: Of names that cannot be files below a folder; never written.
    refused: tuple[str, ...]


def safe_path(folder: Path, name: str) -> Path | None:
    """Return where an object's file lies below a folder; None if that cannot be below it."""
    parts = name.split("/")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return None  # no key of S3
    if any(part in ("", ".", "..") for part in parts) or max(sizes) > 255:
        return None
    if "\0" in name or (os.name == "nt" and "\\" in name):
        return None
    if parts[0] in _OURS or parts[0].startswith("."):
        return None
    path = folder
    for part in parts[:-1]:
        path /= part
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISDIR(path.lstat().st_mode):
                return None  # a link that may lead anywhere, or a file
    path /= parts[-1]
    return None if path.is_dir() and not path.is_symlink() else path


def sync(client: Any, bucket: str, prefix: str, folder: Path, limit_bytes: int) -> Synced:
    """Bring what is new below a prefix into a folder, one process at a time.

    Segments of a stream only grow: of those, only what is new comes.

    Raises
    ------
    ArtifactsUnavailable
        If another process has been at it for ten minutes.
    DiskFull
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder / _LOCK, folder), disk_errors(folder):
        known: dict[str, Any] = read_json(str(folder / _STATE)) or {}
        new: list[tuple[str, dict[str, Any]]] = []
        left: list[Left] = []
        refused: list[str] = []
        for found in _objects(client, bucket, prefix):
            name, size = found["Key"][len(prefix) :], found["Size"]
            if known.get(name) == [found["ETag"], size] or name in _OURS or name.endswith("/"):
                continue
            if safe_path(folder, name) is None:
                refused.append(name)
            elif name.startswith(CHECKPOINT + "/"):
                continue  # for the next attempt alone
            elif size > limit_bytes or name.startswith(VALUES + "/"):
                left.append(Left(name=name, size=size))
            else:
                new.append((name, found))
        bringer = _Bringer(client, bucket, folder, known)
        bringer.bring(new)
        refused += bringer.refused
    brought = [name for name, _ in new if name not in bringer.refused]
    return Synced(brought=tuple(brought), left=tuple(left), refused=tuple(refused))


class _Bringer:
    """Brings objects into a folder, and keeps what is known of them."""

    def __init__(self, client: Any, bucket: str, folder: Path, known: dict[str, Any]) -> None:
        self._client = client
        self._bucket = bucket
        self._folder = folder
        self._known = known
        #: Names that turned out to be of a file and of a folder at once.
        self.refused: list[str] = []

    def bring(self, new: list[tuple[str, dict[str, Any]]]) -> None:
        """Bring what is new, the end of an attempt last."""
        try:
            in_parallel(self._bring, [one for one in new if one[0] not in _LAST])
            for last in _LAST:
                for one in new:
                    if one[0] == last:
                        self._bring(one)
        finally:
            if new:
                write_json(str(self._folder / _STATE), self._known)

    def _bring(self, one: tuple[str, dict[str, Any]]) -> None:
        try:
            self._bring_into(self._folder / one[0], *one)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            self.refused.append(one[0])  # S3 may hold both a and a/b

    def _bring_into(self, path: Path, name: str, found: dict[str, Any]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = {"Bucket": self._bucket, "Key": found["Key"]}
        if not self._grow(name, path, place, found["Size"]):
            with _replacing(path) as file:
                etag, size = read(self._client, place, file.write)
            self._known[name] = [etag, size]

    def _grow(self, name: str, path: Path, place: dict[str, Any], size: int) -> bool:
        """Bring the new end of a segment; False if it is none that has grown."""
        had = self._known.get(name, ["", 0])[1]
        is_segment = name.startswith(STREAM + "/") and 0 < had < size
        if not is_segment or path.is_symlink() or not path.exists() or _size(path) != had:
            return False
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        with os.fdopen(fd, "ab") as file:
            etag, size = read(self._client, place, file.write, start=had)
        self._known[name] = [etag, size]
        return True


def fetch(client: Any, bucket: str, key: str, path: Path, progress: Progress | None = None) -> None:
    """Bring a large object into a file: in parts, several at a time, going on where it broke.

    The file appears whole, checked against the sha256 that the job recorded; several processes
    that want the same bring it once.

    Raises
    ------
    ArtifactsUnavailable
        If it is not there, or not what the job wrote.
    DiskFull
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = path.parent / f".{hashlib.sha256(path.name.encode()).hexdigest()[:16]}"
    with _locked(stem.with_suffix(".lock"), path), disk_errors(path):
        head = client.head_object(Bucket=bucket, Key=key)
        wanted, size = head.get("Metadata", {}).get("sha256"), head["ContentLength"]
        meter = Meter(size, progress)
        if wanted and path.is_file() and _size(path) == size and file_sha256(path) == wanted:
            meter.add(size)
            return
        part = _Part(stem, head["ETag"], size)
        try:
            part.fill(client, {"Bucket": bucket, "Key": key}, meter)
            if wanted and file_sha256(part.path) != wanted:
                part.forget()
                raise ArtifactsUnavailable(
                    f"{path.name} is not what the job wrote: its sha256 is not {wanted}",
                    next_step="fetch it again; if that fails too, somebody has changed it in S3",
                )
            part.path.replace(path)
        finally:
            part.close()
        part.forget()


class _Part:
    """A file that is being fetched, and which pieces of it are there, over processes' deaths."""

    def __init__(self, stem: Path, etag: str, size: int) -> None:
        self.path = stem.with_suffix(".part")
        self._note = stem.with_suffix(".json")
        self._etag, self._size = etag, size
        noted = read_json(str(self._note)) or {}
        is_same = [noted.get("etag"), noted.get("size")] == [etag, size] and self.path.is_file()
        self._done: set[int] = set(noted["done"]) if is_same else set()
        self._lock = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if is_same else os.O_TRUNC)
        self._fd = os.open(self.path, flags, 0o600)

    def fill(self, client: Any, place: dict[str, Any], meter: Meter) -> None:
        """Fetch the pieces that are missing."""
        if self._size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._fd, 0, self._size)  # a full disk is known before the wait
        starts = range(0, self._size, PART_BYTES)
        meter.add(sum(self._length(start) for start in starts if start in self._done))

        def bring(start: int) -> None:
            at = start

            def write(block: bytes) -> None:
                nonlocal at
                at += _write_at(self._fd, block, at)
                meter.add(len(block))

            stop = start + self._length(start)
            read(client, place, write, start=start, stop=stop, etag=self._etag)
            self._keep(start)

        in_parallel(bring, [start for start in starts if start not in self._done])

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def forget(self) -> None:
        """Delete what is left of it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _length(self, start: int) -> int:
        return min(PART_BYTES, self._size - start)

    def _keep(self, start: int) -> None:
        with self._lock:
            self._done.add(start)
            note = {"etag": self._etag, "size": self._size, "done": sorted(self._done)}
            write_json(str(self._note), note)


def read(
    client: Any,
    place: dict[str, Any],
    write: Callable[[bytes], Any],
    start: int = 0,
    stop: int | None = None,
    etag: str | None = None,
) -> tuple[str, int]:
    """Read an object, or a piece of it, going on where a connection breaks.

    Returns
    -------
    Its ETag, and where the piece ended: of a whole object, its size.
    """
    from botocore.exceptions import BotoCoreError

    position, failures = start, 0
    while True:
        asked: dict[str, Any] = {"IfMatch": etag} if etag else {}
        if position or stop is not None:
            asked["Range"] = f"bytes={position}-{'' if stop is None else stop - 1}"
        try:
            answer = client.get_object(**place, **asked)
            etag = answer["ETag"]
            with contextlib.closing(answer["Body"]) as body:
                for block in body.iter_chunks(_BLOCK_BYTES):
                    write(block)
                    position += len(block)
                    failures = 0
            return str(etag), position
        except BotoCoreError:  # of an answer that broke off; others botocore has tried itself
            failures += 1
            if failures >= _TRIES:
                raise
            time.sleep(random.uniform(0, 0.2 * 2**failures))


def _write_at(fd: int, block: bytes, at: int) -> int:
    view = memoryview(block)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
    return len(block)


def _objects(client: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from page.get("Contents", ())


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Any]:
    """Open a file of the user's alone that takes another's place when it is whole."""
    fd, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path, what: Path) -> Iterator[None]:
    lock = FileLock(path)
    if not lock.acquire(_WAIT_S):
        raise ArtifactsUnavailable(
            f"another process has been bringing {what} from S3 for {_WAIT_S:.0f} s",
            next_step="wait for it, or end it",
        )
    try:
        yield
    finally:
        lock.release()


def _size(path: Path) -> int:
    return path.stat().st_size
