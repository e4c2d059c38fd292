"""What is measured: each function returns contenders, each of which returns its seconds."""

import argparse
import importlib.util
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import witness
from scheduler import Scheduler

Contenders = dict[str, Callable[[], float]]

CELLS = [
    "import math",
    "x = [math.sqrt(i) for i in range(1000)]",
    "sum(x)",
    "print('hi')",
    "max(x)",
]
NBCLIENT = """
import sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(nb).execute()
nbformat.write(nb, sys.argv[2])
"""


def timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def program(*words: str | Path) -> Callable[[], float]:
    command = [str(word) for word in words]

    def run() -> float:
        return timed(lambda: subprocess.run(command, check=True, capture_output=True))

    return run


def notebook(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Five short cells, from asking to the result on disk."""
    path = witness.notebook(folder / "five.ipynb", *CELLS)
    out = folder / "out.ipynb"

    import jupyter_flotilla as fl

    fl.run_source("1", wait=True)  # a dispatcher lives, the store is there

    def flotilla() -> float:
        def run() -> None:
            assert fl.run_notebook(path, wait=True).status == "SUCCEEDED"

        return timed(run)

    peers: Contenders = {}
    if importlib.util.find_spec("jupyter_scheduler") is not None:
        peers["jupyter-scheduler, in a server that is up"] = Scheduler(folder, path).run
    return {
        "nbclient in a fresh process": program(sys.executable, "-c", NBCLIENT, path, out),
        "papermill": program(sys.executable, "-m", "papermill", path, out),
        "run_notebook(…).wait()": flotilla,
        "jupyter flotilla run (a fresh process too)": program(
            sys.executable, "-m", "jupyter_flotilla", "run", path
        ),
        **peers,
    }


def commands(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """A hundred short commands, four at a time."""
    import jupyter_flotilla as fl

    fl.submit(["true"], wait=True)

    def xargs() -> float:
        script = "seq 100 | xargs -P4 -I{} sh -c 'exit 0'"
        return timed(lambda: subprocess.run(script, shell=True, check=True))

    def flotilla() -> float:
        def run() -> None:
            runs = [fl.submit(["sh", "-c", "exit 0"]) for _ in range(100)]
            for one in runs:
                assert one.wait().status == "SUCCEEDED"

        return timed(run)

    return {"xargs -P4": xargs, "submit(…) × 100, at most 4 running": flotilla}


def submit(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """A hundred submits that nobody launches, against as many rows inserted by hand."""
    from jupyter_flotilla.api import flotilla
    from jupyter_flotilla.model.options import read_options

    facade = flotilla()
    draft = facade.draft_command(["true"], read_options({}), folder)
    # of an engine that nobody dispatches here: only the submit itself is measured
    spec = draft.spec.model_copy(update={"place": "elsewhere"})
    elsewhere = type(draft)(spec=spec)
    facade.submit(elsewhere)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=NORMAL")
    bare.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, spec TEXT)")
    text = spec.model_dump_json()

    def inserts() -> float:
        def run() -> None:
            for _ in range(100):
                bare.execute("INSERT INTO runs (spec) VALUES (?)", [text])

        return timed(run)

    def submits() -> float:
        return timed(lambda: [facade.submit(elsewhere) for _ in range(100)])

    return {"100 bare SQLite inserts": inserts, "100 submits": submits}


def imports(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """What ``import jupyter_flotilla`` adds to a bare interpreter."""
    return {
        "python -c pass": program(sys.executable, "-c", "pass"),
        "python -c 'import jupyter_flotilla'": program(
            sys.executable, "-c", "import jupyter_flotilla"
        ),
    }


def finish() -> None:
    """Forget the store of this benchmark and end what runs there."""
    from jupyter_flotilla import api

    api._opened.cache_clear()
    for pid in witness.processes_of_home(Path(os.environ["FLOTILLA_HOME"])):
        os.kill(pid, 9)
