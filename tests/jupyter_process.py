"""A Jupyter server with the extension, as a process of its own."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import witness

TOKEN = "test-token"


class JupyterProcess:
    """A server that runs; `url` ends with a slash."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self._log = log

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(errors="replace")

    def ask(self, path: str, body: Any = None) -> Any:
        """Return the JSON that a path below the API answers; raises HTTPError."""
        request = urllib.request.Request(
            f"{self.url}flotilla/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def jupyter_server(
    folder: Path, root: Path, environ: Mapping[str, str] = os.environ
) -> Iterator[JupyterProcess]:
    """Run a server with files in ``root`` and all that is its own in ``folder``."""
    places = {f"JUPYTER_{n}": str(folder / n) for n in ("CONFIG_DIR", "RUNTIME_DIR", "DATA_DIR")}
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        "--no-browser", "--port=0", "--allow-root", f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.jpserver_extensions={'jupyter_flotilla': True}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words],
            env={**environ, **places}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            url = witness.until(lambda: _address(folder / "RUNTIME_DIR"), "the server is up")
            yield JupyterProcess(process, url, folder / "log")
        finally:
            process.terminate()
            process.wait()


def _address(folder: Path) -> str | None:
    for path in folder.glob("jpserver-*.json"):
        try:
            known = json.loads(path.read_text())
            urllib.request.urlopen(
                f"http://127.0.0.1:{known['port']}{known['base_url']}api"
            ).close()
        except (OSError, ValueError, urllib.error.URLError):
            return None
        return f"http://127.0.0.1:{known['port']}{known['base_url']}"
    return None
