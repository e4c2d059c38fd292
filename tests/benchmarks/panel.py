"""The notebook panel in a real Lab: what it costs beside a plain table, and what it leaves."""

import argparse
import atexit
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab
import psutil

Contenders = dict[str, Callable[[], float]]

_ROOT = Path(__file__).parents[2]
_RUNS = 2_000
#: Changes of a status a second, and for how many seconds they are watched.
_CHANGES = 20
_WATCHED_S = 10
#: Runs that are submitted at once, and then change.
_BATCH = 12
_REFRESHES = 1_000
_EXECUTIONS = 100
_PANEL = "import jupyter_flotilla as fl\nfl.panel()"
#: What one would write without a panel: the list as HTML, anew each second.
_TABLE = """
import threading, time, ipywidgets
from jupyter_flotilla import api, render
from jupyter_flotilla.listing import Listing
from jupyter_flotilla.store.listing import RunFilter

table = ipywidgets.HTML()
listing = Listing(api.flotilla())

def renew():
    names = ("short_id", "name", "status", "started_at", "cost_usd")
    while True:
        rows = listing.page(RunFilter(), limit=2_000).runs
        table.value = render.table_html([{name: row[name] for name in names} for row in rows])
        time.sleep(1)

threading.Thread(target=renew, daemon=True).start()
table
"""


class _Ground:
    """A Lab without our sidebar, a store with many queued runs, and a browser."""

    def __init__(self, folder: Path) -> None:
        from jupyter_flotilla.service import Flotilla
        from jupyter_flotilla.settings import load_settings

        sys.path.insert(0, str(_ROOT / "tests" / "browser"))
        import windows

        self.server = windows.JupyterServer(root=folder / "lab")
        self.server.prepare()
        os.environ["FLOTILLA_HOME"] = str(folder / "lab" / "home")
        config = folder / "lab" / "config" / "labconfig"
        config.mkdir(parents=True)
        (config / "page_config.json").write_text(
            json.dumps({"disabledExtensions": {"jupyter-flotilla": True}})
        )
        self.facade = Flotilla(load_settings())
        lab._queued(self.facade, _RUNS)
        self._moving = self._moves()
        self.server.start()
        atexit.register(self.server.stop)
        self._windows = windows

    def _moves(self) -> Iterator[tuple[str, str]]:
        """Take runs through their statuses: always the newest, which are in sight."""
        from jupyter_flotilla.clock import utc_now
        from jupyter_flotilla.model.run import RunStatus
        from jupyter_flotilla.store import runs

        while True:
            queued = lab._queued(self.facade, _BATCH)[::-1]
            for status in (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.SUCCEEDED):
                for place, run in enumerate(queued):
                    now = utc_now()
                    queued[place] = run.advance(status, now)
                    with self.facade.store.write() as tx:
                        assert runs.apply(tx, run, queued[place], now)
                    yield run.id, status.value

    def change(self) -> tuple[str, str]:
        """Change the status of a run; return both."""
        return next(self._moving)

    def open(self, source: str, shown: str) -> Any:
        """Return a window on a notebook whose one cell has run and shows something."""
        cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": source,
                "outputs": [], "execution_count": None}  # fmt: skip
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = {"cells": [cell], "metadata": {"kernelspec": spec},
                   "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
        (self.server.work / "panel.ipynb").write_text(json.dumps(content))
        window = self._windows.Window(lab._browser(), self.server)
        window.bytes = window.updates = 0
        window.page.on("websocket", lambda socket: _count(window, socket))
        window.go("lab/tree/panel.ipynb?reset")
        window.command("notebook:run-all-cells")
        window.page.locator(shown).first.wait_for(timeout=60_000)
        window.page.wait_for_timeout(2_000)
        return window

    def kernel(self) -> psutil.Process:
        """Return the process of the one kernel."""
        return next(
            process
            for process in psutil.process_iter()
            if "ipykernel_launcher" in " ".join(process.cmdline())
            and str(self.server.root) in " ".join(process.cmdline())
        )


def _count(window: Any, socket: Any) -> None:
    """Count what a page gets from its kernel."""

    def received(payload: Any) -> None:
        window.bytes += len(payload)
        window.updates += b"comm_msg" in bytes(payload)

    if "/channels" in socket.url:
        socket.on("framereceived", received)


def _watched(folder: Path) -> dict[str, tuple[float, ...]]:
    """Return of each contender main thread (ms), traffic (KiB) and updates a second."""
    ground = _Ground(folder)
    found = {}
    for name, source, shown in (
        ("an ipywidgets.HTML", _TABLE, ".jp-OutputArea table"),
        ("the panel", _PANEL, ".flotilla-row"),
        ("nothing", "1", ".jp-OutputArea-output"),
    ):
        window = ground.open(source, shown)
        session = window.page.context.new_cdp_session(window.page)
        session.send("Performance.enable")
        busy, began = lab._busy_s(session), time.monotonic()
        window.bytes = window.updates = 0
        for number in range(_WATCHED_S * _CHANGES):
            ground.change()
            # the page's own loop has to be served meanwhile: it counts
            due = began + (number + 1) / _CHANGES - time.monotonic()
            window.page.wait_for_timeout(max(0.0, due * 1000))
        took = time.monotonic() - began
        busy_ms = (lab._busy_s(session) - busy) / took * 1000
        found[name] = (busy_ms, window.bytes / took / 1024, window.updates / took)
        window.command("kernelmenu:shutdown")
        window.page.wait_for_timeout(1_000)
        window.close()
    return found


def cost(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """What a page spends and gets a second, by who shows 2,000 runs with 20 changes a second."""
    named: Contenders = {}
    for name, values in _watched(folder).items():
        for unit, value in zip(("ms of the main thread", "KiB", "updates"), values, strict=True):
            named[f"{name}, {unit}"] = lambda v=value: v
    return named


def leak(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """MiB of kernel and page before and after 1,000 refreshes, and after 100 executions."""
    ground = _Ground(folder)
    # a refresh is otherwise at most every quarter of a second
    quick = "from jupyter_flotilla.widget import feed\nfeed._LOOK_S = 0.01\n"
    window = ground.open(quick + _PANEL, ".flotilla-row")
    _refresh(ground, window, 200)  # what is made once is made then
    found = {"at first": _memory(ground, window)}
    _refresh(ground, window, _REFRESHES)
    found[f"after {_REFRESHES:,} refreshes"] = _memory(ground, window)
    _execute(window, 10)
    before = _memory(ground, window)
    _execute(window, _EXECUTIONS)
    found["after ten executions of the cell"] = before
    found[f"after {_EXECUTIONS} more"] = _memory(ground, window)
    named: Contenders = {}
    for when, memory in found.items():
        for what, value in memory.items():
            named[f"{when}: {what}"] = lambda v=value: v
    return named


def _refresh(ground: _Ground, window: Any, times: int) -> None:
    """Change a run so often, and wait each time until the page shows it."""
    # a boolean: a handle of the element would keep it alive
    seen = """([run, status]) => document.querySelector(
        `.flotilla-row[data-run="${run}"][data-status="${status}"]`) !== null"""
    for _ in range(times):
        window.page.wait_for_function(seen, arg=list(ground.change()), polling=5)


def _execute(window: Any, times: int) -> None:
    """Execute the cell again so often, each time until its panel is live."""
    page = window.page
    for _ in range(times):
        page.evaluate("document.querySelector('.flotilla-total').textContent = 'earlier'")
        window.command("notebook:run-all-cells")
        page.wait_for_function(
            "() => /run/.test(document.querySelector('.flotilla-total')?.textContent ?? '')"
        )


def _memory(ground: _Ground, window: Any) -> dict[str, float]:
    """Return MiB of the kernel, after a collection, and of the page's heap, and its nodes."""
    window.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestExecute({ code: 'import gc; _ = gc.collect()' }).done.then(() => null)"""
    )
    session = window.page.context.new_cdp_session(window.page)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
        window.page.wait_for_timeout(300)
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return {
        "kernel, MiB": ground.kernel().memory_full_info().uss / 2**20,
        "page, MiB": metrics["JSHeapUsedSize"] / 2**20,
        "1,000 nodes and listeners": (metrics["Nodes"] + metrics["JSEventListeners"]) / 1000,
    }
