"""Files on their way to S3: once for each content, and never from the beginning again."""

import base64
import hashlib
import stat
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jupyter_flotilla.errors import UnsendableInput

T = TypeVar("T")
R = TypeVar("R")
#: (bytes done, bytes in all); from several threads, one at a time.
Progress = Callable[[int, int], None]

PART_BYTES = 8 * 2**20
PARALLEL = 8
#: Parts of one upload (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html, read 2026-11).
_MOST_PARTS = 10_000
_BLOCK_BYTES = 2**20


class Meter:
    """Counts bytes of several threads, for one who watches."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._lock = threading.Lock()
        self._total = total
        self._done = 0
        self._progress = progress

    def add(self, size: int) -> None:
        """Count bytes, and say so."""
        with self._lock:
            self._done += size
            if self._progress is not None:
                self._progress(self._done, self._total)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """A file as it was when it was hashed."""

    path: Path
    sha256: str
    #: In bytes.
    size: int
    mode: int
    changed_ns: int

    @classmethod
    def read(cls, path: Path) -> "LocalFile":
        """Return a file's content by its hash; raises OSError."""
        status = path.stat()
        digest = file_sha256(path)
        return cls(
            path=path, sha256=digest, size=status.st_size, mode=status.st_mode & 0o777,
            changed_ns=status.st_mtime_ns,
        )  # fmt: skip

    def check(self) -> None:
        """Refuse a file that has changed since, under whose hash another content would lie.

        Raises
        ------
        UnsendableInput
        """
        status = self.path.stat()
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed_ns):
            raise self.changed()

    def changed(self) -> UnsendableInput:
        """Return the error that says that it has."""
        return UnsendableInput(
            f"{self.path} changed while it was being sent",
            next_step="submit again when nothing writes into it",
        )


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def put(client: Any, bucket: str, key: str, file: LocalFile, meter: Meter) -> None:
    """Upload a file; a large one in parts, those that an earlier upload has sent left out.

    S3 checks each part against its checksum. Parts of an upload that fails are left for the next
    one; a rule of the bucket clears away what nobody comes back for.
    """
    if file.size > PART_BYTES:
        _put_parts(client, bucket, key, file, meter)
        return
    content = file.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise file.changed()
    client.put_object(
        Bucket=bucket, Key=key, Body=content, ChecksumCRC32=_checksum(content),
        Metadata={"sha256": file.sha256},
    )  # fmt: skip
    meter.add(file.size)


def _put_parts(client: Any, bucket: str, key: str, file: LocalFile, meter: Meter) -> None:
    place = {"Bucket": bucket, "Key": key}
    step = max(PART_BYTES, -(-file.size // _MOST_PARTS))
    upload, there = _unfinished(client, place)
    if upload is None:
        upload = client.create_multipart_upload(
            **place, ChecksumAlgorithm="CRC32", Metadata={"sha256": file.sha256}
        )["UploadId"]
    place["UploadId"] = upload

    def send(number: int) -> dict[str, Any]:
        content = _piece(file, step * (number - 1), step)
        checksum = _checksum(content)
        part = there.get(number)
        if part is None or not _is_same(part, content, checksum):
            part = client.upload_part(
                **place, PartNumber=number, Body=content, ChecksumCRC32=checksum
            )
        meter.add(len(content))
        # a store that knows no checksums gives none back, and wants none
        known = {"ChecksumCRC32": checksum} if part.get("ChecksumCRC32") else {}
        return {"PartNumber": number, "ETag": part["ETag"], **known}

    parts = in_parallel(send, range(1, -(-file.size // step) + 1))
    file.check()
    _complete(client, place, parts)


def _complete(client: Any, place: dict[str, Any], parts: list[dict[str, Any]]) -> None:
    from botocore.exceptions import ClientError

    try:
        client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    except ClientError as error:
        # another process has finished the same content first, or our first answer was lost
        if error.response["Error"]["Code"] != "NoSuchUpload":
            raise
        client.head_object(Bucket=place["Bucket"], Key=place["Key"])


def in_parallel(act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return what ``act`` makes of all items, in order; the first failure stops the rest."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        futures = [pool.submit(act, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


def _unfinished(client: Any, place: dict[str, Any]) -> tuple[str | None, dict[int, dict[str, Any]]]:
    """Return the latest unfinished upload to a key, and its parts by number."""
    from botocore.exceptions import ClientError

    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=place["Bucket"], Prefix=place["Key"]
    )
    try:
        found = [one for page in pages for one in page.get("Uploads", ())]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "NotImplemented"):
            raise
        found = []  # without the permission to look, all is sent again
    uploads = [one for one in found if one["Key"] == place["Key"]]
    if not uploads:
        return None, {}
    upload = max(uploads, key=lambda one: one["Initiated"])["UploadId"]
    return upload, {part["PartNumber"]: part for part in _parts(client, place, upload)}


def _parts(client: Any, place: dict[str, Any], upload: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_parts").paginate(**place, UploadId=upload):
        yield from page.get("Parts", ())


def _is_same(part: dict[str, Any], content: bytes, checksum: str) -> bool:
    """Say whether a part that is there is ours: by its checksum or, without one, by its MD5."""
    if part.get("Size") != len(content):
        return False
    if part.get("ChecksumCRC32"):
        return bool(part["ChecksumCRC32"] == checksum)
    return bool(part["ETag"].strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest())


def _piece(file: LocalFile, start: int, size: int) -> bytes:
    with file.path.open("rb") as opened:
        opened.seek(start)
        return opened.read(size)


def _checksum(content: bytes) -> str:
    """Return the checksum that S3 compares: it needs to find accidents, the job checks sha256."""
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; raises UnsendableInput for what is neither."""
    for path in sorted(folder.rglob("*")):
        kind = path.lstat().st_mode
        if stat.S_ISREG(kind):
            yield path
        elif not stat.S_ISDIR(kind):
            raise UnsendableInput(
                f"{path} is neither a file nor a folder, and cannot be sent",
                next_step="send the file that it leads to",
            )
