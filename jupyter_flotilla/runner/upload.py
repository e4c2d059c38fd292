"""Brings what a job writes to S3 while it runs, and all of it before the container ends."""

import os
import threading
import time
from typing import Any, Dict, Iterator, Mapping, Tuple

from jupyter_flotilla import protocol
from jupyter_flotilla.bootstrap.s3 import Bucket, S3Error
from jupyter_flotilla.bootstrap.start import bucket_of

#: Seconds between two looks: short while the job is young and somebody watches, then longer, since
#: each upload is paid for (S3: $0.005 a thousand).
_EVERY_S = ((60.0, 2.0), (600.0, 5.0), (3600.0, 15.0), (float("inf"), 30.0))
#: What stays in the container: the host's own, locks, and what the job works in.
_NOT_SENT = frozenset(
    {protocol.JOB, protocol.STOP_REQUEST, protocol.RUNNER_LOCK, protocol.SAID, protocol.SOCKETS,
     "work", "modules", "files.part"}
)  # fmt: skip
#: Who reads these thinks that all else is there.
_LAST = (protocol.OUTCOME, protocol.EXIT)


class Uploader:
    """Uploads an attempt's folder, as it changes.

    Parameters
    ----------
    place
        What `bootstrap.start` was told of the bucket.
    """

    def __init__(self, folder: str, place: Mapping[str, Any]) -> None:
        self._folder = folder
        self._bucket: Bucket = bucket_of(place)
        self._prefix = "%s/" % place["attempt"]
        #: Name → what it was when it was sent.
        self._sent: Dict[str, Tuple[int, int]] = {}
        self._must_end = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to upload, in the background."""
        self._thread.start()

    def finish(self, patience_s: float) -> bool:
        """Upload all that is left, the end last; False where that is impossible, which is said."""
        self._must_end.set()
        self._bucket.end_within(patience_s)
        self._thread.join()
        try:
            self._look(is_final=True)
        except (S3Error, OSError) as error:
            print("its results cannot be uploaded: %s" % error)
            return False
        self._bucket.close()
        return True

    def _run(self) -> None:
        while True:
            age_s = time.monotonic() - self._began
            if self._must_end.wait(next(every for until, every in _EVERY_S if age_s < until)):
                return
            try:
                self._look()
            except (S3Error, OSError) as error:
                protocol.note("uploading will be tried again: %s" % error)

    def _look(self, is_final: bool = False) -> None:
        found = dict(self._changed())
        last = [name for name in _LAST if name in found]
        for name in [*(name for name in sorted(found) if name not in last), *last]:
            if name in last and not is_final:
                continue
            try:
                self._bucket.put_file(self._prefix + name, os.path.join(self._folder, name))
            except FileNotFoundError:
                continue  # replaced or deleted meanwhile
            self._sent[name] = found[name]

    def _changed(self) -> Iterator[Tuple[str, Tuple[int, int]]]:
        """Yield (name, size and time) of files that are not in S3 as they are now."""
        for folder, folders, files in os.walk(self._folder):
            inside = os.path.relpath(folder, self._folder)
            if inside == ".":
                # of checkpoints nobody there would know which are whole
                folders[:] = [
                    one
                    for one in folders
                    if one not in _NOT_SENT and not one.startswith(protocol.CHECKPOINT)
                ]
            for file in files:
                name = file if inside == "." else "%s/%s" % (inside.replace(os.sep, "/"), file)
                path = os.path.join(folder, file)
                is_ours = file.startswith(".") and not name.startswith(protocol.FILES + "/")
                if name in _NOT_SENT or is_ours or os.path.islink(path):
                    continue  # is_ours: being written, or kept for the end
                try:
                    stat = os.stat(path)
                except FileNotFoundError:
                    continue
                now = (stat.st_size, stat.st_mtime_ns)
                if self._sent.get(name) != now:
                    yield name, now
