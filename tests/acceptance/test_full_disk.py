"""A full disk: one clear error, nothing half-written, and the truth once there is room."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import witness
from small_disk import fill, mounted

import jupyter_flotilla as fl
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_settings

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")


@pytest.fixture
def disk(tmp_path: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small disk, and the home on it."""
    with mounted(tmp_path / "disk") as path:
        monkeypatch.setenv("FLOTILLA_HOME", str(path / "home"))
        yield path


def test_a_submit_is_refused_and_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    witness.flotilla("ls")
    fill(disk)
    path = witness.notebook(tmp_path / "n.ipynb", "1" * 10_000)

    refused = witness.flotilla("run", path)

    assert refused.returncode == 2
    assert "no room left" in refused.stderr
    assert "Next: free some space" in refused.stderr
    assert not list((disk / "home").glob("runs/*/*"))


def test_a_first_use_on_a_full_disk_is_refused(disk: Path) -> None:
    fill(disk)

    refused = witness.flotilla("ls")

    assert refused.returncode == 2
    assert "no room left" in refused.stderr


def test_a_job_on_a_disk_that_fills_up_ends_truthfully_once_there_is_room(disk: Path) -> None:
    run = fl.submit(["sh", "-c", "echo before; sleep 2; yes flood | head -c 5000000; exit 4"])
    facade = Flotilla(load_settings())
    witness.until(lambda: "before" in str(run.logs()))
    ballast = fill(disk)

    witness.until(lambda: witness.processes_of_run(run.id) == [], "the job itself has ended")
    ballast.unlink()
    ended = witness.until(lambda: (r := facade.get(run.id)).status.is_final and r)

    assert (ended.status, ended.failure_kind) == ("FAILED", "user-error")
    assert "exit code 4" in (ended.message or "")
    facade.close()
