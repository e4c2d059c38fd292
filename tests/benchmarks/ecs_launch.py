"""Count and time what launches on ECS cost: calls, rate, latency, memory.

python tests/benchmarks/ecs_launch.py [calls] [rate] [latency] [active] [--tasks N]

All is on the fake ECS. ``calls`` is counted in simulated time, so that it is exact; ``rate``,
``latency`` and ``active`` take real time, and the machine's other work is in them. ``latency``
needs the emulator of S3 that ``tests/ground/up.sh`` brings up.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import pytest
import witness
from ecs_chaos import SETTINGS, Dispatcher, World

from jupyter_flotilla.testing.fake_ecs import FakeEcs, Script, Settings, WallClock

#: How many runs begin together.
COUNTS = (1, 100, 1000)
#: A run of two minutes.
_RUN = Script(provisioning_s=10, pulling_s=15, starting_s=1, runs_s=120, deprovisioning_s=10)
_ENDLESS = Script(
    provisioning_s=0, pulling_s=0, starting_s=0, runs_s=None, stops_in_s=0, deprovisioning_s=0
)
_SHARE = 0.5
#: RunTask on Fargate, a second, of which `_SHARE` is used.
_FARGATE = 20.0
_LAUNCHES, _SUBMITS = 150, 25
_MEASURED_S = 30.0
_PLACE = "123456789012/us-east-1/default"


def main() -> None:
    """Measure what is named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    measures = {"calls": calls, "rate": rate, "latency": latency, "active": active}
    parser.add_argument("names", nargs="*", choices=[*measures, []])
    parser.add_argument("--tasks", type=int, default=10_000, help="that are active")
    arguments = parser.parse_args()
    print(f"{date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name in arguments.names or measures:
        with (
            tempfile.TemporaryDirectory(
                prefix="flotilla-bench-", ignore_cleanup_errors=True
            ) as folder,
            _home(Path(folder)),
        ):
            measures[name](Path(folder), arguments)


@contextmanager
def _home(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOTILLA_HOME", str(folder / "home"))
        patch.setenv("FLOTILLA_CONFIG", str(folder / "flotilla.toml"))
        (folder / "home").mkdir(mode=0o700)
        yield patch


def calls(folder: Path, _: argparse.Namespace) -> None:
    """Calls of whole runs, by the real steps and engine, from their submit to their end."""
    print("\ncalls per run, by polling, runs of 2 minutes that begin together (aim: 1.0 RunTask)")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as inside, _home(Path(inside)) as patch:
            world = World(
                Path(inside) / "home", patch, of_fake={"throttles": True}, script=_RUN,
                share=_SHARE, has_events=False,
            )  # fmt: skip
            world.fake.calls.clear()
            began, run_ids = world.clock(), [world.submit() for _ in range(count)]
            dispatcher = Dispatcher(world)
            while any(not world.run(one).status.is_final for one in run_ids[-1:] + run_ids[:1]):
                dispatcher.step()
                # many are looked at as often as the loop's rest after each look allows
                world.advance(max(1.0, count / 250))
            world.settle(run_ids, dispatcher)
            parts = ", ".join(f"{n / count:.3f} {what}" for what, n in world.fake.calls.items())
            throttled = sum(world.fake.throttled.values())
            print(f"  {count:>5} runs in {world.clock() - began:.0f} s: {parts}; "
                  f"{throttled} throttles")  # fmt: skip
            assert world.violations(run_ids) == []


def rate(folder: Path, _: argparse.Namespace) -> None:
    """Launches a second in real time, against the rate that is configured."""
    from jupyter_flotilla.artifacts.local import LocalArtifacts
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.dispatch.launcher import Launcher
    from jupyter_flotilla.dispatch.poller import Poller
    from jupyter_flotilla.engines.ecs.account import Account
    from jupyter_flotilla.engines.ecs.engine import EcsEngine
    from jupyter_flotilla.settings import load_settings
    from jupyter_flotilla.store.connection import Store
    from jupyter_flotilla.testing.fake_remote import FakeRemote

    home = folder / "home"
    (folder / "flotilla.toml").write_text(SETTINGS)
    at: list[float] = []
    fake = FakeEcs(clock=WallClock(), settings=_roomy(), script=_noting(at))
    settings, store = load_settings(), Store(home / "flotilla.db")
    account = Account(settings, make_client=fake.client, environ={})
    engine = EcsEngine(settings, account, lambda bucket: FakeRemote(), ThreadPoolExecutor(8))
    assert engine.check().ok
    launcher = Launcher(store, LocalArtifacts(home), engine, 10_000)
    poller = Poller(store, engine, launcher, retry_base_s=0.1)
    for _ in range(_LAUNCHES):
        _insert(store, home)
    while len(at) < _LAUNCHES:
        launcher.step(utc_now())
        poller.step(utc_now())
        time.sleep(0.05)
    burst = int(_FARGATE * _SHARE * 0.4)
    per_s = (_LAUNCHES - burst) / (at[-1] - at[0])
    throttled = sum(fake.throttled.values())
    aim = _FARGATE * _SHARE
    print(f"\nlaunches: {per_s:.2f} a second after a burst of {burst}, configured {aim:g} "
          f"({per_s / aim:.1%}; aim: 95 %); {throttled} throttles answered, "
          f"{fake.calls['RunTask'] / _LAUNCHES:.2f} RunTask a run")  # fmt: skip
    store.close()


def latency(folder: Path, _: argparse.Namespace) -> None:
    """From before a submit until RunTask arrives, with a dispatcher that lives."""
    import container_ground

    ground = container_ground.bring_up()
    variables = container_ground.aws_variables(ground)
    endpoint = container_ground.S3Endpoint(
        url=variables["AWS_ENDPOINT_URL"], bucket=f"flotilla-{uuid.uuid4().hex[:12]}",
        environment=variables,
    )  # fmt: skip
    endpoint.client().create_bucket(Bucket=endpoint.bucket)
    at: dict[str, float] = {}
    fake = FakeEcs(clock=WallClock(), settings=_roomy(), script=_noting(at))
    with pytest.MonkeyPatch.context() as patch, fake.serve() as url:
        container_ground.use_only(variables, patch)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_ENDPOINT_URL_S3", endpoint.url)
        (folder / "flotilla.toml").write_text(
            'engine = "ecs"\n' + SETTINGS.replace("s3://bucket/", f"s3://{endpoint.bucket}/")
        )
        try:
            for alone in (True, False):
                _measure_latency(folder, at, alone=alone)
        finally:
            for pid in witness.processes_of_home(folder / "home"):
                witness.kill(pid)


def _measure_latency(folder: Path, at: dict[str, float], *, alone: bool) -> None:
    """Submit one after the other; ``alone``: with no other run open, as for most people."""
    import jupyter_flotilla as fl

    whole, submit, listing = [], [], []
    for number in range(_SUBMITS + 3):
        began = time.monotonic()
        run = fl.submit(["true"])
        back = time.monotonic()
        while f"{run.id}-1" not in at:
            time.sleep(0.001)
        if number >= 3:  # the first ones start a dispatcher and register a definition
            whole.append(at[f"{run.id}-1"] - began)
            submit.append(back - began)
        sent = folder / "home" / "runs" / run.id[1:3] / run.id / "attempts" / "1" / ".sent.json"
        if number >= 3 and sent.exists():
            listing.append(sent.stat().st_mtime - time.time() + time.monotonic() - back)
        if alone:
            run.cancel()
            run.wait()
        time.sleep(0.3 + 0.3 * random.random())  # not in step with the dispatcher's looks
    others = "no other run" if alone else "others"
    print(f"\nsubmit to RunTask, {others} open: median {_ms(whole)} (aim: 150 ms), of which "
          f"submit {_ms(submit)}; the input was in the bucket {_ms(listing)} after submit "
          "returned")  # fmt: skip


def _ms(found: list[float]) -> str:
    middle, low, high = statistics.median(found), min(found), max(found)
    return f"{1000 * middle:.0f} ms ({1000 * low:.0f} to {1000 * high:.0f})"


def active(folder: Path, arguments: argparse.Namespace) -> None:
    """Memory and CPU of a dispatcher with very many tasks that run."""
    home = folder / "home"
    fake = FakeEcs(clock=WallClock(), settings=_roomy(throttles=False), script=_ENDLESS)
    (folder / "flotilla.toml").write_text(SETTINGS)
    for count in (1, arguments.tasks):
        with pytest.MonkeyPatch.context() as patch, fake.serve() as url:
            for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b",
                                "ENDPOINT_URL": url}.items():  # fmt: skip
                patch.setenv(f"AWS_{name}", value)
            _fill(home, fake, count)
            _measure_active(count)


def _measure_active(count: int) -> None:
    words = [sys.executable, "-m", "jupyter_flotilla", "dispatch"]
    process = subprocess.Popen(words)
    try:
        measured = psutil.Process(process.pid)
        time.sleep(5 + count / 250)
        before, began = measured.cpu_times(), time.monotonic()
        time.sleep(_MEASURED_S)
        after = measured.cpu_times()
        cpu_s = (after.user + after.system) - (before.user + before.system)
        print(f"\ndispatcher with {count:,} active tasks: "
              f"{measured.memory_info().rss / 2**20:.0f} MiB, "
              f"{cpu_s / (time.monotonic() - began):.1%} of a CPU")  # fmt: skip
    finally:
        process.kill()
        process.wait()


def _fill(home: Path, fake: FakeEcs, count: int) -> None:
    """Lay runs whose tasks run already: to launch so many takes a quarter of an hour."""
    from jupyter_flotilla.artifacts.local import LocalArtifacts
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.engines.ecs.engine import EcsEngine
    from jupyter_flotilla.model.observation import Handle
    from jupyter_flotilla.settings import load_settings
    from jupyter_flotilla.store import attempts
    from jupyter_flotilla.store.connection import Store

    place = EcsEngine(load_settings()).find_place()
    ecs, store, artifacts = fake.client("ecs"), Store(home / "flotilla.db"), LocalArtifacts(home)
    if not fake.calls["RegisterTaskDefinition"]:
        ecs.register_task_definition(
            family="job", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256",
            memory="512", containerDefinitions=[{"name": "job", "image": "python"}],
        )  # fmt: skip
    for _ in range(count):
        _insert(store, home)
    while True:
        with store.write() as tx:
            made = [
                one
                for _ in range(500)
                if (one := attempts.claim(tx, "ecs", place, 10**6, utc_now()))
            ]
        if not made:
            break
        for one in made:
            by = f"flotilla/00000000/{one.launch_key}"
            answer = ecs.run_task(
                taskDefinition="job", launchType="FARGATE", clientToken=one.launch_key,
                startedBy=by, networkConfiguration={"awsvpcConfiguration": {"subnets": ["s-1"]}},
            )  # fmt: skip
            folder = artifacts.create_attempt(one.run_id, one.number)
            _write(folder / "job.json", {"deadlines": [{"reason": "timeout", "after_s": 1e6}]})
            _write(folder / "started.json", {"at": time.time()})
            detail = {
                "run_id": one.run_id, "launch_key": one.launch_key, "cluster": "default",
                "bucket": {"url": "s3://bucket/x", "region": "us-east-1"}, "arch": "x86_64",
                "task": answer["tasks"][0]["taskArn"], "started_by": by, "seen_at": time.time(),
            }  # fmt: skip
            handle = Handle(engine="ecs", place=place, ref=str(folder), detail=detail)
            with store.write() as tx:
                attempts.update(tx, one.sent(utc_now(), handle))
    store.close()


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


def _insert(store: Any, home: Path) -> None:
    from jupyter_flotilla.artifacts.local import LocalArtifacts
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.model.job import Bucket, JobSpec
    from jupyter_flotilla.model.run import Run, new_run_id
    from jupyter_flotilla.store import runs

    spec = JobSpec(
        kind="command", name="job", command=("true",), cwd="/", own_cwd=True,
        interpreter="python3", engine="ecs", place=_PLACE, image="python:3.12-slim",
        bucket=Bucket(url="s3://bucket/x", region="us-east-1"),
    )  # fmt: skip
    run = Run(id=new_run_id(), spec=spec, owner="me", created_at=utc_now())
    LocalArtifacts(home).create(run.id)
    with store.write() as tx:
        runs.insert(tx, run)


def _roomy(**settings: Any) -> Settings:
    return Settings(on_demand_vcpu=1e6, spot_vcpu=1e6, **settings)


def _noting(at: Any) -> Any:
    """Return a rule that notes when each RunTask is carried out."""
    lock = threading.Lock()

    def script(params: Any) -> Script:
        with lock:
            if isinstance(at, list):
                at.append(time.monotonic())
            else:
                at[params["clientToken"]] = time.monotonic()
        return _ENDLESS

    return script


if __name__ == "__main__":
    main()
