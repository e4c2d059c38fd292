"""Schedules beside jupyter-scheduler's: how late the first cell runs, and what is made of ticks
that came while whoever schedules was dead. What has run is seen from outside: each run writes the
time of its first cell into a file.
"""

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import witness
from scheduler import Scheduler

Contenders = dict[str, Callable[[], float]]

_MINUTE = "* * * * *"
#: Ticks during which whoever schedules is dead.
_MISSED = 3


def minute(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """From when a notebook of each minute was due to its first cell, in seconds.

    Ours is due half a minute after the peer's, so that neither waits for the other. The peer's
    server is started anew for each tick, at another place of its interval of looking: how late it
    is depends on where in that the tick falls.
    """
    import jupyter_flotilla as fl

    oracle = folder / "ours.txt"
    now = int(time.time())
    begin = datetime.fromtimestamp(now - now % 60 - 30, UTC)
    fl.schedule(
        _notebook(folder / "ours.ipynb", oracle), when="every 1 minute", start=begin.isoformat()
    )

    def ours() -> float:
        return (_next(oracle) - 30) % 60

    if importlib.util.find_spec("jupyter_scheduler") is None:
        return {"ours": ours}

    def peer(poll_s: int | None, numbers: Iterator[int]) -> float:
        number = next(numbers)
        path = folder / f"peer{poll_s}-{number}"
        time.sleep(number * 6.2 % 10)  # spread over the ten seconds
        scheduler = Scheduler(path, _notebook(path / "peer.ipynb", path / "seen.txt"), poll_s)
        scheduler.schedule(_MINUTE)
        seen = _next(path / "seen.txt")
        scheduler.kill()
        return seen % 60

    return {
        "jupyter-scheduler, as it comes": partial(peer, None, count()),
        "ours": ours,
        "jupyter-scheduler, looking every second": partial(peer, 1, count()),
    }


def missed(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Kill whoever schedules over some ticks of a minute, start it again, and count.

    All contenders are of one experiment, which is made when the first of them is asked. What is
    late by less than a minute is no missed tick, so that the last of them queues behind the others.
    """
    seen = _Outage(folder)

    def number_of(what: str) -> Callable[[], float]:
        return lambda: seen.found[what]

    rest = [f"{who}: {what}" for who in seen.peers for what in ("told of", "first cells run")]
    return {"ticks in that time": seen.make, **{label: number_of(label) for label in rest}}


@dataclass
class _Outage:
    folder: Path
    found: dict[str, float] = field(default_factory=dict)
    _numbers: Any = field(default_factory=count)

    @property
    def peers(self) -> list[str]:
        has_peer = importlib.util.find_spec("jupyter_scheduler") is not None
        return ["ours", *(["jupyter-scheduler"] if has_peer else [])]

    def make(self) -> float:
        import jupyter_flotilla as fl

        path = self.folder / f"outage{next(self._numbers)}"
        ours, theirs = path / "ours.txt", path / "theirs.txt"
        schedule = fl.schedule(
            _notebook(path / "ours.ipynb", ours),
            when=f"{_MINUTE} UTC",
            missed="all",
            overlap="queue",
        )
        peer = None
        if len(self.peers) > 1:
            peer = Scheduler(path, _notebook(path / "theirs.ipynb", theirs))
            definition = peer.schedule(_MINUTE)
        for oracle in (ours, *([theirs] if peer else [])):
            _next(oracle)
        time.sleep(5)  # its runs are over
        killed = time.time()
        _kill_dispatcher()
        if peer:
            peer.kill()
        due = int(killed) // 60 * 60 + 60 * _MISSED
        time.sleep(due + 5 - time.time())
        assert not _living(), "somebody has brought the dispatcher back"
        words = [sys.executable, "-P", "-m", "jupyter_flotilla", "dispatch"]
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if peer:
            peer.start()
        time.sleep(due + 59 - time.time())  # the next tick is none of those
        self.found["ours: first cells run"] = _between(ours, killed, due + 60)
        told = [one.tick.scheduled_at.timestamp() for one in schedule.history()]
        self.found["ours: told of"] = sum(killed < one <= due for one in told)
        schedule.delete()
        if peer:
            self.found["jupyter-scheduler: first cells run"] = _between(theirs, killed, due + 60)
            told = [job["create_time"] / 1000 for job in peer.jobs(definition)]
            self.found["jupyter-scheduler: told of"] = sum(killed < one <= due + 60 for one in told)
            peer.kill()
        return float(_MISSED)


def _notebook(path: Path, oracle: Path) -> Path:
    cell = f"import time\nopen({str(oracle)!r}, 'a').write(f'{{time.time()}}\\n')"
    return witness.notebook(path, cell)


def _next(oracle: Path) -> float:
    """Return when the next first cell ran."""
    known = len(witness.lines(oracle))
    deadline = time.monotonic() + 150
    while len(witness.lines(oracle)) == known:
        assert time.monotonic() < deadline, "no run came"
        time.sleep(0.05)
    return float(witness.lines(oracle)[known])


def _between(oracle: Path, begin: float, end: float) -> int:
    return sum(begin < float(one) < end for one in witness.lines(oracle))


def _kill_dispatcher() -> None:
    for pid in _living():
        os.kill(pid, signal.SIGKILL)


def _living() -> list[int]:
    return witness.processes_of_home(Path(os.environ["FLOTILLA_HOME"]))
