"""The nearest peer: jupyter-scheduler, asked over its own REST routes."""

import atexit
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

_TOKEN = "benchmark"
_PORT = 18999


class Scheduler:
    """A Jupyter server with jupyter-scheduler that lives as long as this process."""

    def __init__(self, folder: Path, notebook: Path) -> None:
        self._notebook = notebook
        words = ["server", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}",
                 f"--port={_PORT}", f"--IdentityProvider.token={_TOKEN}"]  # fmt: skip
        self._server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        atexit.register(self._server.kill)
        deadline = time.monotonic() + 60
        while True:
            try:
                environments = self._ask("runtime_environments")
            except OSError:
                assert time.monotonic() < deadline, "the peer's server does not come up"
                time.sleep(0.2)
            else:
                break
        self._environment = environments[0]["name"]

    def run(self) -> float:
        """Return the seconds from asking until the job is COMPLETED."""
        began = time.perf_counter()
        job = self._ask("jobs", {
            "name": "five", "input_uri": self._notebook.name, "output_formats": ["ipynb"],
            "runtime_environment_name": self._environment,
        })  # fmt: skip
        while True:
            status = self._ask(f"jobs/{job['job_id']}")["status"]
            if status == "COMPLETED":
                return time.perf_counter() - began
            assert status != "FAILED", status  # it begins as STOPPED there
            time.sleep(0.05)

    def _ask(self, route: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{_PORT}/scheduler/{route}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {_TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
