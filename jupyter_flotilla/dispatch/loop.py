"""The dispatcher: one process of its own, in one form only."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from jupyter_flotilla import machine
from jupyter_flotilla.artifacts.mirrored import MirroredArtifacts
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.adopter import Adopter
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.poller import Poller
from jupyter_flotilla.dispatch.publisher import Publisher
from jupyter_flotilla.dispatch.sweeper import Sweeper, Tidier
from jupyter_flotilla.dispatch.teller import Teller
from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store import leases, runs
from jupyter_flotilla.store.backend import ChangeWatch
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.leases import Lease
from jupyter_flotilla.store.migration import HEAD

log = logging.getLogger("jupyter_flotilla.dispatch")

#: How often the store is looked at for changes, with runs open and without, in seconds: half of it
#: is what a submit waits for on average. A look takes 0.1 ms of CPU.
_LOOK_BUSY_S = 0.02
_LOOK_IDLE_S = 0.05
#: How often engines are asked with runs open, and everything is looked at without, in seconds.
_POLL_S = 0.1
_SWEEP_S = 5.0
#: A step in which nothing moves is followed by so many times its own length at least: with very
#: many runs open, asking for them must not take a whole CPU.
_REST = 10
#: Longest pause after a step that failed, in seconds.
_MAX_BACK_OFF_S = 10.0


class Dispatcher:
    """Runs the steps of all engines until it is asked to leave.

    Parameters
    ----------
    engines
        All that are installed. Those that run jobs on this machine are served from the start, any
        other from its first open run on: to look for it may take seconds, and megabytes.
    idle_s
        Leave after so many seconds without an open run; None: stay.
    lock_fd
        The lock that this process was started with; None: it has to take it.
    ticker
        Makes the runs of schedules; None: nobody does here.
    teller
        Tells those who want to be told; None: nobody does here.
    publisher
        Publishes what is to be published; None: nobody does here.
    adopter
        Takes over what the cloud has started; None: nobody does here.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        engines: Sequence[Engine],
        *,
        idle_s: float | None,
        version: str,
        lock_fd: int | None = None,
        ticker: Ticker | None = None,
        teller: Teller | None = None,
        publisher: Publisher | None = None,
        adopter: Adopter | None = None,
    ) -> None:
        self._store = store
        self._ticker = ticker
        beside = (ticker, adopter, teller, publisher)
        self._patient = [one for one in beside if one is not None]
        self._settings = settings
        self._waiting = list(engines)
        self._engines: list[Engine] = []
        self._idle_s = idle_s
        self._version = version
        self._wake = wake = Wake(settings.home)
        self._lock = FileLock(wake.lock) if lock_fd is None else FileLock.adopt(wake.lock, lock_fd)
        self._artifacts = MirroredArtifacts(settings.home)
        self._steps: list[Callable[[datetime], int]] = [self._admit]
        self._steps += [one.step for one in self._patient]
        sweeper = Sweeper(
            store,
            self._artifacts,
            keep_days=settings.keep_days,
            keep_bytes=None if settings.keep_gib is None else int(settings.keep_gib * 2**30),
        )
        self._steps.append(sweeper.step)
        self._must_leave = False
        self._busy_at = time.monotonic()
        self._has_open = True

    def run(self) -> bool:
        """Dispatch until it is time to leave; False if another dispatcher lives here."""
        # Whoever looks whether a dispatcher lives holds the lock for an instant.
        if not self._lock.acquire(wait_s=0.5):
            return False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._leave)
        try:
            self._admit(utc_now())
            log.info("begins: version %s, engines %s", self._version, self._engine_names())
            self._loop()
            if not self._store.is_gone():
                self._drop_leases()
        finally:
            self._lock.release()
        log.info("leaves")
        return True

    def _loop(self) -> None:
        watch = self._store.watch()
        back_off_s = 0.0
        try:
            while not self._must_leave:
                began = time.monotonic()
                try:
                    moved = self._step()
                    back_off_s = 0.0
                except Exception as error:
                    # The step's boundary: one bad run, a full disk or a locked store must not
                    # end dispatching for all the others.
                    log.error("a step failed: %s", error, exc_info=_is_surprising(error))
                    back_off_s = min(_MAX_BACK_OFF_S, back_off_s * 2 or 0.2)
                    time.sleep(back_off_s)
                    continue
                if not moved:
                    self._wait(watch, rest_s=_REST * (time.monotonic() - began))
        finally:
            watch.close()

    def _admit(self, now: datetime) -> int:
        """Serve those of the engines that are wanted and can be used; return how many are new."""
        with self._store.read() as tx:
            wanted = [
                engine
                for engine in self._waiting
                if engine.is_here or runs.count_open(tx, engine.name, engine.place)
            ]
        ready = [engine for engine in wanted if engine.check().ok]
        for engine in ready:
            self._waiting.remove(engine)
            self._engines.append(engine)
            limit = engine.most_running(self._settings.max_running)
            launcher = Launcher(self._store, self._artifacts, engine, limit, self._wake)
            poller = Poller(
                self._store, engine, launcher, retry_base_s=self._settings.retry_delay_s
            )
            self._steps += [launcher.step, poller.step, Tidier(engine).step]
        self._take_leases(ready)
        return len(ready)

    def _step(self) -> int:
        if self._store.is_gone():
            self._must_leave = True  # the next one opens what is there now
            return 0
        moved, failed = self._take_turns()
        with self._store.read() as tx:
            everywhere = [*self._engines, *self._waiting]
            self._has_open = any(runs.count_open(tx, e.name, e.place) for e in everywhere)
            asked = [leases.get(tx, engine.name, engine.place) for engine in self._engines]
        if any(lease is not None and lease.leave_requested_at for lease in asked):
            self._must_leave = True
        if self._has_open or any(one.stays for one in self._patient):
            self._busy_at = time.monotonic()
        elif self._idle_s is not None and time.monotonic() - self._busy_at > self._idle_s:
            self._must_leave = True
        if failed is not None:
            raise failed
        return moved

    def _take_turns(self) -> tuple[int, Exception | None]:
        """Take every step, whatever others do; return what moved, and what the first failed with.

        What cannot be ticked, say, must not keep what is queued from being launched.
        """
        moved, failed = 0, None
        for step in list(self._steps):
            try:
                moved += step(utc_now())
            except Exception as error:
                # part of the step's boundary, which tells of the first; of one cause, of one
                if failed is not None and str(error) != str(failed):
                    log.error("a step failed: %s", error, exc_info=_is_surprising(error))
                failed = failed or error
        return moved, failed

    def _wait(self, watch: ChangeWatch, rest_s: float) -> None:
        """Return when the store has changed, or when it is time to ask the engines again."""
        look_s, until_s = (_LOOK_BUSY_S, _POLL_S) if self._has_open else (_LOOK_IDLE_S, _SWEEP_S)
        until_s = min(_SWEEP_S, max(until_s, rest_s))
        if self._idle_s is not None:
            until_s = min(until_s, max(look_s, self._idle_s))
        deadline = time.monotonic() + until_s
        while time.monotonic() < deadline and not self._must_leave:
            # by the wall clock, at each look: it may be set, and a laptop may have slept
            if watch.has_changed() or (self._ticker is not None and self._ticker.is_due(utc_now())):
                return
            time.sleep(look_s)

    def _take_leases(self, engines: Sequence[Engine]) -> None:
        holder = {
            "host": machine.host(),
            "pid": os.getpid(),
            "version": self._version,
            "schema": HEAD,
            "python": sys.executable,
        }
        if not engines:
            return
        with self._store.write() as tx:
            for engine in engines:
                leases.take(
                    tx,
                    Lease(
                        engine=engine.name, place=engine.place, holder=holder, taken_at=utc_now()
                    ),
                )

    def _drop_leases(self) -> None:
        with self._store.write() as tx:
            for engine in self._engines:
                leases.drop(tx, engine.name, engine.place)

    def _engine_names(self) -> str:
        return ", ".join(engine.name for engine in self._engines)

    def _leave(self, number: int, frame: Any) -> None:
        self._must_leave = True


def _is_surprising(error: Exception) -> bool:
    """Say whether a traceback is worth its lines: our own errors explain themselves."""
    return not isinstance(error, FlotillaError)
