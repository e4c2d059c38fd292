"""Chaos for launches on ECS: dispatchers of one home that are killed at any of their statements.

All is in this process and in simulated time: the real store, steps and engine, on the fake ECS.
Who started how often is counted by the fake, which knows nothing of what is counted.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

import jupyter_flotilla
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
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_ecs import Ending, FakeEcs, Script, StartOracle, Task, faults
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
_MOST_STEPS = 200
#: What an attempt that may still run says of itself when it is too old to be sent again.
_UNKNOWN = "whether it ran is not known"
_PACKAGE = Path(jupyter_flotilla.__file__).parent
_PACKAGE_PREFIX = f"{_PACKAGE}/"
#: Where the protocol of a launch is; and where else something is done on the way of a run.
PROTOCOL = (
    "engines/ecs/launching.py", "engines/ecs/account.py", "dispatch/launcher.py",
    "store/attempts.py",
)  # fmt: skip
_ASIDE = ("engines/ecs/definition.py", "engines/ecs/capacity.py", "engines/ecs/observe.py")
EVERYWHERE = (
    *PROTOCOL, "engines/ecs/engine.py", "engines/ecs/definition.py", "engines/ecs/finding.py",
    "engines/ecs/following.py", "engines/ecs/ending.py", "dispatch/poller.py", "store/runs.py",
    "store/connection.py", "protocol/files.py",
)  # fmt: skip
#: Where no lock and no transaction of one dispatcher is held, so that another may be at work.
_OPEN = (
    "engines/ecs/launching.py", "engines/ecs/account.py", "engines/ecs/engine.py",
    "engines/ecs/following.py",
)  # fmt: skip
_CLOSED = ("engines/ecs/definition.py", "store/")
#: What goes wrong with a call of RunTask, and how often; and with any call.
_OF_LAUNCH: Sequence[tuple[float, faults.Fault]] = (
    (0.06, faults.throttle()), (0.05, faults.disguised_throttle()),
    (0.04, faults.server_error()), (0.06, faults.server_error(has_effect=True)),
    (0.04, faults.read_timeout(has_effect=False)), (0.08, faults.read_timeout()),
    (0.04, faults.connection_closed(has_effect=False)), (0.06, faults.connection_closed()),
    (0.03, faults.connect_timeout()), (0.05, faults.garbage()),
    (0.05, faults.refusal()), (0.03, faults.refusal("RESOURCE:CPU")),
)  # fmt: skip
_OF_ANY: Sequence[tuple[float, faults.Fault]] = (
    (0.03, faults.throttle()), (0.02, faults.disguised_throttle()), (0.02, faults.server_error()),
    (0.02, faults.read_timeout()), (0.02, faults.connection_closed()), (0.01, faults.garbage()),
)  # fmt: skip
#: Seconds in which no dispatcher lives: as long as a token does at least; and as long as may be.
SHORT_GAPS = (1.0, 20.0, 120.0)
LONG_GAPS = (60.0, 20 * 60.0, 44 * 60.0, 50 * 60.0, 70 * 60.0, 3 * 3600.0, 26 * 3600.0)


class Killed(BaseException):
    """The dispatcher ends here, and nothing of it runs any more."""


@dataclass
class Blade:
    """Something that is done once to a dispatcher, before a statement of its.

    Parameters
    ----------
    files
        Of the package, whose statements count.
    chooses
        Says whether it is to be done at a statement: told of the lines of the package that lead
        to it, the statement's own first.
    """

    files: Sequence[str]
    chooses: Callable[[tuple[str, ...]], bool]
    act: Callable[[], None]
    #: Where it was done; empty: not yet.
    at: str = ""

    def __post_init__(self) -> None:
        self._names = frozenset(str(_PACKAGE / name) for name in self.files)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch what is executed meanwhile."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(before)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._names and not self.at else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and not self.at:
            way = _way_to(frame)
            if self.chooses(way):
                self.at = way[0]
                self.act()
        return self._line


def _way_to(frame: FrameType | None) -> tuple[str, ...]:
    """Return the lines of the package that are being executed, the innermost first."""
    way = []
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_PACKAGE_PREFIX):
            way.append(f"{name[len(_PACKAGE_PREFIX):]}:{frame.f_lineno}")
        frame = frame.f_back
    return tuple(way)


class _Here(Executor):
    """Does at once what is submitted, unless who submits it is killed."""

    def __init__(self, dispatcher: "Dispatcher") -> None:
        self._dispatcher = dispatcher

    def submit(self, act: Any, /, *given: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(act(*given, **named))
        except Exception as error:
            future.set_exception(error)
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
        if task is None:
            return None
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
                1.0, clock=world.clock, wait=lambda changed, seconds: world.advance(seconds)
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
        self._clients: dict[str, Any] = {}
        self._set_clock()
        self.store = Store(self.home / "flotilla.db")
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
        run = Run(
            id=new_run_id(), spec=JobSpec(**(given | fields)), owner="me", created_at=self.now()
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
        for _ in range(_MOST_STEPS):
            left = [run_id for run_id in left if not self.is_settled(run_id)]
            if not left:
                break
            dispatcher.step()
            self.advance(2)
        dispatcher.close()

    def decide(self, run_ids: Sequence[str]) -> list[str]:
        """Have the user cancel what nobody can say of whether it began; return what that was."""
        unknown = [one for one in run_ids if not self.run(one).status.is_final]
        unknown = [one for one in unknown if self.is_unknown(one)]
        for run_id in unknown:
            self.cancel(run_id)
        dispatcher = Dispatcher(self)
        for _ in range(_MOST_STEPS):
            if all(self.run(run_id).status.is_final for run_id in unknown):
                break
            dispatcher.step()
            self.advance(2)
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


@dataclass
class Count:
    """What came of a number of runs."""

    runs: int
    attempts: int
    starts: int
    tasks: int
    unknown: int
    ends: Counter[str]
    places: Counter[str]


def sweep(
    world: World, gap_s: float, *, is_wide: bool = False
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Kill a run's dispatcher before each statement of its way, a run each, and go on.

    Parameters
    ----------
    gap_s
        Seconds until the next dispatcher begins.
    is_wide
        Whether all statements count, or those of the launch protocol only.

    Returns
    -------
    Ids of the runs, and where the dispatcher of each was killed but of the last.
    """
    run_ids: list[str] = []
    ways: dict[tuple[str, ...], None] = {}

    def is_new(way: tuple[str, ...]) -> bool:
        if way in ways or not (is_wide or _is_of_protocol(way)):
            return False
        ways[way] = None
        return True

    while True:
        # a definition of its own: else only the first would register one
        run_ids.append(world.submit(image=f"python:{len(run_ids)}"))
        dispatcher = Dispatcher(world)
        files = EVERYWHERE if is_wide else PROTOCOL
        blade = dispatcher.blade = Blade(files, is_new, dispatcher.kill)
        with suppress(Killed):
            world.settle(run_ids[-1:], dispatcher)
        dispatcher.close()
        if not blade.at:
            return run_ids, list(ways)
        world.advance(gap_s)
        world.settle(run_ids[-1:])


def _is_of_protocol(way: tuple[str, ...]) -> bool:
    """Say whether a statement is part of a launch, and no question that comes before it."""
    return not any(line.startswith(_ASIDE) for line in way)


class Storm:
    """Everything goes wrong at random, from a seed, for the dispatchers of one world.

    Parameters
    ----------
    gaps
        Seconds that there may be no dispatcher.
    stalls
        Whether a dispatcher may be held up between two statements for as long, and then go on.
    """

    def __init__(
        self, world: World, gaps: Sequence[float] = SHORT_GAPS, *, stalls: bool = False
    ) -> None:
        self.world, self._gaps = world, gaps
        self._chance = Random(world.seed)
        self.counts = Counter[str]()
        self.run_ids: list[str] = []
        #: Of runs that their user has cancelled.
        self.cancelled: set[str] = set()
        self._crew = [Dispatcher(world), Dispatcher(world)]
        self._acts = {
            "nothing": 6, "kill": 5, "interleave": 4, "gap": 1, "logout": 0.4, "cancel": 0.4,
            **({"stall": 2} if stalls else {}),
        }  # fmt: skip

    def rage(self, promised: int) -> None:
        """Submit so many runs while all that may goes wrong; then let it be calm, and end."""
        self._plan_faults()
        while len(self.run_ids) < promised:
            self.run_ids += [self.world.submit() for _ in range(self._chance.randint(1, 3))]
            for _ in range(4):
                [act] = self._chance.choices([*self._acts], [*self._acts.values()])
                getattr(self, f"_{act}")()
                self._step()
        for dispatcher in self._crew:
            dispatcher.close()
        for _ in range(3):  # events and a login may be late
            self.world.settle(self.run_ids)
        self.world.fake.clear_plans()
        self.world.settle(self.run_ids)

    def _plan_faults(self) -> None:
        fake = self.world.fake
        fake.clear_plans()
        for probability, fault in _OF_LAUNCH:
            fake.plan("RunTask", fault, None, probability=probability)
        for probability, fault in _OF_ANY:
            fake.plan("*", fault, None, probability=probability)

    def _step(self) -> None:
        for number, dispatcher in enumerate(self._crew):
            try:
                dispatcher.step()
            except Killed:
                self.counts["kill"] += 1
                self._crew[number] = Dispatcher(self.world)
            self.world.advance(self._chance.uniform(0.2, 4.0))

    def _nothing(self) -> None:
        pass

    def _kill(self) -> None:
        """Have one killed somewhere in its next steps."""
        victim = self._chance.choice(self._crew)
        victim.blade = Blade(EVERYWHERE, self._one_of(2000), victim.kill)

    def _interleave(self) -> None:
        """Have one step while the other is between two statements."""
        one, other = self._chance.sample(self._crew, 2)
        other.blade = None
        chooses = self._one_of(600)

        def meanwhile() -> None:
            self.counts["interleave"] += 1
            other.step()

        one.blade = Blade(
            _OPEN,
            lambda way: not any(line.startswith(_CLOSED) for line in way) and chooses(way),
            meanwhile,
        )

    def _stall(self) -> None:
        """Have one held up between two statements: a laptop that sleeps."""
        victim = self._chance.choice(self._crew)
        seconds = self._chance.choice(self._gaps)

        def sleep() -> None:
            self.counts["stall"] += 1
            self.world.advance(seconds)

        victim.blade = Blade(EVERYWHERE, self._one_of(1000), sleep)

    def _gap(self) -> None:
        """Let there be no dispatcher for a while."""
        self.counts["gap"] += 1
        for dispatcher in self._crew:
            dispatcher.close()
        self.world.advance(self._chance.choice(self._gaps))
        self._crew = [Dispatcher(self.world), Dispatcher(self.world)]

    def _logout(self) -> None:
        """Let the credentials be expired for some minutes."""
        self.counts["logout"] += 1
        self.world.fake.clear_plans()
        self.world.fake.plan("*", faults.expired_token(), None)
        for _ in range(self._chance.randint(1, 20)):
            self._step()
            self.world.advance(10)
        self._plan_faults()

    def _cancel(self) -> None:
        going_on = [one for one in self.run_ids if not self.world.run(one).status.is_final]
        if going_on:
            self.counts["cancel"] += 1
            self.cancelled.add(self._chance.choice(going_on))
            for run_id in self.cancelled:
                self.world.cancel(run_id)

    def _one_of(self, most: int) -> Callable[[tuple[str, ...]], bool]:
        """Return what chooses one of so many next statements."""
        left = iter(range(self._chance.randrange(most)))
        return lambda way: next(left, None) is None
