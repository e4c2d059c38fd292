"""Who has which notebook open: windows of ours say so, of others their kernels' connections."""

import asyncio
import json
from typing import Any

#: Of what one window says: longer lists and names are cut off.
_MOST_NOTEBOOKS = 500
_LONGEST = 4096


class Viewers:
    """Notebooks that are open; used on the server's event loop alone.

    Parameters
    ----------
    sessions
        The server's session manager.
    """

    def __init__(self, sessions: Any) -> None:
        self._sessions = sessions
        self._claims: dict[object, frozenset[str]] = {}

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
            self._claims[window] = frozenset([*legal][:_MOST_NOTEBOOKS])

    def leave(self, window: object) -> None:
        """Forget a window that is gone."""
        self._claims.pop(window, None)

    async def has(self, path: str) -> bool:
        """Say whether somebody has a notebook open."""
        if any(path in claimed for claimed in self._claims.values()):
            return True
        sessions = self._sessions.list_sessions()
        if asyncio.iscoroutine(sessions):
            sessions = await sessions
        return any(
            session.get("path") == path and (session.get("kernel") or {}).get("connections")
            for session in sessions
        )
