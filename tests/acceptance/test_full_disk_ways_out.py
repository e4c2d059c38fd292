"""A full disk can be cleaned with our own commands, and what fills it can be stopped."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import witness
from small_disk import fill, mounted

import jupyter_flotilla as fl
from jupyter_flotilla import api
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_settings

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")

_LARGE = ["sh", "-c", "yes output | head -c 400000"]


@pytest.fixture
def disk(tmp_path: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small disk, and the home on it."""
    monkeypatch.setenv("FLOTILLA_HOME", str(tmp_path / "disk" / "home"))
    with mounted(tmp_path / "disk") as path:
        yield path


def _folders(disk: Path) -> set[str]:
    return {path.name for path in disk.glob("home/runs/*/*")}


def _reserve(disk: Path) -> list[Path]:
    return sorted(disk.glob("home/reserve-*"))


def _use_up_the_reserve(disk: Path) -> list[int]:
    """Delete all pieces of it; return their sizes."""
    sizes = [piece.stat().st_size for piece in _reserve(disk)]
    assert sizes
    for piece in _reserve(disk):
        piece.unlink()
    return sizes


def _submit_old(times: int) -> set[str]:
    """Run a job with some output, and wait until its end is a second ago; return the ids."""
    made = [fl.submit(_LARGE, wait=True) for _ in range(times)]
    ended_at = made[-1].snapshot.ended_at
    assert ended_at is not None
    witness.until(lambda: utc_now() - ended_at > timedelta(seconds=1))
    return {run.id for run in made}


def _clean() -> None:
    cleaned = witness.flotilla("clean", "--older-than", "1s", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr


def _let_everybody_leave(disk: Path) -> None:
    """Wait until no process has the store open: then its log and index are not there either."""
    api.flotilla().close()
    api._opened.cache_clear()
    witness.until(lambda: not witness.processes_of_home(disk / "home"), "the dispatcher leaves")


@pytest.mark.parametrize("is_open", [True, False], ids=["store in use", "store closed"])
def test_clean_frees_a_full_disk(disk: Path, is_open: bool) -> None:
    _submit_old(2)
    if not is_open:
        _let_everybody_leave(disk)
    fill(disk)

    _clean()

    assert _folders(disk) == set()
    assert json.loads(witness.flotilla("ls", "--all", "--json").stdout) == []


def test_clean_frees_folders_first_where_no_row_can_be_deleted(disk: Path) -> None:
    _submit_old(2)
    _use_up_the_reserve(disk)
    fill(disk)

    _clean()

    assert _folders(disk) == set()
    assert json.loads(witness.flotilla("ls", "--all", "--json").stdout) == []


def test_a_run_whose_folder_went_first_can_still_be_shown(disk: Path) -> None:
    (run_id,) = _submit_old(1)
    api.flotilla().artifacts.delete(run_id)

    for words in (["ls"], ["show", run_id], ["logs", run_id], ["cost"]):
        shown = witness.flotilla(*words)
        assert shown.returncode == 0, shown.stderr


def test_a_run_is_stopped_on_a_full_disk(disk: Path) -> None:
    run = fl.submit(["sh", "-c", "echo begun; sleep 99"])
    facade = Flotilla(load_settings())
    witness.until(lambda: "begun" in str(run.logs()))
    ballast = fill(disk)

    cancelled = witness.flotilla("cancel", run.id)

    assert cancelled.returncode == 0, cancelled.stderr
    assert "cancelling" in cancelled.stderr
    witness.until(lambda: witness.processes_of_run(run.id) == [], "the job has ended")
    ballast.unlink()
    witness.until(lambda: facade.get(run.id).status == "CANCELLED")
    facade.close()


def test_a_queued_run_is_cancelled_on_a_full_disk(disk: Path, settings_file: Path) -> None:
    settings_file.write_text("idle_s = 5\nmax_running = 1\n")
    first = fl.submit(["sleep", "99"])
    run = fl.submit(["true"])
    witness.until(lambda: first.refresh().snapshot.status == "RUNNING")
    ballast = fill(disk)

    cancelled = witness.flotilla("cancel", run.id)

    assert cancelled.returncode == 0, cancelled.stderr
    assert "cancelled" in cancelled.stderr
    ballast.unlink()
    first.cancel(grace=0).wait()


def test_room_is_set_aside_again_when_there_is_plenty(disk: Path) -> None:
    fl.submit(["true"], wait=True)
    sizes = _use_up_the_reserve(disk)
    ballast = fill(disk)
    witness.flotilla("ls")
    on_a_full_disk = _reserve(disk)

    ballast.unlink()
    witness.flotilla("ls")

    assert on_a_full_disk == []
    assert [piece.stat().st_size for piece in _reserve(disk)] == sizes
    assert {piece.stat().st_mode & 0o077 for piece in _reserve(disk)} == {0}


def test_a_submit_does_not_use_up_what_is_set_aside(disk: Path) -> None:
    fl.submit(["true"], wait=True)
    _let_everybody_leave(disk)
    fill(disk)

    refused = [witness.flotilla("run", "--", "true") for _ in range(2)]

    assert [done.returncode for done in refused] == [2, 2]
    assert ["no room left" in done.stderr for done in refused] == [True, True]
    assert len(_reserve(disk)) >= 3


def test_a_cancel_that_nobody_can_be_told_of_is_an_error(disk: Path) -> None:
    run = fl.submit(["sleep", "99"])
    witness.until(lambda: run.refresh().snapshot.status == "RUNNING")
    _use_up_the_reserve(disk)
    ballast = fill(disk)

    refused = witness.flotilla("cancel", run.id)

    assert refused.returncode == 2
    assert "no room left" in refused.stderr
    ballast.unlink()
    run.cancel(grace=0).wait()
