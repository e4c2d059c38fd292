"""Chaos: what is done to the programs of one store."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

import psutil
import witness

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store

PROGRAM = str(Path(__file__).with_name("chaos_crew.py"))
_ID = re.compile(r"r\w{12}")
#: What the command line of each victim contains.
_VICTIMS = {
    "submitter": "chaos_crew.py submit",
    "enqueuer": "chaos_crew.py enqueue",
    "worker": "chaos_crew.py work",
    "dispatcher": "-m jupyter_flotilla dispatch",
    "supervisor": "jupyter_flotilla.engines.process.supervisor",
    "runner": ".pyz",
    "kernel": "ipykernel_launcher",
    "command": "sh -c say()",
}
_LOCK_OUT = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
time.sleep(float(sys.argv[2]))
"""


class Chaos:
    """One store, the programs that use it, and what is done to them.

    Parameters
    ----------
    crew
        What is kept alive until it is over: words after ``chaos_crew.py``, ``{}`` for a new seed.
    acts
        What is done, with weights: kinds of `_VICTIMS`, ``lock``, ``clock``, ``ambush``, ``full``.
    """

    def __init__(
        self, home: Path, python: Path, seed: int, crew: list[list[str]], acts: dict[str, float]
    ) -> None:
        self.seed, self.acts, self.counts = seed, acts, Counter[str]()
        self._home, self._python, self._crew = home, python, crew
        self._chance = Random(seed)
        self._promises = home.parent / "promises.txt"
        self._complaints = home.parent / "complaints.txt"
        self._born: list[subprocess.Popen[bytes]] = []
        Store(home / "flotilla.db").close()
        #: Launch keys of attempts whose own processes were killed.
        self.spoilt: set[str] = set()
        self._members = [self._start_member(words) for words in crew]

    def rage(self, promised: int) -> None:
        """Do one thing after another until so many runs are promised."""
        deadline = time.monotonic() + 60 + 3 * promised
        while len(self.promised()) < promised and time.monotonic() < deadline:
            [act] = self._chance.choices([*self.acts], [*self.acts.values()])
            done = self._kill(act) if act in _VICTIMS else getattr(self, f"_{act}")()
            self.counts[act] += done
            time.sleep(self._chance.uniform(0.0, 0.4))
            self._revive()
        assert len(self.promised()) >= promised, f"too slow; --chaos-seed {self.seed}"
        for kind in ("submitter", "enqueuer"):
            while self._kill(kind):
                pass

    def settle(self, final: list[str]) -> None:
        """Let one process, started with these words, bring all runs to their end."""
        deadline = time.monotonic() + witness.PATIENCE_S
        while self._count_open() and time.monotonic() < deadline:
            if not any(map(self._living, ("dispatcher", "worker"))):
                self._start(final)
            time.sleep(0.1)
        while self._kill("worker"):
            pass

    def end(self) -> None:
        """End all that was started, and wait for it."""
        for process in self._born:
            process.kill()
            process.wait()

    def promised(self) -> set[str]:
        """Return the ids that submitters have printed."""
        return {line for line in witness.lines(self._promises) if _ID.fullmatch(line)}

    def found(self) -> list[tuple[Run, list[Attempt]]]:
        """Return what the store says of every run."""
        with closing(Store(self._home / "flotilla.db")) as store, store.read() as tx:
            return [(run, attempts.of_run(tx, run.id)) for run in runs.latest(tx, limit=10**6)]

    def left(self) -> list[str]:
        """Return the command lines of those who live when everybody has had time to leave."""
        deadline = time.monotonic() + 20
        while (left := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in self._born:
            process.poll()
        return [*left.values()]

    def complaints(self) -> list[str]:
        """Return what our programs have said on their standard error."""
        return witness.lines(self._complaints)

    def _start_member(self, words: list[str]) -> subprocess.Popen[bytes]:
        seed = str(self._chance.random())
        return self._start([PROGRAM, *(w.format(seed) for w in words)])

    def _start(self, words: list[str]) -> subprocess.Popen[bytes]:
        with self._promises.open("ab") as out, self._complaints.open("ab") as errors:
            process = subprocess.Popen(
                [self._python, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=errors
            )
        self._born.append(process)
        return process

    def _revive(self) -> None:
        for index, words in enumerate(self._crew):
            if self._members[index].poll() is not None:
                self._members[index] = self._start_member(words)

    def _living(self, kind: str) -> list[int]:
        return [pid for pid, words in self._processes().items() if _VICTIMS[kind] in words]

    def _processes(self) -> dict[int, str]:
        """Return the command line of each process that lives in the home."""
        found = {}
        for pid in witness.processes_with(f"FLOTILLA_HOME={self._home}"):
            with contextlib.suppress(psutil.Error):
                found[pid] = " ".join(psutil.Process(pid).cmdline())
        return found

    def _count_open(self) -> int:
        with closing(sqlite3.connect(self._home / "flotilla.db")) as connection:
            query = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
            return int(connection.execute(query).fetchone()[0])

    def _kill(self, kind: str) -> bool:
        living = self._living(kind)
        if not living:
            return False
        pid = self._chance.choice(living)
        if kind in ("kernel", "command"):
            with contextlib.suppress(psutil.Error):
                self.spoilt.add(psutil.Process(pid).environ()["FLOTILLA_LAUNCH_KEY"])
        return send(pid)

    def _ambush(self) -> bool:
        """Stall a runner before its fence, and kill the supervisor that has started it."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            for pid in self._living("runner"):
                with contextlib.suppress(psutil.Error, IndexError):
                    runner = psutil.Process(pid)
                    is_early = not Path(runner.cmdline()[-1], "started.json").exists()
                    supervisor = runner.ppid()
                    if is_early and supervisor in self._living("supervisor"):
                        send(pid, signal.SIGSTOP)
                        awake_s = self._chance.uniform(0.0, 4.0)
                        threading.Timer(awake_s, send, (pid, signal.SIGCONT)).start()
                        return send(supervisor)
        return False

    def _lock(self) -> bool:
        """Hold the store's lock in a process of its own."""
        words = ["-c", _LOCK_OUT, str(self._home / "flotilla.db")]
        self._start([*words, str(self._chance.uniform(0.1, 2.0))])
        return True

    def _clock(self) -> bool:
        """Move the clock that our processes see, not the system's."""
        set_clock(self._python, self._chance.choice([-3600, 0, 3600]))
        return True

    def _full(self) -> bool:
        """Fill the home's disk for a while."""
        ballast = self._home / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        time.sleep(self._chance.uniform(0.1, 1.5))
        ballast.unlink()
        return True


def send(pid: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal; False if the process was gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def set_clock(python: Path, offset_s: float) -> None:
    """Set how many seconds the clock of our processes is fast."""
    new = python.parents[1] / "clock-offset.new"
    new.write_text(str(offset_s))
    new.replace(new.with_suffix(""))
