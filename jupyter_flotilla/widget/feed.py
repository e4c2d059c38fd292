"""The one thread of a panel: it looks at the store for all views, and only while one is seen.

Views send what they want (`Feed.hear`) and get numbered messages; one that misses a number asks for
the whole (``hello``). With nobody looking there is no thread at all.
"""

import queue
import time
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Lock, Thread, current_thread
from typing import Any

from jupyter_flotilla import api
from jupyter_flotilla.errors import FlotillaError, RunNotFound
from jupyter_flotilla.listing import Listing
from jupyter_flotilla.model.run import OPEN_STATUSES
from jupyter_flotilla.store.listing import RunFilter
from jupyter_flotilla.widget.ledger import Ledger
from jupyter_flotilla.widget.tail import Tail
from jupyter_flotilla.widget.viewers import Viewers

#: How often it is looked whether anything was written, in seconds.
_LOOK_S = 0.25
#: How often memory, progress and cost of what goes on are sent at most, in seconds.
_FACTS_EVERY_S = 1.0
#: How often the summary is made at most, and at least, in seconds.
_SUMMARY_EVERY_S = 2.0
_SUMMARY_SELDOM_S = 10.0
#: How often it is looked whether the settings or the store's file are others, in seconds.
_STORE_EVERY_S = 2.0
#: How often it is seen to that a dispatcher lives, where there is something for it to do.
_WAKE_EVERY_S = 2.0
#: After an error of the store, in seconds.
_AGAIN_S = 2.0

Message = dict[str, Any]


class Feed:
    """Follows the store for the views of a panel.

    Parameters
    ----------
    send
        Takes a message for the views; it is called in the feed's own thread.
    is_busy
        Says whether the kernel executes a cell, so that it may not hear its views.
    """

    def __init__(
        self, send: Callable[[Message], None], is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._send = send
        self._is_busy = is_busy
        self._lock = Lock()
        self._heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._viewers = Viewers()
        self._which = RunFilter()
        self._is_paused = self._is_closed = False
        self._thread: Thread | None = None
        #: Number of the last message to all views.
        self._number = 0
        self._ledger: Ledger | None = None
        #: Of what the ledger is: façade, its store, filter.
        self._ledger_of: tuple[Any, ...] = ()
        self._tails: dict[str, Tail] = {}
        self._summary: Message = {}
        self._facts_at = self._summary_at = self._wake_at = 0.0
        self._trouble = ""

    @property
    def is_watched(self) -> bool:
        """Whether somebody sees one of its views."""
        with self._lock:
            return self._viewers.is_watched(time.monotonic())

    def expect(self) -> None:
        """Look as if somebody saw it: it is just being displayed, maybe by a cell that goes on."""
        with self._lock:
            self._viewers.see("", time.monotonic(), is_seen=True)
        self._wake()

    def hear(self, message: Message) -> None:
        """Take what a view says: ``hello``, ``seen``, ``bye``, ``more``, ``open``."""
        view, kind, now = str(message.get("view", ""))[:64], message.get("kind"), time.monotonic()
        with self._lock:
            self._viewers.leave("")  # who says something speaks for itself
            if kind == "bye":
                self._viewers.leave(view)
            elif kind == "seen":
                self._viewers.see(view, now, is_seen=bool(message.get("is_seen")))
            elif kind == "open":
                run_id = message.get("run")
                self._viewers.open(view, None if run_id is None else str(run_id)[:64])
        if kind in ("hello", "more", "open"):
            self._heard.put({"kind": kind, "view": view, "run": message.get("run")})
        self._wake()

    def narrow(self, which: RunFilter) -> None:
        """Show other runs."""
        self._which = which  # seen at the next look: whoever types says it with every letter
        self._wake()

    def pause(self, *, is_paused: bool) -> None:
        """Look no longer, or again."""
        self._is_paused = is_paused
        self._wake()

    def look(self) -> None:
        """Look at once: something was done that shows."""
        self._facts_at = self._summary_at = 0.0
        self._heard.put({"kind": "look"})

    def close(self) -> None:
        """End the thread, for ever; returns when it has ended."""
        self._is_closed = True
        self._heard.put({"kind": "look"})
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join(5)
        self._ledger, self._ledger_of = None, ()

    def _wake(self) -> None:
        with self._lock:
            if self._thread is None and self._is_wanted():
                self._thread = Thread(target=self._work, name="flotilla-panel", daemon=True)
                self._thread.start()

    def _is_wanted(self) -> bool:
        return not self._is_closed and self._viewers.is_watched(time.monotonic())

    def _goes_on(self) -> bool:
        """Say whether to go on; where not, the thread is as good as ended."""
        with self._lock:
            if self._thread is not current_thread():
                return False  # it had ended, and another has begun since
            if self._is_busy():
                self._viewers.hold(time.monotonic())
            if self._is_wanted():
                return True
            self._thread = None
            return False

    def _work(self) -> None:
        while self._goes_on():
            try:
                self._follow()
            except Exception as error:  # a driver's own, too: the panel would stand still for ever
                self._tell_trouble(error)
                self._rest(_AGAIN_S)

    def _follow(self) -> None:
        """Follow a store until nobody looks, or there is another in its place."""
        facade = api.flotilla()
        store = facade.store
        with closing(facade.watch()) as watch:
            looked_at = time.monotonic()
            is_changed = True
            while self._goes_on():
                if time.monotonic() - looked_at >= _STORE_EVERY_S:
                    looked_at = time.monotonic()
                    if api.flotilla() is not facade or facade.store is not store:
                        return
                ledger = self._ledger_for(facade, store)
                is_paused = self._is_paused
                if not is_paused:
                    self._look(facade, ledger, is_changed=is_changed)
                self._answer(facade, self._rest(_LOOK_S))
                is_changed = watch.has_changed() or (is_changed and is_paused)

    def _ledger_for(self, facade: Any, store: Any) -> Ledger:
        """Return what the views hold; where it is of something else, send it anew."""
        now_of = (facade, store, self._which)
        if self._ledger is None or self._ledger_of != now_of:
            ledger = Ledger(Listing(facade), self._which)
            ledger.read()
            self._tails.clear()
            self._ledger, self._ledger_of = ledger, now_of
            if self._number:
                self._tell(ledger.whole())
            self._number = max(1, self._number)  # at first each view asks, with a hello
            self._summary, self._summary_at = {}, 0.0
        self._trouble = ""
        return self._ledger

    def _look(self, facade: Any, ledger: Ledger, *, is_changed: bool) -> None:
        now = time.monotonic()
        if is_changed:
            self._tell(ledger.news())
        if now - self._facts_at >= _FACTS_EVERY_S:
            self._facts_at = now
            self._tell(ledger.facts())
        since = now - self._summary_at
        if (is_changed and since >= _SUMMARY_EVERY_S) or since >= _SUMMARY_SELDOM_S:
            self._summary_at = now
            self._summarize(facade)
        for view, tail in self._opened(facade):
            with suppress(RunNotFound):  # deleted: its row says so
                self._tell_one(view, tail.news())
        if now - self._wake_at >= _WAKE_EVERY_S and self._has_open():
            self._wake_at = now
            with suppress(FlotillaError):
                facade.ensure_dispatcher()

    def _opened(self, facade: Any) -> list[tuple[str, Tail]]:
        with self._lock:
            opened = self._viewers.opened(time.monotonic())
        self._tails = {
            view: tail for view, tail in self._tails.items() if opened.get(view) == tail.run_id
        }
        for view, run_id in opened.items():
            self._tails.setdefault(view, Tail(facade, run_id))
        return list(self._tails.items())

    def _summarize(self, facade: Any) -> None:
        summary = {
            **Listing(facade).summary(),
            "kind": "summary",
            "engine": facade.settings.engine,
        }
        if summary != self._summary:
            self._summary = summary
            self._tell(summary)

    def _has_open(self) -> bool:
        counts = self._summary.get("counts", {})
        return any(counts.get(status.value) for status in OPEN_STATUSES)

    def _rest(self, seconds: float) -> list[Message]:
        """Wait for a view to say something; return what was said meanwhile."""
        said = []
        with suppress(queue.Empty):
            said.append(self._heard.get(timeout=seconds))
            while True:
                said.append(self._heard.get_nowait())
        return said

    def _answer(self, facade: Any, said: list[Message]) -> None:
        ledger = self._ledger
        for message in said:
            kind, view = message["kind"], message.get("view", "")
            if ledger is None:
                return
            if kind == "hello":
                # with the number of the last one to all: from there on it hears them
                self._tell_one(view, ledger.whole() | {"number": self._number})
                self._tell_one(view, self._summary)
            elif kind == "more":
                self._tell(ledger.more())
            elif kind == "open" and message["run"] is not None:
                self._open(facade, view, str(message["run"]))

    def _open(self, facade: Any, view: str, run_id: str) -> None:
        try:
            self._tails[view] = Tail(facade, run_id)
            self._tell_one(view, self._tails[view].whole())
        except RunNotFound:
            why = "It was deleted."
            self._tell_one(view, {"kind": "tail", "run": run_id, "why": why, "lines": []})

    def _tell(self, message: Message | None) -> None:
        """Send a message to all views, with its number."""
        if message is not None:
            self._number += 1
            self._send({**message, "number": self._number, "now": time.time()})

    def _tell_one(self, view: str, message: Message | None) -> None:
        if message:
            self._send({**message, "to": view, "now": time.time()})

    def _tell_trouble(self, error: Exception) -> None:
        text = str(error) if isinstance(error, FlotillaError) else repr(error)
        self._ledger = None  # what comes after it is told whole, to all
        self._number = max(1, self._number)
        if text != self._trouble:
            self._trouble = text
            with suppress(Exception):  # the kernel itself may be going
                self._send({"kind": "trouble", "text": text, "to": None, "now": time.time()})
