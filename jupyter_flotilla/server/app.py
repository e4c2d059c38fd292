"""The server extension: enabled by installing, see ``jupyter server extension list``."""

import asyncio
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from traitlets import Float

from jupyter_flotilla import api
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.server import metrics
from jupyter_flotilla.server.changes import Changes
from jupyter_flotilla.server.context import Context
from jupyter_flotilla.server.handler import ApiHandler, NoSuchRoute, Route
from jupyter_flotilla.server.openapi import document
from jupyter_flotilla.server.outcomes import Outcomes
from jupyter_flotilla.server.routes import ROUTES
from jupyter_flotilla.server.socket import ChangesSocket
from jupyter_flotilla.server.threads import Threads
from jupyter_flotilla.server.viewers import Viewers

#: Below the server's base address.
BASE = "flotilla/api"
_EVENT = Path(__file__).with_name("run_ended.yaml")
_EVENT_ID = "https://jupyter-flotilla.org/events/run-ended/v1"
#: Requests at a time; the event loop of the server does none of their work.
_QUICK = 8
_SLOW = 4


class FlotillaApp(ExtensionApp):
    """Serves runs to browsers, and looks after a dispatcher."""

    name = "jupyter_flotilla"
    load_other_extensions = True
    extension_url = "/lab"
    settle_s = Float(
        60.0,
        min=0,
        config=True,
        help="Seconds after the start before ends of runs are written into notebooks that nobody "
        "has open: windows that were there before have come back by then.",
    )
    #: None until the handlers are there.
    changes: Changes | None = None
    outcomes: Outcomes | None = None

    def initialize_handlers(self) -> None:
        """Add all routes; where Flotilla cannot work as it is set up, they say why."""
        try:
            api.flotilla()
        except FlotillaError as error:
            self.log.warning("flotilla: %s", error)
        context = self._context()
        quick, slow = Threads(_QUICK, "flotilla-quick"), Threads(_SLOW, "flotilla-slow")
        self.changes = Changes(
            context, ended=self._ended, told=metrics.told, begun=self._begun, warn=self.log.warning
        )
        viewers = Viewers(self._server.session_manager, context.resolve)
        contents = self._server.contents_manager
        self.outcomes = Outcomes(
            context, contents, viewers, slow, self.log.warning, settle_s=self.settle_s
        )
        base = url_path_join("/", BASE)
        whole = document(ROUTES, url_path_join(self._server.base_url, BASE))
        routes = [*ROUTES, Route(
            method="GET", path="openapi.json", summary="This document",
            call=lambda context, request: whole, answer=None,
        )]  # fmt: skip
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.pattern, {})[route.method] = route
        shared = {"context": context, "quick": quick, "slow": slow}
        self.handlers.extend(
            (f"{base}/{pattern}", ApiHandler, {"routes": methods, **shared})
            for pattern, methods in by_path.items()
        )
        socket = {"changes": self.changes, "viewers": viewers, "threads": quick}
        self.handlers.append((f"{base}/changes", ChangesSocket, socket))
        self.handlers.append((f"{base}/.*", NoSuchRoute))
        self._server.event_logger.register_event_schema(_EVENT)
        self._server.io_loop.add_callback(self._begin)

    def _begin(self) -> None:
        """Begin to follow, once the server's loop runs."""
        self._loop = asyncio.get_running_loop()
        if self.changes is not None and self.outcomes is not None:
            self.changes.start()
            self.outcomes.start()

    async def stop_extension(self) -> None:
        """Leave jobs and dispatcher alone."""
        if self.outcomes is not None:
            await self.outcomes.stop()
        if self.changes is not None:
            await asyncio.to_thread(self.changes.stop)

    @property
    def _server(self) -> Any:
        assert self.serverapp is not None, "an extension has its server once it is linked"
        return self.serverapp

    def _context(self) -> Context:
        contents = self._server.contents_manager
        found = getattr(contents, "root_dir", None) or self._server.root_dir
        root = Path(found).expanduser().absolute() if found else None
        return Context(root, allow_hidden=bool(getattr(contents, "allow_hidden", False)))

    def _begun(self) -> None:
        """Have what ended before written; called in the thread that follows the store."""
        if self.outcomes is not None:
            self._loop.call_soon_threadsafe(self.outcomes.recall)

    def _ended(self, run_id: str, status: str) -> None:
        """Tell of a run that became final; called in the thread that follows the store."""
        metrics.ended(status)
        assert self.changes is not None
        try:
            rows = self.changes.rows([run_id])
        except Exception:
            self._begun()  # its end is found again among those of before
            raise
        for row in rows:
            self._loop.call_soon_threadsafe(self._tell, row)

    def _tell(self, row: dict[str, Any]) -> None:
        names = ("id", "name", "status", "failure_kind", "notebook", "cost_usd")
        data = {name: row[name] for name in names}
        self._server.event_logger.emit(schema_id=_EVENT_ID, data=data)
        if self.outcomes is not None:
            self.outcomes.ended(row)
