"""Writes how runs have ended into notebooks that nobody has open.

While a window has a notebook open, the window writes, and its user saves. The rest is done here,
through the server's own contents manager, so that checkpoints, hooks and trust are as with any
save; a notebook that was trusted stays so, another does not become it.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from jupyter_flotilla.cell_outputs import CellOutputs, Output
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import RunNotFound
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.job import VS_CODE
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A run whose end a notebook does not show."""

    run: Ended
    later: frozenset[str]
    source: str | None
    outputs: list[Output]


class Outcomes:
    """Knows what is still to be written; lives on the server's event loop.

    Parameters
    ----------
    contents
        The server's contents manager.
    settle_s
        Seconds after the server's start in which windows that were there before come back.
    """

    def __init__(
        self,
        context: Context,
        contents: Any,
        viewers: Viewers,
        threads: Threads,
        warn: Warn,
        *,
        settle_s: float,
    ) -> None:
        self._settle_s = settle_s
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
        #: When a notebook was last saved by somebody else, where what is there now is of ours.
        self._saved: dict[str, tuple[int, int]] = {}

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
            run = _ended(row)
            if run not in due:
                due.append(run)
            self._news.set()

    async def _run(self) -> None:
        await asyncio.sleep(self._settle_s)
        while True:
            if self._is_recalled:
                self._is_recalled = not await self._recalled()
            for path in list(self._due):
                try:
                    is_done = await self._is_done(path)
                except Exception as error:  # another's file, disk or contents manager
                    self._warn(f"flotilla: {path}: how its runs ended is not written: {error}")
                    is_done = True
                if is_done:
                    self._due.pop(path, None)
            is_more = self._due or self._is_recalled
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _LOOK_S if is_more else None)
            self._news.clear()

    async def _recalled(self) -> bool:
        """Take what ended before; False where the store cannot be read now."""
        try:
            rows = await self._threads.run(self._earlier)
        except Exception as error:  # a driver's own, too: this must go on whatever comes
            self._warn(f"flotilla: what ended before cannot be read: {error}; trying again")
            return False
        for row in rows:
            self.ended(row)
        return True

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
                    write_outcome(model["content"], one.run, one.later, one.source, one.outputs)
                    for one in found
                ]
                now = await ensure_async(self._contents.get(path, content=False))
                if now["last_modified"] != model["last_modified"] or await self._viewers.has(path):
                    return False
                if any(changed):
                    await self._save(path, model["content"])
        return self._due[path] == due

    async def _save(self, path: str, content: Any) -> None:
        model = {"type": "notebook", "format": "json", "content": content}
        before = await self._threads.run(self._mtime, path)
        try:
            await ensure_async(self._contents.save(model, path))
        except HTTPError as error:
            self._warn(f"flotilla: {path} cannot be saved: {error.log_message or error}")
            return
        ours = await self._threads.run(self._mtime, path)
        known = self._saved.get(path)
        self._saved[path] = (ours, known[1] if known and known[0] == before else before)

    def _mtime(self, path: str) -> int:
        with suppress(NoSuchFile, OSError):
            return self._context.file(path).stat().st_mtime_ns
        return 0

    def _saved_at(self, path: str) -> datetime:
        """Return when a notebook was last saved by somebody else than us."""
        mtime = self._mtime(path)
        ours, theirs = self._saved.get(path, (0, 0))
        return datetime.fromtimestamp((theirs if mtime == ours else mtime) / 1e9, UTC)

    def _outputs(self, path: str, due: list[Ended]) -> list[_Found]:
        """Return the outputs of those runs that a notebook does not show as they have ended."""
        notebook: Any = None
        with suppress(NoSuchFile, OSError, ValueError, RecursionError):
            file = self._context.file(path)
            if file.stat().st_size <= _LARGEST:
                notebook = json.loads(file.read_bytes())
        if not isinstance(notebook, dict):
            return []
        known, saved_at = self._known(path), self._saved_at(path)
        found = []
        for run in due:
            with suppress(RunNotFound):  # it was deleted meanwhile
                handle = self._context.handle(run.run_id)
                later = _later(known, run)
                # who has saved it since may have emptied the cell: that is to stay so
                is_unsaved = saved_at <= datetime.fromisoformat(run.ended_at)
                source = self._source(handle) if is_unsaved else None
                if _is_ours(handle) and any(places_of(notebook, run, later, source)):
                    outputs, _ = CellOutputs(self._context.flotilla, handle).read()
                    found.append(_Found(run=run, later=later, source=source, outputs=outputs))
        return found

    def _source(self, handle: RunHandle) -> str | None:
        """Return what a run's cell has run, as it was frozen; None: that is not to be had."""
        spec = handle.snapshot.spec
        folder = self._context.flotilla.artifacts.input_folder(handle.id)
        with suppress(OSError, ValueError, KeyError, TypeError):
            text = (folder / str(spec.source)).read_text(encoding="utf-8")
            if str(spec.source).endswith(".json"):
                text = str(json.loads(text)["source"])
            return text.strip() or None
        return None

    def _known(self, path: str) -> list[Ended]:
        """Return the runs that were sent from a notebook, newest first, also those that go on."""
        which = RunFilter(path=str(self._context.path_of(path)), kind="cell")
        return [_ended(row) for row in self._context.listing.page(which, limit=_MOST).runs]


def _ended(row: dict[str, Any]) -> Ended:
    return Ended(run_id=row["id"], cell_id=row["cell_id"], ended_at=row["ended_at"] or "")


def _is_ours(handle: RunHandle) -> bool:
    """Say whether this server can know who has a run's notebook open: VS Code tells it nothing."""
    origin = handle.snapshot.spec.origin
    return origin is None or origin.frontend != VS_CODE


def _later(known: list[Ended], run: Ended) -> frozenset[str]:
    """Return the ids of those that were sent from the same cell after a run."""
    newer = takewhile(lambda other: other.run_id != run.run_id, known)
    return frozenset(other.run_id for other in newer if other.cell_id == run.cell_id)
