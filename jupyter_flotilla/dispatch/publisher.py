"""Publishes what runs that succeeded were to publish: of several, the latest stays."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.errors import ArtifactsUnavailable, DiskFull, FlotillaError
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import events, publications, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.publications import Publication, PublicationStatus

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Swaps what is published under a name; returns where else it is, or None. Raises FlotillaError.
Publish = Callable[[Run, str, str | None], str | None]

_AT_ONCE = 20
#: Before each further try, where a bucket is away or a disk full.
_AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (60, 300, 1800, 7200))


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
        #: True while somebody has to stay for what is to be published.
        self.stays = False

    def step(self, now: datetime) -> int:
        """Publish what is due, or have it published; return how many moved."""
        busy = set[str]()
        if self._workers is not None:
            self._workers.tend()
            busy.update(self._workers.keys)
        with self._store.read() as tx:
            found = publications.of_ended(tx, now, busy, _AT_ONCE)
            ended = runs.get_all(tx, [one.run_id for one in found])
        moved = 0
        for one in found:
            run = ended.get(one.run_id)
            if run is None or run.status is not RunStatus.SUCCEEDED or self._has_later(one):
                moved += self._move(one, status=PublicationStatus.DROPPED)
            elif one.name not in busy:  # one after the other: the latest is the last
                busy.add(one.name)
                moved += self._begin(one, run, now)
        with self._store.read() as tx:
            self.stays = publications.has_waiting(tx)
        return moved

    def _begin(self, one: Publication, run: Run, now: datetime) -> int:
        pause = _AGAIN_AFTER[min(one.tries, len(_AGAIN_AFTER) - 1)]
        # written down before it is done: what has us killed each time waits longer each time
        begun = one.model_copy(update={"tries": one.tries + 1, "next_at": now + pause})
        with self._store.write() as tx:
            if not publications.move(tx, one, begun):
                return 0
        if self._workers is None:
            self._do(begun, run, now)
        else:
            self._workers.submit(one.name, partial(self._do, begun, run, now))
        return 1

    def _do(self, one: Publication, run: Run, now: datetime) -> None:
        is_last = one.tries > len(_AGAIN_AFTER)
        try:
            url = self._publish(run, one.name, one.path)
        except (ArtifactsUnavailable, DiskFull) as error:
            log.warning("%s of %s: %s", one.name, run.id, error)
            if is_last:
                self._end(one, now, status=PublicationStatus.FAILED, reason=str(error)[:2000])
        except Exception as error:
            # The boundary of one publication: whatever its notebook is like, the rest goes on.
            is_ours = isinstance(error, FlotillaError)
            log.error("%s of %s: %s", one.name, run.id, error, exc_info=not is_ours)
            reason = str(error)[:2000] or type(error).__name__
            self._end(one, now, status=PublicationStatus.FAILED, reason=reason)
        else:
            status = PublicationStatus.PUBLISHED
            self._end(one, now, status=status, published_at=now, url=url, next_at=None)

    def _has_later(self, one: Publication) -> bool:
        with self._store.read() as tx:
            return publications.has_later(tx, one)

    def _move(self, one: Publication, **changes: object) -> int:
        with self._store.write() as tx:
            return int(publications.move(tx, one, one.model_copy(update=changes)))

    def _end(self, one: Publication, now: datetime, **changes: object) -> None:
        ended = one.model_copy(update=changes)
        is_published = ended.status is PublicationStatus.PUBLISHED
        change = publications.replace if is_published else publications.move
        with self._store.write() as tx:
            if change(tx, one, ended):
                what = {"as": one.name, "status": str(ended.status), "reason": ended.reason}
                events.insert(tx, one.run_id, now, "published", **what)
