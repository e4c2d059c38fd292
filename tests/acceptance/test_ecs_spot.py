"""Spot is taken back: the job goes on from what it has saved, and at last on demand."""

from collections.abc import Iterator
from pathlib import Path

import ecs_jobs
import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl
from jupyter_flotilla.engines.ecs.install import STARTED_BY, install_of
from jupyter_flotilla.protocol import StreamReader

_STEPS, _INTERVAL = 30, 5
#: Keeps every fifth step. The first attempt stays at 80 %, the second at its first own checkpoint:
#: each is taken back there.
_COUNT = f"""
import os, pathlib, time
folder = pathlib.Path(os.environ["FLOTILLA_CHECKPOINT_DIR"])
path = folder / "step"
step = int(path.read_text()) if path.exists() else 0
stays_at = {{"1": {_STEPS * 8 // 10}, "2": step + {_INTERVAL}}}
print("from", step, flush=True)
while step < {_STEPS}:
    time.sleep(0.1)
    step += 1
    if step % {_INTERVAL} == 0:
        (folder / "part").write_text(str(step))
        (folder / "part").rename(path)
    print("step", step, flush=True)
    if step == stays_at.get(os.environ["FLOTILLA_LAUNCH_KEY"][-1]):
        print("stays", flush=True)
        time.sleep(99)
"""


@pytest.fixture(autouse=True)
def _on_ecs(
    ecs_ground: EcsGround, home: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    # events tell at once of a task that was taken back; who asks looks every 21 seconds
    with ecs_ground.feed(STARTED_BY.format(install=install_of(home))) as queue:
        ecs_jobs.use_ecs(ecs_ground, settings_file, monkeypatch, checkpoint_every_s=1,
                         ecs={"queue_url": queue})  # fmt: skip
        yield


def _said(run: fl.RunHandle, number: int) -> tuple[int, list[int]]:
    """Return where an attempt began, and the steps that it has made."""
    records = StreamReader(str(run._flotilla.attempt_folder(run.id, number))).read()
    text = "".join(one["text"] for one in records if one["kind"] == "stdout")
    lines = [line.split() for line in text.splitlines()]
    [begin] = [int(line[1]) for line in lines if line[0] == "from"]
    return begin, [int(line[1]) for line in lines if line[0] == "step"]


def test_what_is_repeated_is_one_interval_at_most_and_the_third_attempt_is_on_demand(
    ecs_ground: EcsGround,
) -> None:
    run = fl.submit(["python3", "-c", _COUNT], spot=True, cpu=0.5, memory="1G")
    first = ecs_jobs.task_of(ecs_ground, run)
    ecs_jobs.until_said(run, "stays")

    ecs_ground.interrupt(first["taskArn"])
    second = ecs_jobs.task_of(ecs_ground, run, 2)
    saved = run._flotilla.attempt_folder(run.id, 2) / "checkpoint.json"
    witness.until(saved.exists, "the second attempt's own checkpoint is in the bucket")
    # without the two minutes that Spot gives: whatever is in the container only, is lost
    ecs_ground.interrupt(second["taskArn"], grace_s=0)
    run.wait()

    assert run.status == "SUCCEEDED", run.explain()
    attempts = run.attempts
    assert [one.failure_kind for one in attempts] == ["spot-reclaimed", "spot-reclaimed", None]
    (begin, steps), (second_begin, second_steps), (third_begin, third_steps) = (
        _said(run, one.number) for one in attempts
    )
    at = _STEPS * 8 // 10
    assert (begin, steps[-1]) == (0, at)
    assert second_begin == at - at % _INTERVAL, "the newest checkpoint, not an older one"
    assert second_steps[0] == second_begin + 1
    assert third_begin == second_begin + _INTERVAL
    assert third_steps == list(range(third_begin + 1, _STEPS + 1))

    assert [one.rate.provider for one in attempts if one.rate] == [
        "FARGATE_SPOT",
        "FARGATE_SPOT",
        "FARGATE",
    ]
    a_second = [(one.charge_usd or 0) / max(60, one.billed_s or 0) for one in attempts]
    assert a_second[0] == pytest.approx(a_second[1])
    assert a_second[0] < a_second[2]
