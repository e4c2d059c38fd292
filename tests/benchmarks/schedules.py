"""What schedules cost: ticks a second, many at idle, and how late a run begins."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from schedule_ground import BEGIN, PlainMaker, schedule_of

Contenders = dict[str, Callable[[], float]]

#: Seconds in which an idle dispatcher is watched.
_WATCHED_S = 10.0
_TICKS = 2_000


def ticks(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Ticks a second of one ticker: rows alone, and with the files of a real snapshot."""
    return {
        "rows alone": lambda: _rows(folder),
        "a command's snapshot": lambda: _real(folder, ["true"], 300),
        "a notebook's snapshot with its tick": lambda: _real(folder, _notebook(folder), 100),
    }


def idle(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """CPU of a dispatcher in which nothing is due, in percent of one."""
    return {f"{count:,} schedules": lambda count=count: _idle(folder, count)
            for count in (0, 10_000)}  # fmt: skip


def lag(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """From when a tick was due to when its job began, in seconds; a living dispatcher."""
    import jupyter_flotilla as fl

    kinds = {"command": ["true"], "notebook": _notebook(folder)}

    def measure(what: list[str] | str) -> float:
        schedule = fl.schedule(what, when="every 10 seconds", name=f"lag-{time.monotonic_ns()}")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for one in schedule.history():
                started = one.run.snapshot.started_at if one.run else None
                if started is not None:
                    schedule.delete()
                    return (started - one.tick.scheduled_at).total_seconds()
            time.sleep(0.05)
        raise AssertionError("no run came")

    return {f"a {kind}": lambda what=what: measure(what) for kind, what in kinds.items()}


def _notebook(folder: Path) -> str:
    import witness

    path = folder / "ticked.ipynb"
    parameters = "scheduled_at: str = ''\nn = 1"
    return str(witness.notebook(path, "print(scheduled_at)", parameters=parameters))


def _rows(folder: Path) -> float:
    from jupyter_flotilla.dispatch.ticker import Ticker
    from jupyter_flotilla.store import schedules
    from jupyter_flotilla.store.connection import Store

    store = Store(folder / f"{time.monotonic_ns()}.db")
    with store.write() as tx:
        for number in range(_TICKS // 100):
            schedules.insert(tx, schedule_of(f"job{number}", overlap="allow"))
    ticker = Ticker(store, PlainMaker(), "here")
    began = time.perf_counter()
    for number in range(1, 101):
        ticker.step(BEGIN + timedelta(minutes=number))
    return _TICKS / (time.perf_counter() - began)


def _real(folder: Path, what: list[str] | str, count: int) -> float:
    import jupyter_flotilla as fl
    from jupyter_flotilla.dispatch.ticker import Ticker
    from jupyter_flotilla.machine import host
    from jupyter_flotilla.scheduling.making import TickMaker
    from jupyter_flotilla.service import Flotilla
    from jupyter_flotilla.settings import load_settings

    os.environ["FLOTILLA_HOME"] = str(folder / f"home-{time.monotonic_ns()}")
    usual, Flotilla.see_to_dispatcher = Flotilla.see_to_dispatcher, lambda self: None
    try:
        schedule = fl.schedule(what, when="every 10 seconds", name="job", overlap="allow")
    finally:
        Flotilla.see_to_dispatcher = usual
    facade = Flotilla(load_settings())
    maker = TickMaker(facade)
    maker.warm()
    ticker = Ticker(facade.store, maker, host())
    moment = schedule.upcoming(1)[0].astimezone(UTC)
    began = time.perf_counter()
    for number in range(count):
        ticker.step(moment + timedelta(seconds=10 * number))
    return count / (time.perf_counter() - began)


def _idle(folder: Path, count: int) -> float:
    from jupyter_flotilla.model.when import cron
    from jupyter_flotilla.store import schedules
    from jupyter_flotilla.store.connection import Store

    home = folder / f"idle-{time.monotonic_ns()}"
    store = Store(home / "flotilla.db")
    now = datetime.now(UTC)
    with store.write() as tx:
        for number in range(count):
            ahead = now + timedelta(days=1, seconds=number)
            schedules.insert(tx, schedule_of(f"job{number}", cron("0 0 * * *"), cursor=now,
                                             next_at=ahead))  # fmt: skip
    store.close()
    environment = {**os.environ, "FLOTILLA_HOME": str(home)}
    words = [sys.executable, "-m", "jupyter_flotilla", "dispatch"]
    process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
    try:
        time.sleep(5)  # its start is no idling
        watched = psutil.Process(process.pid)
        before = watched.cpu_times()
        time.sleep(_WATCHED_S)
        after = watched.cpu_times()
    finally:
        process.kill()
        process.wait()
    used = after.user + after.system - before.user - before.system
    return 100 * used / _WATCHED_S
