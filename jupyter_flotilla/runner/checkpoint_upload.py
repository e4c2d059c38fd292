"""Brings the saves of a job's checkpoint folder to S3, each whole or not at all.

What has not changed since the last one is not sent again; what no save needs any more is deleted.
`jupyter_flotilla.bootstrap.checkpoint` brings them back, and says how they lie there.
"""

import json
import os
import shutil
import threading
from typing import Any, Dict, NamedTuple, Optional, Set, Tuple

from jupyter_flotilla import protocol
from jupyter_flotilla.bootstrap.s3 import Bucket, S3Error
from jupyter_flotilla.protocol.checkpoints import saved_checkpoint, saved_numbers
from jupyter_flotilla.runner.snapshot import Entry, copy_entry, link, scan

_LOOK_EVERY_S = 1.0
#: After a failure.
_PAUSE_S = 10.0


class _Content(NamedTuple):
    """A file's content in S3."""

    key: str
    sha256: str


class CheckpointUpload:
    """Uploads the newest save of an attempt, again and again.

    Parameters
    ----------
    folder
        The attempt's.
    prefix
        Of the attempt's keys, with a slash at its end.
    """

    def __init__(self, folder: str, bucket: Bucket, prefix: str) -> None:
        self._folder = folder
        self._bucket = bucket
        self._prefix = prefix
        #: The save that is being sent, so that nobody removes it meanwhile.
        self._held = os.path.join(folder, protocol.CHECKPOINT + ".sending")
        #: Number of the save that is there, whole.
        self._sent: Optional[int] = None
        #: (inode, size, time) of a file → its content there.
        self._known: Dict[Tuple[int, int, int], _Content] = {}
        self._keys: Set[str] = set()
        self._must_end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to upload, in the background."""
        self._thread.start()

    def finish(self) -> None:
        """Upload the newest save if that is not done yet.

        Raises
        ------
        S3Error, OSError
            It may be called again.
        """
        self._must_end.set()
        self._thread.join()
        self._send_newest()

    def _run(self) -> None:
        has_complained = False
        pause_s = _LOOK_EVERY_S
        while not self._must_end.wait(pause_s):
            try:
                self._send_newest()
                has_complained, pause_s = False, _LOOK_EVERY_S
            except (S3Error, OSError, RuntimeError) as error:
                if not has_complained:
                    protocol.note("a checkpoint will be uploaded later: %s" % error)
                has_complained, pause_s = True, _PAUSE_S

    def _send_newest(self) -> None:
        while True:
            numbers = saved_numbers(self._folder)
            if not numbers or numbers[-1] == self._sent:
                return
            try:
                self._hold(saved_checkpoint(self._folder, numbers[-1]))
            except FileNotFoundError:
                continue  # removed: there is a newer one
            try:
                if self._send(numbers[-1]):
                    return
            finally:
                shutil.rmtree(self._held, ignore_errors=True)

    def _hold(self, save: str) -> None:
        """Give a save's files a second name each: it may be removed before they are sent."""
        shutil.rmtree(self._held, ignore_errors=True)
        for name, entry in scan(save).items():
            path, target = os.path.join(save, name), os.path.join(self._held, name)
            if not (entry.is_file and link(path, target)):
                copy_entry(save, name, entry, target)

    def _send(self, number: int) -> bool:
        """Send what is held; False where a newer save is to go instead, and time is short."""
        listed: Dict[str, Dict[str, Any]] = {}
        known: Dict[Tuple[int, int, int], _Content] = {}
        for index, (name, entry) in enumerate(scan(self._held).items()):
            if not name:
                continue
            listed[name] = {"mode": entry.mode}
            if entry.target is not None:
                listed[name]["target"] = entry.target
            elif entry.is_file:
                if self._must_end.is_set() and saved_numbers(self._folder)[-1:] != [number]:
                    return False
                content = self._content(name, entry, "%d-%d" % (number, index))
                known[_stamp(entry)] = content
                listed[name].update(content._asdict(), mtime_ns=entry.mtime_ns)
        text = json.dumps(listed, sort_keys=True).encode()
        self._bucket.put(self._prefix + protocol.CHECKPOINT_LIST, text)
        self._sent, self._known = number, known
        self._delete_all_but({content.key for content in known.values()})
        return True

    def _content(self, name: str, entry: Entry, number: str) -> _Content:
        known = self._known.get(_stamp(entry))
        if known is not None:
            return known
        key = "%s/%s" % (protocol.CHECKPOINT, number)
        self._keys.add(key)
        content = _Content(
            key, self._bucket.put_file(self._prefix + key, os.path.join(self._held, name))
        )
        self._known[_stamp(entry)] = content  # of a save that fails, what is there is there
        return content

    def _delete_all_but(self, needed: Set[str]) -> None:
        for key in sorted(self._keys - needed):
            try:
                self._bucket.delete(self._prefix + key)
            except S3Error:
                continue  # it costs money, and nothing else; tried again after the next save
            self._keys.discard(key)


def _stamp(entry: Entry) -> Tuple[int, int, int]:
    return entry.inode, entry.size, entry.mtime_ns
