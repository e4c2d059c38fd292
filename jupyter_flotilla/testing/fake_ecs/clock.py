"""Time as the fake ECS sees it: epoch seconds from a clock that tests can move."""

import time
from datetime import UTC, datetime
from typing import Protocol

#: Where a `ManualClock` starts unless told otherwise.
DEFAULT_START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


class Clock(Protocol):
    """What a fake needs of a clock."""

    def now(self) -> float:
        """Return the time in seconds since 1970, UTC."""

    def advance(self, seconds: float) -> None:
        """Move the time forwards."""


class ManualClock:
    """A clock that moves only when it is told to.

    Parameters
    ----------
    start
        An aware time to start from.

    Examples
    --------
    >>> clock = ManualClock()
    >>> clock.advance(90)
    >>> clock.now() - DEFAULT_START.timestamp()
    90.0
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        self._now = start.timestamp()

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"a clock does not go back: {seconds} s")
        self._now += seconds


class WallClock:
    """The real time, or a faster one: for fakes that other processes talk to.

    Parameters
    ----------
    speed
        Seconds of the fake for each real second.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._start = time.time()
        self._monotonic = time.monotonic()
        self._speed = speed
        self._ahead_s = 0.0

    def now(self) -> float:
        passed_s = (time.monotonic() - self._monotonic) * self._speed
        return self._start + passed_s + self._ahead_s

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds


def iso(at: float) -> str:
    """Return a time as events have it: ``2026-11-24T02:00:00.000Z``."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
