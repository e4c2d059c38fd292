"""Real dispatchers of jobs on ECS, killed at random while AWS answers as it likes.

Tasks are those of the fake ECS, which run nothing: it counts starts, and leaves in the bucket what
a job would. ``--ecs-chaos-runs 1000`` is the long form.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import chaos
import container_ground
import ecs_chaos
import ecs_storm
import pytest
import witness
from container_ground import S3Endpoint

from jupyter_flotilla import protocol
from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.artifacts.s3 import S3Artifacts
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs.engine import EcsEngine
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.run import Run, new_run_id
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_ecs import (
    Ending,
    FakeEcs,
    Script,
    Settings,
    StartOracle,
    Task,
    WallClock,
)

pytestmark = pytest.mark.timeout(3600)

_DISPATCH = [sys.executable, "-m", "jupyter_flotilla", "dispatch", "--until-idle"]
_PREFIX = "dispatchers"
#: Runs that are open at a time, and seconds between two kills.
_OPEN, _LIVES_S = 12, (0.5, 4.0)


class Account:
    """The fake, with the bucket in which its tasks leave what jobs do."""

    def __init__(self, endpoint: S3Endpoint, seed: int) -> None:
        self.oracle = StartOracle()
        self._s3, self._bucket = endpoint.client(), endpoint.bucket
        self._artifacts = S3Artifacts(endpoint.bucket, _PREFIX)
        self.fake = FakeEcs(
            clock=WallClock(), seed=seed, on_start=self._begins,
            settings=Settings(missing_s=1.0, on_demand_vcpu=1000.0),
            script=Script(provisioning_s=0.2, pulling_s=0.2, starting_s=0, runs_s=0.5,
                          deprovisioning_s=0.1),
        )  # fmt: skip

    def _begins(self, task: Task) -> Ending | None:
        ending = self.oracle(task)
        run_id, _, number = (task.started_by or "").rpartition("/")[2].rpartition("-")
        now = time.time()
        exit_record = {"outcome": "succeeded", "ended_at": now + 0.5, "duration_s": 0.5}
        for name, content in ((protocol.STARTED, {"at": now}), (protocol.EXIT, exit_record)):
            key = self._artifacts.attempt_prefix(run_id, int(number)) + name
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=json.dumps(content).encode())
        return ending


@pytest.fixture
def account(s3_endpoint: S3Endpoint, request: pytest.FixtureRequest) -> Account:
    return Account(s3_endpoint, int(request.config.getoption("--chaos-seed")))


@pytest.fixture
def place(
    account: Account, s3_endpoint: S3Endpoint, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Where jobs run; all processes of the test find the fake and the bucket."""
    container_ground.use_only(s3_endpoint.environment, monkeypatch)
    with account.fake.serve() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint.url)
        settings = ecs_chaos.SETTINGS.replace("s3://bucket/prefix", _url(s3_endpoint))
        (home.parent / "flotilla.toml").write_text("idle_s = 3\n" + settings)
        home.mkdir(mode=0o700)
        # as whoever submits does, and before anything goes wrong
        yield EcsEngine(load_settings()).find_place()
        account.fake.clear_plans()


def _url(endpoint: S3Endpoint) -> str:
    return f"s3://{endpoint.bucket}/{_PREFIX}"


def test_dispatchers_that_are_killed_at_random_start_each_run_once(
    home: Path, place: str, account: Account, s3_endpoint: S3Endpoint,
    request: pytest.FixtureRequest, capsys: Any,
) -> None:  # fmt: skip
    ecs_storm.plan_faults(account.fake)
    promised = int(request.config.getoption("--ecs-chaos-runs")) // 3
    seed = int(request.config.getoption("--chaos-seed"))
    bucket = Bucket(url=_url(s3_endpoint), region="us-east-1", endpoint=s3_endpoint.url)
    with closing(Store(home / "flotilla.db")) as store:
        killed = _rage(home, store, place, bucket, promised, random.Random(seed))
        last = _dispatcher(home)
        witness.until(lambda: not _open(store, place), "the end of all runs")
        last.terminate()
        last.wait()
        with store.read() as tx:
            found = runs.latest(tx, limit=10**6)
            made = attempts.of_runs(tx, [run.id for run in found])

    starts = {key.rpartition("/")[2]: n for key, n in account.oracle.starts.items()}
    ends = Counter(f"{run.status} {run.failure_kind or ''}".strip() for run in found)
    with capsys.disabled():
        print(
            f"\n{killed} dispatchers killed, --chaos-seed {seed}: {len(found)} runs, "
            f"{sum(map(len, made.values()))} attempts, {sum(starts.values())} starts, "
            f"{dict(ends)}, {sum(account.fake.faulted.values())} faults"
        )
    assert [f"{key} started {n} times" for key, n in starts.items() if n > 1] == []
    assert [
        f"{run.id} {run.status}: {run.message}" for run in found if run.status != "SUCCEEDED"
    ] == []
    assert all(starts.get(made[run.id][-1].launch_key) == 1 for run in found)
    assert len(found) == promised


def _rage(
    home: Path, store: Store, place: str, bucket: Bucket, promised: int, chance: random.Random
) -> int:
    """Submit runs and kill who dispatches them; return how many were killed."""
    submitted = killed = 0
    deadline = time.monotonic() + 60 + 10 * promised
    while submitted < promised:
        assert time.monotonic() < deadline, f"too slow: {_open(store, place)} runs are open"
        for _ in range(min(promised - submitted, _OPEN - _open(store, place))):
            _submit(home, store, place, bucket)
            submitted += 1
        dispatcher = _dispatcher(home)
        time.sleep(chance.uniform(*_LIVES_S))
        killed += dispatcher.poll() is None and chaos.send(dispatcher.pid)
        dispatcher.wait()
    return killed


def _dispatcher(home: Path) -> "subprocess.Popen[bytes]":
    with (home.parent / "dispatchers.log").open("ab") as log:
        return subprocess.Popen(
            _DISPATCH, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ)
        )


def _submit(home: Path, store: Store, place: str, bucket: Bucket) -> None:
    spec = JobSpec(
        kind="command", name="job", command=("true",), cwd="/", own_cwd=True,
        interpreter="python3", engine="ecs", place=place, image="python:3.12-slim", bucket=bucket,
    )  # fmt: skip
    run = Run(id=new_run_id(), spec=spec, owner="me", created_at=utc_now())
    LocalArtifacts(home).create(run.id)
    LocalArtifacts(home).write_input(run.id, "input.txt", b"anything")
    with store.write() as tx:
        runs.insert(tx, run)


def _open(store: Store, place: str) -> int:
    with store.read() as tx:
        return runs.count_open(tx, "ecs", place)
