"""What is left alone for a while, and then looked at again; threads may put things here."""

import threading
from datetime import datetime


class Rests:
    """Keys that rest until a moment, by the wall clock, which may be set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Since when and until when, by key.
        self._spans: dict[str, tuple[datetime, datetime]] = {}

    @property
    def keys(self) -> set[str]:
        """All that are here, those whose time is over included."""
        with self._lock:
            return {*self._spans}

    def put(self, key: str, now: datetime, until: datetime) -> None:
        """Let a key rest from now on."""
        with self._lock:
            self._spans[key] = (now, until)

    def over(self, now: datetime) -> set[str]:
        """Return the keys whose time is over, also where the clock was set back before it began."""
        with self._lock:
            return {key for key, (since, until) in self._spans.items() if not since <= now < until}

    def drop(self, keys: set[str]) -> None:
        """Forget some keys."""
        with self._lock:
            for key in keys:
                self._spans.pop(key, None)
