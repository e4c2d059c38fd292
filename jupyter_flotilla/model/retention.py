"""Which finished runs are old, or too much. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A final run, as retention sees it."""

    run_id: str
    name: str
    ended_at: datetime
    #: Bytes of all its artifacts.
    size: int
    #: True where the user wants it kept, whatever its age and size.
    is_kept: bool


def expired(
    finished: Sequence[Finished],
    now: datetime,
    *,
    keep_days: float | None,
    keep_bytes: int | None,
) -> list[Finished]:
    """Return the runs to delete, oldest first.

    Parameters
    ----------
    keep_days
        Delete what ended longer ago; None: age does not matter.
    keep_bytes
        Delete the oldest until the rest, kept runs included, is at most this; None: size does
        not matter.
    """
    oldest_first = sorted(finished, key=lambda run: (run.ended_at, run.run_id))
    left = sum(run.size for run in finished)
    gone = []
    for run in oldest_first:
        is_old = keep_days is not None and now - run.ended_at > timedelta(days=keep_days)
        is_too_much = keep_bytes is not None and left > keep_bytes
        if not run.is_kept and (is_old or is_too_much):
            gone.append(run)
            left -= run.size
    return gone
