"""What an attempt's folder says of it, and how it is asked to stop: the same on any engine."""

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_flotilla import protocol
from jupyter_flotilla.model.observation import (
    Ending,
    FailureKind,
    Observation,
    Phase,
    Progress,
    Usage,
)
from jupyter_flotilla.model.text import plain

#: Lines that are kept with a failure, and characters of each.
_LAST_LINES = 5
_LAST_LINE = 300
_LONG_LINE = 2_000
_READ_AT_MOST = 2**20


def going_on(folder: Path) -> Observation:
    """Return what an attempt says of itself that is known to live."""
    started_at = when_started(folder)
    if started_at is None:
        return Observation(state="pending", phase=Phase.SETTING_UP)
    return Observation(
        state="running",
        phase=Phase.RUNNING,
        started_at=started_at,
        usage=_usage(folder),
        progress=_progress(folder),
    )


def ended(folder: Path) -> Observation | None:
    """Return how an attempt ended, by its ``exit.json``; None: there is none, or it is no JSON.

    Raises
    ------
    KeyError, TypeError, ValueError, OSError
        For garbage that the job itself may have written.
    """
    record = protocol.read_json(str(folder / protocol.EXIT))
    if record is None:
        return None
    return Observation(
        state="ended",
        started_at=when_started(folder),
        usage=_usage(folder),
        progress=_progress(folder),
        ending=_ending(folder, record),
    )


def ask_to_stop(folder: Path, grace_s: float) -> None:
    """Ask whoever supervises an attempt to end it; a repeat with less grace hurries it."""
    request = {"reason": "cancel", "grace_s": grace_s, "monotonic": time.monotonic()}
    protocol.write_json(str(folder / protocol.STOP_REQUEST), request)


def _ending(folder: Path, record: dict[str, Any]) -> Ending:
    ending = Ending.model_validate(record)
    if ending.outcome != "failed":
        return ending
    lines: list[str] = []
    with contextlib.suppress(OSError):  # the end counts, whatever became of its last words
        lines = protocol.StreamReader(str(folder)).tail(_LAST_LINES, _READ_AT_MOST).split("\n")
    shown = [text[:_LAST_LINE] for line in lines if (text := plain(line[-_LONG_LINE:]).rstrip())]
    return ending.model_copy(update={"last_lines": tuple(shown[-_LAST_LINES:])})


def given_up(message: str, kind: FailureKind = FailureKind.ENVIRONMENT) -> Observation:
    """Return the end of an attempt that nobody has recorded and that is over."""
    ending = Ending(
        outcome="failed",
        failure_kind=kind,
        message=message,
        ended_at=datetime.now(UTC),
        duration_s=0,
    )
    return Observation(state="ended", ending=ending)


def ending_record(outcome: str, message: str, kind: str | None = None) -> dict[str, Any]:
    """Return the content of ``exit.json`` for an attempt that has recorded none itself."""
    return {
        "outcome": outcome,
        "failure_kind": kind,
        "message": message,
        "ended_at": time.time(),
        "duration_s": 0.0,
    }


def record_ending(folder: Path, ending: Ending) -> None:
    """Record an ending in ``exit.json``; the first that is recorded stands."""
    content = ending.model_dump(mode="json", exclude_none=True)
    protocol.write_json(str(folder / protocol.EXIT), content, exclusive=True)


def when_started(folder: Path) -> datetime | None:
    """Return when user code began; None: it has not."""
    started = protocol.read_json(str(folder / protocol.STARTED))
    if started is None:
        return None
    try:
        return datetime.fromtimestamp(started["at"], UTC)
    except OverflowError as error:  # garbage of the job's own
        raise ValueError(f"{protocol.STARTED} names no time: {started['at']!r}") from error


def _usage(folder: Path) -> Usage | None:
    record = protocol.read_json(str(folder / protocol.USAGE))
    with contextlib.suppress(ValidationError):
        return None if record is None else Usage.model_validate(record)
    return None


def _progress(folder: Path) -> Progress | None:
    said = protocol.read_json(str(folder / protocol.PROGRESS))
    with contextlib.suppress(ValidationError):  # the job can write there as well
        return None if said is None else Progress.model_validate(said)
    return None
