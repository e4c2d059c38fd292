"""Saves what a job puts into its checkpoint folder, and gives it to the next attempt.

The job works in a folder of its own; a save is a copy beside it, whole or not there. What has not
changed since the last one is the same file under a second name, so that a large checkpoint costs
its size once.
"""

import os
import shutil
import threading
import time
from typing import List, Optional

from jupyter_flotilla import protocol
from jupyter_flotilla.protocol.checkpoints import (
    newest_checkpoint,
    saved_checkpoint,
    saved_numbers,
)
from jupyter_flotilla.runner.attempt import Attempt, Outcome
from jupyter_flotilla.runner.snapshot import (
    Entry,
    State,
    Unsteady,
    copy_entry,
    copy_tree,
    is_in_doubt,
    link,
    scan,
)

#: So many saves of an attempt are kept, the newest.
_KEEP = 2
#: How often the folder is looked at, in seconds, where that takes no time.
_LOOK_EVERY_S = 1.0
#: A look takes at most this part of the time.
_LOOKING = 1 / 20
#: A folder that never rests is saved after so many seconds if no file in it is in doubt, and after
#: so many as it is.
_RESTLESS_S = 4.0
_PATIENCE_S = 30.0
#: An earlier attempt that still runs may remove the save that is being copied.
_TRIES = 3
#: Names that a note lists.
_LISTED = 5


class Checkpoint:
    """The checkpoint folder of one attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._work = attempt.path(protocol.CHECKPOINT)
        self._saving = attempt.path(protocol.CHECKPOINT + ".saving")
        self._every_s = float(attempt.job.get("checkpoint_every_s") or 60.0)
        #: What the newest save holds, as it was in the folder, and where that save is.
        self._saved: State = {}
        self._newest: Optional[str] = None
        self._saved_at: Optional[float] = None
        #: At the latest look, and at the one before what is being saved.
        self._seen: State = {}
        self._before: State = {}
        self._has_begun = self._has_complained = False
        self._must_end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Restore what an earlier attempt had saved, and save from now on.

        Raises
        ------
        OSError
            If it cannot be restored: the job must not begin anew unasked.
        """
        source = self._attempt.job.get("restore")
        if source is not None:
            self._restore(source)
        elif not self._make_folder():
            return
        self._saved = self._seen = scan(self._work)
        self._has_begun = True
        self._thread.start()

    def finish(self, outcome: Outcome) -> None:
        """Save what the job has left; then its folder is gone."""
        if not self._has_begun:
            return
        self._must_end.set()
        self._thread.join()
        self._before, state = self._seen, scan(self._work)
        was_killed = _was_killed(outcome)
        if was_killed and not state:
            return  # in the middle of being replaced: the last save stands
        if self._has_changed(state) and not self._try(state, is_final=True, is_torn=was_killed):
            return  # kept as it is: nothing else has what is in it
        shutil.rmtree(self._work, ignore_errors=True)

    def _make_folder(self) -> bool:
        try:
            os.mkdir(self._work, 0o700)
        except OSError as error:  # most jobs need none
            self._note("checkpoint: there is no folder for it: %s" % error.strerror)
            return False
        return True

    def _restore(self, source: str) -> None:
        for trial in range(_TRIES):
            try:
                count, total = copy_tree(source, self._work)
                if count or os.path.isdir(self._work):
                    break
                raise FileNotFoundError(source)
            except FileNotFoundError:
                newer = newest_checkpoint(os.path.dirname(source))
                if newer is None or trial == _TRIES - 1:
                    raise
                shutil.rmtree(self._work, ignore_errors=True)
                source = newer
        self._newest = source
        if count:
            what = "1 file" if count == 1 else "%d files" % count
            self._note("checkpoint restored: %s, %s" % (what, protocol.bytes_words(total)))

    def _run(self) -> None:
        is_stopping, due_since = False, None
        pause_s = _LOOK_EVERY_S
        while not self._must_end.wait(pause_s):
            began = time.monotonic()
            state = scan(self._work)
            pause_s = max(_LOOK_EVERY_S, (time.monotonic() - began) / _LOOKING)
            self._before, self._seen = self._seen, state
            if not self._has_changed(state) or not state:
                due_since = None
                continue
            # once more at the beginning of a stop: its end may be cut short
            begins_to_stop = not is_stopping and self._attempt.stop_reason() is not None
            if not begins_to_stop and not self._is_due(began):
                continue
            due_since = due_since or began
            if self._may_save(state, began - due_since) and self._try(state, is_torn=True):
                is_stopping, due_since = is_stopping or begins_to_stop, None

    def _may_save(self, state: State, waited_s: float) -> bool:
        """Say whether a folder is to be saved now that it has been due for so long."""
        if state == self._before or waited_s > _PATIENCE_S:
            return True
        return waited_s >= _RESTLESS_S and not any(
            is_in_doubt(self._path(name), entry, self._before.get(name))
            for name, entry in state.items()
        )

    def _is_due(self, now: float) -> bool:
        return self._saved_at is None or now - self._saved_at >= self._every_s

    def _has_changed(self, state: State) -> bool:
        """Say whether a save would differ from the newest, whenever its folders were changed."""
        return _contents(state) != _contents(self._saved)

    def _try(self, state: State, is_final: bool = False, is_torn: bool = False) -> bool:
        """Save; say whether that was done. What is in the way is said once."""
        try:
            self._save(state, is_final, is_torn)
        except Unsteady:
            return False
        except OSError as error:
            shutil.rmtree(self._saving, ignore_errors=True)
            if not self._has_complained or is_final:
                stands = "" if self._newest is None else "; the last one that was saved stands"
                self._note("checkpoint cannot be saved: %s%s" % (error.strerror or error, stands))
            self._has_complained = True
            self._saved_at = time.monotonic()  # tried again when the next one is due
            return False
        self._has_complained = False
        return True

    def _save(self, state: State, is_final: bool, is_torn: bool) -> None:
        shutil.rmtree(self._saving, ignore_errors=True)
        os.mkdir(self._saving, 0o700)
        saved: State = {}
        doubtful: List[str] = []
        for name, entry in state.items():
            if not is_final and self._must_end.is_set():
                raise Unsteady(name)  # the last save comes at once, and has all that this one has
            if is_torn and is_in_doubt(self._path(name), entry, self._before.get(name)):
                doubtful.append(name)
                taken = self._take_earlier(name)
            elif name:
                is_known = entry.is_file and entry == self._saved.get(name)
                taken = self._take_earlier(name) if is_known else None
                taken = taken or self._take(name, entry, is_final)
            else:
                continue
            if taken is not None:
                saved[name] = taken
        self._put_in_place(saved)
        if doubtful:
            shown = ", ".join(repr(name) for name in doubtful[:_LISTED])
            self._note("checkpoint: half written, and so as last saved, or left out: %s" % shown)

    def _put_in_place(self, saved: State) -> None:
        numbers = saved_numbers(self._attempt.folder)
        number = numbers[-1] + 1 if numbers else 1
        newest = saved_checkpoint(self._attempt.folder, number)
        os.rename(self._saving, newest)
        self._newest, self._saved, self._saved_at = newest, saved, time.monotonic()
        for old in numbers[: 1 - _KEEP]:
            shutil.rmtree(saved_checkpoint(self._attempt.folder, old), ignore_errors=True)

    def _take(self, name: str, entry: Entry, is_final: bool) -> Optional[Entry]:
        """Bring a file, folder or link into the save; return what that was; None: it is gone."""
        target = os.path.join(self._saving, name)
        has_rested = entry == self._before.get(name)
        if is_final and entry.is_file and has_rested and link(self._path(name), target):
            return entry  # nobody writes into it any more
        try:
            return copy_entry(self._work, name, entry, target)
        except FileNotFoundError:
            if is_final:
                return None
            raise Unsteady(name) from None
        except Unsteady:
            if not is_final:
                raise
            return entry  # somebody writes on: as far as it came

    def _take_earlier(self, name: str) -> Optional[Entry]:
        """Bring a file as it was saved last into the save; None where that is impossible."""
        if self._newest is None or name not in self._saved:
            return None
        is_there = link(os.path.join(self._newest, name), os.path.join(self._saving, name))
        return self._saved[name] if is_there else None

    def _path(self, name: str) -> str:
        return os.path.join(self._work, name)

    def _note(self, sentence: str) -> None:
        self._attempt.tell(sentence)


def _contents(state: State) -> State:
    return {
        name: entry if entry.is_file or entry.target is not None else entry._replace(mtime_ns=0)
        for name, entry in state.items()
        if name
    }


def _was_killed(outcome: Outcome) -> bool:
    """Say whether the job could not end what it was doing."""
    is_kernel_dead = (outcome.error or {}).get("ename") == "DeadKernelError"
    # 137: a shell's word for a child that was killed; SIGINT and SIGTERM let programs clean up
    return is_kernel_dead or outcome.exit_code == 137 or outcome.signal not in (None, 2, 15)
