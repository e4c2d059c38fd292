"""Real schedules, real dispatchers, some of them killed."""

import os
import signal
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import ticking_race
import witness
from witness import until

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.schedule import TickStatus
from jupyter_flotilla.store.connection import Store


def dispatchers(home: Path) -> list[int]:
    return [
        pid for pid in witness.processes_of_home(home)
        if b"dispatch" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]  # fmt: skip


def made(schedule: fl.ScheduleHandle) -> list[fl.RunHandle]:
    """Return the runs of its ticks, the oldest first."""
    return [one.run for one in reversed(schedule.history(1000)) if one.run is not None]


def test_an_idle_dispatcher_stays_for_a_schedule_and_a_killed_one_is_replaced(
    home: Path, settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings_file.write_text("idle_s = 0.3\n")
    schedule = fl.schedule(["true"], when="every 10 seconds", name="say", missed="all")
    [first] = until(lambda: dispatchers(home), "a dispatcher")
    os.kill(first, signal.SIGKILL)

    # whoever looks brings one back, which stays though nothing is open
    until(lambda: schedule.history() or made(schedule), "a tick")
    until(lambda: made(schedule)[0].status is RunStatus.SUCCEEDED, "its run")

    assert dispatchers(home) != [first]
    assert [one.tick.status for one in schedule.history()][-1] is TickStatus.MADE


@pytest.mark.heavy
@pytest.mark.timeout(400)
def test_three_minutes_of_a_schedule_of_every_minute_with_its_dispatcher_killed(
    home: Path, settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness.notebook(
        tmp_path / "report.ipynb", "print(scheduled_at)", parameters="scheduled_at = ''"
    )
    monkeypatch.chdir(tmp_path)
    begin = utc_now()
    schedule = fl.schedule("report.ipynb", when="* * * * *", missed="all", overlap="queue")
    lags = []
    while utc_now() < begin + timedelta(minutes=3, seconds=20):
        for pid in dispatchers(home):
            if utc_now().second in (25, 26):
                os.kill(pid, signal.SIGKILL)
        time.sleep(1)
        schedule.history()

    found = schedule.history(1000)
    for one in found:
        assert one.run is not None, one.tick.reason
        one.run.wait()
        lags.append((one.run.snapshot.started_at - one.tick.scheduled_at).total_seconds())
    due = [one.tick.scheduled_at for one in reversed(found)]
    print(f"started after {[round(lag, 2) for lag in lags]} s")
    assert len(due) >= 3
    assert {b - a for a, b in pairwise(due)} == {timedelta(minutes=1)}
    assert all(one.run.status is RunStatus.SUCCEEDED for one in found if one.run)
    assert max(lags) < 60  # how late, on a quiet machine, the benchmark schedules-lag says


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_ten_thousand_ticks_by_four_tickers_that_are_killed_at_random(home: Path) -> None:
    where = home / "flotilla.db"
    store = Store(where)

    ticking_race.race(store, where, count=10_000, kill_every_s=2.0)

    store.close()
