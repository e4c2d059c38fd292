"""What was found by attacking it by hand: each stays mended."""

import copy
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.api import flotilla
from jupyter_flotilla.commands.dispatch import dispatcher_status


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits and pauses."""


@pytest.fixture
def oracle(tmp_path: Path) -> Path:
    return tmp_path / "oracle.txt"


def _dispatcher() -> int:
    def pid() -> int | None:
        rows = [row for row in dispatcher_status(flotilla()) if row["is_alive"]]
        return int(str(rows[0]["pid"])) if rows else None

    return int(witness.until(pid, "a dispatcher"))


def test_a_job_whose_supervisor_started_the_dispatcher_leaves_other_jobs_alone(
    oracle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fl.submit(["sleep", "60"], name="first")
    witness.until(lambda: first.status == "RUNNING")
    killed = _dispatcher()
    os.kill(killed, signal.SIGKILL)
    # nobody asks for anything: the first job's supervisor starts the next dispatcher
    witness.until(lambda: flotilla().wake.is_awake() and _dispatcher() != killed)
    monkeypatch.setenv("FLOTILLA_RUN_ID", "rfake")  # as from inside a job: the dispatcher launches
    script = f"echo start >> '{oracle}'; sleep 4; echo end >> '{oracle}'"
    second = fl.submit(["sh", "-c", script], name="second")
    monkeypatch.delenv("FLOTILLA_RUN_ID")
    witness.until(lambda: witness.lines(oracle) == ["start"])

    os.kill(_dispatcher(), signal.SIGKILL)  # its children fall to the first supervisor
    first.cancel(grace=0).wait()

    assert second.wait().status == "SUCCEEDED"
    assert witness.lines(oracle) == ["start", "end"]
    assert first.attempts[0].usage.peak_memory_mib < 60


def test_a_run_whose_folder_is_deleted_is_lost_and_its_job_ends(oracle: Path) -> None:
    run = fl.submit(["sh", "-c", f"echo start >> '{oracle}'; sleep 60"])
    witness.until(lambda: witness.lines(oracle) == ["start"])
    folder = run._folder()

    shutil.rmtree(folder)
    witness.until(lambda: run.attempts[0].failure_kind == "lost")
    run.cancel(grace=0).wait()

    witness.until(lambda: witness.processes_of_run(run.id) == [], "nothing runs on")


def test_following_logs_sets_going_what_nobody_dispatches(settings_file: Path) -> None:
    settings_file.write_text("idle_s = 60\nretry_delay_s = 2\n")
    run = fl.submit(["sh", "-c", "echo try; exit 1"], retries=1)
    witness.until(lambda: run.refresh().snapshot.not_before is not None)
    os.kill(_dispatcher(), signal.SIGKILL)

    followed = witness.flotilla("logs", run.id, "-f")

    assert followed.stdout == "try\ntry\n"


def test_a_deleted_store_is_replaced_by_the_next_run(home: Path) -> None:
    assert witness.flotilla("run", "--", "echo", "first").returncode == 0
    for path in home.glob("flotilla.db*"):
        path.unlink()

    again = witness.flotilla("run", "--", "echo", "again")

    assert (again.returncode, again.stdout) == (0, "again\n"), again.stderr


def test_an_error_message_does_not_steer_the_terminal(tmp_path: Path) -> None:
    path = witness.notebook(
        tmp_path / "evil.ipynb", r'raise ValueError("\x1b[2J\x1b]0;evil\x07boo\x1b[8m hidden")'
    )

    shown = witness.flotilla("run", path, "--json")

    assert "boo hidden" in shown.stderr
    assert "\x1b" not in shown.stderr
    assert "\x07" not in shown.stderr


def test_the_tail_of_a_very_long_line_is_quick_enough_to_wait_for() -> None:
    run = fl.run_source("print('y' * 20_000_000)").wait()

    assert len(str(run.logs(tail=1))) == 20_000_001


def test_the_tail_of_several_attempts_is_followed_without_repeats(tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f'echo x >> "{count}"; wc -l < "{count}"; [ $(wc -l < "{count}") -gt 1 ]'
    run = fl.submit(["sh", "-c", script], retries=1).wait()

    assert "".join(run.logs(tail=1, follow=True)) == "2\n"
    assert str(run.logs(tail=0)) == ""


def test_a_folder_that_is_gone_before_the_launch_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    path = witness.notebook(folder / "n.ipynb", "1")
    blocker = [fl.submit(["sleep", "3"]) for _ in range(flotilla().settings.max_running)]
    run = fl.run_notebook(path)
    shutil.rmtree(folder)
    for one in blocker:
        one.cancel(grace=0)

    run.wait()

    assert run.attempts[-1].failure_kind == "environment"
    assert f"{folder} cannot be entered" in (run.attempts[-1].message or "")


def test_a_kernel_whose_program_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "gone"
    spec.mkdir(parents=True)
    argv = ["/nope/python", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "g", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    path = witness.notebook(tmp_path / "n.ipynb", "1")
    path.write_text(path.read_text().replace('"python3"', '"gone"'))

    run = fl.run_notebook(path).wait()

    assert [attempt.failure_kind for attempt in run.attempts] == ["environment"]
    assert "'gone' cannot be started: /nope/python" in (run.attempts[0].message or "")


@pytest.mark.parametrize(
    "metadata",
    [{}, {"kernelspec": "python3"}, {"language_info": None}, {"kernelspec": None}],
    ids=json.dumps,
)
def test_metadata_may_be_missing_or_odd(tmp_path: Path, metadata: dict[str, object]) -> None:
    path = witness.notebook(tmp_path / "n.ipynb", "print(a)", parameters="a = 1")
    content = json.loads(path.read_text()) | {"metadata": metadata}
    content["cells"][1]["metadata"] = {"tags": None}
    path.write_text(json.dumps(content))

    run = fl.run_notebook(path, params={"a": 3}).wait()

    assert str(run.logs()) == "3\n", run.explain()


@pytest.mark.parametrize("text", ["x = '\ud800'; print(len(x))", "print('ok')  # \udcff"])
def test_half_a_character_in_the_source_is_no_accident_of_ours(text: str) -> None:
    run = fl.run_source(text).wait()

    assert run.status == "SUCCEEDED", run.explain()


def test_a_path_that_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/lat\xe9"))
    path = folder / "n.ipynb"
    witness.notebook(path, "1")

    refused = witness.flotilla("run", os.fsdecode(os.fsencode(path)))

    assert refused.returncode == 2
    assert "is not UTF-8" in refused.stderr


def test_what_forks_all_the_time_does_not_outlive_its_run(tmp_path: Path) -> None:
    code = (
        "import os, signal, time\n"
        "signal.signal(15, signal.SIG_IGN); signal.signal(2, signal.SIG_IGN)\n"
        "end = time.time() + 20\n"
        "while time.time() < end:\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.setsid(); time.sleep(0.02)\n"
    )

    run = fl.submit([sys.executable, "-c", code]).wait(timeout=40)

    assert run.status == "SUCCEEDED"
    assert witness.processes_of_run(run.id) == []


def test_a_damaged_stream_is_read_as_far_as_it_is_whole() -> None:
    run = fl.submit(["echo", "whole"]).wait()
    [segment] = run._folder().glob("stream/*.jsonl")
    with segment.open("a") as file:
        file.write('{garbage\n[]\n{"seq": "x"}\n')

    assert str(run.logs()) == "whole\n"


def test_records_that_cannot_be_read_start_nothing_twice(oracle: Path) -> None:
    script = f"echo start >> '{oracle}'; sleep 3; echo end >> '{oracle}'"
    run = fl.submit(["sh", "-c", script])
    witness.until(lambda: witness.lines(oracle) == ["start"])
    (run._folder() / "progress.json").write_text('{"cell": "x"}')

    assert run.wait().status == "SUCCEEDED"
    assert witness.lines(oracle) == ["start", "end"]


def test_a_pipe_that_closes_is_not_told_as_a_failure_of_the_job() -> None:
    flotilla_run = f"{sys.executable} -m jupyter_flotilla run -- seq 300000"
    script = f"{flotilla_run} | head -n 1; echo ${{PIPESTATUS[0]}}"

    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)

    assert ran.stdout.splitlines() == ["1", "2"]
    assert "what runs goes on" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_handle_travels_by_its_id() -> None:
    run = fl.submit(["true"]).wait()

    copies = [pickle.loads(pickle.dumps(run)), copy.deepcopy(run), fl.get(run.id)]

    assert {run, *copies} == {run}
    assert copies[0].status == "SUCCEEDED"


def test_a_chatty_child_in_the_background_does_not_keep_an_ended_command_running() -> None:
    script = "(while true; do echo chat; sleep 0.1; done) & echo done"

    run = fl.submit(["sh", "-c", script]).wait(timeout=30)

    assert run.status == "SUCCEEDED"
    assert witness.processes_of_run(run.id) == []


def test_a_job_interrupted_by_somebody_else_is_told_so(oracle: Path) -> None:
    run = fl.run_source(f"import time; open({str(oracle)!r}, 'w').write('start'); time.sleep(60)")
    witness.until(lambda: witness.lines(oracle) == ["start"])

    os.kill(witness.runner_of(run._folder()), signal.SIGINT)

    assert run.wait(timeout=30).attempts[0].failure_kind == "user-error"
    assert "KeyboardInterrupt" in run.explain()


def test_a_damaged_end_is_told_and_nothing_waits_for_ever() -> None:
    run = fl.submit(["sleep", "5"])
    folder = run._folder()
    witness.until(lambda: run.status == "RUNNING")
    witness.flotilla("dispatch", "--stop")
    os.kill(witness.supervisor_of(folder), signal.SIGKILL)
    (folder / "exit.json").write_text("")

    assert run.wait(timeout=30).attempts[0].failure_kind == "environment"


def test_variables_in_a_kernelspecs_environment_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "mine"
    spec.mkdir(parents=True)
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    env = {"WHERE": "/opt/x:${HOME}"}
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "m", "language": "python", "env": env})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    path = witness.notebook(tmp_path / "n.ipynb", "import os; print(os.environ['WHERE'])")
    path.write_text(path.read_text().replace('"python3"', '"mine"'))

    run = fl.run_notebook(path).wait()

    assert str(run.logs()) == f"/opt/x:{os.environ['HOME']}\n", run.explain()
