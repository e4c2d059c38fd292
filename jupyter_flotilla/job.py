"""What your code may call inside a job. Outside of one, every call does nothing.

>>> from jupyter_flotilla import job
>>> job.progress(3, 10, "fitting")
>>> job.log_metric("loss", 0.25, step=3)

Standard library only, Python 3.8 and later: it travels with the runner into any environment.
"""

import json
import math
import os
import time
from typing import TYPE_CHECKING, Any, Dict, Optional

from .protocol.names import ENV_CHECKPOINT, ENV_RUN_ID, ENV_SAID

if TYPE_CHECKING:
    from pathlib import Path

#: Folder (`pathlib.Path`) that is kept from one attempt of a run to the next, and for ``retry``:
#: what the last attempt had saved is in it when this one begins. Write a file whole under another
#: name, then rename it, and no attempt finds half of it. Saved soon after the first change, then
#: every 60 s if something has changed (setting ``checkpoint_every_s``), when the job is stopped and
#: when it ends. Outside of a job it is ``.flotilla-checkpoint`` in the current folder. Made when it
#: is used; raises OSError where it cannot be.
checkpoint_dir: "Path"

__all__ = ["checkpoint_dir", "is_inside", "log_metric", "progress", "run_id"]

#: The checkpoint folder outside of jobs.
_OUTSIDE = ".flotilla-checkpoint"


def run_id() -> Optional[str]:
    """Return the id of the run this code is part of, or None outside of a job."""
    return os.environ.get(ENV_RUN_ID)


def is_inside() -> bool:
    """Say whether this code runs inside a job."""
    return run_id() is not None


if not TYPE_CHECKING:  # or any name would be taken for one of this module

    def __getattr__(name):
        if name != "checkpoint_dir":
            raise AttributeError("module %r has no attribute %r" % (__name__, name))
        from pathlib import Path  # it would cost the start of every job

        folder = Path(os.environ.get(ENV_CHECKPOINT) or _OUTSIDE).absolute()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def progress(done: float, total: Optional[float] = None, message: str = "") -> None:
    """Say how far the job is; the live status line shows it.

    Parameters
    ----------
    done, total
        In any unit, the same for both; ``total`` may be unknown.
    message
        What is being done; the first 200 characters are kept.
    """
    _say({"kind": "progress", "done": float(done), "total": None if total is None else float(total),
          "message": str(message)[:200]})  # fmt: skip


def log_metric(name: str, value: float, step: Optional[float] = None) -> None:
    """Log a number that says how well the job does; its latest value is shown with the run.

    Parameters
    ----------
    name
        E.g. ``"loss"``; the first 100 characters are kept.
    value
        A number; NaN and infinity are logged as "no number".
    step
        Where in the course of things, e.g. the epoch.
    """
    _say({"kind": "metric", "name": str(name)[:100], "value": _finite(value),
          "step": None if step is None else _finite(step)})  # fmt: skip


def _finite(value: float) -> Optional[float]:
    number = float(value)
    return number if math.isfinite(number) else None  # JSON knows no NaN


def _say(record: Dict[str, Any]) -> None:
    path = os.environ.get(ENV_SAID)
    if path is None:
        return
    record["at"] = time.time()
    line = (json.dumps(record) + "\n").encode()
    try:
        # One short write in append mode: lines of several processes do not mix.
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError:
        pass  # progress is never worth failing the job for
