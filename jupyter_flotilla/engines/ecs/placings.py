"""What ticks of a schedule need, in the bucket: a prefix of its own for each time it was placed.

A task that is on its way checks what it was told of; so nothing that is there is written anew.
"""

import re
import time
from contextlib import suppress

from jupyter_flotilla.artifacts.s3 import S3Artifacts
from jupyter_flotilla.model.job import JobSpec

#: Below a prefix: the whole job, as it was placed.
SPEC = "spec.json"
#: Names of placings: the revision, and when it was, in milliseconds since 1970.
_NAME = re.compile(r"([0-9]{1,12})-([0-9]{1,16})")
_LONGEST_SPEC = 2**20


def new(artifacts: S3Artifacts, schedule_id: str, revision: int) -> str:
    """Return the prefix of a placing that begins, with a slash at its end."""
    moment = int(time.time() * 1000)
    return f"{artifacts.schedule_prefix(schedule_id)}{revision}-{moment}/"


def revision_of(prefix: str) -> int | None:
    """Return the revision that a prefix is of; None: it is none of ours.

    >>> revision_of("me/schedules/s0123456789ab/3-1700000000000/")
    3
    """
    found = _NAME.fullmatch(prefix.rstrip("/").rpartition("/")[2])
    return None if found is None else int(found[1])


def spec_of(artifacts: S3Artifacts, schedule_id: str, revision: int) -> JobSpec | None:
    """Return the job as it was placed last at a revision; None: it is gone."""
    for prefix in _all(artifacts, schedule_id):
        if revision_of(prefix) == revision:
            with suppress(ValueError, RecursionError):
                content = artifacts.small(prefix + SPEC, _LONGEST_SPEC)
                return JobSpec.model_validate_json(content or b"")
    return None


def forget(artifacts: S3Artifacts, schedule_id: str, but: str) -> None:
    """Delete files of older placings, but for the last: a task of it may just begin."""
    older = [one for one in _all(artifacts, schedule_id) if one != but]
    for prefix in older[1:]:
        artifacts.delete_below(prefix)


def _all(artifacts: S3Artifacts, schedule_id: str) -> list[str]:
    """Return the prefixes of all placings of a schedule, the latest first."""
    whole = artifacts.schedule_prefix(schedule_id)
    known = [name for name in artifacts.folders(whole) if _NAME.fullmatch(name)]
    known.sort(key=lambda name: int(name.partition("-")[2]), reverse=True)
    return [f"{whole}{name}/" for name in known]
