"""The wall clock, read in one place.

Only faces, the service and ``dispatch/loop.py`` call this; what is below them is given ``now``.
"""

from datetime import UTC, datetime


def utc_text(moment: datetime) -> str:
    """Return an aware time as ISO 8601 text in UTC, of fixed width: text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_now() -> datetime:
    """Return the present as an aware UTC datetime."""
    return datetime.now(UTC)
