"""Memory, CPU and processes of a job in a container: what it may have, and what is told of it."""

import time
from pathlib import Path

import pytest
import witness
from docker_jobs import Jobs, work

from jupyter_flotilla.engines.docker import creation
from jupyter_flotilla.model.observation import FailureKind, Observation
from jupyter_flotilla.model.resources import Resources

_SMALL = Resources(cpu=1, memory_mib=100)
_EAT = "hoard = [bytearray(10_000_000) for _ in range(100)]"
_HOLD = "import time; x = bytearray(80_000_000); open('ready', 'w'); time.sleep(60)"


def test_python_that_takes_too_much_is_out_of_memory_with_its_peak(jobs: Jobs) -> None:
    handle = jobs.launch("python3", "-c", _EAT, resources=_SMALL)

    seen = jobs.until(handle, lambda seen: seen.state == "ended")

    assert seen.ending is not None and seen.usage is not None
    assert seen.ending.failure_kind is FailureKind.OUT_OF_MEMORY
    assert (seen.ending.message or "").startswith("Out of memory: 100 M of 100 M at ")
    assert seen.usage.peak_memory_mib == pytest.approx(100, abs=1)


def test_a_script_whose_child_takes_too_much_is_told_with_its_own_end(jobs: Jobs) -> None:
    ending = jobs.run(f'python3 -c "{_EAT}"; exit 3', resources=_SMALL)

    assert ending.failure_kind is FailureKind.OUT_OF_MEMORY
    assert (ending.message or "").endswith("The command ended with exit code 3.")


def test_exit_137_by_the_job_itself_is_not_out_of_memory(jobs: Jobs) -> None:
    ending = jobs.run("exit 137", resources=_SMALL)

    assert (ending.failure_kind, ending.exit_code) == (FailureKind.USER_ERROR, 137)


def test_killing_itself_is_not_out_of_memory(jobs: Jobs) -> None:
    ending = jobs.run("kill -9 $$", resources=_SMALL)

    assert (ending.failure_kind, ending.signal) == (FailureKind.USER_ERROR, 9)


def test_a_job_that_survives_a_child_out_of_memory_succeeds(jobs: Jobs) -> None:
    ending = jobs.run(f'python3 -c "{_EAT}" || echo survived', resources=_SMALL)

    assert (ending.outcome, ending.failure_kind) == ("succeeded", None)


def test_what_is_written_to_files_does_not_count_as_a_jobs_memory(jobs: Jobs) -> None:
    handle = jobs.launch("head -c 150000000 /dev/zero > big; sync; sleep 0.5", resources=_SMALL)

    seen = jobs.until(handle, lambda seen: seen.state == "ended")

    assert seen.ending is not None and seen.usage is not None
    assert seen.ending.outcome == "succeeded"
    assert seen.usage.peak_memory_mib < 100


def test_memory_in_use_is_told_while_it_is(jobs: Jobs) -> None:
    handle = jobs.begin("python3", "-c", _HOLD)

    def holds(seen: Observation) -> bool:
        return seen.usage is not None and 80 < seen.usage.memory_mib < 160

    jobs.until(handle, holds)


def test_cpu_seconds_are_those_of_all_processes(jobs: Jobs) -> None:
    burn = "import time; e = time.process_time() + 1\nwhile time.process_time() < e: pass"
    handle = jobs.launch(f'python3 -c "{burn}" & python3 -c "{burn}"; wait')

    seen = jobs.until(handle, lambda seen: seen.state == "ended")

    assert seen.usage is not None
    assert 2 <= seen.usage.cpu_s < 3.5


def test_a_limit_of_cpu_is_kept(jobs: Jobs) -> None:
    burn = "import time; e = time.process_time() + 0.5\nwhile time.process_time() < e: pass"
    began = time.monotonic()

    jobs.run("python3", "-c", burn, resources=Resources(cpu=0.25), has_cpu_hint=True)

    assert time.monotonic() - began > 1.5


def test_the_first_process_costs_next_to_nothing(jobs: Jobs) -> None:
    handle = jobs.launch("sleep 3")

    seen = jobs.until(handle, lambda seen: seen.state == "ended")

    assert seen.usage is not None
    assert seen.usage.cpu_s < 0.5


def test_a_job_without_limits_has_none(jobs: Jobs) -> None:
    limits = jobs.inspect(jobs.launch("true"))["HostConfig"]

    assert (limits["Memory"], limits["NanoCpus"]) == (0, 0)


def test_shared_memory_is_half_of_the_memory(jobs: Jobs) -> None:
    handle = jobs.launch("df -m /dev/shm > size", resources=Resources(cpu=1, memory_mib=1000))
    jobs.end(handle)

    assert " 500 " in (work(handle) / "size").read_text()


def test_a_job_that_forks_without_end_ends_and_is_told_its_limit(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creation, "_most_processes", lambda daemon: 100)
    fork = "import os\nwhile True: os.fork()"

    ending = jobs.run("python3", "-c", fork)

    assert ending.outcome == "failed"
    assert "It had 100 processes and threads, and may not have more." in (ending.message or "")


def test_a_job_that_forks_without_end_can_be_stopped(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creation, "_most_processes", lambda daemon: 300)
    fork = (
        "import os, signal, time\n"
        "for number in (2, 15): signal.signal(number, signal.SIG_IGN)\n"
        "open('ready', 'w').close()\n"
        "while True:\n"
        "    try:\n"
        "        if os.fork(): os.setsid()\n"
        "    except OSError: time.sleep(0.01)\n"
    )
    handle = jobs.begin("python3", "-c", fork)

    jobs.engine.stop(handle, 0)

    assert jobs.end(handle).outcome == "cancelled"
    witness.until(lambda: not jobs.inspect(handle)["State"]["Running"])
