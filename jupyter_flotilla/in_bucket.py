"""What runs have in a bucket, until when, and what keeps it: found, and in words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jupyter_flotilla.model.retention import WARNING, InBucket
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.service import Flotilla

#: Ids that a sentence lists.
_LISTED = 5


def in_bucket(flotilla: Flotilla, run: Run) -> InBucket | None:
    """Return what a run has in a bucket; None: its files are here alone. Asks no network."""
    if run.spec.bucket is None:
        return None
    return flotilla.artifacts.in_bucket(run.id, run.started_at or run.created_at)


def where_text(found: InBucket, now: datetime, short: str) -> str:
    """Return where a run's files are, until when, and what keeps them if that is soon.

    Parameters
    ----------
    short
        Id of the run, as it is shown.
    """
    if found.expires_at is None:
        return f"{found.url}, kept" if found.is_kept else found.url
    day, days = _day(found.expires_at), found.expire_days
    if found.is_gone(now):
        return f"gone since {day}: the bucket deletes after {days} days; it was {found.url}"
    text = f"{found.url} until {day} ({days} days)"
    return f"{text}, {_going(found.expires_at, now, short)}" if found.is_going(now) else text


def until_text(found: InBucket | None, now: datetime, short: str) -> str:
    """Return until when a bucket has a run's files, in words that fit a status line, or nothing."""
    if found is None or found.expires_at is None:
        return ""
    if found.is_gone(now):
        return f"gone from the bucket since {_day(found.expires_at)}"
    if found.is_going(now):
        return _going(found.expires_at, now, short)
    return f"in the bucket until {_day(found.expires_at)}"


def going_line(flotilla: Flotilla, runs: Iterable[Run], now: datetime) -> str:
    """Return which runs' results a bucket will delete soon, and what keeps them, or nothing."""
    going = [
        flotilla.short_id(run.id)
        for run in runs
        if run.status.is_final
        and (found := in_bucket(flotilla, run)) is not None
        and found.is_going(now)
    ]
    if not going:
        return ""
    more = f" and {len(going) - _LISTED} more" if len(going) > _LISTED else ""
    return (
        f"their results in the bucket expire within {WARNING.days} days: "
        f"jupyter flotilla keep {' '.join(going[:_LISTED])}{more}"
    )


def as_dict(found: InBucket | None) -> dict[str, Any] | None:
    """Return what a run has in a bucket as JSON values; None: nothing."""
    if found is None:
        return None
    until = found.expires_at
    return {
        "url": found.url,
        "is_kept": found.is_kept,
        "expire_days": found.expire_days,
        "expires_at": None if until is None else until.isoformat(),
    }


def _going(expires_at: datetime, now: datetime, short: str) -> str:
    days = max(1, (expires_at - now).days)
    return f"expires in {days} day{'s' if days > 1 else ''}: jupyter flotilla keep {short}"


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")  # UTC, as S3 reckons
