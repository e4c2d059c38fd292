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
from jupyter_flotilla.store.connection import Store

#: How often it is looked whether anything was written, in seconds: while somebody follows, or not.
_LOOK_S = 0.02
_IDLE_LOOK_S = 0.5
#: How often usage and progress of what goes on are sent at most, in seconds.
_FACTS_EVERY_S = 1.0
#: How often the summary is made at most, and at least, in seconds.
_STATUS_EVERY_S = 1.0
_STATUS_SELDOM_S = 10.0
#: How often it is looked whether the settings or the store's file are others, in seconds.
_STORE_EVERY_S = 2.0
#: How often it is seen to that a dispatcher lives, where there is something for it to do.
_WAKE_EVERY_S = 2.0
#: After an error of the store, in seconds.
_AGAIN_S = 2.0
#: Events that are read again each time: on PostgreSQL one may be numbered before another and be
#: committed after it.
_LATE = 200

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
    begun
        Is called when a store begins to be followed: what ended in it before is not told.
    """

    def __init__(
        self,
        context: Context,
        *,
        ended: Ended,
        told: Callable[[dict[str, Any]], None],
        begun: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        self._context = context
        self._begun = begun
        self._ended = ended
        self._told = told
        self._warn = warn
        self._warned = ""
        self._lock = Lock()
        self._listeners: set[Send] = set()
        self._is_over = Event()
        #: Of the store that is followed; None: of none yet.
        self._store: Store | None = None
        self._seq = self._runs = 0
        self._seen: set[int] = set()
        self._facts: dict[str, str] = {}
        self._schedules: object = None
        self._facts_at = self._wake_at = 0.0
        self._is_stale = Event()
        self._status: dict[str, Any] = {}
        self._threads = [
            Thread(target=self._again, args=(work,), name=f"flotilla-{name}", daemon=True)
            for name, work in (("changes", self._follow), ("status", self._summarize))
        ]

    def start(self) -> None:
        """Begin to follow."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Follow no longer; jobs and dispatcher go on."""
        self._is_over.set()
        self._is_stale.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5)

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
            # a little of what it knows as well: see _LATE
            found = listing.changes(after if after > seq else max(0, after - _LATE // 10))
            if found.is_whole:
                messages.append(_message("runs", seq=found.seq, runs=listing.rows(found.run_ids)))
            else:
                messages.append(_message("reset", seq=seq))
        messages.append(_message("status", **status_of(self._context)))
        return messages

    def rows(self, run_ids: list[str]) -> list[dict[str, Any]]:
        """Return the rows of some runs."""
        return self._context.listing.rows(run_ids)

    def _again(self, work: Callable[[], None]) -> None:
        """Do work that goes on until the server stops, whatever comes in between."""
        while not self._is_over.is_set():
            try:
                work()
                self._warned = ""
            except Exception as error:  # a driver's own, too: windows would wait for ever
                text = str(error) if isinstance(error, FlotillaError) else repr(error)
                if text != self._warned:
                    self._warn(f"flotilla: {text}; trying again")
                self._warned = text
                self._is_over.wait(_AGAIN_S)

    def _follow(self) -> None:
        """Follow a store, until the server stops or there is another in its place."""
        facade = self._context.flotilla
        store = facade.store
        if store is not self._store:
            self._begin(store)
        looked_at = time.monotonic()
        with closing(facade.watch()) as watch:
            self._look(is_changed=True)
            while not self._is_over.is_set():
                if time.monotonic() - looked_at >= _STORE_EVERY_S:
                    looked_at = time.monotonic()
                    if self._context.flotilla is not facade or facade.store is not store:
                        return
                self._look(is_changed=watch.has_changed())
                self._is_over.wait(_LOOK_S if self._listeners else _IDLE_LOOK_S)

    def _begin(self, store: Store) -> None:
        """Take a store as it is now: what happened in it before is nobody's news."""
        listing = self._context.listing
        with suppress(FlotillaError):  # the summary says that none lives
            self._context.flotilla.ensure_dispatcher()
        seq, runs = listing.seq(), listing.size()
        self._seen = {seq for seq, _, _ in listing.changes(max(0, seq - _LATE)).events}
        self._seq, self._runs, self._facts = seq, runs, {}
        self._send(_message("reset", seq=seq))
        self._store = store
        self._begun()

    def _look(self, *, is_changed: bool) -> None:
        now = time.monotonic()
        if is_changed:
            self._is_stale.set()
            self._transitions()
        # what changes of a run that goes on is no event: its usage, its progress
        if self._listeners and now - self._facts_at >= _FACTS_EVERY_S:
            self._facts_at = now
            self._facts_of_open()
        if now - self._wake_at >= _WAKE_EVERY_S and self._has_open():
            self._wake_at = now
            with suppress(FlotillaError):
                self._context.flotilla.ensure_dispatcher()

    def _transitions(self) -> None:
        listing = self._context.listing
        schedules = listing.schedules_mark()
        if schedules != self._schedules:
            self._send(_message("schedules"))
            self._schedules = schedules
        found = listing.changes(max(0, self._seq - _LATE))
        news = [event for event in found.events if event[0] not in self._seen]
        there_are = listing.size()
        there_were = self._runs + sum(name == "QUEUED" for _, _, name in news)
        if not found.is_whole or there_are < there_were:
            # too much, or some were deleted, which leaves no trace: lists are read anew
            self._send(_message("reset", seq=found.seq))
        elif news and self._listeners:
            ids = list(dict.fromkeys(run_id for _, run_id, _ in news))
            self._send(_message("runs", seq=found.seq, runs=listing.rows(ids)))
        # last: what could not be told is told the next time
        self._seq, self._runs = found.seq, min(there_are, there_were)
        self._seen = {seq for seq, _, _ in found.events[-2 * _LATE :]}
        for _, run_id, name in news:
            if (status := listing.final_status(name)) is not None:
                self._ended(run_id, status)

    def _facts_of_open(self) -> None:
        facts = self._context.listing.open_facts()
        changed = [run_id for run_id, text in facts.items() if self._facts.get(run_id) != text]
        if changed:
            rows = self._context.listing.rows(changed)
            self._send(_message("runs", seq=self._seq, runs=rows))
        self._facts = facts

    def _summarize(self) -> None:
        """Make the summary whenever the store has changed, in a thread of its own: it takes long.

        What goes on costs more by the second; so now and then without a change as well.
        """
        while not self._is_over.is_set():
            self._is_stale.clear()
            status = status_of(self._context)
            self._told(status)
            is_same = {**status, "now": ""} == {**self._status, "now": ""}
            self._status = status
            if not is_same:
                self._send(_message("status", **status))
            self._is_over.wait(_STATUS_EVERY_S)
            self._is_stale.wait(_STATUS_SELDOM_S)

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
