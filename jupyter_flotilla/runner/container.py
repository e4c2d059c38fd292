"""The first process of a container: sees one attempt through, as a supervisor does on a host.

``python runner.pyz --container ATTEMPT_FOLDER``, with secrets as a JSON object on standard input
where the job has any. It starts the runner in a session of its own, takes the status of every
orphan, measures, stops the job when it must, and records its end in ``exit.json``. Exit code 0:
the job succeeded; 1: it did not; 74 and 75 as of the runner: nothing has begun here.
"""

import json
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional

from jupyter_flotilla import protocol
from jupyter_flotilla.protocol import ending
from jupyter_flotilla.protocol.stopping import Stopping
from jupyter_flotilla.protocol.usage_log import UsageLog
from jupyter_flotilla.runner.cgroup import Cgroup

_LOOK_EVERY_S = 0.1
_MEASURE_EVERY_S = 0.2
#: After SIGTERM from outside; with the stages of a stop it fits into `docker stop`'s time.
_OUTSIDE_GRACE_S = 10.0
_LEFTOVER_GRACE_S = 2.0
_LEFTOVER_PATIENCE_S = 20.0
#: So much sooner than the runner and this process are all others killed for want of memory.
_OOM_SCORE = "500"
_NO_SECRETS, _ALREADY_STARTED = 74, 75


class Container:
    """One attempt and all that runs in its container."""

    def __init__(self, folder: str, job: Dict[str, Any], cgroup: Cgroup) -> None:
        self._folder = folder
        self._job = job
        self._cgroup = cgroup
        self._log = UsageLog(folder)
        self._runner: Optional["subprocess.Popen[bytes]"] = None
        self._returncode: Optional[int] = None
        self._wake = _wake_on_signals()
        self._is_asked_to_stop = False
        self._peak_mib = 0.0
        self._cpu = (time.monotonic(), cgroup.cpu_s())
        self._elapsed_s = 0.0

    def run(self, secrets: Dict[str, str]) -> int:
        """See the attempt through and return the exit code."""
        reserve = protocol.Reserve(self._path(".exit-reserve"))
        signal.signal(signal.SIGTERM, self._note_stop)
        signal.signal(signal.SIGINT, self._note_stop)
        stopping = Stopping(
            self._folder, self._job["stop"], self._signal_runner, self._signal_others
        )
        self._start_runner(secrets)
        self._watch(stopping)
        if self._returncode in (_NO_SECRETS, _ALREADY_STARTED):
            reserve.give_up()
            return self._returncode
        self._end_leftovers()
        outcome = protocol.read_json(self._path(protocol.OUTCOME))
        self._measure(final=True)
        record = ending.decide(self._evidence(outcome, stopping))
        record = ending.ended(record, outcome, self._started(), self._elapsed_s, time.time())
        try:
            reserve.write_json(self._path(protocol.EXIT), record, patience_s=math.inf)
        except FileNotFoundError:
            pass  # the run was deleted
        return 0 if record["outcome"] == "succeeded" else 1

    def _start_runner(self, secrets: Dict[str, str]) -> None:
        with protocol.open_private(self._path(protocol.RUNNER_LOG), "ab") as log:
            self._runner = runner = subprocess.Popen(
                [sys.executable, self._job["runner"], self._folder],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=_environment(self._job),
                start_new_session=True,
            )
        assert runner.stdin is not None
        try:
            with runner.stdin:
                runner.stdin.write(json.dumps(secrets).encode())
        except BrokenPipeError:
            pass  # it was second at the fence

    def _watch(self, stopping: Stopping) -> None:
        while self._reap() and os.path.exists(self._path(protocol.JOB)):
            started = self._started()
            self._measure()
            if not stopping.is_on and started is not None:
                elapsed_s = time.monotonic() - started["monotonic"]
                for one in self._job["deadlines"]:
                    if elapsed_s > one["after_s"]:
                        stopping.begin(one["reason"], one["message"], one["grace_s"])
            if self._is_asked_to_stop and not stopping.is_on:
                stopping.begin("cancel", "Stopped from outside of Flotilla.", _OUTSIDE_GRACE_S)
            stopping.look()
            self._mark_for_oom()
            select.select([self._wake], [], [], _LOOK_EVERY_S)
            try:
                os.read(self._wake, 4096)
            except BlockingIOError:
                pass

    def _reap(self) -> bool:
        """Take the status of all that has ended; say whether the runner lives."""
        assert self._runner is not None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return self._returncode is None
            if pid == self._runner.pid:
                self._returncode = _exit_code(status)
                self._runner.returncode = self._returncode

    def _measure(self, final: bool = False) -> None:
        now, (was_at, had_s) = time.monotonic(), self._cpu
        if not final and now - was_at < _MEASURE_EVERY_S:
            return
        memory_mib, cpu_s = self._cgroup.memory_mib(), self._cgroup.cpu_s()
        self._cpu = (now, cpu_s)
        self._peak_mib = max(self._peak_mib, memory_mib)
        if self._cgroup.oom_kills():
            self._peak_mib = max(self._peak_mib, self._cgroup.peak_memory_mib())
        started = self._started()
        if started is not None:
            self._elapsed_s = max(0.0, now - started["monotonic"])
        usage = {
            "memory_mib": round(memory_mib, 1),
            "peak_memory_mib": round(self._peak_mib, 1),
            "cpu_s": round(cpu_s, 2),
            "cpu_percent": round(max(0.0, cpu_s - had_s) / max(1e-3, now - was_at) * 100, 1),
        }
        self._log.note(usage, self._elapsed_s, final=final)

    def _evidence(self, outcome: Optional[Dict[str, Any]], stopping: Stopping) -> ending.Evidence:
        stop = stopping.record
        if stop is None and self._cgroup.oom_kills():
            stop = {"reason": "out-of-memory", "message": self._out_of_memory()}
        return ending.Evidence(
            outcome=outcome,
            stop=stop,
            was_started=self._started() is not None,
            runner_returncode=self._returncode,
            system_oom=self._cgroup.oom_kills() > 0,
            runner_log=_tail(self._path(protocol.RUNNER_LOG)),
            peak_memory_mib=self._peak_mib,
        )

    def _out_of_memory(self) -> str:
        limit_mib = self._job["memory_mib"]
        of = "" if limit_mib is None else " of %d MiB" % limit_mib
        return "Out of memory: %d MiB%s at %ds." % (self._peak_mib, of, self._elapsed_s)

    def _end_leftovers(self) -> None:
        """End what the job left running, so that nobody writes once its end is recorded."""
        began = time.monotonic()
        while time.monotonic() < began + _LEFTOVER_PATIENCE_S:
            self._reap()
            if not _descendants():
                return
            is_late = time.monotonic() > began + _LEFTOVER_GRACE_S
            self._signal_others(signal.SIGKILL if is_late else signal.SIGTERM)
            time.sleep(0.01 if is_late else 0.05)

    def _note_stop(self, number: int, frame: Any) -> None:
        self._is_asked_to_stop = True

    def _signal_runner(self, number: signal.Signals) -> None:
        assert self._runner is not None
        if self._returncode is None:
            _send(self._runner.pid, number)

    def _signal_others(self, number: signal.Signals) -> None:
        assert self._runner is not None
        for pid in _descendants():
            if pid != self._runner.pid:
                _send(pid, number)

    def _mark_for_oom(self) -> None:
        """See to it that the job's own processes are killed before those who tell of it."""
        assert self._runner is not None
        for pid in _descendants():
            if pid != self._runner.pid:
                try:
                    with open("/proc/%d/oom_score_adj" % pid, "r+", encoding="ascii") as file:
                        if file.read().strip() == "0":
                            file.seek(0)
                            file.write(_OOM_SCORE)
                except OSError:
                    pass  # gone, or somebody else's by now

    def _started(self) -> Optional[Dict[str, Any]]:
        return protocol.read_json(self._path(protocol.STARTED))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)


def _environment(job: Dict[str, Any]) -> Dict[str, str]:
    """Return the job's environment: the image's, a home that can be written, its own, a layer."""
    env = dict(os.environ)
    home = env.get("HOME", "/")
    if home == "/" or not os.access(home, os.W_OK):
        env["HOME"] = tempfile.mkdtemp(prefix="home-")
    env.update(job["env"])
    layer = job.get("layer")
    if layer is not None:
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [layer, env.get("PYTHONPATH")]))
        env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), os.path.join(layer, "bin")])
    # set in many images: every process of the job would compile what it imports, anew
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def _descendants() -> List[int]:
    """Return the processes that this one, or one of those, has started, and their orphans."""
    parents: Dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # gone meanwhile
    ours = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        if not more:
            return sorted(ours - {os.getpid()})
        ours |= more


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _exit_code(status: int) -> int:
    # os.waitstatus_to_exitcode is of Python 3.9
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _wake_on_signals() -> int:
    """Return a descriptor that becomes readable when a signal comes or a child ends."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return reading


def _tail(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return " | ".join(file.read().strip().splitlines()[-3:])[-500:]
    except OSError:
        return ""


def main(folder: str) -> int:
    """Run the attempt of a folder."""
    job = protocol.read_json(os.path.join(folder, protocol.JOB))
    if job is None or job["protocol"] > protocol.PROTOCOL_VERSION:
        raise SystemExit("%s is missing or of a newer protocol" % protocol.JOB)
    os.umask(job["umask"])
    secrets: Dict[str, str] = {}
    if job["secrets"]:
        try:
            secrets = dict(json.loads(sys.stdin.read()))
        except ValueError:
            return _NO_SECRETS
    return Container(folder, job, Cgroup()).run(secrets)
