"""The first process of a container: sees one attempt through, as a supervisor does on a host.

``python runner.pyz --container ATTEMPT_FOLDER [--s3]``. Where the job has secrets, or its folder
goes to S3, a JSON object comes on standard input: ``secrets``, and ``s3`` as `bootstrap.start` has
it. It starts the runner in a session of its own, takes the status of every
orphan, measures, stops the job when it must, and records its end in ``exit.json``. Exit code 0:
the job succeeded; 1: it did not; 73: it has ended, but S3 did not take its results; 74 and 75 as
of the runner: nothing has begun here; 143: it was stopped before its results were in S3.
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
from contextlib import suppress
from typing import Any, Dict, FrozenSet, Optional

from jupyter_flotilla import protocol
from jupyter_flotilla.protocol import ending
from jupyter_flotilla.protocol.stopping import Stopping
from jupyter_flotilla.protocol.usage_log import UsageLog
from jupyter_flotilla.protocol.waking import wake_on_signals
from jupyter_flotilla.runner.cgroup import Cgroup
from jupyter_flotilla.runner.processes import (
    descendants,
    exit_code,
    mark_for_oom,
    send,
    send_to_all,
)
from jupyter_flotilla.runner.tee import Tee

_LOOK_EVERY_S = 0.1
_MEASURE_EVERY_S = 0.2
#: After SIGTERM from outside; with the stages of a stop and the last upload in a hurry it fits into
#: `docker stop`'s time.
_OUTSIDE_GRACE_S = 10.0
_LEFTOVER_GRACE_S = 2.0
_NOT_UPLOADED, _NO_SECRETS, _ALREADY_STARTED = 73, 74, 75
#: As of a process that SIGTERM has ended: 128 and its number.
_STOPPED = 143
_OUTSIDE = (
    "Its container was stopped from outside of Flotilla: by docker stop, or with Docker itself."
)


class Container:
    """One attempt and all that runs in its container."""

    def __init__(
        self,
        folder: str,
        job: Dict[str, Any],
        cgroup: Cgroup,
        place: Optional[Dict[str, Any]] = None,
    ) -> None:
        self._folder = folder
        self._uploader = None if place is None else _uploader(folder, place)
        self._tee = Tee(folder) if (place or {}).get("prints") else None
        self._job = job
        #: When the bill began, if that was before user code did.
        self._billed_since: Optional[float] = (place or {}).get("billed_since")
        self._cgroup = cgroup
        self._log = UsageLog(folder)
        self._runner: Optional["subprocess.Popen[bytes]"] = None
        self._returncode: Optional[int] = None
        self._wake = wake_on_signals()
        self._is_asked_to_stop = False
        self._peak_mib = 0.0
        self._cpu = (time.monotonic(), cgroup.cpu_s())
        self._elapsed_s = 0.0
        self._marked: FrozenSet[int] = frozenset()

    def run(self, secrets: Dict[str, str]) -> int:
        """See the attempt through and return the exit code."""
        reserve = protocol.Reserve(self._path(".exit-reserve"))
        signal.signal(signal.SIGTERM, self._note_stop)
        signal.signal(signal.SIGINT, self._note_stop)
        stopping = Stopping(
            self._folder, self._job["stop"], self._signal_runner, self._signal_others
        )
        failure = None
        if os.path.exists(self._path(protocol.STOP_REQUEST)):
            stopping.begin("cancel", "Cancelled before it began.", 0.0)
        else:
            failure = self._start_runner(secrets)
        if self._uploader is not None:
            self._uploader.start()
        if self._tee is not None:
            self._tee.start()
        if self._runner is not None:
            self._watch(stopping)
        if self._returncode in (_NO_SECRETS, _ALREADY_STARTED):
            reserve.give_up()
            return self._returncode
        self._end_leftovers()
        self._tell_that_code_has_ended()
        outcome = protocol.read_json(self._path(protocol.OUTCOME))
        # of a job that was shorter than a look nothing else is known
        self._peak_mib = max(self._peak_mib, (outcome or {}).get("max_rss_mib", 0.0))
        self._measure(final=True)
        record = failure or ending.decide(self._evidence(outcome, stopping))
        record = ending.ended(record, outcome, self._started(), self._elapsed_s, time.time())
        self._tell_of_refused_processes(record)
        for leaving in (protocol.SAID, protocol.SOCKETS):  # of a runner that was killed
            protocol.forget(self._path(leaving))
        try:
            reserve.write_json(self._path(protocol.EXIT), record, patience_s=math.inf)
        except FileNotFoundError:
            pass  # the run was deleted
        if self._tee is not None:
            self._tee.finish()
        if self._uploader is not None and not self._uploader.finish(lambda: self._is_asked_to_stop):
            return _STOPPED if self._is_asked_to_stop else _NOT_UPLOADED
        return 0 if record["outcome"] == "succeeded" else 1

    def _counted_s(self, deadline: Dict[str, Any], elapsed_s: float) -> float:
        """Return the seconds that a deadline counts: those of a cost cap begin with the bill."""
        if self._billed_since is None or deadline["reason"] != "cost-cap":
            return elapsed_s
        return time.monotonic() - self._billed_since

    def _tell_that_code_has_ended(self) -> None:
        """Say at once that only uploading goes on: that may outlast any deadline of the job."""
        if self._uploader is not None:
            with suppress(OSError):  # a full disk; then it is stopped when its time is over
                protocol.write_json(self._path(protocol.CODE_ENDED), {"at": time.time()})

    def _has_request(self) -> bool:
        """Say whether whoever stops the container has said why: beside its files, or in S3."""
        path = self._path(protocol.STOP_REQUEST)
        if not os.path.exists(path) and self._uploader is not None:
            request = self._uploader.stop_request()
            if request is not None:
                protocol.write_json(path, request)
        return os.path.exists(path)

    def _start_runner(self, secrets: Dict[str, str]) -> Optional[Dict[str, Any]]:
        """Start the runner; return how the attempt ended if that is impossible."""
        try:
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
        except OSError as error:
            message = "The job's runner cannot be started: %s" % error
            return {"outcome": "failed", "failure_kind": "environment", "message": message}
        assert runner.stdin is not None
        try:
            with runner.stdin:
                runner.stdin.write(json.dumps(secrets).encode())
        except BrokenPipeError:
            pass  # it was second at the fence
        return None

    def _watch(self, stopping: Stopping) -> None:
        while self._reap() and os.path.exists(self._path(protocol.JOB)):
            started = self._started()
            self._measure()
            if not stopping.is_on and started is not None:
                elapsed_s = time.monotonic() - started["monotonic"]
                for one in self._job["deadlines"]:
                    if self._counted_s(one, elapsed_s) > one["after_s"]:
                        stopping.begin(one["reason"], one["message"], one["grace_s"])
            if self._is_asked_to_stop and not stopping.is_on and not self._has_request():
                stopping.begin("outside", _OUTSIDE, _OUTSIDE_GRACE_S)
            stopping.look()
            self._mark_for_oom()
            self._wait()

    def _wait(self) -> None:
        """Return when it is time to look, the runner is gone, or this process is asked to stop.

        Not at every child that ends: some jobs orphan thousands a second.
        """
        until = time.monotonic() + _LOOK_EVERY_S
        was_asked = self._is_asked_to_stop
        while self._reap() and self._is_asked_to_stop == was_asked:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            select.select([self._wake], [], [], left_s)
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
                self._returncode = exit_code(status)
                self._runner.returncode = self._returncode

    def _measure(self, final: bool = False) -> None:
        now, (was_at, had_s) = time.monotonic(), self._cpu
        if not final and now - was_at < _MEASURE_EVERY_S:
            return
        memory_mib, cpu_s = self._cgroup.memory_mib(), self._cgroup.cpu_s()
        self._cpu = (now, cpu_s)
        self._peak_mib = max(self._peak_mib, memory_mib)
        if self._cgroup.oom_kills():
            # before Linux 5.19 nobody knows the peak; that it was the limit is known
            peak_mib = self._cgroup.peak_memory_mib() or self._job["memory_mib"] or 0.0
            self._peak_mib = max(self._peak_mib, peak_mib)
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
            stop = {"reason": "out-of-memory", "message": self._out_of_memory(outcome)}
        return ending.Evidence(
            outcome=outcome,
            stop=stop,
            was_started=self._started() is not None,
            runner_returncode=self._returncode,
            system_oom=self._cgroup.oom_kills() > 0,
            runner_log=_tail(self._path(protocol.RUNNER_LOG)),
            peak_memory_mib=self._peak_mib,
        )

    def _out_of_memory(self, outcome: Optional[Dict[str, Any]]) -> str:
        limit_mib = self._job["memory_mib"]
        of = "" if limit_mib is None else " of %s" % _size(limit_mib)
        message = "Out of memory: %s%s at %ds." % (_size(self._peak_mib), of, self._elapsed_s)
        # whether the one follows from the other is for the user to see
        return "%s %s" % (message, (outcome or {}).get("message") or "")

    def _tell_of_refused_processes(self, record: Dict[str, Any]) -> None:
        limit = self._cgroup.refused_at_processes()
        if limit is not None and record["outcome"] == "failed":
            more = "It had %d processes and threads, and may not have more." % limit
            record["message"] = "%s %s" % (record["message"] or "", more)

    def _end_leftovers(self) -> None:
        """End what the job left running, so that nobody writes once its end is recorded."""
        deadline = time.monotonic() + _LEFTOVER_GRACE_S
        while time.monotonic() < deadline:
            self._reap()
            left = descendants()
            if not left:
                return
            for pid in left:
                send(pid, signal.SIGTERM)
            time.sleep(0.05)
        send_to_all(signal.SIGKILL)

    def _note_stop(self, number: int, frame: Any) -> None:
        self._is_asked_to_stop = True

    def _signal_runner(self, number: signal.Signals) -> None:
        if self._runner is not None and self._returncode is None:
            send(self._runner.pid, number)

    def _signal_others(self, number: signal.Signals) -> None:
        for pid in self._others():
            send(pid, number)

    def _mark_for_oom(self) -> None:
        """See to it that the job's own processes are killed before those who tell of it."""
        others = self._others()
        for pid in others - self._marked:
            mark_for_oom(pid)
        self._marked = others

    def _others(self) -> FrozenSet[int]:
        """Return the job's processes without its runner."""
        runner = set() if self._runner is None else {self._runner.pid}
        return descendants() - runner

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
    # the user's number has no name here, and programs ask for one
    env.setdefault("USER", "flotilla")
    env.update(job["env"])
    layer = job.get("layer")
    if layer is not None:
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [layer, env.get("PYTHONPATH")]))
        env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), os.path.join(layer, "bin")])
    # set in many images: every process of the job would compile what it imports, anew
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def _size(mib: float) -> str:
    return "%.0f M" % mib if mib < 1000 else ("%.1f" % (mib / 1024)).replace(".0", "") + " G"


def _tail(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return " | ".join(file.read().strip().splitlines()[-3:])[-500:]
    except OSError:
        return ""


def _uploader(folder: str, place: Dict[str, Any]) -> Any:
    from jupyter_flotilla.runner.upload import Uploader  # only here: others need no S3

    return Uploader(folder, place)


def main(folder: str, has_s3: bool = False) -> int:
    """Run the attempt of a folder."""
    job = protocol.read_json(os.path.join(folder, protocol.JOB))
    if job is None or job["protocol"] > protocol.PROTOCOL_VERSION:
        raise SystemExit("%s is missing or of a newer protocol" % protocol.JOB)
    if os.path.exists(os.path.join(folder, protocol.EXIT)):
        return 0  # started by a launcher that came late, or by hand
    os.umask(job["umask"])
    said: Dict[str, Any] = {}
    if job["secrets"] or has_s3:
        try:
            said = dict(json.loads(sys.stdin.read()))
        except ValueError:
            return _NO_SECRETS
    return Container(folder, job, Cgroup(), said.get("s3")).run(said.get("secrets", {}))
