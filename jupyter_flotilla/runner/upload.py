"""Brings what a job writes to S3 while it runs, and all of it before the container ends."""

import json
import os
import random
import stat
import threading
import time
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from jupyter_flotilla import protocol
from jupyter_flotilla.bootstrap.s3 import Bucket, S3Error
from jupyter_flotilla.bootstrap.start import bucket_of
from jupyter_flotilla.runner.checkpoint_upload import CheckpointUpload

#: Seconds between two looks: short while the job is young and somebody watches, then longer, since
#: each upload is paid for (S3: $0.005 a thousand).
_EVERY_S = ((60.0, 2.0), (600.0, 5.0), (3600.0, 15.0), (float("inf"), 30.0))
#: Of looks for the fence, which costs nothing: it is to be in S3 as soon as it is there.
_FENCE_EVERY_S = 0.1
#: What stays in the container: the host's own, locks, and what the job works in.
_NOT_SENT = frozenset(
    {protocol.JOB, protocol.STOP_REQUEST, protocol.RUNNER_LOCK, protocol.SAID, protocol.SOCKETS,
     "work", "modules", "files.part"}
)  # fmt: skip
#: Who reads these thinks that all else is there.
_LAST = (protocol.OUTCOME, protocol.EXIT)
#: How long the results of a job that is over wait for S3 to come back, without any progress.
_PATIENCE_S = 3600.0
_LONGEST_PAUSE_S = 30.0
#: What the end may take once somebody stops the container, unless the launcher knows that there is
#: more time, and what is broken off then.
HURRY_S = 10.0
BREAK_OFF_S = 5.0
#: What it may take to learn why: a stop must not wait for S3.
_STOP_REQUEST_S = 3.0
#: Errors that the next file would meet as well.
_OF_ALL = ("Deadline", "NoCredentials", "Certificate")
#: S3's or our words → why a file is left out, for people.
_WHY = {"InvalidKey": "S3 does not take its name", "FileChanged": "it cannot be read"}
#: What else must not end the uploads: an answer that is none, a job that has taken all threads.
_ODD = (KeyError, ValueError, RuntimeError)
#: Names that a note lists.
_LISTED = 5


class Uploader:
    """Uploads an attempt's folder, as it changes.

    Parameters
    ----------
    place
        What `bootstrap.start` was told of the bucket.
    bucket
        Instead of the one of ``place``.
    patience_s
        How long `finish` waits for S3 to come back.
    first_pause_s
        Longest pause of `finish` before its second look; each later one may be twice as long.
    """

    def __init__(
        self,
        folder: str,
        place: Mapping[str, Any],
        bucket: Optional[Bucket] = None,
        patience_s: float = _PATIENCE_S,
        first_pause_s: float = 1.0,
    ) -> None:
        self._folder = folder
        self._place = place
        self._bucket = bucket or bucket_of(place)
        self._prefix = "%s/" % place["attempt"]
        self._hurry_s = float(place.get("hurry_s") or HURRY_S)
        # apart: a large save must not keep what the job says from coming there
        self._checkpoint = CheckpointUpload(folder, self._bucket, self._prefix)
        self._patience_s = patience_s
        self._first_pause_s = first_pause_s
        #: Name → what it was when it was sent.
        self._sent: Dict[str, Tuple[int, int]] = {}
        #: Name → why it was left out by the last look.
        self._left: Dict[str, str] = {}
        self._must_end = threading.Event()
        self._must_hurry = threading.Event()
        self._is_whole = False
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to upload, in the background."""
        self._thread.start()
        self._checkpoint.start()

    def stop_request(self) -> Optional[Dict[str, Any]]:
        """Return why the container is being stopped, as the launcher has put it there.

        None: it has not, or that cannot be known in a few seconds.
        """
        bucket = bucket_of(self._place, tries=2, timeout_s=_STOP_REQUEST_S)
        bucket.end_within(_STOP_REQUEST_S)
        try:
            return dict(json.loads(bucket.get(self._prefix + protocol.STOP_REQUEST)))
        except (S3Error, *_ODD):
            return None
        finally:
            bucket.close()

    def finish(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        """Upload all that is left, the end last; False where that is impossible, which is said.

        Files that cannot be sent are left out, and named in the job's stream.

        Parameters
        ----------
        is_stopped
            Asked again and again: whether somebody stops the container, so that it must be quick.
        """
        self._must_end.set()
        while self._thread.is_alive() and not is_stopped():
            self._thread.join(0.1)
        if self._thread.is_alive():
            self._bucket.end_within(self._hurry_s)
            self._must_hurry.set()
            self._thread.join(self._hurry_s)
        if self._thread.is_alive():
            self._bucket.break_off()
            self._thread.join(BREAK_OFF_S)
        return self._is_whole

    def _run(self) -> None:
        self._await_fence()
        while not self._must_end.is_set():
            try:
                self._look()
            except (S3Error, *_ODD) as error:
                protocol.note("uploading will be tried again: %s" % error)
            age_s = time.monotonic() - self._began
            self._must_end.wait(next(every for until, every in _EVERY_S if age_s < until))
        self._is_whole = self._end()

    def _await_fence(self) -> None:
        """Return when the job has begun: the host is to know that at once."""
        path = os.path.join(self._folder, protocol.STARTED)
        while not os.path.exists(path) and not self._must_end.wait(_FENCE_EVERY_S):
            pass

    def _end(self) -> bool:
        """Upload all that is left; False where that is impossible, or S3 stays away."""
        is_told, had, tries = False, -1, 0
        deadline = 0.0
        while True:
            try:
                self._look(is_final=True)
                if self._left and not is_told:
                    is_told = True
                    self._tell_of_left()
                    self._look(is_final=True)
                self._send_checkpoint()
                self._send_last()
                self._bucket.close()
                return True
            except S3Error as error:
                now = time.monotonic()
                if len(self._sent) > had:
                    had, tries, deadline = len(self._sent), 0, now + self._patience_s
                if not error.is_retryable or now > deadline:
                    print("its results cannot be uploaded: %s" % error)
                    return False
            longest_s = min(_LONGEST_PAUSE_S, self._first_pause_s * 2**tries)
            tries += 1
            if self._must_hurry.wait(random.uniform(0.5, 1) * longest_s):
                time.sleep(_FENCE_EVERY_S)

    def _look(self, is_final: bool = False) -> None:
        """Upload what has changed; raises S3Error where S3 can take nothing of it."""
        found = dict(self._changed())
        self._left = {}
        # small ones first: what the job says is not to wait for its data
        for name in sorted(found, key=lambda name: (found[name][0], name)):
            if self._must_end.is_set() and not is_final:
                return
            try:
                self._bucket.put_file(self._prefix + name, os.path.join(self._folder, name))
            except FileNotFoundError:
                continue  # replaced or deleted meanwhile
            except S3Error as error:
                if error.is_retryable or error.code in _OF_ALL:
                    raise
                self._left[name] = _WHY.get(error.code) or error.sentence
            except OSError as error:
                self._left[name] = error.strerror or str(error)
            else:
                self._sent[name] = found[name]

    def _send_checkpoint(self) -> None:
        """Upload the last save; what S3 will never take of it must not cost the results."""
        try:
            self._checkpoint.finish()
        except S3Error as error:
            if error.is_retryable or error.code in _OF_ALL:
                raise
            print("flotilla: its checkpoint is not uploaded: %s" % error)
        except OSError as error:
            print("flotilla: its checkpoint is not uploaded: %s" % error)

    def _send_last(self) -> None:
        for name in _LAST:
            path = os.path.join(self._folder, name)
            if name not in self._sent and os.path.exists(path):
                self._bucket.put_file(self._prefix + name, path)
                self._sent[name] = (0, 0)

    def _tell_of_left(self) -> None:
        """Name what does not come, in the job's stream and in the container's own words."""
        names = sorted(self._left)
        shown = ", ".join("%r (%s)" % (name, self._left[name]) for name in names[:_LISTED])
        more = " and %d more" % (len(names) - _LISTED) if len(names) > _LISTED else ""
        sentence = "not uploaded: %s%s" % (shown, more)
        print("flotilla: %s" % sentence)
        try:
            stream = protocol.StreamWriter.resumed(self._folder)
            stream.write("stderr", {"text": "[flotilla: %s]\n" % sentence})
            stream.close()
        except (OSError, ValueError, KeyError):
            pass  # a stream that the job itself has damaged

    def _changed(self) -> Iterator[Tuple[str, Tuple[int, int]]]:
        """Yield (name, size and time) of files that are not in S3 as they are now."""
        for folder, folders, files in os.walk(self._folder):
            inside = os.path.relpath(folder, self._folder)
            if inside == ".":
                # checkpoints: see `CheckpointUpload`
                folders[:] = [
                    one
                    for one in folders
                    if one not in _NOT_SENT and not one.startswith(protocol.CHECKPOINT)
                ]
            for file in files:
                name = file if inside == "." else "%s/%s" % (inside.replace(os.sep, "/"), file)
                is_ours = file.startswith(".") and not name.startswith(protocol.FILES + "/")
                if name in _NOT_SENT or name in _LAST or is_ours:
                    continue  # is_ours: being written, or kept for the end
                try:
                    status = os.lstat(os.path.join(folder, file))
                except OSError:
                    continue
                now = (status.st_size, status.st_mtime_ns)
                if stat.S_ISREG(status.st_mode) and self._sent.get(name) != now:
                    yield name, now
