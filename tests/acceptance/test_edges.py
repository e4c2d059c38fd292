"""Edges of the process engine that users have met: files, exits, peaks, leavings."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla import api
from jupyter_flotilla.dispatch import wake
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.errors import EnvironmentProblem, SecretUnavailable
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.protocol import StreamReader, record_bytes

_DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sh", ["sh", "-c", 'echo $$ > "$0"; sleep 99', sys.argv[1]], {})
    os._exit(0)
time.sleep(8)
"""


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


def _folder(run: fl.RunHandle) -> Path:
    return Path(run.to_dict()["folder"])


def test_a_python_file_finds_itself_and_no_arguments(tmp_path: Path) -> None:
    script = tmp_path / "scr ipt.py"
    script.write_text(
        "import argparse, sys\nargparse.ArgumentParser().parse_args()\n"
        "print(__file__, sys.argv, __name__)"
    )

    run = fl.run_notebook(script, wait=True)

    assert str(run.logs()) == f"{script} {[str(script)]} __main__\n"


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_clean_exit_is_a_success_and_ends_the_job(tmp_path: Path, code: str) -> None:
    path = witness.notebook(tmp_path / "in.ipynb", "print(1)", f"import sys; sys.exit({code})", "2")

    run = fl.run_notebook(path, wait=True)

    assert run.status == "SUCCEEDED", run.explain()
    assert str(run.logs()) == "1\n"
    assert run.notebook.cells[2].execution_count is None


def test_another_exit_is_a_failure_with_its_code() -> None:
    run = fl.run_source("import sys; sys.exit(3)", wait=True)

    [attempt] = run.attempts
    assert (run.status, attempt.exit_code) == ("FAILED", 3)


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    content = bytes(range(256)) * 300
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 300)"

    run = fl.submit([sys.executable, "-c", code], wait=True)

    records = StreamReader(str(_folder(run))).read()
    assert b"".join(map(record_bytes, records)) == content


def test_a_job_shorter_than_a_look_has_a_peak() -> None:
    run = fl.submit([sys.executable, "-c", "x = b'x' * 80_000_000"], wait=True)

    [attempt] = run.attempts
    assert attempt.usage.peak_memory_mib > 75


def test_the_peak_of_what_broke_the_limit_is_not_below_it() -> None:
    code = "x = []\nwhile True: x.append(b'x' * 5_000_000)"

    run = fl.submit([sys.executable, "-c", code], memory="150M", wait=True)

    [attempt] = run.attempts
    assert attempt.failure_kind == "out-of-memory"
    assert attempt.usage.peak_memory_mib > 150


def test_a_daemon_that_hides_is_found_by_the_next_supervisor_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    run = fl.submit([sys.executable, "-c", _DAEMON, str(pid_file)])
    daemon = int(witness.until(lambda: pid_file.exists() and pid_file.read_text(), "a daemon"))
    noted = _folder(run) / "processes.json"
    witness.until(lambda: noted.exists() and str(daemon) in noted.read_text(), "word of it")

    witness.kill(witness.supervisor_of(_folder(run)))
    run.wait()

    assert run.status == "SUCCEEDED", run.explain()
    witness.until(lambda: not Path(f"/proc/{daemon}").exists(), "the daemon is gone")


def test_sockets_of_a_killed_runners_kernel_are_deleted(tmp_path: Path) -> None:
    run = fl.run_source("import time; time.sleep(99)", retries=0)
    kernel = witness.kernel_of(_folder(run))
    made = Path(json.loads((_folder(run) / "sockets.json").read_text())["folder"])
    assert any(made.iterdir())

    os.kill(witness.runner_of(_folder(run)), signal.SIGKILL)
    witness.until(lambda: not Path(f"/proc/{kernel}").exists(), "the kernel is gone")
    witness.until(lambda: (_folder(run) / "exit.json").exists() or len(run.attempts) > 1, "an end")
    run.cancel(grace=0).wait()

    assert not made.exists()


def test_a_kernel_that_is_killed_is_told_with_the_signal() -> None:
    run = fl.run_source("import os; os.kill(os.getpid(), 9)", wait=True)

    assert "The kernel died (killed by SIGKILL) while cell 1 was running." in run.explain()


def test_expectations_are_of_the_same_command() -> None:
    for _ in range(3):
        fl.submit([sys.executable, "-c", "1"], wait=True)

    facade = api.flotilla()
    plans = [
        facade.plan(facade.draft_command([sys.executable, "-c", code], JobOptions(), Path("/")))
        for code in ("1", "2")
    ]

    assert plans[0].expected is not None
    assert plans[1].expected is None


def test_a_secret_file_is_found_from_here_and_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("token").write_text("abcdef")
    Path("token").chmod(0o644)

    run = fl.submit(["sh", "-c", "printf '%s' \"$T\" | wc -c"], secrets=["T=file:token"], wait=True)
    shown = witness.flotilla("run", "--secret", "T=file:token", "--dry-run", "--", "true")
    with pytest.raises(SecretUnavailable, match="no file that can be read"):
        fl.submit(["true"], secrets=["T=file:tokens"])

    assert str(run.logs()).strip() == "6"
    assert "others can read" in shown.stderr


def test_a_short_secret_is_said_not_to_be_masked(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("123")

    run = fl.submit(["true"], secrets=[f"PIN=file:{tmp_path / 'pin'}"], wait=True)

    assert "PIN: not masked, since shorter than 4 characters" in str(run.logs())


def test_dispatchers_that_all_fail_at_their_start_are_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('nothing works')"]
    monkeypatch.setattr(wake, "_command", lambda: broken)
    waker = Wake(home)
    home.mkdir()

    def ensure() -> bool:
        try:
            waker.ensure()
        except EnvironmentProblem as error:
            return "nothing works" in str(error)
        return False

    assert witness.until(ensure, "the error")


def test_the_package_may_be_found_by_pythonpath_alone(tmp_path: Path) -> None:
    # an interpreter that knows of no installation
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    places = [sysconfig.get_path("purelib"), str(Path(__file__).parents[2])]
    command = [tmp_path / "bare/bin/python", "-m", "jupyter_flotilla", "run", "--", "echo", "hi"]

    ran = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": ":".join(places)}, timeout=60,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert (ran.returncode, ran.stdout) == (0, "hi\n"), ran.stderr
