"""The wall clock, read in one place.

Only faces, the service and ``dispatch/loop.py`` call this; what is below them is given ``now``.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present as an aware UTC datetime."""
    return datetime.now(UTC)
