"""Who has which notebook open: windows of ours say so, of others their kernels' connections."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

#: Of what one window says: longer lists and names are cut off.
_MOST_NOTEBOOKS = 500
_LONGEST = 4096
#: A window that was lost without a word may be a laptop that was closed: so long it counts still.
_LOST_S = 600.0


class Viewers:
    """Notebooks that are open; used on the server's event loop alone.

    Parameters
    ----------
    sessions
        The server's session manager.
    resolve
        Returns one name for each file, by whatever path it is opened.
    """

    def __init__(self, sessions: Any, resolve: Callable[[str], str] = lambda path: path) -> None:
        self._sessions = sessions
        self._resolve = resolve
        #: What each window has open, and until when that counts; None: as long as it is there.
        self._claims: dict[object, tuple[frozenset[str], float | None]] = {}

    def say(self, window: object, message: str | bytes) -> None:
        """Take what a window says; anything but a list of notebooks is left alone."""
        try:
            said = json.loads(message)
        except (ValueError, RecursionError):
            return
        if not isinstance(said, dict) or said.get("type") != "open":
            return
        paths = said.get("notebooks")
        if isinstance(paths, list):
            legal = (path for path in paths if isinstance(path, str) and len(path) <= _LONGEST)
            self._claims[window] = (frozenset([*legal][:_MOST_NOTEBOOKS]), None)

    def leave(self, window: object, *, is_lost: bool = False) -> None:
        """Forget a window that is gone; one that was lost, after a while."""
        claimed, _ = self._claims.pop(window, (frozenset(), None))
        if is_lost and claimed:
            self._claims[object()] = (claimed, time.monotonic() + _LOST_S)

    async def has(self, path: str) -> bool:
        """Say whether somebody has a notebook open."""
        now, name = time.monotonic(), self._resolve(path)
        self._claims = {
            window: claim
            for window, claim in self._claims.items()
            if claim[1] is None or claim[1] > now
        }
        opened = {one for claimed, _ in self._claims.values() for one in claimed}
        sessions = self._sessions.list_sessions()
        if asyncio.iscoroutine(sessions):
            sessions = await sessions
        opened |= {
            str(session.get("path"))
            for session in sessions
            if (session.get("kernel") or {}).get("connections")
        }
        return path in opened or any(self._resolve(one) == name for one in opened)
