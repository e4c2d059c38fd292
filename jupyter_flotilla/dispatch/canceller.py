"""Asks for a run to end, also where the disk is full and the store cannot take the request."""

from collections.abc import Callable
from datetime import datetime

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import DiskFull
from jupyter_flotilla.model.observation import Handle
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store


class Canceller:
    """Cancels the runs of a store.

    Parameters
    ----------
    engine_of
        Opens an engine by its name.
    make_room
        Gives up some of what is kept for a full disk; False where nothing is left of it.
    say
        Takes a sentence for the user, where it works but not as usual.
    """

    def __init__(
        self,
        store: Store,
        engine_of: Callable[[str], Engine],
        make_room: Callable[[], bool],
        say: Callable[[str], None],
    ) -> None:
        self._store = store
        self._engine_of = engine_of
        self._make_room = make_room
        self._say = say

    def cancel(self, run_id: str, now: datetime, grace_s: float) -> Run:
        """Ask for a run to end, and return it.

        On a full disk its engine is told to stop it, and then the store is asked once more. The
        engine comes first: its few bytes decide, and what fills the disk may be the very job. When
        there is room again, the dispatcher sees how it ended.

        Raises
        ------
        DiskFull
            If there is no room to ask, neither in the store nor with the job.
        """
        try:
            return self._request(run_id, now, grace_s)
        except DiskFull:
            pass
        with self._store.read() as tx:
            run, made = runs.get(tx, run_id), attempts.of_run(tx, run_id)
        engine = self._engine_of(run.spec.engine)
        handle = made[-1].handle if made and made[-1].is_open else None
        is_told = _is_told(engine, handle, grace_s)
        while not is_told and self._make_room():
            is_told = _is_told(engine, handle, grace_s)
        self._make_room()  # for the row: the job may have filled already what the stop has left
        try:
            return self._request(run_id, now, grace_s)
        except DiskFull:
            if not is_told:
                raise
        self._say("no room left to note the request: the job itself was told to stop")
        return run

    def _request(self, run_id: str, now: datetime, grace_s: float) -> Run:
        with self._store.write() as tx:
            return runs.request_cancel(tx, run_id, now, grace_s)


def _is_told(engine: Engine, handle: Handle | None, grace_s: float) -> bool:
    if handle is None:
        return False
    try:
        engine.stop(handle, grace_s)
    except (DiskFull, OSError):
        return False
    return True
