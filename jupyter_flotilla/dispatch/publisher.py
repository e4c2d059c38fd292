"""Publishes what runs that succeeded were to publish: of several, the latest stays."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.errors import FlotillaError, RunNotFound
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import events, publications, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.publications import Publication, PublicationStatus

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Swaps what is published under a name; returns where else it is, or None. Raises FlotillaError.
Publish = Callable[[Run, str, str | None], str | None]

_AT_ONCE = 20


class Publisher:
    """Publishes the runs of one store.

    A name's file is swapped before its row is written: whoever is killed in between does it again,
    which changes nothing.

    Parameters
    ----------
    workers
        Threads that publish, one name at a time; None: the caller's own.
    """

    def __init__(self, store: Store, publish: Publish, workers: Workers | None = None) -> None:
        self._store = store
        self._publish = publish
        self._workers = workers

    def step(self, now: datetime) -> int:
        """Publish what is due, or have it published; return how many moved."""
        with self._store.read() as tx:
            found = publications.of_ended(tx, _AT_ONCE)
        busy = set() if self._workers is None else set(self._workers.keys)
        moved = 0
        for one in found:
            run = self._run(one)
            if run is None or run.status is not RunStatus.SUCCEEDED or self._is_old(one):
                moved += self._move(one, status=PublicationStatus.DROPPED)
            elif self._workers is None:
                self._do(one, run, now)
                moved += 1
            elif one.name not in busy:  # one after the other: the latest is the last
                busy.add(one.name)
                self._workers.submit(one.name, partial(self._do, one, run, now))
        return moved

    def _do(self, one: Publication, run: Run, now: datetime) -> None:
        try:
            url = self._publish(run, one.name, one.path)
        except Exception as error:
            # The boundary of one publication: whatever its notebook is like, the rest goes on.
            is_ours = isinstance(error, FlotillaError)
            log.error("%s of %s: %s", one.name, run.id, error, exc_info=not is_ours)
            reason = str(error)[:2000] or type(error).__name__
            self._move(one, now, status=PublicationStatus.FAILED, reason=reason)
        else:
            published = PublicationStatus.PUBLISHED
            self._move(one, now, status=published, published_at=now, url=url)

    def _is_old(self, one: Publication) -> bool:
        """Say whether a run that was submitted later is published under that name already."""
        with self._store.read() as tx:
            return any(
                there.created_at > one.created_at for there in publications.latest(tx, one.name)
            )

    def _run(self, one: Publication) -> Run | None:
        try:
            with self._store.read() as tx:
                return runs.get(tx, one.run_id)
        except RunNotFound:
            return None

    def _move(self, one: Publication, now: datetime | None = None, **changes: object) -> int:
        moved = one.model_copy(update=changes)
        with self._store.write() as tx:
            is_moved = publications.move(tx, one, moved)
            if is_moved and now is not None:
                what = {"as": one.name, "status": str(moved.status), "reason": moved.reason}
                events.insert(tx, one.run_id, now, "published", **what)
        return int(is_moved)
