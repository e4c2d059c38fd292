"""What is measured with much of it: long lists, long streams, many runs at a time."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil

Contenders = dict[str, Callable[[], float]]

_STREAM_TEXT = "epoch 12/20 loss 0.231 — the quick brown fox jumps over the lazy dog\n" * 100
_TAIL = """
import sys
from jupyter_flotilla import protocol, render
protocol.StreamReader(sys.argv[1]).tail(100)
[peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak.split()[1]) / 1024)
"""
_PAGE = """
import sys
from itertools import islice
from jupyter_flotilla import protocol, render
reader = protocol.StreamReader(sys.argv[1], after=int(sys.argv[2]))
size = sum(len(protocol.record_text(record)) for record in islice(reader.read(), 20))
[peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak.split()[1]) / 1024)
"""
_IMPORTS = """
from jupyter_flotilla import protocol, render
[peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak.split()[1]) / 1024)
"""


def listing(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """The 50 latest runs of few, and of many."""
    from jupyter_flotilla.service import Flotilla
    from jupyter_flotilla.settings import load_settings

    contenders: Contenders = {}
    for rows in (100, 100_000, arguments.rows):
        os.environ["FLOTILLA_HOME"] = str(folder / f"home-{rows}")
        facade = Flotilla(load_settings())
        fill(facade, rows, folder)

        def run(facade: Flotilla = facade) -> float:
            began = time.perf_counter()
            facade.latest(limit=50)
            return time.perf_counter() - began

        run()  # the first one compiles statements
        contenders[f"50 of {rows:,} runs"] = run
    return contenders


def stream(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """The last 100 lines, and a page from the middle, of a long stream, against tail and sed."""
    from jupyter_flotilla.protocol import StreamWriter

    plain, last = folder / "plain.txt", 0
    with closing(StreamWriter(str(folder))) as writer, plain.open("w") as file:
        for _ in range(int(arguments.stream_mib * 2**20 / len(_STREAM_TEXT.encode()))):
            writer.text("stdout", _STREAM_TEXT)
            file.write(_STREAM_TEXT)
            last += 1
    middle = str(plain.stat().st_size // 2)
    return {
        "tail -n 100": _clock("tail", "-n", "100", plain),
        "the last 100 lines, in a fresh process": _clock(sys.executable, "-c", _TAIL, folder),
        "tail -c +MIDDLE | head -c 64000": _clock(
            "sh", "-c", 'tail -c +"$1" "$0" | head -c 64000', plain, middle
        ),
        "20 records from the middle, in a fresh process": _clock(
            sys.executable, "-c", _PAGE, folder, str(last // 2)
        ),
    }


def stream_memory(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Peak memory of the same, in MiB, against a process that only imports."""
    stream(folder, arguments)

    def peak(code: str, *words: str | Path) -> Callable[[], float]:
        command = [sys.executable, "-c", code, *map(str, words)]
        return lambda: float(subprocess.run(command, check=True, capture_output=True).stdout)

    return {
        "only importing": peak(_IMPORTS),
        "the last 100 lines": peak(_TAIL, folder),
        "20 records from the middle": peak(_PAGE, folder, "5000"),
    }


def dispatcher_memory(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Memory of a dispatcher, in MiB, with few and with many runs that are on (fake engine)."""
    return {
        f"{active} active runs": lambda active=active: _dispatch(folder, active)[0]
        for active in (1, 1000)
    }


def dispatcher_cpu(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """CPU of the same, in percent of one, over 5 seconds in which nothing changes."""
    return {
        f"{active} active runs": lambda active=active: _dispatch(folder, active)[1]
        for active in (1, 1000)
    }


def _dispatch(folder: Path, active: int) -> tuple[float, float]:
    """Return MiB and percent of CPU of a process that dispatches so many runs."""
    home = folder / f"dispatch-{active}-{time.monotonic_ns()}"
    words = [sys.executable, Path(__file__).with_name("idle_dispatcher.py"), home, str(active)]
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # all are running
        measured = psutil.Process(process.pid)
        time.sleep(2)
        before, began = measured.cpu_times(), time.monotonic()
        time.sleep(5)
        after = measured.cpu_times()
        cpu_s = (after.user + after.system) - (before.user + before.system)
        return measured.memory_info().rss / 2**20, cpu_s / (time.monotonic() - began) * 100
    finally:
        process.kill()
        process.wait()


def _clock(*words: str | Path) -> Callable[[], float]:
    command = [str(word) for word in words]

    def run() -> float:
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began

    return run


def fill(facade: object, rows: int, folder: Path) -> None:
    """Put so many finished runs into a store."""
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.model.options import read_options
    from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
    from jupyter_flotilla.service import Flotilla
    from jupyter_flotilla.store.runs import _row
    from jupyter_flotilla.store.schema import runs as table

    assert isinstance(facade, Flotilla)
    spec = facade.draft_command(["true"], read_options({}), folder).spec
    now = utc_now()
    for start in range(0, rows, 10_000):
        made = [
            Run(id=new_run_id(), spec=spec, owner="me", status=RunStatus.SUCCEEDED,
                created_at=now - timedelta(seconds=start + n), ended_at=now)
            for n in range(min(10_000, rows - start))
        ]  # fmt: skip
        with facade.store.write() as tx:
            tx.execute(table.insert(), [_row(run) for run in made])
