"""HTTP as S3 needs it: connections that are used again, bodies in pieces, answers into files."""

import base64
import hashlib
import http.client
import os
import re
import socket
import ssl
import threading
import time
import urllib.parse
from typing import Any, BinaryIO, Callable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from .s3_auth import S3Error

BLOCK_BYTES = 2**20
#: Of an answer that is no object: a page of a listing is the largest.
_MOST_BYTES = 16 * 2**20
#: Not on Windows, which has no such pipes.
_NOW = getattr(os, "O_NONBLOCK", 0)
_BROKEN = (OSError, http.client.HTTPException)


class Body(NamedTuple):
    """What is sent; a piece of a file is read twice rather than kept in memory."""

    size: int
    sha256: str
    blocks: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, content: bytes) -> "Body":
        """Return the body of bytes in memory."""
        return cls(len(content), hashlib.sha256(content).hexdigest(), lambda: iter([content]))

    @classmethod
    def piece(cls, path: str, start: int, size: int) -> "Body":
        """Return the body of a piece of a file; raises S3Error ``FileChanged``."""
        digest = hashlib.sha256()
        for block in _blocks(path, start, size):
            digest.update(block)
        return cls(size, digest.hexdigest(), lambda: _blocks(path, start, size))


class Sink:
    """Where a download goes, and the hash of what has arrived."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.etag = ""
        self.restart()

    def restart(self) -> None:
        """Forget what has arrived."""
        self._file.seek(0)
        self._file.truncate()
        self.size = 0
        self._digest = hashlib.sha256()

    def write(self, block: bytes) -> None:
        """Take the next block; raises OSError, e.g. of a full disk."""
        self._file.write(block)
        self._digest.update(block)
        self.size += len(block)

    def sha256(self) -> str:
        """Return the hash of what has arrived, in hexadecimal."""
        return self._digest.hexdigest()


class Answer(NamedTuple):
    """What came back; the body is empty where it went into a sink."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def address(bucket: str, region: str, endpoint: Optional[str]) -> Tuple[str, str]:
    """Return the URL of the host, and what comes before keys in its paths.

    Source: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html, read 2026-11: a
    bucket with dots in its name has no certificate as part of a host's name.
    """
    if endpoint:
        parts = urllib.parse.urlsplit(endpoint)
        url = "%s://%s" % (parts.scheme, parts.netloc)
        return url, parts.path.rstrip("/") + "/" + urllib.parse.quote(bucket)
    host = "s3.%s.amazonaws.com%s" % (region, ".cn" if region.startswith("cn-") else "")
    if re.match("[a-z0-9-]+$", bucket):
        return "https://%s.%s" % (bucket, host), ""
    return "https://" + host, "/" + urllib.parse.quote(bucket)


class Connections:
    """Connections to one host, each used by one thread at a time and again by the next.

    Parameters
    ----------
    url
        ``https://host`` or ``http://host:port``.
    environ
        ``AWS_CA_BUNDLE`` names certificates to trust instead of the system's; ``HTTPS_PROXY`` and
        ``NO_PROXY`` mean what they do elsewhere.
    """

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls: Optional[ssl.SSLContext] = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=environ.get("AWS_CA_BUNDLE") or None)
        self._proxy = _proxy(self._host, environ) if self._tls else None
        self._lock = threading.Lock()
        self._idle: List[http.client.HTTPConnection] = []
        self._busy: List[http.client.HTTPConnection] = []
        self._is_broken_off = False

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def break_off(self) -> None:
        """Let every exchange fail that goes on (``Broken``), whatever it waits for."""
        with self._lock:
            self._is_broken_off = True
            sockets = [one.sock for one in self._busy if one.sock is not None]
        for one in sockets:
            try:
                # not SSLSocket's own, after which another thread would go on unencrypted
                socket.socket.shutdown(one, socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended meanwhile

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body,
        timeout_s: float,
        sink: Optional[Sink] = None,
        deadline: float = float("inf"),
    ) -> Answer:
        """Send a request and return its answer; an object goes into the sink.

        Parameters
        ----------
        timeout_s
            Of silence: until the connection stands, and between two blocks.
        deadline
            When an object that is still arriving is given up, on the monotonic clock.

        Raises
        ------
        S3Error
            ``Broken`` if there is no whole answer, ``Certificate``, ``FileChanged``, ``Deadline``.
        OSError
            If the sink cannot be written.
        """
        connection, response = self._send(method, target, headers, body, timeout_s)
        try:
            if sink is not None and response.status in (200, 206):
                _receive(response, sink, deadline)
                content = b""
            else:
                content = _read(response)
        except BaseException:
            self._give_back(connection, is_good=False)
            raise
        self._give_back(connection, is_good=not response.will_close)
        answered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, answered, content)

    def _send(
        self, method: str, target: str, headers: Mapping[str, str], body: Body, timeout_s: float
    ) -> Tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        while True:
            connection, is_used = self._take(timeout_s)
            try:
                return connection, _talk(connection, method, target, headers, body)
            except _BROKEN as error:
                self._give_back(connection, is_good=False)
                # S3 closes idle connections: that says nothing of this request
                is_idled_away = is_used and not isinstance(error, socket.timeout)
                if not is_idled_away or self._is_broken_off:
                    raise _broken(error) from error
            except BaseException:
                self._give_back(connection, is_good=False)
                raise

    def _take(self, timeout_s: float) -> Tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            is_used = bool(self._idle)
            connection = self._idle.pop() if is_used else self._connection(timeout_s)
            self._busy.append(connection)
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        return connection, is_used

    def _give_back(self, connection: http.client.HTTPConnection, is_good: bool) -> None:
        with self._lock:
            self._busy.remove(connection)
            if is_good:
                self._idle.append(connection)
        if not is_good:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        return self._tls_connection(timeout_s)

    def _tls_connection(self, timeout_s: float) -> http.client.HTTPSConnection:
        if self._proxy is None:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout_s, context=self._tls
            )
        connection = http.client.HTTPSConnection(
            self._proxy.hostname or "", self._proxy.port, timeout=timeout_s, context=self._tls
        )
        headers = {}
        if self._proxy.username:
            who = "%s:%s" % (self._proxy.username, self._proxy.password or "")
            word = base64.b64encode(urllib.parse.unquote(who).encode()).decode()
            headers["Proxy-Authorization"] = "Basic " + word
        connection.set_tunnel(self._host, self._port or 443, headers)
        return connection


def _proxy(host: str, environ: Mapping[str, str]) -> Optional[urllib.parse.SplitResult]:
    """Return the proxy for a host, where the environment names one."""
    url = environ.get("https_proxy") or environ.get("HTTPS_PROXY")
    if not url:
        return None
    skipped = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for name in (part.strip().lstrip("*.").lower() for part in skipped.split(",")):
        if name and (host == name or host.endswith("." + name)):
            return None
    if skipped.strip() == "*":
        return None
    return urllib.parse.urlsplit(url if "://" in url else "http://" + url)


def _talk(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: Body,
) -> http.client.HTTPResponse:
    content: Any = body.blocks() if body.size else b""
    try:
        connection.request(method, target, content, dict(headers))
    except (BrokenPipeError, ConnectionResetError):
        # S3 refuses a large body before it has read it all: its answer may be here already
        response = connection.getresponse()
        response.will_close = True
        return response
    return connection.getresponse()


def _blocks(path: str, start: int, size: int) -> Iterator[bytes]:
    try:
        # of a pipe that has taken the file's place nothing is waited for
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NOW)) as file:
            file.seek(start)
            while size > 0:
                block = file.read(min(BLOCK_BYTES, size))
                if not block:
                    raise S3Error("FileChanged", 0, "", "%s became shorter meanwhile" % path)
                size -= len(block)
                yield block
    except OSError as error:  # not to be taken for a broken connection
        raise S3Error("FileChanged", 0, "", "%s cannot be read: %s" % (path, error)) from error


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        expected = response.length
        content = response.read(_MOST_BYTES)
    except _BROKEN as error:
        raise _broken(error) from error
    if expected is not None and len(content) < min(expected, _MOST_BYTES):
        raise S3Error("Broken", 0, "", "the connection to S3 broke")
    return content


def _receive(response: http.client.HTTPResponse, sink: Sink, deadline: float) -> None:
    if response.status == 200 and sink.size:
        sink.restart()  # a store that knows no ranges
    sink.etag = response.getheader("ETag") or ""
    left = response.length  # counted here: before 3.12, read1 does not
    while left is None or left > 0:
        if time.monotonic() > deadline:
            raise S3Error("Deadline", 0, "", "the time for this was over")
        try:
            # what has arrived, so that nothing of it is lost with the connection
            block = response.read1(BLOCK_BYTES if left is None else min(left, BLOCK_BYTES))
        except _BROKEN as error:
            raise _broken(error) from error
        if not block and left:
            raise S3Error("Broken", 0, "", "the connection to S3 broke")
        if not block:
            break
        sink.write(block)
        left = None if left is None else left - len(block)
    response.close()  # the connection stays


def _broken(error: Exception) -> S3Error:
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = "S3's certificate cannot be verified: %s; " % error.verify_message
        sentence += "the image needs ca-certificates, or AWS_CA_BUNDLE names some"
        return S3Error("Certificate", 0, "", sentence)
    return S3Error("Broken", 0, "", "no whole answer from S3: %s" % (str(error) or "closed"))
