"""The WebSocket of live changes."""

import asyncio
from contextlib import suppress
from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_flotilla.server.changes import Changes
from jupyter_flotilla.server.handler import RESOURCE
from jupyter_flotilla.server.threads import Threads
from jupyter_flotilla.server.viewers import Viewers

#: A window that takes so many bytes no faster than they come is closed: it comes back and resumes.
_MOST_UNSENT = 8 * 2**20


class ChangesSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Sends every change; takes which notebooks a window has open."""

    auth_resource = RESOURCE

    def initialize(self, changes: Changes, viewers: Viewers, threads: Threads) -> None:
        """Take what is followed; tornado calls this for every request."""
        self.changes = changes
        self.viewers = viewers
        self.threads = threads
        self._loop = asyncio.get_running_loop()

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> Any:
        """Open the socket for whoever may read."""
        may = self.authorizer.is_authorized(self, self.current_user, "read", RESOURCE)
        if not (await may if asyncio.iscoroutine(may) else may):
            raise web.HTTPError(403, f"you may not read {RESOURCE}")
        return await super().get(*args, **kwargs)

    async def open(self, *args: Any, **kwargs: Any) -> None:
        """Say what was missed, then all that follows."""
        super().open(*args, **kwargs)
        text = self.get_query_argument("after", "")
        after = int(text) if text.isdecimal() and len(text) < 19 else None
        # first: between the two nothing is lost, and what comes twice is the same
        self.changes.listen(self._later)
        missed = await self.threads.run(self.changes.missed, after)
        for message in missed:
            self._now(message)

    def on_message(self, message: str | bytes) -> None:
        """Take which notebooks the window has open; nothing else."""
        self.viewers.say(self, message)

    def on_close(self) -> None:
        """Listen no longer."""
        self.changes.leave(self._later)
        # a page that is left says so; a laptop that is closed, or a network that breaks, does not
        self.viewers.leave(self, is_lost=self.close_code is None)
        super().on_close()

    def get_compression_options(self) -> dict[str, Any]:
        """Compress: rows are alike."""
        return {"compression_level": 1}

    def _later(self, message: str) -> None:
        with suppress(RuntimeError):  # the server is going down
            self._loop.call_soon_threadsafe(self._now, message)

    def _now(self, message: str) -> None:
        connection = self.ws_connection
        stream = getattr(connection, "stream", None)
        waiting = getattr(stream, "_write_buffer", None) or b""  # none once it is closed
        if len(waiting) > _MOST_UNSENT:
            self.close(1013, "too slow")
            return
        with suppress(WebSocketClosedError):
            self.write_message(message).add_done_callback(_taken)


def _taken(sent: Any) -> None:
    with suppress(asyncio.CancelledError):
        sent.exception()  # whoever has gone needs no message
