"""Ctrl-C around a submit: nothing is submitted, or what is gets cancelled and is named."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import witness

from jupyter_flotilla import cli
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands.follow import launch
from jupyter_flotilla.commands.grid import launch_grid
from jupyter_flotilla.commands.interrupts import interrupts
from jupyter_flotilla.errors import DiskFull
from jupyter_flotilla.model.grid_options import GridOptions
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.service import Flotilla


def _press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def draft(facade: Flotilla, tmp_path: Path) -> Draft:
    """A job that would sleep for long."""
    return facade.draft_command(["sleep", "99"], JobOptions(), tmp_path)


@pytest.fixture(params=["before", "after"])
def pressed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, facade: Flotilla
) -> None:
    """Ctrl-C is pressed while a submit goes on: before the runs are in the store, or after."""

    def presses(submit: Callable[..., Any]) -> Callable[..., Any]:
        def submit_pressed(*words: Any, **options: Any) -> Any:
            if request.param == "before":
                _press()
            made = submit(*words, **options)
            if request.param == "after":
                _press()
            return made

        return submit_pressed

    monkeypatch.setattr(facade, "submit", presses(facade.submit))
    monkeypatch.setattr(facade, "submit_grid", presses(facade.submit_grid))


@pytest.mark.usefixtures("pressed")
@pytest.mark.parametrize("wait", [True, False], ids=["wait", "bg"])
def test_ctrl_c_while_a_run_is_submitted_cancels_it_by_name(
    facade: Flotilla, draft: Draft, capfd: pytest.CaptureFixture[str], wait: bool
) -> None:
    handle, code = launch(facade, draft, wait=wait)

    assert code == 130
    assert handle.wait(30).snapshot.status == "CANCELLED"
    assert f"cancelling {handle.short_id} …" in capfd.readouterr().err


@pytest.mark.usefixtures("pressed")
@pytest.mark.parametrize("wait", [True, False], ids=["wait", "bg"])
def test_ctrl_c_while_a_grid_is_submitted_cancels_all_of_it(
    facade: Flotilla, draft: Draft, capfd: pytest.CaptureFixture[str], wait: bool
) -> None:
    code = launch_grid(facade, [draft, draft], GridOptions(), wait=wait, as_json=False)

    runs = [run for run, _ in facade.latest()]
    assert code == 130
    assert f"cancelling all 2 runs of {(runs[0].grid_id or '')[:7]} …" in capfd.readouterr().err
    witness.until(lambda: {run.status for run, _ in facade.latest()} == {"CANCELLED"})


def test_a_submit_that_fails_after_ctrl_c_says_why(
    facade: Flotilla, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*words: Any, **options: Any) -> None:
        _press()
        raise DiskFull("no room left")

    monkeypatch.setattr(facade, "submit", fails)

    with pytest.raises(DiskFull):
        launch(facade, draft)

    with pytest.raises(KeyboardInterrupt):
        _press()


def test_ctrl_c_cancels_while_the_main_thread_is_held_up() -> None:
    graces: list[float] = []

    with interrupts() as presses:
        presses.aim("r01", graces.append)
        _press()
        witness.until(lambda: graces)  # no word of ours in between
        _press()

    assert graces == [10.0, 0.0]
    assert list(presses.news()) == [
        "cancelling r01 … (Ctrl-C again: kill now)",
        "cancelling r01 …",
    ]
    assert list(presses.news()) == []


def test_a_cancel_that_fails_is_said() -> None:
    def cancel(grace_s: float) -> None:
        raise DiskFull("no room left")

    with interrupts() as presses:
        presses.aim("r01", cancel)
        _press()

    assert list(presses.news())[-1] == "cannot cancel r01: no room left"


def test_ctrl_c_at_the_moment_of_submit_leaves_nothing_unnamed(
    facade: Flotilla, settings_file: Path
) -> None:
    program = [sys.executable, "-m", "jupyter_flotilla", "run", "--", "sleep", "99"]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    header = process.stderr.readline()  # the last that is said before

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert "flotilla ▸ sleep" in header
    assert process.returncode == 130, said
    assert "Traceback" not in said
    for run, _ in facade.latest():
        assert run.id[:7] in said
        assert run.status == "CANCELLED"


def test_ctrl_c_while_the_program_is_imported_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Importing:
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "jupyter_flotilla.cli.program", Importing())

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == 130
    assert capsys.readouterr().err == "Interrupted.\n"
