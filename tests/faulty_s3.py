"""A bucket in memory that goes wrong as it is told to."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

SECRET = "wJalrXUtnFEMI-SECRET"
TOKEN = "a-session-token"
#: Keys that its clients have.
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
}
Fault = Callable[["Handler"], None]


class FaultyS3(ThreadingHTTPServer):
    """A bucket in memory. Before a request is served, the next fault of the script happens."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.parts: dict[int, bytes] = {}
        #: None: this request is served as it should be.
        self.script: list[Fault | None] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.keys: list[dict[str, str]] = []
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break here on purpose."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyS3

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def setup(self) -> None:
        self.timeout = 10
        super().setup()

    def do(self) -> None:
        parts = urlsplit(self.path)
        self.key = unquote(parts.path).removeprefix("/bucket").removeprefix("/")
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path == "/keys":
            return self.answer(200, json.dumps(self.server.keys.pop(0)).encode())
        with self.server.lock:
            self.server.requests.append((self.command, self.path, dict(self.headers)))
            fault = self.server.script.pop(0) if self.server.script else None
        if fault is not None:
            return fault(self)
        self.serve()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def serve(self) -> None:
        body = self.body()
        if hashlib.sha256(body).hexdigest() != self.headers["x-amz-content-sha256"]:
            return self.refuse(400, "XAmzContentSHA256Mismatch")
        getattr(self, "serve_" + self.command.lower())(body)

    def serve_put(self, body: bytes) -> None:
        with self.server.lock:
            if "partNumber" in self.query:
                self.server.parts[int(self.query["partNumber"])] = body
                return self.answer(200, ETag=f'"part{self.query["partNumber"]}"')
            if self.headers.get("If-None-Match") == "*" and self.key in self.server.objects:
                return self.refuse(412, "PreconditionFailed")
            self.store(body, self.headers.get("x-amz-meta-sha256", ""))
        self.answer(200)

    def store(self, body: bytes, sha256: str) -> None:
        self.server.objects[self.key] = (body, sha256)

    def serve_post(self, body: bytes) -> None:
        if "uploads" in self.query:
            self.server.objects["upload"] = (b"", self.headers["x-amz-meta-sha256"])
            return self.answer(200, b"<R><UploadId>an+upload/1=</UploadId></R>")
        assert self.query["uploadId"] == "an+upload/1="
        assert all(f"&quot;part{n}&quot;" in body.decode() for n in self.server.parts)
        content = b"".join(self.server.parts[n] for n in sorted(self.server.parts))
        self.store(content, self.server.objects["upload"][1])
        self.answer(200, b"<R><ETag>x</ETag></R>")

    def serve_delete(self, body: bytes) -> None:
        if "uploadId" in self.query:
            self.server.parts.clear()
        else:
            self.server.objects.pop(self.key, None)
        self.answer(204)

    def serve_head(self, body: bytes) -> None:
        self.serve_get(body)

    def serve_get(self, body: bytes) -> None:
        if "list-type" in self.query:
            return self.serve_list()
        if self.key not in self.server.objects:
            return self.refuse(404, "NoSuchKey")
        content, sha256 = self.server.objects[self.key]
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        if self.headers.get("If-Match", etag) != etag:
            return self.refuse(412, "PreconditionFailed")
        headers = {"ETag": etag, **({"x-amz-meta-sha256": sha256} if sha256 else {})}
        status = 206 if "Range" in self.headers else 200
        self.answer(status, content[self.asked(content)], **headers)

    def asked(self, content: bytes) -> slice:
        """Return which bytes are wanted."""
        start, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        return slice(int(start), int(last) + 1 if last else len(content))

    def serve_list(self) -> None:
        """Two keys a page."""
        keys = sorted(key for key in self.server.objects if key.startswith(self.query["prefix"]))
        start = int(self.query.get("continuation-token", "0"))
        rows = "".join(
            f"<Contents><Key>{quote_plus(key, safe='/')}</Key><ETag>&quot;e&quot;</ETag>"
            f"<Size>{len(self.server.objects[key][0])}</Size></Contents>"
            for key in keys[start : start + 2]
        )
        if start + 2 < len(keys):
            rows += f"<NextContinuationToken>{start + 2}</NextContinuationToken>"
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        self.answer(
            200, f'<ListBucketResult xmlns="{namespace}">{rows}</ListBucketResult>'.encode()
        )

    def refuse(self, status: int, code: str, message: str = "no") -> None:
        self.answer(
            status,
            f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode(),
        )

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response_only(status)
        self.send_header("Date", headers.pop("Date", formatdate(usegmt=True)))
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def refusing(status: int, code: str, message: str = "no", **headers: str) -> Fault:
    """Refuse, having read the body."""

    def fault(handler: Handler) -> None:
        handler.body()
        xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        handler.answer(status, xml, **headers)

    return fault


def cut(after: int) -> Fault:
    """Promise all of the object, or of what is left of it, and break off after some bytes."""

    def fault(handler: Handler) -> None:
        content, _ = handler.server.objects[handler.key]
        wanted = content[handler.asked(content)]
        handler.send_response_only(206 if "Range" in handler.headers else 200)
        handler.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
        handler.send_header("Content-Length", str(len(wanted)))
        handler.end_headers()
        handler.wfile.write(wanted[:after])
        handler.close_connection = True

    return fault


def silent(handler: Handler) -> None:
    """Say nothing until the other side gives up."""
    handler.body()
    handler.rfile.read(1)
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    """Do nothing, and close."""
    handler.close_connection = True


def forget_to_answer(handler: Handler) -> None:
    """Do all that was asked, and close without a word."""
    handler.answer = lambda *_, **__: None  # type: ignore[method-assign]
    handler.serve()
    handler.close_connection = True


@contextmanager
def serving() -> Iterator[FaultyS3]:
    """Serve until the end."""
    with FaultyS3() as started:
        thread = threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield started
        finally:
            started.shutdown()
            thread.join()
