"""A race of four processes that tick one store, and are killed at random."""

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from schedule_ground import BEGIN, schedule_of

from jupyter_flotilla.store import runs, schedules
from jupyter_flotilla.store.connection import Store

_PROCESS = Path(__file__).with_name("ticking.py")
#: Longest time that a race may take, in seconds.
_PATIENCE_S = 1800


def race(store: Store, where: Path | str, count: int, kill_every_s: float) -> None:
    """Have four processes tick so many ticks, and kill one of them again and again."""
    many = [schedule_of(f"job{one}", overlap="allow", missed="all") for one in range(4)]
    with store.write() as tx:
        for one in many:
            schedules.insert(tx, one)
    until = count // 4
    command = [sys.executable, _PROCESS, str(where), str(until)]
    crew = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    chances, deadline, killed = random.Random(1), time.monotonic() + _PATIENCE_S, 0
    while any(one.poll() is None for one in crew) and time.monotonic() < deadline:
        time.sleep(kill_every_s)
        victim = chances.choice(crew)
        if victim.poll() is None:
            victim.kill()
            killed += 1
            victim.communicate()
            at = crew.index(victim)
            crew[at] = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    assert [one.communicate()[1] for one in crew] == [""] * 4
    assert killed
    with store.read() as tx:
        found = runs.latest(tx, limit=1_000_000)
    made = Counter((run.schedule_id, run.scheduled_at) for run in found)
    expected = {
        (one.id, BEGIN + timedelta(minutes=number))
        for one in many
        for number in range(1, until + 1)
    }
    assert set(made) == expected
    assert set(made.values()) == {1}
