"""A home that cannot be used: one clear error with its path and what to do, never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import witness

from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.setup.doctor import examine

#: Lets root obey the modes of files as everybody else has to (capabilities(7)).
_AS_A_USER = (
    ["setpriv", "--bounding-set", "-dac_override,-dac_read_search",
     "--inh-caps", "-dac_override,-dac_read_search"]
    if os.getuid() == 0 else []
)  # fmt: skip

needs_modes = pytest.mark.skipif(
    bool(_AS_A_USER) and shutil.which("setpriv") is None,
    reason="root needs setpriv (util-linux) to obey modes",
)


def _flotilla(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [*_AS_A_USER, sys.executable, "-m", "jupyter_flotilla", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=witness.PATIENCE_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _error(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a command said, which was one error of ours."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error: ") == 1
    assert "\n  Next: " in done.stderr
    return done.stderr


def _home_finding() -> dict[str, object]:
    """Return what ``doctor`` says of the home."""
    findings = json.loads(_flotilla("doctor", "--json").stdout)
    return next(found for found in findings if found["name"] == "home")


@needs_modes
@pytest.mark.parametrize("words", ["ls", "run -- true", "run nb.ipynb"])
def test_a_home_that_may_not_be_entered_is_one_error(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    witness.notebook(tmp_path / "nb.ipynb", "1")
    home.mkdir()
    home.chmod(0o000)

    said = _error(_flotilla(*words.split()))

    home.chmod(0o700)
    assert str(home) in said
    assert "Permission denied" in said


@needs_modes
@pytest.mark.parametrize("words", ["run -- true", "run nb.ipynb"])
def test_a_run_whose_folder_cannot_be_made_is_refused_and_not_queued(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    witness.notebook(tmp_path / "nb.ipynb", "1")
    (home / "runs").mkdir(parents=True)
    (home / "runs").chmod(0o500)

    said = _error(_flotilla(*words.split()))

    (home / "runs").chmod(0o700)
    assert f"{home / 'runs'} cannot be written: Permission denied" in said
    assert json.loads(_flotilla("ls", "--json").stdout) == []


@needs_modes
@pytest.mark.parametrize("folder", ["", "runs", "locks", "logs"])
def test_doctor_sees_a_folder_that_cannot_be_written(home: Path, folder: str) -> None:
    where = home / folder
    where.mkdir(parents=True)
    where.chmod(0o500)

    found = _home_finding()

    where.chmod(0o700)
    assert not found["ok"]
    assert found["message"] == f"{where} cannot be written: Permission denied"
    assert "FLOTILLA_HOME" in str(found["next_step"])


@needs_modes
def test_where_no_dispatcher_can_be_started_the_job_is_taken_and_it_is_said(home: Path) -> None:
    (home / "locks").mkdir(parents=True)
    (home / "locks").chmod(0o500)

    taken = _flotilla("run", "--bg", "--", "true")

    (home / "locks").chmod(0o700)
    assert taken.returncode == 0, taken.stderr
    assert "no dispatcher can be started" in taken.stderr
    assert len(json.loads(_flotilla("ls", "--json").stdout)) == 1


@pytest.mark.parametrize("below", ["", "further/down"])
def test_a_home_that_is_a_file_is_said_to_be_no_folder(
    home: Path, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.touch()
    monkeypatch.setenv("FLOTILLA_HOME", str(home / below))

    said = [_error(_flotilla(*words.split())) for words in ("ls", "run -- true")]

    assert [f"{home} is no folder" in one for one in said] == [True, True]
    assert _home_finding()["message"] == f"{home} is no folder"


def test_what_lies_in_the_place_of_a_runs_folder_is_named(facade: Flotilla, home: Path) -> None:
    facade.store.close()
    (home / "runs").touch()

    with pytest.raises(EnvironmentProblem, match="runs is no folder") as refused:
        facade.artifacts.create("r0123456789ab")

    assert refused.value.next_step is not None


def test_doctor_of_a_user_without_a_home_folder_goes_on_without_jupyter(
    facade: Flotilla, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)

    found = {finding.name: finding for finding in examine(facade.settings)}

    assert not found["kernels"].ok
    assert "set HOME" in str(found["kernels"].next_step)
    assert found["store"].ok
