"""The nearest peer: jupyter-scheduler, asked over its own REST routes."""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

_TOKEN = "benchmark"
_PORT = 18999


class Scheduler:
    """A Jupyter server with jupyter-scheduler that lives as long as this process.

    Parameters
    ----------
    folder
        The root of its server; its database is kept there, too.
    notebook
        What it runs, in that folder.
    poll_s
        Seconds between its looks at what is due; None: as it comes.
    """

    def __init__(self, folder: Path, notebook: Path, poll_s: int | None = None) -> None:
        self._notebook = notebook
        self._words = [
            "server", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}",
            f"--port={_PORT}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={_TOKEN}",
            f"--SchedulerApp.db_url=sqlite:///{folder}/scheduler.sqlite",
        ]  # fmt: skip
        if poll_s is not None:
            self._words.append(f"--TaskRunner.poll_interval={poll_s}")
        atexit.register(self.kill)
        self.start()
        self._environment = self._ask("runtime_environments")[0]["name"]

    def start(self) -> None:
        """Start its server, and wait until it answers."""
        self._server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", *self._words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                self._ask("runtime_environments")
            except OSError:
                assert time.monotonic() < deadline, "the peer's server does not come up"
                time.sleep(0.2)
            else:
                break

    def kill(self) -> None:
        """Kill its server; does nothing where that is dead."""
        if self._server.poll() is None:
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def run(self) -> float:
        """Return the seconds from asking until the job is COMPLETED."""
        began = time.perf_counter()
        job = self._ask("jobs", self._what())
        while True:
            status = self._ask(f"jobs/{job['job_id']}")["status"]
            if status == "COMPLETED":
                return time.perf_counter() - began
            assert status != "FAILED", status  # it begins as STOPPED there
            time.sleep(0.05)

    def schedule(self, cron: str) -> str:
        """Have it run at these times, in UTC; return the id of what it calls a definition."""
        body = {**self._what(), "schedule": cron, "timezone": "UTC"}
        return str(self._ask("job_definitions", body)["job_definition_id"])

    def jobs(self, definition: str) -> list[dict[str, Any]]:
        """Return all jobs that it tells of a definition."""
        found = self._ask(f"jobs?job_definition_id={definition}&max_items=1000")
        return list(found["jobs"])

    def _what(self) -> dict[str, Any]:
        return {
            "name": "five", "input_uri": self._notebook.name, "output_formats": ["ipynb"],
            "runtime_environment_name": self._environment,
        }  # fmt: skip

    def _ask(self, route: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{_PORT}/scheduler/{route}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {_TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
