"""Which finished runs are old, or too much, and what a bucket deletes by itself. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: So long before a bucket deletes results it is said with what keeps them.
WARNING = timedelta(days=7)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class InBucket:
    """What a run has in a bucket, and until when."""

    #: ``s3://BUCKET/PREFIX``, with a slash at its end.
    url: str
    #: Days after which the bucket deletes it; None: never, or nobody may know.
    expire_days: int | None
    #: Until when all of it is there; None as above.
    expires_at: datetime | None
    #: True where it lies apart from what the bucket deletes, as the user wants it.
    is_kept: bool

    def is_gone(self, now: datetime) -> bool:
        """Say whether the bucket may have deleted it."""
        return self.expires_at is not None and now >= self.expires_at

    def is_going(self, now: datetime) -> bool:
        """Say whether the bucket will delete it soon."""
        return (
            self.expires_at is not None
            and not self.is_gone(now)
            and self.expires_at - now <= WARNING
        )


def expires_at(stored_at: datetime, days: int) -> datetime:
    """Return when S3 deletes what was stored then.

    It adds the days and goes on to the next midnight, UTC
    (docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html, from memory;
    never seen on a real account).

    Parameters
    ----------
    stored_at
        In UTC.
    """
    due = stored_at + timedelta(days=days)
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == due else midnight + timedelta(days=1)
