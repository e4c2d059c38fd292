"""Chaos for launches on ECS: dispatchers of one home that are killed at any of their statements.

All is in this process and in simulated time: the real store, steps and engine, on the fake ECS.
Who started how often is counted by the fake, which knows nothing of what is counted.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ecs_statements import Blade
from ecs_tasks import Inline

from jupyter_flotilla import protocol
from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.dispatch import launcher as launcher_module
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.poller import Poller
from jupyter_flotilla.engines.ecs import ending, engine, following, launching
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.engine import EcsEngine
from jupyter_flotilla.engines.ecs.install import STARTED_BY, install_of
from jupyter_flotilla.engines.ecs.throttle import Throttle
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.observation import Handle, Observation
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_ecs import Ending, FakeEcs, Script, StartOracle, Task
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings
from jupyter_flotilla.testing.fake_remote import FakeRemote

SETTINGS = """
artifacts = "s3://bucket/prefix"
image = "python:3.12-slim"
retry_delay_s = 0.1
[ecs]
cluster = "default"
subnets = ["subnet-a", "subnet-b", "subnet-c"]
owner = "me"
max_running = 10000
start_timeout_s = 604800
task_role = "arn:aws:iam::123456789012:role/task-{owner}"
execution_role = "arn:aws:iam::123456789012:role/execution"
"""
QUEUE = "events"
#: Of one dispatcher, until it counts as stuck.
_MOST_STEPS, _SOON = 200, 10
#: What an attempt that may still run says of itself when it is too old to be sent again.
_UNKNOWN = "whether it ran is not known"


class Killed(BaseException):
    """The dispatcher ends here, and nothing of it runs any more."""


class _Here(Inline):
    """Does at once what is submitted, unless who submits it is killed."""

    def __init__(self, dispatcher: "Dispatcher") -> None:
        self._dispatcher = dispatcher

    def submit(self, act: Any, /, *given: Any, **named: Any) -> "Future[Any]":
        future = super().submit(act, *given, **named)
        if self._dispatcher.is_killed:
            raise Killed  # what the engine keeps for its next try is gone with its process
        return future


class _Files(FakeRemote):
    """Brings what the task of an attempt that came first has left in its bucket."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def follow(self, handle: Handle, *, lives: bool, was_started: bool) -> Observation | None:
        task = self._world.began.get(str(handle.detail["launch_key"]))
        folder = Path(handle.ref)
        if task is None or not (lives or was_started):
            return None  # nobody looks for what is not known to have begun
        began = task.times["startedAt"]
        protocol.write_json(str(folder / protocol.STARTED), {"at": began}, exclusive=True)
        if task.status == "STOPPED" and task.exit_code in (0, 143):
            outcome = "succeeded" if task.exit_code == 0 else "cancelled"
            record = {
                "outcome": outcome, "ended_at": task.times["stoppedAt"],
                "duration_s": task.times["stoppedAt"] - began,
            }  # fmt: skip
            protocol.write_json(str(folder / protocol.EXIT), record, exclusive=True)
        return None

    def lease(self, run_id: str, number: int) -> dict[str, Any] | None:
        task = self._world.began.get(f"{run_id}-{number}")
        return None if task is None else {"task": task.arn}


class Dispatcher:
    """What a process has in memory that launches and follows: gone when it is killed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_killed = False
        self.store = world.store
        settings = load_settings()
        account = Account(
            settings, make_client=world.client, environ={}, clock=world.clock, sleep=world.advance,
            throttle=Throttle(
                world.share, clock=world.clock, wait=lambda changed, seconds: world.advance(seconds)
            ),
        )  # fmt: skip
        self.engine = EcsEngine(settings, account, lambda bucket: world.files, _Here(self))
        self.engine._launches._clock = self.engine._watch._clock = world.clock
        self._feed = getattr(self.engine, "_feed", None)
        if self._feed is not None:
            self._feed._clock, self._feed._now = world.clock, world.now
            self._feed._start = lambda listen: None
        launcher = Launcher(self.store, LocalArtifacts(world.home), self.engine, 10_000)
        poller = Poller(self.store, self.engine, launcher, retry_base_s=0.1)
        self._steps = [launcher.step, poller.step]
        #: What is done to it.
        self.blade: Blade | None = None

    def step(self) -> int:
        """Take each step once; what one is told of that passes is no error."""
        with nullcontext() if self.blade is None else self.blade.over():
            return self._step()

    def _step(self) -> int:
        moved = 0
        if self.engine.place.startswith("?"):
            self.engine.check()
        if self._feed is not None:
            self._feed.turn()
        for step in self._steps:
            with suppress(FlotillaError):
                moved += step(self._world.now())
        return moved

    def kill(self) -> None:
        """End it at this statement."""
        self.is_killed = True
        raise Killed

    def close(self) -> None:
        """Leave no connection to the store."""
        self.store.close()


@dataclass
class World:
    """One home and its account; time passes only where somebody lets it.

    Parameters
    ----------
    has_lease
        Whether containers take a lease, and so look themselves whether another was first.
    """

    home: Path
    patch: pytest.MonkeyPatch
    has_lease: bool = False
    seed: int = 1
    of_fake: Mapping[str, Any] = field(default_factory=dict)
    script: Any = None
    #: Of AWS's rates.
    share: float = 1.0
    has_events: bool = True

    def __post_init__(self) -> None:
        (self.home.parent / "flotilla.toml").write_text(SETTINGS)
        self.oracle = StartOracle(has_lease=self.has_lease)
        given = {"throttles": False, "on_demand_vcpu": 1e6, "spot_vcpu": 1e6, **self.of_fake}
        self.fake = FakeEcs(
            seed=self.seed, settings=FakeSettings(**given), on_start=self._begins,
            script=self.script or Script(
                provisioning_s=1, pulling_s=1, starting_s=0, runs_s=4, deprovisioning_s=1
            ),
        )  # fmt: skip
        self.files = _Files(self)
        #: Launch key → the task that was the first to run its code; ECS may have forgotten it.
        self.began: dict[str, Task] = {}
        self._submitted = 0
        random.seed(self.seed)
        self._clients: dict[str, Any] = {}
        self._set_clock()
        self.store = Store(self.home / "flotilla.db")
        if self.has_events:
            self._send_events()
        self.place = self._place()

    def _send_events(self) -> None:
        """Have events of this home's tasks sent to a queue of its own."""
        with (self.home.parent / "flotilla.toml").open("a") as file:
            file.write(f"queue_url = {self.fake.add_queue(QUEUE).url!r}\n")
        install = install_of(self.home)
        self.fake.add_rule(QUEUE, started_by_prefix=STARTED_BY.format(install=install))

    def _set_clock(self) -> None:
        for module in (launcher_module, launching, ending, engine):
            self.patch.setattr(module, "utc_now", self.now)
        times = SimpleNamespace(time=self.clock, monotonic=self.clock)
        for module in (engine, following):
            self.patch.setattr(module, "time", times)

    def _place(self) -> str:
        dispatcher = Dispatcher(self)
        assert dispatcher.engine.check().ok
        dispatcher.close()
        return dispatcher.engine.place

    def client(self, service: str) -> Any:
        """Return a client of the fake; a new process has no use for one of its own."""
        if service not in self._clients:
            self._clients[service] = self.fake.client(service)
        return self._clients[service]

    def clock(self) -> float:
        """Return seconds since 1970."""
        return self.fake.clock.now()

    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.fake.advance(seconds)

    def _begins(self, task: Task) -> Ending | None:
        ending = self.oracle(task)
        if ending is None:
            self.began.setdefault((task.started_by or "").rpartition("/")[2], task)
        return ending

    def submit(self, **fields: Any) -> str:
        """Insert a run; return its id."""
        given: dict[str, Any] = {
            "kind": "command", "name": "job", "command": ("true",), "cwd": "/", "own_cwd": True,
            "interpreter": "python3", "engine": "ecs", "place": self.place,
            "image": "python:3.12-slim", "bucket": Bucket(url="s3://bucket/x", region="us-east-1"),
        }  # fmt: skip
        # not drawn, so that a seed says all
        self._submitted += 1
        run = Run(
            id=f"r{self._submitted:012d}",
            spec=JobSpec(**(given | fields)),
            owner="me",
            created_at=self.now(),
        )
        LocalArtifacts(self.home).create(run.id)
        with self.store.write() as tx:
            runs.insert(tx, run)
        return run.id

    def cancel(self, run_id: str) -> None:
        """Ask for a run to end, as a user does."""
        with self.store.write() as tx:
            runs.request_cancel(tx, run_id, self.now(), 10.0)

    def run(self, run_id: str) -> Run:
        """Return a run as the store has it."""
        with self.store.read() as tx:
            return runs.get(tx, run_id)

    def attempts(self, run_id: str) -> list[Attempt]:
        """Return a run's attempts."""
        with self.store.read() as tx:
            return attempts.of_run(tx, run_id)

    def is_unknown(self, run_id: str) -> bool:
        """Say whether nobody can say whether a run has begun: its user has to decide."""
        made = self.attempts(run_id)
        return bool(made) and made[-1].is_open and _UNKNOWN in (made[-1].message or "")

    def is_settled(self, run_id: str) -> bool:
        """Say whether a run goes on no more by itself."""
        return self.run(run_id).status.is_final or self.is_unknown(run_id)

    def settle(self, run_ids: Sequence[str], dispatcher: Dispatcher | None = None) -> None:
        """Let one dispatcher bring runs as far as they go by themselves."""
        dispatcher = dispatcher or Dispatcher(self)
        left = list(run_ids)
        for number in range(_MOST_STEPS):
            left = [run_id for run_id in left if not self.is_settled(run_id)]
            if not left:
                break
            dispatcher.step()
            self.advance(2 if number < _SOON else 20)
        dispatcher.close()

    def decide(self, run_ids: Sequence[str]) -> list[str]:
        """Have the user cancel what nobody can say of whether it began; return what that was."""
        unknown = [
            one for one in run_ids if not self.run(one).status.is_final and self.is_unknown(one)
        ]
        if not unknown:
            return []
        for run_id in unknown:
            self.cancel(run_id)
        dispatcher = Dispatcher(self)
        for number in range(_MOST_STEPS):
            if all(self.run(run_id).status.is_final for run_id in unknown):
                break
            dispatcher.step()
            self.advance(2 if number < _SOON else 20)
        dispatcher.close()
        return unknown

    def violations(self, run_ids: Sequence[str]) -> list[str]:
        """Return each sentence that is true of these runs and must not be."""
        starts = {key.rpartition("/")[2]: count for key, count in self.oracle.starts.items()}
        wrong = [f"{key} started {count} times" for key, count in starts.items() if count > 1]
        known = set()
        for run_id in run_ids:
            run, made = self.run(run_id), self.attempts(run_id)
            known |= {attempt.launch_key for attempt in made}
            wrong += _wrong(run, made, starts)
        wrong += [f"{key} started and has no row" for key in starts.keys() - known]
        going_on = [task.started_by for task in self.fake.tasks() if task.status != "STOPPED"]
        return wrong + [f"the task of {one} goes on and nobody knows" for one in going_on]


def _wrong(run: Run, made: Sequence[Attempt], starts: Mapping[str, int]) -> Iterator[str]:
    if not run.status.is_final:
        yield f"{run.id} is still {run.status}: {[(a.phase, a.message) for a in made]}"
        return
    if [attempt.number for attempt in made] != [*range(1, run.attempt + 1)]:
        yield f"{run.id} has attempts {[attempt.number for attempt in made]}"
    for attempt in made:
        if attempt.is_open:
            yield f"{attempt.launch_key} is open, its run is final"
    if run.status is RunStatus.SUCCEEDED and starts.get(made[-1].launch_key) != 1:
        yield f"{run.id} SUCCEEDED with {starts.get(made[-1].launch_key, 0)} starts"
