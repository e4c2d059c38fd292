"""Count the calls that tasks on ECS cost while they run, by polling and with events.

python tests/benchmarks/ecs_calls.py [--minutes N]

Ours are counted on the fake ECS in simulated time, with the throttles that AWS documents: what a
dispatcher sends is exact, and how long the machine takes does not matter. Peers are not run: their
figures are what their code sends at its default intervals. Printed as calls a minute, and as
multiples of ours by polling.
"""

import argparse
import random
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from watched_ecs import INSTALL, Home, new_fake

from jupyter_flotilla.testing.fake_ecs import Script

#: How many tasks run at a time.
COUNTS = (1, 100, 1000)
#: Status calls a minute at 1, 100 and 1,000 running tasks, by their code and documentation, read
#: 2026-10; not measured. Prefect's are of SQS, the last two's of AWS Batch or CloudWatch Logs.
PEERS: Mapping[str, tuple[float, float, float]] = {
    "Airflow, operator": (10, 1_000, 10_000),
    "Airflow, executor": (12, 24, 132),
    "Dagster, launcher": (0.5, 50, 500),
    "Prefect, observer of events (at most)": (0.1, 70, 700),
    "Nextflow (Batch, 100 ids a call)": (6, 6, 60),
    "Metaflow (Batch), dask (follows logs)": (60, 6_000, 60_000),
}
#: What a run does in the count of calls for a whole run.
_RUN = Script(provisioning_s=10, pulling_s=15, starting_s=1, runs_s=120, deprovisioning_s=10)
#: Until launches are no more to be seen in the rate of calls.
_SETTLED_S = 120


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=22, help="simulated; two sweeps take 21")
    minutes = parser.parse_args().minutes
    print(f"{date.today()}, {minutes} simulated minutes, tasks running: {COUNTS}")
    polling = [while_running(count, minutes, has_events=False) for count in COUNTS]
    told = [while_running(count, minutes, has_events=True) for count in COUNTS]
    ours = [calls["DescribeTasks"] for calls in polling]
    rows = {
        "here, polling": ours,
        "here, with events": [calls["DescribeTasks"] for calls in told],
        "    its calls of SQS beside": [of_sqs(calls) for calls in told],
        **PEERS,
    }
    print("\nstatus calls a minute while tasks run")
    for label, row in rows.items():
        cells = (f"{one:9.1f} × {one / base:<7.2f}" for one, base in zip(row, ours, strict=True))
        print(f"  {label:<40}", *cells)
    print("\ncalls for whole runs of 2 minutes that begin together, per run")
    for label, has_events in (("here, polling", False), ("here, with events", True)):
        for count in COUNTS[:2]:
            calls = whole_runs(count, has_events=has_events)
            parts = (f"{calls[action]:.2f} {action}" for action in ("RunTask", "DescribeTasks"))
            print(f"  {label:<40} {count:>5} runs: {', '.join(parts)}, {of_sqs(calls):.2f} SQS")


def while_running(count: int, minutes: float, *, has_events: bool) -> dict[str, float]:
    """Return calls a minute while tasks run and nothing else happens."""
    home = _home(has_events=has_events)
    arns = home.launch(count)
    home.pass_time(_SETTLED_S, arns)
    calls = home.pass_time(60 * minutes, arns)
    assert not any(home.fake.throttled.values()), home.fake.throttled
    assert home.feed is None or home.feed.is_healthy()
    return {action: calls.get(action, 0) / minutes for action in (*calls, "DescribeTasks")}


def whole_runs(count: int, *, has_events: bool) -> dict[str, float]:
    """Return calls per run, from before its launch until its end is known."""
    home = _home(has_events=has_events)
    if has_events:  # it is relied on from the first event on
        home.pass_time(60, home.launch())
    before = home.calls.copy()
    launches = home.fake.launched.total()
    arns = [arn for _ in range(count) for arn in home.launch(1, _RUN)]
    while any(seen.status != "STOPPED" for seen in home.look(arns).values()):
        home.fake.advance(1)
    calls = home.calls - before
    calls["RunTask"] = home.fake.launched.total() - launches
    return {action: calls[action] / count for action in (*calls, "DescribeTasks")}


def of_sqs(calls: Mapping[str, float]) -> float:
    """Return how many of these calls are of SQS."""
    return calls.get("ReceiveMessage", 0) + calls.get("DeleteMessageBatch", 0)


def _home(*, has_events: bool) -> Home:
    fake, jitter = new_fake(), random.Random(1).random
    if not has_events:
        return Home(fake, jitter=jitter)
    fake.add_rule("events", started_by_prefix=f"flotilla/{INSTALL}/")
    return Home(fake, queue="events", jitter=jitter)


if __name__ == "__main__":
    main()
