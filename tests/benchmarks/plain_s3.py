"""An S3 of files and threads that is quicker than its clients: FOLDER. Prints its URL.

Knows what transfers need and no more; checks no signature. An emulator that holds objects in
memory and slices them for each range would measure itself.
"""

import os
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_BLOCK_BYTES = 2**20


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    server: "PlainS3"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do(self) -> None:
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.key = unquote(parts.path)
        self.file = self.server.file_of(self.key)
        getattr(self, "serve_" + self.command.lower())()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do

    def serve_put(self) -> None:
        if "partNumber" in self.query:
            self.file = self.server.part(self.query["uploadId"], int(self.query["partNumber"]))
        source = self.headers.get("x-amz-copy-source")
        if source:
            self.copy(self.server.file_of("/" + unquote(source).lstrip("/")))
            return
        self.receive()
        if "partNumber" not in self.query:
            self.server.sha256[self.key] = self.headers.get("x-amz-meta-sha256", "")
        self.answer(ETag='"e"')

    def receive(self) -> None:
        left = int(self.headers.get("Content-Length", 0))
        with self.file.open("wb") as file:
            while left and (block := self.rfile.read(min(left, _BLOCK_BYTES))):
                file.write(block)
                left -= len(block)

    def copy(self, source: Path) -> None:
        """Copy as S3 does: no byte of it goes over the network."""
        self.file.unlink(missing_ok=True)
        if "x-amz-copy-source-range" in self.headers:
            start, last = map(int, self.headers["x-amz-copy-source-range"][6:].split("-"))
            with source.open("rb") as old, self.file.open("wb") as new:
                done = 0
                while done < last + 1 - start:
                    left = last + 1 - start - done
                    done += os.copy_file_range(old.fileno(), new.fileno(), left, start + done, done)
        else:
            os.link(source, self.file)
        self.answer(b'<R><ETag>"e"</ETag></R>')

    def serve_post(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "uploads" in self.query:
            self.server.sha256[self.key] = self.headers.get("x-amz-meta-sha256", "")
            self.answer(b"<R><UploadId>%d</UploadId></R>" % self.server.new_upload())
            return
        with self.file.open("wb") as whole:
            for part in self.server.parts(self.query["uploadId"]):
                with part.open("rb") as file:
                    size = part.stat().st_size
                    while size:
                        size -= os.copy_file_range(file.fileno(), whole.fileno(), size)
                part.unlink()
        self.answer(b'<R><ETag>"e"</ETag></R>')

    def serve_get(self) -> None:
        if "uploads" in self.query:
            self.answer(b"<R><IsTruncated>false</IsTruncated></R>")
        elif not self.file.is_file():
            self.answer(status=404)
        else:
            self.send_file()

    serve_head = serve_get

    def send_file(self) -> None:
        size = self.file.stat().st_size
        start, _, last = self.headers.get("Range", "bytes=0-")[6:].partition("-")
        at, stop = int(start), int(last) + 1 if last else size
        self.send_response_only(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(stop - at))
        self.send_header("Content-Range", f"bytes {at}-{stop - 1}/{size}")
        self.send_header("ETag", '"e"')
        if self.server.sha256.get(self.key):
            self.send_header("x-amz-meta-sha256", self.server.sha256[self.key])
        self.end_headers()
        if self.command == "HEAD":
            return
        with self.file.open("rb") as file:
            while at < stop:
                at += os.sendfile(self.connection.fileno(), file.fileno(), at, stop - at)

    def serve_delete(self) -> None:
        self.file.unlink(missing_ok=True)
        self.answer(status=204)

    def answer(self, content: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class PlainS3(ThreadingHTTPServer):
    """The objects, each a file named by a number."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._folder = folder
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._uploads = 0
        self.sha256: dict[str, str] = {}

    def file_of(self, key: str) -> Path:
        """Return where an object is, or will be."""
        with self._lock:
            return self._folder / str(self._numbers.setdefault(key, len(self._numbers)))

    def new_upload(self) -> int:
        """Return the id of a new upload in parts."""
        with self._lock:
            self._uploads += 1
            return self._uploads

    def part(self, upload: str, number: int) -> Path:
        """Return where a part is, or will be."""
        return self._folder / f"part-{upload}-{number:05}"

    def parts(self, upload: str) -> list[Path]:
        """Return all parts of an upload, in order."""
        return sorted(self._folder.glob(f"part-{upload}-*"))


def main() -> None:
    """Serve until whoever started this is gone."""
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    server = PlainS3(folder)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
