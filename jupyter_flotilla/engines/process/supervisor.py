"""A process of its own beside each job: ``python -m …supervisor FOLDER LOCK``.

It starts the runner, measures the job, stops it when it must, and records its end. It belongs to
nobody. If it is killed, the next one that is started for the same folder takes over: the job runs
on meanwhile, and the runner's fence sees to it that nothing starts twice.
"""

import contextlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from jupyter_flotilla import machine, protocol
from jupyter_flotilla.engines.process.keeping import DispatcherKeeper
from jupyter_flotilla.engines.process.limits import Limits
from jupyter_flotilla.engines.process.oom import oom_kills
from jupyter_flotilla.engines.process.processes import JobProcesses, become_subreaper, send
from jupyter_flotilla.engines.process.usage import UsageMeter
from jupyter_flotilla.engines.secrets import read_secret
from jupyter_flotilla.errors import SecretUnavailable
from jupyter_flotilla.locks import FileLock, is_held
from jupyter_flotilla.protocol import ending
from jupyter_flotilla.protocol.stopping import Stopping
from jupyter_flotilla.protocol.waking import wake_on_signals

#: How often the job is looked at, in seconds. A memory limit can be overrun by what one interval
#: allocates.
_LOOK_EVERY_S = 0.1
_ALREADY_STARTED = 75  # the runner's word for "the fence was there"
_LEFTOVER_GRACE_S = 2.0
_EMPTY_LOOKS = 5
#: How long it is tried to kill what is left; a process in the kernel's hands cannot be.
_LEFTOVER_PATIENCE_S = 20.0


class Supervisor:
    """Supervises one attempt until its end is recorded."""

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        self.folder = folder
        self.job = job
        self._child: int | None = None
        self._returncode: int | None = None
        self._runner: subprocess.Popen[bytes] | None = None
        self._processes = JobProcesses(job["launch_key"], sees_all_orphans=become_subreaper())
        self._usage = UsageMeter(folder, self._processes)
        self._keeper = DispatcherKeeper(job["keeper"])
        self._oom_kills = oom_kills()
        self._wake = wake_on_signals()
        self._noted: frozenset[int] = frozenset()

    def run(self) -> None:
        """Start or adopt the job, see it through, record its end."""
        exit_reserve = protocol.Reserve(str(self.folder / ".exit-reserve"))
        failure = None
        if self._started() is None:
            failure = self._start_runner()
        else:
            self._processes.expect_lost()
            self._processes.recall(protocol.read_json(str(self.folder / protocol.PROCESSES)))
        stopping = Stopping(
            str(self.folder), self.job["stop"], self._signal_runner, self._signal_others
        )
        if failure is None:
            self._watch(stopping)
        self._kill_leftovers()
        outcome = protocol.read_json(str(self.folder / protocol.OUTCOME))
        # of a job that was shorter than a look nothing else is known
        self._usage.raise_peak((outcome or {}).get("max_rss_mib", 0.0))
        self._usage.look(self._runner_pid(), final=True)
        record = failure or ending.decide(self._evidence(outcome, stopping))
        with contextlib.suppress(FileNotFoundError):  # deleted with all that belongs to the run
            self._record_end(
                ending.ended(record, outcome, self._started(), self._usage.elapsed_s, time.time()),
                exit_reserve,
            )
        self._keeper.look(force=True)

    def _watch(self, stopping: Stopping) -> None:
        limits = Limits(self.job)
        while self._runner_lives():
            if not (self.folder / protocol.JOB).exists():
                return  # the run's folder was deleted: nobody can be told of it any more
            started = self._started()
            usage = self._usage.look(self._runner_pid())
            if not stopping.is_on and started is not None:
                elapsed_s = time.monotonic() - started["monotonic"]
                broken = limits.broken(usage, elapsed_s, self._usage.exact_memory_mib)
                if broken is not None:
                    stopping.begin(broken["reason"], broken["message"], broken["grace_s"])
            stopping.look()
            self._note_processes()
            self._keeper.look()
            select.select([self._wake], [], [], _LOOK_EVERY_S)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)

    def _signal_runner(self, number: signal.Signals) -> None:
        pid = self._runner_pid()
        with contextlib.suppress(psutil.NoSuchProcess):
            send([] if pid is None else [psutil.Process(pid)], number)

    def _signal_others(self, number: signal.Signals) -> None:
        pid = self._runner_pid()
        others = self._processes.find(pid, thoroughly=True)
        send([process for process in others if process.pid != pid], number)

    def _note_processes(self) -> None:
        """Leave word of the job's processes for the next supervisor: they may hide their key."""
        pids = self._processes.pids
        if pids != self._noted:
            record = {"processes": self._processes.named()}
            with contextlib.suppress(OSError):
                protocol.write_json(str(self.folder / protocol.PROCESSES), record)
                self._noted = pids

    def _start_runner(self) -> dict[str, Any] | None:
        """Start the runner; return how the attempt ended if that is impossible."""
        job = self.job
        try:
            secrets = {
                ref["name"]: read_secret(ref["name"], ref["source"]) for ref in job["secrets"]
            }
        except SecretUnavailable as error:
            return _environment_failure(str(error))
        try:
            with protocol.open_private(str(self.folder / protocol.RUNNER_LOG), "ab") as log:
                runner = subprocess.Popen(
                    [job["interpreter"], job["runner"], str(self.folder)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=job["env"],
                    umask=job["umask"],
                    start_new_session=True,
                )
        except OSError as error:
            return _environment_failure(
                f"{job['interpreter']} cannot be started: {error.strerror}\n"
                "  Next: submit again from an environment that exists"
            )
        self._child = runner.pid
        self._runner = runner  # dropped, its status would be taken by the next Popen
        assert runner.stdin is not None
        with contextlib.suppress(BrokenPipeError), runner.stdin:
            runner.stdin.write(json.dumps(secrets).encode())
        return None

    def _runner_lives(self) -> bool:
        self._reap()
        if self._child is not None and self._returncode is None:
            return True
        # Ours was second at the fence, or another supervisor's was first: the lock tells.
        is_other = self._child is None or self._returncode == _ALREADY_STARTED
        if is_other:
            self._processes.expect_lost()
        return is_other and is_held(self.folder / protocol.RUNNER_LOCK)

    def _reap(self) -> None:
        """Take the status of every child that ended, orphans of the job included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._child:
                self._returncode = os.waitstatus_to_exitcode(status)
                if self._runner is not None:
                    self._runner.returncode = self._returncode

    def _started(self) -> dict[str, Any] | None:
        return protocol.read_json(str(self.folder / protocol.STARTED))

    def _runner_pid(self) -> int | None:
        """Return the runner's pid while it lives; a dead one's may be somebody else's by now."""
        if self._child is not None and self._returncode is None:
            return self._child
        started = self._started()
        if started is not None and is_held(self.folder / protocol.RUNNER_LOCK):
            return int(started["pid"])
        return None

    def _kill_leftovers(self) -> None:
        """End what the job left running: nothing of a job outlives it."""
        deadline = time.monotonic() + _LEFTOVER_GRACE_S
        empty_looks = 0
        while empty_looks < _EMPTY_LOOKS and time.monotonic() < deadline + _LEFTOVER_PATIENCE_S:
            # One look may fall between two generations of what forks and ends all the time.
            left = self._processes.find(self._runner_pid(), thoroughly=empty_looks == 0)
            empty_looks = 0 if left else empty_looks + 1
            if time.monotonic() > deadline:
                send(left, signal.SIGKILL)
                time.sleep(0.001)  # hardly a pause: faster than it can fork
            elif left:
                send(left, signal.SIGTERM)
                time.sleep(0.05)
            else:
                time.sleep(0.002)
            self._reap()

    def _forget_leavings(self) -> None:
        """Delete what a runner that was killed could not: the job's own words, kernel sockets."""
        protocol.forget(str(self.folder / protocol.SAID))
        noted = protocol.read_json(str(self.folder / protocol.SOCKETS)) or {}
        folder = Path(str(noted.get("folder", "")))
        # the job may have written anything there
        if folder.name.startswith("flotilla-") and folder.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(folder, ignore_errors=True)
        protocol.forget(str(self.folder / protocol.SOCKETS))

    def _evidence(self, outcome: dict[str, Any] | None, stopping: Stopping) -> ending.Evidence:
        return ending.Evidence(
            outcome=outcome,
            stop=stopping.record,
            was_started=self._started() is not None,
            runner_returncode=None if self._returncode == _ALREADY_STARTED else self._returncode,
            system_oom=oom_kills() > self._oom_kills,
            runner_log=_tail(self.folder / protocol.RUNNER_LOG),
            peak_memory_mib=self._usage.peak_memory_mib,
        )

    def _record_end(self, record: dict[str, Any], reserve: protocol.Reserve) -> None:
        """Write ``exit.json``, whatever it takes: this is the one record that must not be lost."""
        self._forget_leavings()
        reserve.write_json(str(self.folder / protocol.EXIT), record, patience_s=math.inf)


def _environment_failure(message: str) -> dict[str, Any]:
    return {"outcome": "failed", "failure_kind": "environment", "message": message}


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        return " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])[-500:]
    return ""


def main() -> None:
    """Supervise the attempt in a folder, holding its lock: both are arguments."""
    folder = Path(sys.argv[1])
    lock = FileLock.adopt(folder / protocol.SUPERVISOR_LOCK, int(sys.argv[2]))
    if (folder / protocol.EXIT).exists():
        return
    protocol.write_json(str(folder / protocol.SUPERVISOR), machine.process_name(os.getpid()))
    job = protocol.read_json(str(folder / protocol.JOB))
    if job is None:
        sys.exit(f"{folder / protocol.JOB} is missing or not JSON")
    Supervisor(folder, job).run()
    lock.release()


if __name__ == "__main__":
    main()
