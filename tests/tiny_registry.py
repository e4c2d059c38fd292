"""A registry with one image of one layer: ``python tiny_registry.py PORT IMAGE_TAR``.

Speaks as much of the registry API as ``docker pull`` asks for
(distribution.github.io/distribution/spec/api, read 2026-11).
"""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

#: This file, to be started.
PROGRAM = Path(__file__)
#: The image's name in it.
IMAGE = "full:1"
_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _described(media: str, content: bytes) -> dict[str, Any]:
    return {
        "mediaType": f"application/vnd.docker.{media}",
        "size": len(content),
        "digest": _digest(content),
    }


def _blobs(layer: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return a manifest, and what it names, by digest."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _TYPE,
        "config": _described("container.image.v1+json", config),
        "layers": [_described("image.rootfs.diff.tar", layer)],
    }
    return json.dumps(manifest).encode(), {_digest(one): one for one in (config, layer)}


def main() -> None:
    """Serve until killed; say so once it can be asked."""
    manifest, blobs = _blobs(Path(sys.argv[2]).read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            last = self.path.rpartition("/")[2]
            content = manifest if "/manifests/" in self.path else blobs.get(last, b"{}")
            self.send_response(200)
            self.send_header("Content-Type", _TYPE)
            self.send_header("Docker-Content-Digest", _digest(content))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
