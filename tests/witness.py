"""Sees what happens from outside of our code: processes, oracles, notebooks."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

#: The present of tests that are given one.
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
#: Longest time that anything in a test may take to come about, in seconds.
PATIENCE_S = 60


def until(is_so: Callable[[], Any], what: str = "") -> Any:
    """Return the first true answer; fail when patience is over."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = is_so()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not so after {PATIENCE_S} s: {what or is_so}")


def processes_with(mark: str) -> list[int]:
    """Return the living processes that have ``NAME=value`` in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            name, _, value = mark.partition("=")
            if process.environ().get(name) == value and process.status() != "zombie":
                found.append(process.pid)
    return [pid for pid in found if pid != os.getpid()]


def processes_of_run(run_id: str) -> list[int]:
    """Return the living processes of a run's job."""
    return processes_with(f"FLOTILLA_RUN_ID={run_id}")


def processes_of_home(home: Path) -> list[int]:
    """Return the living dispatchers, supervisors and jobs of a home, ourselves excepted."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            is_ours = process.environ().get("FLOTILLA_HOME") == str(home) or str(home) in words
            is_parent = process.pid in (os.getpid(), os.getppid())
            if is_ours and not is_parent:
                found.append(process.pid)
    return found


def supervisor_of(folder: Path) -> int:
    """Return the pid of an attempt's supervisor, once there is one."""
    record = until(lambda: _read(folder / "supervisor.json"), "a supervisor")
    return int(record["pid"])


def runner_of(folder: Path) -> int:
    """Return the pid of an attempt's runner, once it has begun."""
    return int(until(lambda: _read(folder / "started.json"), "a runner")["pid"])


def kernel_of(folder: Path) -> int:
    """Return the pid of the kernel below an attempt's runner, once it lives."""

    def kernels() -> list[int]:
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(runner_of(folder)).children()]
        return []

    return int(until(kernels, "a kernel")[0])


def notebook(path: Path, *cells: str, parameters: str | None = None) -> Path:
    """Write a notebook of code cells; ``parameters`` becomes its first, tagged so."""
    sources = ([parameters] if parameters is not None else []) + list(cells)
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {
                "id": f"cell-{index}",
                "cell_type": "code",
                "metadata": {"tags": ["parameters"]} if parameters and index == 0 else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for index, source in enumerate(sources)
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def oracle_cell(oracle: Path, seconds: float) -> str:
    """Return a cell that appends ``start`` and, some seconds later, ``end`` to a file."""
    return f"""
import os, time
def say(word):
    fd = os.open({str(oracle)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (word + "\\n").encode())
    os.close(fd)
say("start")
time.sleep({seconds})
say("end")
"""


def lines(path: Path) -> list[str]:
    """Return the lines of an oracle; none where nobody has written."""
    return path.read_text().splitlines() if path.exists() else []


def flotilla(*words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run ``jupyter flotilla`` as a program of its own, to its end."""
    command = [sys.executable, "-m", "jupyter_flotilla", *map(str, words)]
    given = {"timeout": PATIENCE_S, "stdin": subprocess.DEVNULL, **options}
    return subprocess.run(command, capture_output=True, text=True, check=False, **given)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return record


def kill(pid: int) -> None:
    """Kill a process, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def program(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    return subprocess.run(
        [*map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
