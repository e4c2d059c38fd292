"""A bucket of S3 for whoever has nothing but Python: retried, resumed, confined to a prefix.

Inside a container it brings in the input of a run, and brings out what the job makes.
"""

import html
import io
import os
import random
import tempfile
import time
import urllib.parse
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import BinaryIO, Callable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, TypeVar

from .s3_answers import Entry, clock, entries, refused, text
from .s3_auth import Credentials, Keys, S3Error, signed
from .s3_http import Answer, Body, Connections, Sink, address

__all__ = ["Bucket", "Credentials", "Entry", "Head", "Keys", "S3Error"]

T = TypeVar("T")

_NOTHING = Body.of(b"")
_PARALLEL = 4
#: Parts of one upload (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html, read 2026-11).
_MOST_PARTS = 10_000
_LONGEST_PAUSE_S = 20.0
#: S3 refuses what was signed more than 15 minutes off its clock; less than this is no reason.
_SKEW_S = 300.0
#: For clearing up after a failure, when the deadline may be over.
_GRACE_S = 5.0
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired")
_SHA256 = "x-amz-meta-sha256"


class Head(NamedTuple):
    """What is known of an object; ``sha256`` where its writer recorded it."""

    size: int
    etag: str
    sha256: Optional[str]


class Bucket:
    """What lies below a prefix of a bucket. Safe from several threads.

    All methods raise `S3Error`, and try again on throttling, server errors, broken connections
    and silence, with growing pauses of random length. Keys are texts below the prefix.

    Parameters
    ----------
    endpoint
        URL of a store that is not AWS's; its buckets are then part of the path.
    timeout_s
        Of silence on a connection.
    tries
        Without any progress, before a request fails.
    first_pause_s
        Longest pause before the second try; each later one may be twice as long, 20 s at most.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        region: str,
        endpoint: Optional[str] = None,
        credentials: Optional[Credentials] = None,
        timeout_s: float = 20.0,
        tries: int = 8,
        first_pause_s: float = 0.5,
    ) -> None:
        url, self._base = address(bucket, region, endpoint)
        self._host = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
        self._connections = Connections(url)
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._region = region
        self._credentials = credentials or Credentials()
        self._timeout_s = timeout_s
        self._tries = tries
        self._first_pause_s = first_pause_s
        #: Seconds that S3's clock is ahead of ours.
        self._skew_s = 0.0
        self._deadline = float("inf")

    def end_within(self, seconds: float) -> None:
        """Give everything up that is not done so many seconds from now (``Deadline``).

        What is being sent or awaited at this moment ends at the latest after ``timeout_s``.
        """
        self._deadline = time.monotonic() + seconds

    def break_off(self) -> None:
        """Let what is being sent or awaited at this moment fail at once (``Broken``)."""
        self._connections.break_off()

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        self._connections.close()

    def get(self, key: str) -> bytes:
        """Return an object's content."""
        buffer = io.BytesIO()
        self._download(key, buffer, None)
        return buffer.getvalue()

    def get_file(self, key: str, path: str, sha256: Optional[str] = None) -> None:
        """Write an object into a file of the user's alone (0600): all of it or nothing.

        A broken connection is taken up where it broke. The content is checked against ``sha256``
        or, without it, against what its writer recorded.
        """
        fd, temporary = tempfile.mkstemp(prefix=".", dir=os.path.dirname(path) or ".")
        try:
            with os.fdopen(fd, "wb") as file:
                self._download(key, file, sha256)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        body = Body.of(content)
        self._request("PUT", key, headers={_SHA256: body.sha256}, body=body)

    def put_if_absent(self, key: str, content: bytes) -> bool:
        """Write an object that is not there; False if it is.

        The content must be unlike anybody else's: where an answer was lost, what is there tells
        whether it is ours.
        """
        body = Body.of(content)
        lost: List[S3Error] = []
        headers = {"If-None-Match": "*", _SHA256: body.sha256}

        def once() -> bool:
            try:
                self._once("PUT", key, headers=headers, body=body)
            except S3Error as error:
                if error.status == 412:
                    return bool(lost) and self.get(key) == content
                lost.append(error)
                raise
            return True

        return self._patiently(once)

    def put_file(self, key: str, path: str, part_bytes: int = 16 * 2**20) -> str:
        """Write a file and return its sha256, which is recorded with it.

        A file larger than ``part_bytes`` (at least 5 MiB) is sent in parts, several at a time; at
        a failure nothing of them is left. A file that grows meanwhile is sent as long as it was.
        """
        self._path(key)  # else it is read for nothing
        size = os.path.getsize(path)
        with _about(key):
            whole = Body.piece(path, 0, size)
        if size <= part_bytes:
            self._request("PUT", key, headers={_SHA256: whole.sha256}, body=whole)
            return whole.sha256
        step = max(part_bytes, -(-size // _MOST_PARTS))
        pieces = [(start, min(step, size - start)) for start in range(0, size, step)]
        answer = self._request("POST", key, [("uploads", "")], {_SHA256: whole.sha256})
        upload = text(answer.body, "UploadId")
        try:
            tags = self._send_parts(key, upload, path, pieces)
            self._complete(key, upload, tags, whole.sha256)
        except BaseException:
            self._abort(key, upload)
            raise
        return whole.sha256

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is gone already."""
        self._request("DELETE", key)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield what lies below a further prefix, in the order of the keys; a page at a time."""
        if prefix:
            _check(prefix.rstrip("/"))
        query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", self._prefix + prefix)]
        token = ""
        while True:
            more = [("continuation-token", token)] if token else []
            page = self._request("GET", "", query + more).body
            for entry in entries(page):
                yield entry._replace(key=entry.key[len(self._prefix) :])
            token = text(page, "NextContinuationToken")
            if not token:
                return

    def head(self, key: str) -> Optional[Head]:
        """Return what is known of an object; None if it is not there."""
        try:
            found = self._request("HEAD", key).headers
        except S3Error as error:
            if error.status == 404:
                return None
            raise
        return Head(int(found["content-length"]), found.get("etag", ""), found.get(_SHA256))

    def _download(self, key: str, file: BinaryIO, sha256: Optional[str]) -> None:
        sink = Sink(file)

        def once() -> Answer:
            rest = {"Range": "bytes=%d-" % sink.size, "If-Match": sink.etag} if sink.size else {}
            try:
                return self._once("GET", key, headers=rest, sink=sink)
            except S3Error as error:
                if sink.size and error.status in (412, 416):
                    sink.restart()  # another object is there now
                    raise S3Error("Broken", 0, key, "%r changed meanwhile" % key) from error
                raise

        answer = self._patiently(once, lambda: sink.size)
        wanted = sha256 or answer.headers.get(_SHA256)
        if wanted and wanted != sink.sha256():
            raise S3Error("Sha256Mismatch", answer.status, key, "%r is not what was sent: its "
                          "sha256 is %s, not %s" % (key, sink.sha256(), wanted))  # fmt: skip

    def _send_parts(
        self, key: str, upload: str, path: str, pieces: List[Tuple[int, int]]
    ) -> List[str]:
        def send(number: int, start: int, size: int) -> str:
            with _about(key):
                body = Body.piece(path, start, size)
            query = [("partNumber", str(number)), ("uploadId", upload)]
            return self._request("PUT", key, query, body=body).headers["etag"]

        with ThreadPoolExecutor(_PARALLEL) as pool:
            sent = [pool.submit(send, n, *piece) for n, piece in enumerate(pieces, 1)]
            try:
                wait(sent, return_when=FIRST_EXCEPTION)
            finally:
                for future in sent:
                    future.cancel()
        for future in sent:
            if not future.cancelled():
                future.result()  # raises what went wrong, if anything did
        return [future.result() for future in sent]

    def _complete(self, key: str, upload: str, tags: List[str], sha256: str) -> None:
        parts = ("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (n, html.escape(tag))
                 for n, tag in enumerate(tags, 1))  # fmt: skip
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        xml = '<CompleteMultipartUpload xmlns="%s">%s</CompleteMultipartUpload>'
        body = Body.of((xml % (namespace, "".join(parts))).encode())

        def once() -> None:
            answer = self._once("POST", key, [("uploadId", upload)], body=body)
            if b"<Error>" in answer.body:  # it begins to answer before it knows
                raise refused("POST", key, answer)

        try:
            self._patiently(once)
        except S3Error as error:
            there = self.head(key) if error.code == "NoSuchUpload" else None
            if there is None or there.sha256 != sha256:
                raise  # else an answer was lost, not the object

    def _abort(self, key: str, upload: str) -> None:
        try:
            self._once("DELETE", key, [("uploadId", upload)], grace_s=_GRACE_S)
        except S3Error:
            pass  # a rule of the bucket clears what is left

    def _request(
        self,
        method: str,
        key: str,
        query: Optional[List[Tuple[str, str]]] = None,
        headers: Optional[Mapping[str, str]] = None,
        body: Body = _NOTHING,
    ) -> Answer:
        return self._patiently(lambda: self._once(method, key, query, headers, body))

    def _patiently(self, once: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
        tries = 0
        while True:
            before = progress()
            try:
                return once()
            except S3Error as error:
                tries = 1 if progress() > before else tries + 1
                # full jitter: aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter
                longest = min(_LONGEST_PAUSE_S, self._first_pause_s * 2 ** (tries - 1))
                pause = random.uniform(0, longest)
                is_late = time.monotonic() + pause > self._deadline
                if not error.is_retryable or tries >= self._tries or is_late:
                    raise
            time.sleep(pause)

    def _once(
        self,
        method: str,
        key: str,
        query: Optional[List[Tuple[str, str]]] = None,
        headers: Optional[Mapping[str, str]] = None,
        body: Body = _NOTHING,
        sink: Optional[Sink] = None,
        grace_s: float = 0.0,
    ) -> Answer:
        """Send a request; again at once where keys have expired or clocks differ."""
        path, asked = self._path(key, is_root=bool(query) and not key), _query(query or [])
        target = path + ("?" + asked if asked else "")
        sent = dict(headers or {}, **{"Content-Length": str(body.size)} if body.size else {})
        mended: List[str] = []
        while True:
            keys, now = self._credentials.keys(), time.time() + self._skew_s
            all_headers = signed(
                method, path, asked, dict(sent, Host=self._host), body.sha256,
                keys, self._region, now,
            )  # fmt: skip
            answer = self._exchange(key, method, target, all_headers, body, sink, grace_s)
            if answer.status in (200, 204, 206):
                return answer
            error = refused(method, key, answer, self._region, keys)
            mending = self._mend(error, answer, method, keys, now)
            if not mending or mending in mended:
                raise error
            mended.append(mending)

    def _exchange(
        self,
        key: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body,
        sink: Optional[Sink],
        grace_s: float,
    ) -> Answer:
        deadline = max(self._deadline, time.monotonic() + grace_s if grace_s else 0.0)
        left = deadline - time.monotonic()
        if left <= 0:
            raise S3Error("Deadline", 0, key, "the time for %r was over" % key)
        timeout_s = min(self._timeout_s, left)
        with _about(key):
            return self._connections.exchange(
                method, target, headers, body, timeout_s, sink, deadline
            )

    def _mend(
        self, error: S3Error, answer: Answer, method: str, keys: Keys, now: float
    ) -> Optional[str]:
        """Mend what may be ours; None: nothing was. To HEAD, S3 does not say what is wrong."""
        is_unsaid = method == "HEAD" and answer.status == 400
        if error.code in _EXPIRED or is_unsaid:
            return "keys" if self._credentials.forget(keys) else None
        if error.status == 403:
            ahead_s = clock(answer, now) - now
            if abs(ahead_s) > _SKEW_S:
                self._skew_s += ahead_s
                return "clock"
        return None

    def _path(self, key: str, is_root: bool = False) -> str:
        if is_root:
            return self._base or "/"
        _check(key, self._prefix)
        return self._base + "/" + urllib.parse.quote(self._prefix + key)


def _check(key: str, prefix: str = "") -> None:
    """Refuse a key that may mean something outside of the prefix, or nothing."""
    is_inside = not any(part in ("", ".", "..") for part in key.split("/"))
    try:
        is_inside = is_inside and len((prefix + key).encode()) <= 1024 and "\0" not in key
    except UnicodeEncodeError:
        is_inside = False
    if not is_inside:
        raise S3Error("InvalidKey", 0, key, "%r cannot be the key of an object" % key)


def _query(pairs: List[Tuple[str, str]]) -> str:
    return "&".join(
        "%s=%s" % (name, urllib.parse.quote(value, safe="")) for name, value in sorted(pairs)
    )


@contextmanager
def _about(key: str) -> Iterator[None]:
    """Give errors of what lies below the key that they are about."""
    try:
        yield
    except S3Error as error:
        error.key = key
        raise
