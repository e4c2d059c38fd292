"""The fake behind a port of this machine, for other processes."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jupyter_flotilla.testing.fake_ecs.botocore_door import Broken, Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # many clients of one test may knock at once
    request_queue_size = 128

    def __init__(self, handle: Handler) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.handle = handle

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that break: on purpose, or since a client was killed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answer = self.server.handle("POST", self.path, dict(self.headers.items()), body)
        except Broken:
            self.close_connection = True  # and no word: the client sees the end of the socket
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST


@contextmanager
def serve(handle: Handler) -> Iterator[str]:
    """Serve a handler on a free port of 127.0.0.1 while the context lasts; yield its URL."""
    server = _Server(handle)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.daemon = True
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
