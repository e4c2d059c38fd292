"""The front end in a real browser: how late it shows, what it costs the page and Lab's start."""

import argparse
import atexit
import gzip
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

Contenders = dict[str, Callable[[], float]]

_ROOT = Path(__file__).parents[2]
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_LIVE = 1_000
#: For how long the page is watched while runs go on, in seconds.
_WATCHED_S = 10
_SEEN = """
id => new Promise(resolve => {
  const look = () => document.querySelector(
    `.jp-Flotilla-row[data-run="${id}"][data-status="PENDING"]`);
  const seen = () => { if (look()) { observer.disconnect(); resolve(Date.now()); } };
  const observer = new MutationObserver(seen);
  observer.observe(document.body, {subtree: true, childList: true, attributes: true});
  seen();
})
"""


@cache
def _browser() -> Any:
    """Return the browser of this process."""
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
    atexit.register(browser.close)
    return browser


class _Lab:
    """A Lab, a browser, and a window on it."""

    def __init__(self, folder: Path) -> None:
        from jupyter_flotilla.service import Flotilla
        from jupyter_flotilla.settings import load_settings

        sys.path.insert(0, str(_ROOT / "tests" / "browser"))
        import windows

        self.server = windows.JupyterServer(root=folder / "lab")
        self.server.prepare()
        os.environ["FLOTILLA_HOME"] = str(folder / "lab" / "home")
        self.facade = Flotilla(load_settings())
        self.server.start()
        atexit.register(self.server.stop)
        self.browser = _browser()
        self._window = windows.Window

    def window(self) -> Any:
        """Return a window of a browser that has seen nothing yet."""
        return self._window(self.browser, self.server)

    def runs(self) -> Any:
        """Return a window that shows the runs."""
        window = self.window()
        window.go()
        window.command("flotilla:show")
        window.page.locator(".jp-Flotilla-row").first.wait_for()
        return window


def delay(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """From the commit of a status to its row in the page."""
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.model.run import RunStatus
    from jupyter_flotilla.store import runs

    lab = _Lab(folder)
    # the newest is in sight
    made = iter(_queued(lab.facade, 12)[::-1])
    window = lab.runs()

    def change() -> float:
        run = next(made)
        handle = window.page.evaluate_handle(f"({{waited: ({_SEEN})('{run.id}')}})")
        now = utc_now()
        with lab.facade.store.write() as tx:
            assert runs.apply(tx, run, run.advance(RunStatus.PENDING, now), now)
        committed = time.time()
        seen = handle.evaluate("async held => await held.waited") / 1000
        return float(max(0.0, seen - committed))

    return {"from commit to DOM": change}


def live(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Seconds of the page's main thread a second: nothing goes on, and 1,000 runs do."""
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.model.observation import Usage
    from jupyter_flotilla.model.run import RunStatus
    from jupyter_flotilla.store import attempts, runs

    lab = _Lab(folder)
    _queued(lab.facade, 1)

    def watched(change: Callable[[int], None] = lambda second: None) -> float:
        window = lab.runs()
        session = window.page.context.new_cdp_session(window.page)
        session.send("Performance.enable")
        window.page.wait_for_timeout(2_000)
        before, began = _busy_s(session), time.monotonic()
        for second in range(_WATCHED_S):
            change(second)
            window.page.wait_for_timeout(max(0.0, began + second + 1 - time.monotonic()) * 1000)
        took = (_busy_s(session) - before) / (time.monotonic() - began)
        window.close()
        return took

    @cache
    def going_on() -> list[Any]:
        now, found = utc_now(), []
        _queued(lab.facade, _LIVE - 1)
        with lab.facade.store.write() as tx:
            while (attempt := attempts.claim(tx, "process", "elsewhere", _LIVE, now)) is not None:
                run = runs.get(tx, attempt.run_id)
                runs.apply(tx, run, run.advance(RunStatus.RUNNING, now), now)
                found.append(attempt.model_copy(update={"started_at": now}))
        return found

    def with_runs() -> float:
        offset, found = time.monotonic(), going_on()

        def change(second: int) -> None:
            with lab.facade.store.write() as tx:
                for number, attempt in enumerate(found):
                    mib = offset + second + number
                    usage = Usage(memory_mib=mib, peak_memory_mib=mib, cpu_percent=90.0)
                    attempts.update(tx, attempt.model_copy(update={"usage": usage}))

        return watched(change)

    return {"nothing goes on": watched, "1,000 runs, each changed every second": with_runs}


def start(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """From the address of Lab to an application that is restored, the browser's cache empty."""
    lab = _Lab(folder)
    extension = folder / "lab" / "data" / "labextensions" / "jupyter-flotilla"

    def opened() -> float:
        window = lab.window()
        began = time.perf_counter()
        window.go()
        took = time.perf_counter() - began
        window.close()
        return took

    @contextmanager
    def left_out() -> Any:
        config = folder / "lab" / "config" / "labconfig"
        config.mkdir(parents=True, exist_ok=True)
        page = config / "page_config.json"
        page.write_text(json.dumps({"disabledExtensions": {"jupyter-flotilla": True}}))
        try:
            yield
        finally:
            page.unlink()

    def without() -> float:
        with left_out():
            return opened()

    assert extension.exists()
    opened()  # the first one warms the server
    return {"Lab without us": without, "Lab": opened}


def size(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """What is fetched of us, compressed, in kB: at Lab's start, and all there is."""
    built = _ROOT / "jupyter_flotilla" / "labextension"
    lab = _Lab(folder)
    window = lab.window()
    fetched: list[str] = []
    window.page.on("response", lambda answer: fetched.append(answer.url))
    window.go()
    names = {url.partition("?")[0].rpartition("/")[2] for url in fetched
             if "/extensions/jupyter-flotilla/" in url}  # fmt: skip
    files = list((built / "static").glob("*.js"))

    def kb(chosen: list[Path]) -> float:
        return sum(len(gzip.compress(path.read_bytes())) for path in chosen) / 1000

    return {
        "at the start": lambda: kb([path for path in files if path.name in names]),
        "all of it": lambda: kb(files),
    }


def _queued(facade: Any, count: int) -> list[Any]:
    """Put runs into the store that nobody launches."""
    from jupyter_flotilla.clock import utc_now
    from jupyter_flotilla.model.options import read_options
    from jupyter_flotilla.model.run import Run, new_run_id
    from jupyter_flotilla.store import runs

    spec = facade.draft_command(["true"], read_options({}), Path.cwd()).spec
    spec = spec.model_copy(update={"place": "elsewhere"})
    now = utc_now()
    made = [
        Run(id=new_run_id(), spec=spec, owner="me", created_at=now + timedelta(microseconds=n))
        for n in range(count)
    ]
    with facade.store.write() as tx:
        for run in made:
            runs.insert(tx, run)
    return made


def _busy_s(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))
