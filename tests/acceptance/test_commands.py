"""Commands: their output, their exit codes, and what reaches them."""

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import witness

import jupyter_flotilla as fl


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 1), ("kill -9 $$", 1)], ids=["0", "7", "signal"]
)
def test_the_exit_code_says_whether_the_job_succeeded(script: str, code: int) -> None:
    ran = witness.flotilla("run", "--", "sh", "-c", script)

    assert ran.returncode == code


def test_stdout_of_the_job_is_stdout_of_the_command() -> None:
    ran = witness.flotilla("run", "--", "sh", "-c", "echo out; echo err >&2; printf 'no newline'")

    assert ran.stdout == "out\nno newline"
    assert "err" in ran.stderr


def test_run_prints_json_alone_on_stdout() -> None:
    ran = witness.flotilla("run", "--json", "--tag", "a=b", "--", "echo", "hi")

    record = json.loads(ran.stdout)
    assert (record["status"], record["spec"]["tags"]) == ("SUCCEEDED", {"a": "b"})


def test_bg_returns_before_the_job_is_done() -> None:
    ran = witness.flotilla("run", "--bg", "--json", "--", "sleep", "2")

    run = fl.get(json.loads(ran.stdout)["id"])
    assert not run.done()
    assert run.wait().status == "SUCCEEDED"


def test_ctrl_c_cancels_and_exits_with_130(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "jupyter_flotilla", "run", "--", "sh", "-c"]
    process = subprocess.Popen([*command, f"touch {ready}; sleep 99"], stderr=subprocess.PIPE)
    witness.until(ready.exists)

    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == 130
    assert b"cancelling" in stderr
    assert fl.get("last").status == "CANCELLED"


def test_a_program_that_does_not_exist_is_named() -> None:
    ran = witness.flotilla("run", "--", "no-such-program")

    assert ran.returncode == 1
    assert "'no-such-program' cannot be started" in ran.stderr


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00half \xe2\x82", bytes(range(256)), "ü😀".encode() * 10_000]
)
def test_output_that_is_no_text_is_shown_as_far_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "content").write_bytes(content)

    run = fl.submit(["cat", str(tmp_path / "content")]).wait()

    assert str(run.logs()) == content.decode("utf-8", "replace")


def test_ten_megabytes_of_output_arrive_whole(tmp_path: Path) -> None:
    run = fl.submit(["sh", "-c", "yes 0123456789 | head -c 10000000"]).wait()

    assert len(str(run.logs())) == 10_000_000
    assert str(run.logs(tail=2)) == "0123456789\n0123456789"


def test_what_a_command_leaves_in_the_background_ends_with_it() -> None:
    run = fl.submit(["sh", "-c", "sleep 99 & setsid sleep 99 & echo gone"]).wait(timeout=30)

    assert (run.status, str(run.logs())) == ("SUCCEEDED", "gone\n")
    assert witness.processes_of_run(run.id) == []


def test_logs_are_followed_live_from_another_process() -> None:
    run = fl.submit(["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.5; done"])
    began = time.monotonic()

    arrived = [(text, time.monotonic() - began) for text in run.logs(follow=True)]

    assert "".join(text for text, _ in arrived) == "line 1\nline 2\nline 3\n"
    assert arrived[0][1] < arrived[-1][1]


def test_environment_is_an_allow_list_and_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("https_proxy", "http://me:hush@proxy:1")
    monkeypatch.setenv("COPIED", "from here")

    run = fl.submit(["env"], env={"COPIED": None, "GIVEN": "a b'\"$\nc"}).wait()

    text = str(run.logs())
    assert "COPIED=from here\n" in text
    assert "GIVEN=a b'\"$\nc\n" in text
    assert "hush" not in text


def test_files_are_frozen_and_the_job_sees_them_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a b.csv").write_text("then")
    (tmp_path / "other.txt").write_text("not mine")
    script = "sleep 0.5; find . -type f; cat 'data/a b.csv'; echo new > made.txt"

    run = fl.submit(["sh", "-c", script], files=["data/*.csv"])
    (tmp_path / "data" / "a b.csv").write_text("now")
    run.wait()

    assert str(run.logs()) == "./data/a b.csv\nthen"
    assert not (tmp_path / "made.txt").exists()


def test_a_link_that_leads_out_of_the_folder_does_not_travel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("secret")
    work = tmp_path / "work"
    work.mkdir()
    (work / "link").symlink_to(tmp_path / "secret")
    monkeypatch.chdir(work)

    with pytest.raises(fl.FlotillaError, match="lies outside"):
        fl.submit(["true"], files=["link"])


def test_a_job_may_submit_jobs_that_outlive_it() -> None:
    code = (
        "import jupyter_flotilla as fl\n"
        "fl.submit(['sh', '-c', 'sleep 1.5; echo child'], name='child')"
    )

    parent = fl.run_source(code, name="parent").wait()
    child = fl.get("child").wait()

    assert (parent.status, child.status) == ("SUCCEEDED", "SUCCEEDED"), parent.explain()
    assert str(child.logs()) == "child\n"


def test_more_runs_than_may_run_wait_in_line(settings_file: Path) -> None:
    settings_file.write_text("idle_s = 5\nmax_running = 1\n")
    runs = [fl.submit(["sleep", "0.3"], name=f"n{i}") for i in range(3)]

    statuses = {run.name: run.status for run in runs}
    for run in runs:
        run.wait()

    assert statuses["n2"] == "QUEUED"
    spans = [(r.attempts[0].started_at, r.attempts[0].ended_at) for r in runs]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_dispatch_status_says_who_lives_and_stop_makes_it_leave() -> None:
    fl.submit(["true"]).wait()

    [row] = json.loads(witness.flotilla("dispatch", "--status", "--json").stdout)
    witness.flotilla("dispatch", "--stop")
    witness.until(lambda: witness.flotilla("dispatch", "--status", "--json").stdout == "[]\n")

    assert row["is_alive"]
    witness.until(lambda: not psutil.pid_exists(row["pid"]), "the dispatcher is gone")


def test_a_dispatcher_leaves_by_itself_when_idle(settings_file: Path, home: Path) -> None:
    settings_file.write_text("idle_s = 0.5\n")

    fl.submit(["true"]).wait()

    witness.until(lambda: witness.processes_of_home(home) == [], "nobody is left")
