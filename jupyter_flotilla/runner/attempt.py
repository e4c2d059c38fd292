"""The attempt that a runner serves: its fence, its stream, its end."""

import fcntl
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
import zipfile
from typing import Any, Dict, List, Optional

from jupyter_flotilla import protocol

#: How long the outcome waits for room on a full disk, in seconds.
_PATIENCE_S = 60.0
#: How often progress is brought to others, at most, in seconds.
_RELAY_EVERY_S = 0.2
#: Metrics whose latest value is shown with the run; all are in the stream.
_MAX_METRICS = 100
#: Characters of a message.
_LONGEST_MESSAGE = 4000


class Outcome:
    """How the user's code ended.

    Parameters
    ----------
    outcome
        ``succeeded``, ``failed`` or ``stopped`` (the supervisor wrote ``stop.json``).
    exit_code, signal
        Of a command.
    failure_kind, message
        Where it is not the user's own error; the message is for people.
    error
        ``{ename, evalue, traceback, cell}`` of a failed cell.
    """

    def __init__(
        self,
        outcome: str,
        exit_code: Optional[int] = None,
        signal: Optional[int] = None,
        failure_kind: Optional[str] = None,
        message: Optional[str] = None,
        error: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.outcome = outcome
        self.exit_code = exit_code
        self.signal = signal
        self.failure_kind = failure_kind
        self.message = message
        self.error = error


class Attempt:
    """One attempt, begun exactly once."""

    def __init__(self, folder: str, job: Dict[str, Any], secrets: Dict[str, str]) -> None:
        self.folder = folder
        self.job = job
        self.secrets = secrets
        self.stream = protocol.StreamWriter(folder, list(secrets.values()))
        #: Where the job runs; None: it has not come so far.
        self.working_directory: Optional[str] = None
        self._reserve = protocol.Reserve(self.path(".outcome-reserve"))
        self._ended = threading.Event()
        self._progress: Dict[str, Any] = {}
        self._progress_lock = threading.Lock()
        self._written_progress: Dict[str, Any] = {}
        self._relay = threading.Thread(target=self._relay_said, daemon=True)

    @classmethod
    def begin(cls, folder: str, secrets: Dict[str, str]) -> "Optional[Attempt]":
        """Return the attempt, or None if another runner has ever begun it: the fence.

        Whatever crashes and is repeated above, the user's code starts at most once an attempt.
        """
        # Held until this process is gone; never inherited by what it starts.
        lock = os.open(os.path.join(folder, protocol.RUNNER_LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        job = protocol.read_json(os.path.join(folder, protocol.JOB))
        if job is None or job["protocol"] > protocol.PROTOCOL_VERSION:
            raise SystemExit("job.json is missing or of a newer protocol: %s" % folder)
        if any(ref["name"] not in secrets for ref in job["secrets"]):
            raise SystemExit("the supervisor died before it gave the secrets")
        started = {"pid": os.getpid(), "at": time.time(), "monotonic": time.monotonic(),
                   "python": sys.version.split()[0]}  # fmt: skip
        if not _write_started(os.path.join(folder, protocol.STARTED), started):
            return None
        attempt = cls(folder, job, secrets)
        attempt._relay.start()
        attempt._tell_of_short_secrets()
        return attempt

    def path(self, name: str) -> str:
        """Return the path of a file of the protocol in this attempt's folder."""
        return os.path.join(self.folder, name)

    def script_path(self) -> Optional[str]:
        """Return where the Python file of this job is, as it sees itself; None: no file."""
        path = self.job.get("path")
        if self.job["kind"] != "cell" or path is None:
            return None
        return os.path.join(os.getcwd(), os.path.basename(path)) if self.job["own_cwd"] else path

    def note_folder(self, folder: str) -> None:
        """Note a folder outside of the attempt's that must be gone at the end, whoever ends it."""
        try:
            protocol.write_json(self.path(protocol.SOCKETS), {"folder": folder})
        except OSError:
            pass  # a full disk costs a folder in /tmp, not the job

    def unpack_modules(self) -> Optional[str]:
        """Unpack the local modules that came along and return their folder; None: none did."""
        path = self.job["modules"]
        if not os.path.exists(path):
            return None
        folder = self.path("modules")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)  # which keeps what is inside of it below the folder
        return folder

    def stop_reason(self) -> Optional[Dict[str, Any]]:
        """Return why the supervisor stops this job, ``{reason, message}``, or None."""
        return protocol.read_json(self.path(protocol.STOP))

    def tell(self, sentence: str) -> None:
        """Say something to the user in the job's stream; safe from any thread."""
        self.stream.write("stderr", {"text": "[flotilla: %s]\n" % sentence})

    def note_progress(self, **news: Any) -> None:
        """Tell how far the job is: ``cell`` (from 0) of ``cells``, ``done`` of ``total``."""
        with self._progress_lock:
            self._progress = dict(self._progress, **news)

    def _write_progress(self) -> None:
        progress = self._progress
        if progress == self._written_progress:
            return
        try:
            protocol.write_json(self.path(protocol.PROGRESS), progress)
            self._written_progress = progress
        except OSError:
            pass  # a full disk costs a status line, not the job

    def end(self, outcome: Outcome) -> None:
        """Record how the user's code ended. A full disk is said on the runner's log."""
        self._ended.set()
        if self._relay.is_alive():
            self._relay.join(2)
        protocol.forget(self.path(protocol.SAID))  # user code's own words, with secrets in them
        self.stream.close()
        record = dict(vars(outcome), at=time.time(), monotonic=time.monotonic())
        record["max_rss_mib"] = _largest_child_mib()
        for key in ("message", "error"):
            record[key] = self.stream.mask(record[key])
        record["message"] = _cut(record["message"])
        self._reserve.write_json(self.path(protocol.OUTCOME), record, _PATIENCE_S)

    def enter_working_directory(self) -> None:
        """Go where the job is to run; a job with files gets a fresh copy of them, alone.

        Raises
        ------
        OSError
            If the folder is gone, or there is no room for the copy.
        """
        if self.job["own_cwd"]:
            work = self.path("work")
            if os.path.isdir(self.job["files_folder"]):
                shutil.copytree(self.job["files_folder"], work)
            else:
                os.mkdir(work)  # in a container every job has a folder of its own
            os.chdir(work)
        else:
            os.chdir(self.job["cwd"])
        self.working_directory = os.getcwd()

    def _tell_of_short_secrets(self) -> None:
        short = [name for name, value in self.secrets.items() if len(value) < protocol.SHORTEST]
        if short:
            self.stream.text(
                "stderr",
                "[flotilla: %s: not masked, since shorter than %d characters]\n"
                % (", ".join(short), protocol.SHORTEST),
            )

    def _relay_said(self) -> None:
        """Bring what user code says through ``job`` into the stream, until the end."""
        offset = 0
        while True:
            ending = self._ended.wait(_RELAY_EVERY_S)
            offset = self._relay_once(offset)
            self._write_progress()
            if ending:
                return

    def _relay_once(self, offset: int) -> int:
        try:
            with open(self.path(protocol.SAID), "rb") as file:
                file.seek(offset)
                lines: List[bytes] = file.readlines()
        except FileNotFoundError:
            return offset
        for line in lines:
            if not line.endswith(b"\n"):
                break
            offset += len(line)
            try:
                self._pass_on(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue  # anybody may write into this file
        return offset

    def _pass_on(self, said: Dict[str, Any]) -> None:
        said = self.stream.mask(said)
        if said["kind"] == "metric":
            name = str(said["name"])
            body = {"name": name, "value": _number(said["value"]), "step": _number(said["step"])}
            self.stream.write("metric", body)
            metrics = dict(self._progress.get("metrics", {}))
            if name in metrics or len(metrics) < _MAX_METRICS:
                self.note_progress(metrics=dict(metrics, **{name: body["value"]}))
            return
        body = {"done": _number(said["done"]), "total": _number(said["total"]),
                "message": str(said["message"])}  # fmt: skip
        self.stream.write("progress", body)
        self.note_progress(**body)


def _cut(message: Optional[str]) -> Optional[str]:
    """Return a message of a length that people read; all of it is in the stream."""
    if message is None or len(message) <= _LONGEST_MESSAGE:
        return message
    return message[:_LONGEST_MESSAGE] + " … (%d characters more)" % (
        len(message) - _LONGEST_MESSAGE
    )


def _largest_child_mib() -> float:
    """Return the most memory that one process of the job had, of those that have ended."""
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(largest / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _number(value: Any) -> Optional[float]:
    """Return a number of a record that anybody may have written; raises TypeError, ValueError."""
    return None if value is None else float(value)


def _write_started(path: str, started: Dict[str, Any]) -> bool:
    """Write the fence; on a full disk, wait for room: nothing has begun yet."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return protocol.write_json(path, started, exclusive=True)
        except OSError as error:
            if time.monotonic() > deadline:
                raise
            protocol.note("%s cannot be written yet: %s" % (path, error))
            time.sleep(0.5)


def exit_words(exit_code: Optional[int], signal_number: Optional[int]) -> str:
    """Return how a process ended, for people."""
    if signal_number is None:
        return "exit code %s" % exit_code
    try:
        return "killed by %s" % signal.Signals(signal_number).name
    except ValueError:
        return "killed by signal %d" % signal_number
