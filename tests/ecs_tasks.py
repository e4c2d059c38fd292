"""The ECS engine on a fake ECS, with no store and no bucket around it."""

import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.base import LaunchOrder, Written
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.engine import EcsEngine
from jupyter_flotilla.engines.ecs.throttle import Throttle
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.observation import Handle, Observation
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.testing.fake_ecs import FakeEcs, Script, Settings
from jupyter_flotilla.testing.fake_remote import FakeRemote

QUICK = Script(provisioning_s=0, pulling_s=0, starting_s=0, runs_s=10, deprovisioning_s=0)
ECS = """
artifacts = "s3://bucket/prefix"
image = "python:3.12-slim"
[ecs]
cluster = "default"
subnets = ["subnet-a", "subnet-b", "subnet-c"]
owner = "me"
task_role = "arn:aws:iam::123456789012:role/task-{owner}"
execution_role = "arn:aws:iam::123456789012:role/execution"
"""


class Inline(Executor):
    """Does at once what is submitted; what it raises is raised to whoever asks for the result."""

    def submit(self, act: Any, /, *given: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(act(*given, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass
class Journal:
    """The rows of attempts, as far as a launch writes them; ``age_s`` is what they all are old."""

    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    age_s: float = 0.0

    def of(self, launch_key: str) -> Callable[[Mapping[str, Any]], Written]:
        """Return what an order of that key writes ahead with."""

        def write(request: Mapping[str, Any]) -> Written:
            is_new = launch_key not in self.rows
            stands = json.loads(json.dumps(self.rows.setdefault(launch_key, request)))
            return Written(request=stands, age_s=0.0 if is_new else self.age_s, is_new=is_new)

        return write

    def stands(self, launch_key: str) -> Callable[[], Written | None]:
        """Return what an order of that key reads its row with."""

        def read() -> Written | None:
            if launch_key not in self.rows:
                return None
            return Written(request=self.rows[launch_key], age_s=self.age_s, is_new=False)

        return read


class Tasks:
    """Launches attempts, follows them, and may be killed and made anew between any two calls."""

    def __init__(self, home: Path, settings_file: Path, **of_fake: Any) -> None:
        settings_file.write_text(ECS)
        of_fake.setdefault("settings", Settings(throttles=False))
        self.fake = FakeEcs(seed=1, script=QUICK, **of_fake)
        self.remote = FakeRemote()
        self.journal = Journal()
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.now = 0.0
        self.engine = self.restarted()

    def restarted(self) -> EcsEngine:
        """Return the engine of a process that knows nothing of what went before."""
        settings = load_settings()
        account = Account(
            settings,
            make_client=self.fake.client,
            throttle=Throttle(1.0),  # by a clock that goes on by itself: it waits
            environ={},
            sleep=lambda seconds: None,
        )
        self.engine = EcsEngine(settings, account, lambda bucket: self.remote, Inline())
        self.engine.check()
        for part in (self.engine._launches, self.engine._watch):
            part._clock = self._clock
        return self.engine

    def _clock(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass here and in AWS."""
        self.now += seconds
        self.fake.advance(seconds)

    def order(self, number: int = 1, run_id: str | None = None, **fields: Any) -> LaunchOrder:
        """Return the order of a command; keywords are fields of its spec."""
        given: dict[str, Any] = {
            "kind": "command", "name": "job", "command": ("true",), "cwd": "/", "own_cwd": True,
            "interpreter": "python3", "engine": "ecs", "place": self.engine.place,
            "image": "python:3.12-slim", "bucket": Bucket(url="s3://bucket/x", region="us-east-1"),
        }  # fmt: skip
        spec = JobSpec(**(given | fields))
        run_id = run_id or f"r{uuid.uuid4().hex[:12]}"
        folder = self.home / "runs" / run_id
        (folder / "input").mkdir(parents=True, exist_ok=True)
        (folder / str(number)).mkdir(exist_ok=True)
        key = f"{run_id}-{number}"
        return LaunchOrder(
            run_id=run_id,
            launch_key=key,
            spec=spec,
            resources=spec.resources,
            max_cost_usd=None,
            input_folder=folder / "input",
            attempt_folder=folder / str(number),
            rate=None,
            write_ahead=self.journal.of(key),
            already_written=self.journal.stands(key),
        )

    def launch(self, order: LaunchOrder) -> Handle:
        """Launch until there is a task, or nothing more to do."""
        handle = self.engine.launch(order)
        for _ in range(3):
            if handle.detail["task"] or (order.attempt_folder / protocol.EXIT).exists():
                break
            handle = self.engine.launch(order)
        return handle

    def look(self, handle: Handle) -> Observation:
        """Poll once for what is known, then for what was just asked."""
        self.engine.poll([handle])
        [seen] = self.engine.poll([handle])
        return seen

    def end(self, order: LaunchOrder, **record: Any) -> None:
        """Leave what a job leaves that has ended by itself."""
        content = {"outcome": "succeeded", "ended_at": 1.0, "duration_s": 5.0, **record}
        protocol.write_json(str(order.attempt_folder / protocol.EXIT), content)
