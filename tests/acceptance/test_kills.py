"""kill -9 of anything of ours costs nothing, or is told truthfully."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import witness

from jupyter_flotilla.model.options import read_options
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.service import Flotilla

_JOB_S = 3.0


@pytest.fixture
def oracle(tmp_path: Path) -> Path:
    return tmp_path / "oracle.txt"


@pytest.fixture
def path(tmp_path: Path, oracle: Path) -> Path:
    return witness.notebook(tmp_path / "job.ipynb", "1", witness.oracle_cell(oracle, _JOB_S))


@pytest.fixture
def run(facade: Flotilla, path: Path, oracle: Path) -> Run:
    """A run whose oracle says that it has started."""
    run = facade.submit(facade.draft_file(path, read_options({})))
    witness.until(lambda: witness.lines(oracle) == ["start"], "user code has begun")
    witness.until(lambda: facade.get(run.id).status is RunStatus.RUNNING, "RUNNING")
    return run


def _dispatcher(facade: Flotilla) -> int:
    def holder() -> int | None:
        from jupyter_flotilla.commands.dispatch import dispatcher_status

        alive = [row for row in dispatcher_status(facade) if row["is_alive"]]
        return int(str(alive[0]["pid"])) if alive else None

    return int(witness.until(holder, "a dispatcher"))


def _end(facade: Flotilla, run: Run) -> Run:
    """Return the run once it is final, without lending a hand."""
    witness.until(lambda: facade.get(run.id).status.is_final, "a final status")
    return facade.get(run.id)


def _kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_run_outlives_the_process_that_submitted_it(
    facade: Flotilla, path: Path, oracle: Path
) -> None:
    code = f"import jupyter_flotilla as fl, time; fl.run_notebook({str(path)!r}); time.sleep(99)"
    submitter = subprocess.Popen([sys.executable, "-c", code])
    witness.until(lambda: witness.lines(oracle) == ["start"])

    submitter.kill()
    submitter.wait()

    [(run, _)] = facade.latest()
    assert _end(facade, run).status is RunStatus.SUCCEEDED
    assert witness.lines(oracle) == ["start", "end"]


def test_a_killed_dispatcher_is_replaced_by_the_jobs_supervisor(
    facade: Flotilla, run: Run, oracle: Path
) -> None:
    first = _dispatcher(facade)

    _kill(first)

    assert _end(facade, run).status is RunStatus.SUCCEEDED
    assert witness.lines(oracle) == ["start", "end"]
    assert _dispatcher(facade) != first


def test_a_killed_supervisor_costs_nothing(facade: Flotilla, run: Run, oracle: Path) -> None:
    folder = facade.attempt_folder(run.id, 1)
    first = witness.supervisor_of(folder)

    _kill(first)

    assert _end(facade, run).status is RunStatus.SUCCEEDED
    assert witness.lines(oracle) == ["start", "end"]
    assert witness.supervisor_of(folder) != first


def test_dispatcher_and_supervisor_killed_together_cost_nothing(
    facade: Flotilla, run: Run, oracle: Path
) -> None:
    _kill(_dispatcher(facade), witness.supervisor_of(facade.attempt_folder(run.id, 1)))

    # Nobody of ours is left: whoever asks for the run next brings help.
    ended = witness.flotilla("wait", run.id)

    assert ended.returncode == 0, ended.stderr
    assert witness.lines(oracle) == ["start", "end"]


def test_a_killed_kernel_fails_the_run_in_its_cell(
    facade: Flotilla, run: Run, oracle: Path
) -> None:
    _kill(witness.kernel_of(facade.attempt_folder(run.id, 1)))

    ended = _end(facade, run)

    assert (ended.status, ended.failure_kind) == (RunStatus.FAILED, "user-error")
    assert ended.message == "The kernel died (killed by SIGKILL) while cell 2 was running."
    assert witness.lines(oracle) == ["start"]
    assert witness.processes_of_run(run.id) == []


def test_a_killed_runner_loses_the_attempt_which_is_made_again_for_free(
    facade: Flotilla, run: Run, oracle: Path
) -> None:
    _kill(witness.runner_of(facade.attempt_folder(run.id, 1)))

    ended = _end(facade, run)

    assert ended.status is RunStatus.SUCCEEDED
    assert [attempt.failure_kind for attempt in facade.attempts(run.id)] == ["lost", None]
    assert witness.lines(oracle) == ["start", "start", "end"]
    assert witness.processes_of_run(run.id) == []


def test_everything_killed_at_once_is_told_as_lost_and_made_again(
    facade: Flotilla, run: Run, oracle: Path
) -> None:
    folder = facade.attempt_folder(run.id, 1)

    _kill(
        _dispatcher(facade), witness.supervisor_of(folder),
        witness.runner_of(folder), witness.kernel_of(folder),
    )  # fmt: skip
    ended = witness.flotilla("wait", run.id)

    assert ended.returncode == 0, ended.stderr
    assert [attempt.failure_kind for attempt in facade.attempts(run.id)] == ["lost", None]
    assert witness.lines(oracle) == ["start", "start", "end"]
    assert witness.processes_of_run(run.id) == []


def test_a_cancel_goes_on_under_the_next_supervisor(
    facade: Flotilla, run: Run, oracle: Path
) -> None:
    facade.cancel(run.id, grace_s=20)
    folder = facade.attempt_folder(run.id, 1)
    witness.until(lambda: (folder / "stop-request.json").exists())

    _kill(witness.supervisor_of(folder))

    assert _end(facade, run).status is RunStatus.CANCELLED
    assert witness.lines(oracle) == ["start"]
    assert witness.processes_of_run(run.id) == []


@pytest.mark.parametrize("moment_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_a_supervisor_killed_while_it_starts_starts_nothing_twice(
    facade: Flotilla, path: Path, oracle: Path, moment_s: float
) -> None:
    run = facade.submit(facade.draft_file(path, read_options({})))
    pid = witness.supervisor_of(facade.attempt_folder(run.id, 1))

    witness.until(lambda: True)
    signal.sigtimedwait([], moment_s)
    _kill(pid)
    ended = _end(facade, run)

    assert ended.status is RunStatus.SUCCEEDED
    assert witness.lines(oracle) == ["start", "end"]
