"""A real ``jupyter lab`` on this machine, one for each module of tests, and Debian's chromium."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import witness
from windows import BUILT, ROOT, JupyterServer, Window

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
#: Chromium as root, without asking anybody anything.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Shadow pytest-jupyter's loop: playwright's own is running here."""


@pytest.fixture
def jp_server_cleanup() -> None:
    """Likewise: there is no server in this process to clean up."""


@pytest.fixture(autouse=True)
def home() -> None:
    """Shadow the home of each test: all look at the one of the server."""


def _served(root: Path, app: str) -> Iterator[JupyterServer]:
    if not BUILT.is_dir():
        pytest.skip("the front end was never built: cd labextension && npm ci && npm run build")
    pytest.importorskip("jupyterlab")
    server = JupyterServer(root=root, app=app)
    server.prepare()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        for process in witness.processes_of_home(root / "home"):
            with suppress(ProcessLookupError):  # it ends by itself just now
                os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A Lab with a store of its own, a notebook and a script to launch."""
    for server in _served(tmp_path_factory.mktemp("lab"), "lab"):
        shutil.copy(ROOT / "examples" / "digits.ipynb", server.work / "digits.ipynb")
        (server.work / "script.py").write_text("print('hello from a script')\n")
        yield server


@pytest.fixture(scope="module")
def notebook_7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A Jupyter Notebook 7 of the module: others' runs are not there."""
    pytest.importorskip("notebook")
    for server in _served(tmp_path_factory.mktemp("notebook"), "notebook"):
        shutil.copy(ROOT / "examples" / "digits.ipynb", server.work / "digits.ipynb")
        yield server


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A classic notebook (nbclassic) of the module."""
    pytest.importorskip("nbclassic")
    yield from _served(tmp_path_factory.mktemp("classic"), "nbclassic")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no chromium: apt install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_window(browser: Any) -> Iterator[Callable[..., Window]]:
    """Open windows on a server; keywords are playwright's. All are closed at the end."""
    windows: list[Window] = []

    def open_window(server: JupyterServer, **options: Any) -> Window:
        windows.append(Window(browser, server, **options))
        return windows[-1]

    yield open_window
    for window in windows:
        window.close()


@pytest.fixture
def window(open_window: Callable[..., Window], lab: JupyterServer) -> Window:
    """A window on that Lab."""
    return open_window(lab)
