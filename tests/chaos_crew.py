"""The programs that chaos kills: ``python chaos_crew.py submit|enqueue|work …``."""

import fcntl
import os
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import jupyter_flotilla as fl
from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.poller import Poller
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.runner_app import runner_app
from jupyter_flotilla.errors import FlotillaError, LaunchError
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Ending, FailureKind, Handle, Observation, Phase
from jupyter_flotilla.model.run import Run, new_run_id
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine

#: Most attempts at a time, in all of chaos.
LIMIT = 4
_JOB = 'say() { echo "$1 $FLOTILLA_LAUNCH_KEY" >> "$0"; }; say start; sleep "$1"; say end'
_CELL = """
import os, time
def say(word):
    fd = os.open({oracle!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, f"{{word}} {{os.environ['FLOTILLA_LAUNCH_KEY']}}\\n".encode())
say("start")
time.sleep({seconds})
say("end")
"""


class Cloud(FakeEngine):
    """A fake engine whose oracle is all its memory: no kill comes between an effect and its line.

    It loses answers, and how long a task runs and how it ends is drawn from its key.
    """

    def launch(self, order: LaunchOrder) -> Handle:
        key = order.launch_key
        with self._tasks() as tasks:
            if self._is_new(key, tasks):
                self._write("start", f"{key} {time.time()}")
        if Random(f"{key} {time.time()}").random() < 0.15:
            raise LaunchError("the answer was lost", retryable=True)
        return Handle(engine=self.name, place=self.place, ref=key)

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        with self._tasks() as tasks:
            return [self._look(handle.ref, tasks) for handle in handles]

    def stop(self, handle: Handle, grace_s: float) -> None:
        with self._tasks() as tasks:
            if "end" not in tasks[handle.ref]:
                self._write("end", f"{handle.ref} cancelled")

    def _look(self, key: str, tasks: dict[str, dict[str, str]]) -> Observation:
        fate = Random(key)
        began = float(tasks[key]["start"])
        outcome = tasks[key].get("end")
        if outcome is None and time.time() > began + fate.uniform(0.0, 0.5):
            outcome = fate.choices(["succeeded", "lost", "user-error"], [8, 1, 1])[0]
            self._write("end", f"{key} {outcome}")
        started_at = datetime.fromtimestamp(began, UTC)
        if outcome is None:
            return Observation(state="running", phase=Phase.RUNNING, started_at=started_at)
        is_kind = outcome in list(FailureKind)
        ending = Ending(
            outcome="failed" if is_kind else outcome,  # type: ignore[arg-type]
            failure_kind=FailureKind(outcome) if is_kind else None,
            ended_at=datetime.now(UTC),
            duration_s=1,
        )
        return Observation(state="ended", started_at=started_at, ending=ending)

    @staticmethod
    def _is_new(key: str, tasks: dict[str, dict[str, str]]) -> bool:
        return key not in tasks

    @contextmanager
    def _tasks(self) -> Iterator[dict[str, dict[str, str]]]:
        """Yield what the oracle says of each task, and let nobody else write meanwhile."""
        with self.oracle.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            tasks: dict[str, dict[str, str]] = {}
            for line in file:
                what, key, detail = line.split()
                tasks.setdefault(key, {}).setdefault(what, detail)
            yield tasks


def submit(oracle: str, seed: str) -> None:
    """Submit jobs to the process engine until killed; print each id once it is promised."""
    chance = Random(seed)
    while True:
        seconds = chance.uniform(0.0, 1.5)
        try:
            if chance.random() < 0.15:
                run = fl.run_source(_CELL.format(oracle=oracle, seconds=seconds))
            else:
                run = fl.submit(["sh", "-c", _JOB, oracle, str(seconds)])
            print(run.id, flush=True)
            if chance.random() < 0.1:
                time.sleep(chance.uniform(0.0, 1.0))
                run.cancel(grace=0.3)
        except FlotillaError as error:
            print(f"refused: {error}", flush=True)  # a full disk: nothing was promised
        time.sleep(chance.uniform(0.2, 2.0))


def enqueue(home: str, seed: str) -> None:
    """Insert runs of the fake engine until killed; print each id once it is promised."""
    chance, store = Random(seed), Store(Path(home) / "flotilla.db")
    fields = {
        "kind": "command", "name": "job", "command": ("true",), "cwd": "/",
        "interpreter": "python", "engine": "fake", "place": "nowhere", "retries": 1,
    }  # fmt: skip
    while True:
        spec = JobSpec.model_validate(fields)
        run = Run(id=new_run_id(), spec=spec, owner="me", created_at=utc_now())
        with store.write() as tx:
            runs.insert(tx, run)
        print(run.id, flush=True)
        if chance.random() < 0.1:
            with store.write() as tx:
                runs.request_cancel(tx, run.id, utc_now(), 1.0)
        time.sleep(chance.uniform(0.0, 0.2))


def work(home: str, mutant: str) -> None:
    """Dispatch the fake engine's runs, beside others, until killed.

    ``mutant`` is a guard of ours that is taken away, ``launch-key`` or ``limit``, or ``none``.
    """
    _break(mutant)
    store = Store(Path(home) / "flotilla.db")
    cloud = Cloud(Path(home) / "fake")
    launcher = Launcher(store, LocalArtifacts(Path(home)), cloud, LIMIT)
    poller = Poller(store, cloud, launcher, retry_base_s=0.1)
    while True:
        launcher.step(utc_now())
        poller.step(utc_now())
        time.sleep(0.02)


def _break(mutant: str) -> None:
    if mutant == "launch-key":
        guarded = runs.apply
        runs.apply = lambda tx, old, new, now: guarded(tx, runs.get(tx, old.id), new, now)
        Cloud._is_new = staticmethod(lambda key, tasks: True)  # type: ignore[method-assign]
    if mutant == "limit":
        attempts._count_open = lambda tx, engine, place: 0


def break_fence(home: Path) -> None:
    """Lay a runner without its fence where every launcher of this home will take it from."""
    app = runner_app(home / "runner")
    with zipfile.ZipFile(app) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    name = "jupyter_flotilla/runner/attempt.py"
    before, begin, rest = files[name].partition("    def begin(")
    fence, path, after = rest.partition("    def path(")
    assert fence.count("return None") == 2, "the runner's fence looks different now"
    files[name] = before + begin + fence.replace("return None", "pass") + path + after
    with zipfile.ZipFile(app, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


if __name__ == "__main__":
    os.umask(0o077)
    {"submit": submit, "enqueue": enqueue, "work": work}[sys.argv[1]](*sys.argv[2:])
