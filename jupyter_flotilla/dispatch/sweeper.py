"""Deletes what the user's settings do not keep, and what a crash has left behind."""

from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import DiskFull, EngineUnavailable
from jupyter_flotilla.model.retention import Finished, expired
from jupyter_flotilla.store import runs, schedules, ticks
from jupyter_flotilla.store.connection import Store

#: How often there is a look.
_EVERY = timedelta(hours=1)
#: A folder without a row may belong to a submit that is just being made.
_ORPHAN_AFTER = timedelta(days=1)


#: How often engines are asked to remove what ended attempts have left.
_TIDY_EVERY = timedelta(seconds=30)


class Tidier:
    """House-keeping of one engine, outside of any home."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tidied_at: datetime | None = None

    def step(self, now: datetime) -> int:
        """Let the engine remove what ended attempts have left, now and then."""
        if self._tidied_at is None or abs(now - self._tidied_at) >= _TIDY_EVERY:
            self._tidied_at = now
            with suppress(EngineUnavailable):  # it matters little, and is tried again
                self._engine.tidy()
        return 0


class Sweeper:
    """House-keeping of one home.

    Parameters
    ----------
    keep_days, keep_bytes
        See `model.retention.expired`; both None: nothing is deleted by itself.
    """

    def __init__(
        self,
        store: Store,
        artifacts_of: LocalArtifacts,
        *,
        keep_days: float | None,
        keep_bytes: int | None,
    ) -> None:
        self._store = store
        self._artifacts = artifacts_of
        self._keep_days = keep_days
        self._keep_bytes = keep_bytes
        self._swept_at: datetime | None = None

    def step(self, now: datetime) -> int:
        """Delete what is due, once an hour."""
        if self._swept_at is not None and abs(now - self._swept_at) < _EVERY:
            return 0
        self._swept_at = now
        due = self.expired(now) if self._keep_days or self._keep_bytes else []
        self.delete(due)
        if self._keep_days is not None:
            with self._store.write() as tx:
                ticks.forget(tx, now - timedelta(days=self._keep_days))
        return len(due) + self._delete_orphans(now)

    def expired(self, now: datetime) -> list[Finished]:
        """Return what would be deleted now, oldest first."""
        with self._store.read() as tx:
            final = runs.finished(tx)
        sized = [
            Finished(
                run_id=run_id,
                name=name,
                ended_at=ended_at,
                size=self._artifacts.size(run_id),
                is_kept=is_kept,
            )
            for run_id, name, ended_at, is_kept in final
        ]
        return expired(sized, now, keep_days=self._keep_days, keep_bytes=self._keep_bytes)

    def delete(self, due: list[Finished]) -> None:
        """Delete runs, row first: what a crash leaves is a folder without a row.

        On a full disk a row cannot even be deleted. There the folder goes first, for room: what a
        crash leaves then is a run that has ended and has no outputs.

        Raises
        ------
        DiskFull
            If there is no room for the rows with all these folders gone.
        """
        waiting = [run for run in due if not self._delete(run)]
        for run in waiting:
            with self._store.write() as tx:
                runs.delete(tx, run.run_id)

    def _delete(self, run: Finished) -> bool:
        """Delete a run; False where there was no room for that, and only its folder is gone."""
        try:
            with self._store.write() as tx:
                is_deleted = runs.delete(tx, run.run_id)
        except DiskFull:
            with self._store.read() as tx:
                is_free = runs.may_be_deleted(tx, run.run_id)
            if is_free:
                self._artifacts.delete(run.run_id)
            return False
        if is_deleted:
            self._artifacts.delete(run.run_id)
        return True

    def _delete_orphans(self, now: datetime) -> int:
        old = self._artifacts.unlaunched_before(now - _ORPHAN_AFTER)
        with self._store.read() as tx:
            orphans = [one for one in old if one.startswith("r") and not runs.exists(tx, one)]
            orphans += _unnamed(tx, [one for one in old if one.startswith("s")])
        for run_id in orphans:
            self._artifacts.delete(run_id)
        return len(orphans)


def _unnamed(tx: sa.Connection, snapshots: list[str]) -> list[str]:
    """Return the snapshots that no schedule names: who saved or edited one was killed.

    Where there is no schedule at all, they may belong to a store that was moved away.
    """
    named = schedules.snapshots(tx) if snapshots else None
    return [one for one in snapshots if one not in named] if named else []
