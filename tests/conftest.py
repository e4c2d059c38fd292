"""Every test has a home of its own, and leaves no process behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import witness

from jupyter_flotilla import api
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long and from where ``acceptance/test_chaos.py`` goes."""
    parser.addoption("--chaos-runs", type=int, default=25, help="real runs; four times fake ones")
    parser.addoption("--chaos-seed", type=int, default=1, help="what its chances are drawn from")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a hostile name; whatever lives in it at the end is killed."""
    path = tmp_path / "flo tilla's hömé"
    for name in [name for name in os.environ if name.startswith("FLOTILLA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_HOME", str(path))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "flotilla.toml"))
    yield path
    api._opened.cache_clear()
    for process in witness.processes_of_home(path):
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """The user's settings file, short waits in it, for every process of the test."""
    path = tmp_path / "flotilla.toml"
    path.write_text("idle_s = 5\nretry_delay_s = 0.1\n")
    return path


@pytest.fixture
def facade(home: Path, settings_file: Path) -> Iterator[Flotilla]:
    """The façade over the test's home."""
    opened = Flotilla(load_settings())
    yield opened
    opened.close()
