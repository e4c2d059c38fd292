"""Answers of package indexes, kept for a day: the second launch of the same asks nobody."""

import hashlib
import os
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from jupyter_flotilla.environment.image import ImageFacts
from jupyter_flotilla.environment.requirements import Requirements
from jupyter_flotilla.environment.resolution import Lock, resolve

#: What is not pinned (a kernel, ``--with polars``) is the newest of that day.
_FRESH = timedelta(days=1)
_SUFFIX = ".answer.json"


def resolve_once(
    requirements: Requirements,
    facts: ImageFacts,
    folder: Path,
    now: datetime,
    *,
    needs_kernel: bool,
    cwd: Path | None = None,
) -> Lock:
    """Return what `resolve` does, as it was answered today.

    Parameters
    ----------
    folder
        That of the layers; answers lie beside them.

    Raises
    ------
    UnresolvedPackages, EnvironmentProblem
        As `resolve`; failures are not kept.
    """
    path = folder / (_key(requirements, facts, needs_kernel=needs_kernel) + _SUFFIX)
    known = _read(path, now)
    if known is not None:
        return known
    lock = resolve(requirements, facts, needs_kernel=needs_kernel, cwd=cwd)
    _write(path, lock)
    return lock


def forget_old_answers(folder: Path, now: datetime) -> None:
    """Delete answers that are no longer taken."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if _read(path, now) is None:
            path.unlink(missing_ok=True)


def _key(requirements: Requirements, facts: ImageFacts, *, needs_kernel: bool) -> str:
    asked = (
        requirements.requirements,
        requirements.constraints,
        requirements.requires_python,
        requirements.may_build,
        needs_kernel,
        facts.model_dump_json(),
    )
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:32]


def _read(path: Path, now: datetime) -> Lock | None:
    try:
        written_at = datetime.fromtimestamp(path.stat().st_mtime, tz=now.tzinfo)
        # one of the future is of a clock that has jumped
        if not timedelta(0) <= now - written_at + timedelta(minutes=1) <= _FRESH:
            return None
        return Lock.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(path: Path, lock: Lock) -> None:
    """Keep an answer; not being able to only costs the next one its second."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.write_text(lock.model_dump_json(), encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
