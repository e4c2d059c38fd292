"""Live changes: one thread watches the store, and tells every window, the metrics and the server.

A window that was away says which event it saw last, and gets what it has missed.
"""

import json
import time
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Event, Lock, Thread
from typing import Any

from jupyter_flotilla import __version__
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.server.context import Context, now_text
from jupyter_flotilla.server.places import status_of
from jupyter_flotilla.service import Flotilla

#: How often it is looked whether anything was written, in seconds: while somebody follows, or not.
_LOOK_S = 0.02
_IDLE_LOOK_S = 0.5
#: How often usage and progress of what goes on are sent at most, in seconds.
_FACTS_EVERY_S = 1.0
#: How often the summary is made at most, and at least, in seconds.
_STATUS_EVERY_S = 1.0
_STATUS_SELDOM_S = 10.0
#: How often it is seen to that a dispatcher lives, where there is something for it to do.
_WAKE_EVERY_S = 2.0
#: How often it is looked whether the settings have changed, in seconds.
_SETTINGS_EVERY_S = 2.0
#: After an error of the store, in seconds.
_AGAIN_S = 2.0

Send = Callable[[str], None]
#: Takes id and status of a run that became final.
Ended = Callable[[str, str], None]


class Changes:
    """Follows the store for all who listen.

    Parameters
    ----------
    ended
        Is told of each run that becomes final from now on.
    told
        Is given every summary (`status_of`).
    """

    def __init__(self, context: Context, ended: Ended, told: Callable[[dict[str, Any]], None],
                 warn: Callable[[str], None]) -> None:  # fmt: skip
        self._context = context
        self._ended = ended
        self._told = told
        self._warn = warn
        self._lock = Lock()
        self._listeners: set[Send] = set()
        self._is_over = Event()
        self._seq = 0
        self._facts: dict[str, str] = {}
        self._facts_at = self._status_at = self._wake_at = 0.0
        self._status: dict[str, Any] = {}
        self._is_stale = True
        self._thread = Thread(target=self._run, name="flotilla-changes", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer; jobs and dispatcher go on."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def listen(self, send: Send) -> None:
        """Send every change from now on; ``send`` is called in another thread."""
        with self._lock:
            self._listeners.add(send)

    def leave(self, send: Send) -> None:
        """Send no more."""
        with self._lock:
            self._listeners.discard(send)

    def missed(self, after: int | None) -> list[str]:
        """Return what a listener is told first: where it stands, and what it has missed.

        Parameters
        ----------
        after
            Number of the last event that it has seen; None: it reads its lists anew anyway.
        """
        listing = self._context.listing
        seq = listing.seq()
        messages = [_message("hello", seq=seq, version=__version__)]
        if after is not None and after != seq:
            found = listing.changes(after)
            if found.is_whole:
                messages.append(_message("runs", seq=found.seq, runs=listing.rows(found.run_ids)))
            else:
                messages.append(_message("reset", seq=seq))
        messages.append(_message("status", **status_of(self._context)))
        return messages

    def rows(self, run_ids: list[str]) -> list[dict[str, Any]]:
        """Return the rows of some runs."""
        return self._context.listing.rows(run_ids)

    def _run(self) -> None:
        facade: Flotilla | None = None
        while not self._is_over.is_set():
            try:
                if facade is not self._context.flotilla:
                    facade = self._context.flotilla
                    facade.ensure_dispatcher()
                    self._seq = self._context.listing.seq()
                    self._send(_message("reset", seq=self._seq))
                self._follow(facade)
            except (FlotillaError, OSError) as error:
                self._warn(f"flotilla: {error}")
                self._is_over.wait(_AGAIN_S)

    def _follow(self, facade: Flotilla) -> None:
        """Follow a store, until the server stops or its user has set another."""
        settings_at = 0.0
        with closing(facade.watch()) as watch:
            self._look(is_changed=True)
            while not self._is_over.is_set():
                if time.monotonic() - settings_at >= _SETTINGS_EVERY_S:
                    settings_at = time.monotonic()
                    if self._context.flotilla is not facade:
                        return
                self._look(is_changed=watch.has_changed())
                self._is_over.wait(_LOOK_S if self._listeners else _IDLE_LOOK_S)

    def _look(self, *, is_changed: bool) -> None:
        now = time.monotonic()
        if is_changed:
            self._is_stale = True
            self._transitions()
        # what changes of a run that goes on is no event: its usage, its progress
        if self._listeners and now - self._facts_at >= _FACTS_EVERY_S:
            self._facts_at = now
            self._facts_of_open()
        # what goes on costs more by the second; else it changes with the store alone
        if now - self._status_at >= (_STATUS_EVERY_S if self._is_stale else _STATUS_SELDOM_S):
            self._status_at, self._is_stale = now, False
            self._summary()
        if now - self._wake_at >= _WAKE_EVERY_S and self._has_open():
            self._wake_at = now
            with suppress(FlotillaError):  # the summary says that none lives
                self._context.flotilla.ensure_dispatcher()

    def _transitions(self) -> None:
        listing = self._context.listing
        found = listing.changes(self._seq)
        if found.seq == self._seq and found.is_whole:
            return
        self._seq = found.seq
        if not found.is_whole:
            self._send(_message("reset", seq=found.seq))
            return
        for run_id, status in found.ended.items():
            self._ended(run_id, status)
        if self._listeners:
            rows = listing.rows(found.run_ids)
            self._send(_message("runs", seq=found.seq, runs=rows))
            gone = sorted(set(found.run_ids) - {row["id"] for row in rows})
            if gone:
                self._send(_message("gone", ids=gone))

    def _facts_of_open(self) -> None:
        facts = self._context.listing.open_facts()
        changed = [run_id for run_id, text in facts.items() if self._facts.get(run_id) != text]
        self._facts = facts
        if changed:
            rows = self._context.listing.rows(changed)
            self._send(_message("runs", seq=self._seq, runs=rows))

    def _summary(self) -> None:
        status = status_of(self._context)
        self._told(status)
        is_same = {**status, "now": ""} == {**self._status, "now": ""}
        self._status = status
        if not is_same:
            self._send(_message("status", **status))

    def _has_open(self) -> bool:
        counts = self._status.get("counts", {})
        return any(counts.get(status) for status in ("QUEUED", "PENDING", "RUNNING"))

    def _send(self, message: str) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for send in listeners:
            send(message)


def _message(kind: str, **body: Any) -> str:
    return json.dumps({"type": kind, "now": now_text(), **body})
