"""Memory, time, money, cancels: each ends the job truthfully, and all of it."""

import signal
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl

_EAT = """
import time
hoard = []
while True:
    hoard.append(bytearray(10_000_000))
    time.sleep(0.01)
"""
_BREED = """
import subprocess, sys
for _ in range(3):
    subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(15, int); time.sleep(99)"],
        start_new_session=True,
    )
print("bred")
"""


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.fixture
def eater(tmp_path: Path) -> Path:
    return witness.notebook(tmp_path / "eater.ipynb", "print('before')", _EAT, "print('never')")


def test_too_much_memory_is_told_with_peak_and_time_and_the_notebook_comes_back(
    eater: Path,
) -> None:
    run = fl.run_notebook(eater, memory="400M").wait()

    [attempt] = run.attempts
    assert (run.status, attempt.failure_kind) == ("FAILED", "out-of-memory")
    assert "of 400 M at" in (attempt.message or "")
    assert "--memory 800M" in (attempt.next_step or "")
    assert attempt.usage.peak_memory_mib > 400
    assert "Out of memory" in run.notebook.cells[0].source
    assert "before" in run.notebook_path.read_text()
    assert witness.processes_of_run(run.id) == []


def test_memory_counts_all_processes_of_the_job(tmp_path: Path) -> None:
    eat = "x = bytearray(150_000_000); import time; time.sleep(60)"
    script = f'for i in 1 2 3; do python3 -c "{eat}" & done; wait'

    run = fl.submit(["sh", "-c", script], memory="350M").wait()

    assert run.attempts[0].failure_kind == "out-of-memory"
    assert witness.processes_of_run(run.id) == []


def test_a_timeout_lets_clean_up_run_and_saves_the_notebook(tmp_path: Path) -> None:
    done = tmp_path / "done"
    cell = f"import time\ntry:\n    time.sleep(99)\nfinally:\n    open({str(done)!r}, 'w').close()"
    path = witness.notebook(tmp_path / "slow.ipynb", "print('before')", cell)

    run = fl.run_notebook(path, timeout="5s").wait()

    assert run.attempts[0].failure_kind == "timeout"
    assert done.exists()
    assert "Timeout: stopped after 5s" in run.notebook.cells[0].source
    assert "before" in run.notebook_path.read_text()


def test_a_cost_cap_stops_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    # 4 vCPU and 8 G cost 3.3 m$ a minute, the shortest that is billed; a stop begins 28 s before
    # that is used up, and here earlier: what is launched by this process counts from another time
    monkeypatch.setattr("jupyter_flotilla.model.stop.STOP_S", 58.0)
    run = fl.submit(["sleep", "99"], cpu=4, memory="8G", max_cost=0.0034).wait()

    [attempt] = run.attempts
    assert attempt.failure_kind == "cost-cap"
    assert "Cost cap: $0.0034" in (attempt.message or "")
    assert (attempt.charge_usd or 1) <= 0.0034


def test_a_cancel_lets_finally_run_and_saves_the_notebook(tmp_path: Path) -> None:
    ready, done = tmp_path / "ready", tmp_path / "done"
    cell = (
        f"import time\nopen({str(ready)!r}, 'w').close()\n"
        f"try:\n    time.sleep(99)\nfinally:\n    open({str(done)!r}, 'w').close()"
    )
    path = witness.notebook(tmp_path / "slow.ipynb", "print('before')", cell, "print('never')")
    run = fl.run_notebook(path)
    witness.until(ready.exists)

    run.cancel().wait()

    assert run.status == "CANCELLED"
    assert done.exists()
    assert "before" in run.notebook_path.read_text()
    assert isinstance(run.exception(), fl.RunCancelled)


def test_a_cell_that_swallows_the_interrupt_is_not_followed_by_the_next(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    swallow = (
        f"import time\nopen({str(ready)!r}, 'w').close()\n"
        "try:\n    time.sleep(99)\nexcept KeyboardInterrupt:\n    print('swallowed')"
    )
    path = witness.notebook(tmp_path / "deaf.ipynb", swallow, "print('never')")
    run = fl.run_notebook(path)
    witness.until(ready.exists)

    run.cancel().wait()

    assert (run.status, str(run.logs())) == ("CANCELLED", "swallowed\n")


def test_a_second_cancel_kills_what_ignores_the_first(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = (
        "import signal, time\nsignal.signal(2, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN)\n"
        f"open({str(ready)!r}, 'w').close()\ntime.sleep(99)"
    )
    run = fl.run_source(deaf)
    witness.until(ready.exists)

    run.cancel(grace=60)
    run.cancel(grace=0).wait(timeout=30)

    assert run.status == "CANCELLED"
    assert witness.processes_of_run(run.id) == []


def test_a_cancel_while_the_kernel_starts_is_obeyed(tmp_path: Path) -> None:
    run = fl.run_source("import time; time.sleep(99)")
    witness.runner_of(run._folder())

    run.cancel().wait(timeout=30)

    assert run.status == "CANCELLED"
    assert witness.processes_of_run(run.id) == []


@pytest.mark.parametrize("how", ["cancel", "end"])
def test_daemons_in_sessions_of_their_own_end_with_the_job(tmp_path: Path, how: str) -> None:
    wait = "import time; time.sleep(99)" if how == "cancel" else "1"
    path = witness.notebook(tmp_path / "breeder.ipynb", _BREED, wait)
    run = fl.run_notebook(path)

    if how == "cancel":
        witness.until(lambda: "bred" in str(run.logs()))
        assert len(witness.processes_of_run(run.id)) >= 5
        run.cancel(grace=1)
    run.wait()

    assert run.status == ("CANCELLED" if how == "cancel" else "SUCCEEDED")
    assert witness.processes_of_run(run.id) == []


def test_usage_is_measured_over_the_whole_tree() -> None:
    # of its own time: others may have the processor as well
    burn = "import time; x = bytearray(200_000_000)\nwhile time.process_time() < 2: pass"

    run = fl.submit(["sh", "-c", f"python3 -c '{burn}'; true"]).wait()

    usage = run.usage
    assert usage.peak_memory_mib > 190
    assert usage.cpu_s > 1
    assert len(usage.to_frame()) >= 2
    assert run.attempts[0].usage.peak_memory_mib == usage.peak_memory_mib


def test_thread_pools_are_told_of_cpu_only_where_it_was_given() -> None:
    show = ["sh", "-c", "echo $OMP_NUM_THREADS"]

    given = fl.submit(show, cpu=3, env={"OMP_NUM_THREADS": ""}).wait()
    hinted = fl.submit(show, cpu=2.5).wait()

    assert [str(given.logs()), str(hinted.logs())] == ["\n", "3\n"]


def test_the_charge_is_what_fargate_would_have_taken() -> None:
    run = fl.submit(["true"], cpu=1, memory="4G").wait()

    assert run.cost.usd == pytest.approx((0.04048 + 4 * 0.004445) / 60, rel=1e-6)
    assert run.cost.billed_usd == 0


def test_a_job_that_a_background_script_has_launched_is_interrupted_too() -> None:
    # a shell without job control has what it runs with "&" ignore SIGINT, and children inherit that
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = fl.submit(
            ["sh", "-c", "trap 'echo stopped; exit 3' INT; echo on; while true; do sleep .1; done"]
        )
        witness.until(lambda: "on" in str(run.logs()))
        run.cancel().wait()
    finally:
        signal.signal(signal.SIGINT, before)

    assert str(run.logs()) == "on\nstopped\n"
