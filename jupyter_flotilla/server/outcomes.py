"""Writes how runs have ended into notebooks that nobody has open.

While a window has a notebook open, the window writes, and its user saves. The rest is done here,
through the server's own contents manager, so that checkpoints, hooks and trust are as with any
save; a notebook that was trusted stays so, another does not become it.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import takewhile
from typing import Any

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from jupyter_flotilla.cell_outputs import CellOutputs, Output
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import FlotillaError, RunNotFound
from jupyter_flotilla.model.run import FINAL_STATUSES
from jupyter_flotilla.server.context import Context, NoSuchFile
from jupyter_flotilla.server.notebook_cells import Ended, places_of, write_outcome
from jupyter_flotilla.server.threads import Threads
from jupyter_flotilla.server.viewers import Viewers
from jupyter_flotilla.store.listing import RunFilter

#: How often it is looked whether a notebook was closed, in seconds.
_LOOK_S = 2.0
#: What ended before the server started is written too, for so long and so many.
_SINCE = timedelta(days=7)
_MOST = 500
#: Larger notebooks are left alone, in bytes.
_LARGEST = 200 * 2**20

Warn = Callable[[str], None]


class Outcomes:
    """Knows what is still to be written; lives on the server's event loop.

    Parameters
    ----------
    contents
        The server's contents manager.
    """

    def __init__(
        self, context: Context, contents: Any, viewers: Viewers, threads: Threads, warn: Warn
    ) -> None:
        self._context = context
        self._contents = contents
        self._viewers = viewers
        self._threads = threads
        self._warn = warn
        #: Path of a notebook → runs that were sent from it, oldest first.
        self._due: dict[str, list[Ended]] = {}
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._is_recalled = False

    def start(self) -> None:
        """Begin to write what is due."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """End; what is due then is due again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def recall(self) -> None:
        """Take what ended while nobody looked, too."""
        self._is_recalled = True
        self._news.set()

    def ended(self, row: dict[str, Any]) -> None:
        """Take a run that became final: its row of a list."""
        if row["kind"] == "cell" and row["notebook"] is not None:
            due = self._due.setdefault(row["notebook"], [])
            run = Ended(run_id=row["id"], cell_id=row["cell_id"])
            if run not in due:
                due.append(run)
            self._news.set()

    async def _run(self) -> None:
        while True:
            if self._is_recalled:
                self._is_recalled = False
                with suppress(FlotillaError):  # the routes say what is wrong with the store
                    for row in await self._threads.run(self._earlier):
                        self.ended(row)
            for path in list(self._due):
                try:
                    is_done = await self._is_done(path)
                except Exception as error:  # another's file, disk or contents manager
                    self._warn(f"flotilla: {path}: how its runs ended is not written: {error}")
                    is_done = True
                if is_done:
                    self._due.pop(path, None)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _LOOK_S if self._due else None)
            self._news.clear()

    def _earlier(self) -> list[dict[str, Any]]:
        which = RunFilter(statuses=tuple(FINAL_STATUSES), since=utc_now() - _SINCE, kind="cell")
        return self._context.listing.page(which, limit=_MOST).runs[::-1]

    async def _is_done(self, path: str) -> bool:
        """Write what is due in a notebook; return False where that has to wait."""
        due = list(self._due[path])
        if await self._viewers.has(path):
            return False
        found = await self._threads.run(self._outputs, path, due)
        if found:
            with suppress(HTTPError):  # it was deleted or renamed: there is nothing to do
                model = await ensure_async(self._contents.get(path, type="notebook", content=True))
                changed = [
                    write_outcome(model["content"], run, later, outputs)
                    for run, later, outputs in found
                ]
                now = await ensure_async(self._contents.get(path, content=False))
                if now["last_modified"] != model["last_modified"] or await self._viewers.has(path):
                    return False
                if any(changed):
                    await self._save(path, model["content"])
        return self._due[path] == due

    async def _save(self, path: str, content: Any) -> None:
        model = {"type": "notebook", "format": "json", "content": content}
        try:
            await ensure_async(self._contents.save(model, path))
        except HTTPError as error:
            self._warn(f"flotilla: {path} cannot be saved: {error.log_message or error}")

    def _outputs(
        self, path: str, due: list[Ended]
    ) -> list[tuple[Ended, frozenset[str], list[Output]]]:
        """Return the outputs of those runs that a notebook does not show as they have ended."""
        notebook: Any = None
        with suppress(NoSuchFile, OSError, ValueError, RecursionError):
            file = self._context.file(path)
            if file.stat().st_size <= _LARGEST:
                notebook = json.loads(file.read_bytes())
        if not isinstance(notebook, dict):
            return []
        known = self._known(path)
        found = []
        for run in due:
            later = _later(known, run)
            if not any(places_of(notebook, run, later)):
                continue
            with suppress(RunNotFound):  # it was deleted meanwhile
                handle = self._context.handle(run.run_id)
                outputs, _ = CellOutputs(self._context.flotilla, handle).read()
                found.append((run, later, outputs))
        return found

    def _known(self, path: str) -> list[Ended]:
        """Return the runs that were sent from a notebook, newest first, also those that go on."""
        which = RunFilter(path=str(self._context.path_of(path)), kind="cell")
        rows = self._context.listing.page(which, limit=_MOST).runs
        return [Ended(run_id=row["id"], cell_id=row["cell_id"]) for row in rows]


def _later(known: list[Ended], run: Ended) -> frozenset[str]:
    """Return the ids of those that were sent from the same cell after a run."""
    newer = takewhile(lambda other: other.run_id != run.run_id, known)
    return frozenset(other.run_id for other in newer if other.cell_id == run.cell_id)
