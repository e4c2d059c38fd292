"""Outputs of runs whose cells somebody follows, kept between requests."""

from collections import OrderedDict
from threading import Lock
from typing import Any

from jupyter_flotilla.cell_outputs import CellOutputs, digest
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.service import Flotilla

#: So many, so that of each only what is new is read.
_MOST = 32


class FollowedCells:
    """Reads each run on from where it was read last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[Lock, CellOutputs]] = OrderedDict()

    def read(
        self, flotilla: Flotilla, handle: RunHandle
    ) -> tuple[list[dict[str, Any]], list[str], bool]:
        """Return a run's outputs, a digest of each, and whether they will stay so."""
        lock, cell = self._of(flotilla, handle)
        with lock:
            outputs, is_final = cell.read()
            digests = [digest(output) for output in outputs]
        if is_final:
            with self._lock:
                self._kept.pop(handle.id, None)
        return outputs, digests, is_final

    def _of(self, flotilla: Flotilla, handle: RunHandle) -> tuple[Lock, CellOutputs]:
        with self._lock:
            found = self._kept.pop(handle.id, None)
            if found is None or found[1].flotilla is not flotilla:
                found = Lock(), CellOutputs(flotilla, handle)
            self._kept[handle.id] = found
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found
