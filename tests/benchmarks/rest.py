"""Lists over REST, against jupyter-scheduler with as many; what they cost others of the server."""

import argparse
import atexit
import http.client
import importlib.util
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import scale

Contenders = dict[str, Callable[[], float]]

_TOKEN = "benchmark"
_ROWS = 100_000
#: Requests for one figure.
_REQUESTS = 40


class _Server:
    """A Jupyter server with one extension, and one kept connection to it."""

    def __init__(self, folder: Path, extension: str, *words: str) -> None:
        folder.mkdir(exist_ok=True)
        command = [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0",
            f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={_TOKEN}",
            "--ServerApp.log_level=ERROR",
            f"--ServerApp.jpserver_extensions={{'{extension}': True}}", *words,
        ]  # fmt: skip
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        own = {**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
        server = subprocess.Popen(command, env=own, **quiet)
        atexit.register(server.kill)
        deadline = time.monotonic() + 60
        while not (found := list((folder / "runtime").glob("jpserver-*.json"))):
            assert time.monotonic() < deadline, f"{extension}: the server does not come up"
            time.sleep(0.5)
        self._port = json.loads(found[0].read_text())["port"]
        self.connect()

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection; `get` uses the latest."""
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        return self._connection

    def get(self, path: str, connection: http.client.HTTPConnection | None = None) -> bytes:
        """Return what a path answers."""
        connection = connection or self._connection
        connection.request("GET", path, headers={"Authorization": f"token {_TOKEN}"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        return body


def lists(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Fifty of 100,000 runs, over one kept connection."""
    ours = _ours(folder)
    assert len(json.loads(ours.get("/flotilla/api/runs?limit=50"))["runs"]) == 50
    contenders = {"flotilla, 50 of 100,000": _each(ours, "/flotilla/api/runs?limit=50")}
    if importlib.util.find_spec("jupyter_scheduler") is not None:
        peer = _scheduler(folder)
        found = json.loads(peer.get("/scheduler/jobs?max_items=50"))
        assert (len(found["jobs"]), found["total_count"]) == (50, _ROWS)
        contenders["jupyter-scheduler, 50 of 100,000"] = _each(peer, "/scheduler/jobs?max_items=50")
    return contenders


def status(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """p95 of the server's own ``api/status``, alone and while lists are served to three windows."""
    ours = _ours(folder)

    def busy() -> float:
        is_over = threading.Event()

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", ours._port, timeout=60)
            while not is_over.wait(0.05):
                ours.get("/flotilla/api/runs?limit=50", connection)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            return _p95(ours)
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    return {"api/status, p95, idle": lambda: _p95(ours), "the same while lists are served": busy}


def _ours(folder: Path) -> _Server:
    from jupyter_flotilla.service import Flotilla
    from jupyter_flotilla.settings import load_settings

    scale.fill(Flotilla(load_settings()), _ROWS, folder)
    return _Server(folder / "ours", "jupyter_flotilla")


def _scheduler(folder: Path) -> _Server:
    """Return a server of jupyter-scheduler whose database has as many jobs."""
    database = folder / "scheduler.sqlite"
    peer = _Server(
        folder / "peer", "jupyter_scheduler", f"--SchedulerApp.db_url=sqlite:///{database}"
    )
    peer.get("/scheduler/jobs?max_items=1")
    with sqlite3.connect(database) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(jobs)")]
        now = int(time.time() * 1000)
        known = {
            "runtime_environment_name": "env", "input_filename": "train.ipynb", "name": "train",
            "output_formats": '["ipynb"]', "status": "COMPLETED", "parameters": "{}", "tags": "[]",
            "create_time": now, "update_time": now, "start_time": now, "end_time": now,
            "package_input_folder": 0, "url": "/jobs/1",
        }  # fmt: skip
        used = [name for name in columns if name in known or name == "job_id"]
        marks = ", ".join("?" for _ in used)
        connection.executemany(
            f"INSERT INTO jobs ({', '.join(used)}) VALUES ({marks})",
            (
                [str(uuid.uuid4()) if name == "job_id" else
                 known[name] + n if name == "create_time" else known[name] for name in used]
                for n in range(_ROWS)
            ),
        )  # fmt: skip
    return peer


def _each(server: _Server, path: str) -> Callable[[], float]:
    def run() -> float:
        times = []
        for _ in range(_REQUESTS):
            began = time.perf_counter()
            server.get(path)
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    return run


def _p95(server: _Server) -> float:
    times = []
    for _ in range(10 * _REQUESTS):
        began = time.perf_counter()
        server.get("/api/status")
        times.append(time.perf_counter() - began)
        time.sleep(0.002)
    return statistics.quantiles(times, n=20)[-1]
