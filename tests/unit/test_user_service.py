"""The dispatcher as a service: what is written, what the manager is asked, what is said."""

import configparser
import plistlib
import shlex
import sys
from pathlib import Path

import pytest

from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.setup import user_service

ENVIRON = {
    "PATH": "/bin:/my tools", "FLOTILLA_HOME": "/home/ana/100% mine/$x", "AWS_PROFILE": "team",
    "TERM": "two\nlines",
    "AWS_SECRET_ACCESS_KEY": "hunter2", "SECRET_OF_MINE": "hunter2",
}  # fmt: skip


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that writes down what it is asked, and says yes; return its record."""
    record, tools = tmp_path / "asked", tmp_path / "bin"
    tools.mkdir()
    for name in ("systemctl", "loginctl"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {shlex.quote(str(record))}\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return record


@pytest.fixture
def no_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_unit_runs_the_dispatcher_of_this_python_with_places_and_no_keys() -> None:
    unit = user_service.unit(ENVIRON)

    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    assert parser["Service"]["ExecStart"].endswith('"dispatch" "--patient"')
    assert sys.executable in parser["Service"]["ExecStart"]
    assert parser["Service"]["KillMode"] == "process"
    assert 'Environment="FLOTILLA_HOME=/home/ana/100%% mine/$x"' in unit
    assert 'Environment="AWS_PROFILE=team"' in unit
    assert "hunter2" not in unit
    assert "two" not in unit


def test_the_agent_of_launchd_is_the_same() -> None:
    agent = plistlib.loads(user_service.plist(ENVIRON))

    assert agent["ProgramArguments"] == user_service.command()
    assert agent["EnvironmentVariables"]["FLOTILLA_HOME"] == ENVIRON["FLOTILLA_HOME"]
    assert b"hunter2" not in user_service.plist(ENVIRON)


@pytest.mark.skipif(sys.platform == "darwin", reason="of systemd; it cannot exist in CI of macOS")
def test_install_and_uninstall_leave_nothing(systemd: Path, tmp_path: Path) -> None:
    path = tmp_path / ".config" / "systemd" / "user" / "jupyter-flotilla.service"

    found = user_service.install(ENVIRON)
    was_there = path.is_file()
    was_deleted = user_service.uninstall()

    assert (found.manager, found.is_installed, found.is_active) == ("systemd", True, True)
    assert (was_there, was_deleted, path.exists()) == (True, True, False)
    asked = systemd.read_text()
    assert "systemctl --user enable --now jupyter-flotilla.service" in asked
    assert "loginctl enable-linger" in asked
    assert "systemctl --user disable --now jupyter-flotilla.service" in asked
    assert not user_service.uninstall()


@pytest.mark.skipif(sys.platform == "darwin", reason="of systemd; it cannot exist in CI of macOS")
def test_what_does_not_begin_with_the_machine_is_said(systemd: Path) -> None:
    assert "loginctl enable-linger" in str(user_service.waking_note())


@pytest.mark.skipif(sys.platform == "darwin", reason="of systemd; it cannot exist in CI of macOS")
def test_where_nothing_can_wake_it_that_is_said_with_the_command(no_manager: None) -> None:
    assert "-m jupyter_flotilla dispatch" in str(user_service.waking_note())
    assert user_service.status().manager is None
    with pytest.raises(EnvironmentProblem, match="@reboot"):
        user_service.install(ENVIRON)
