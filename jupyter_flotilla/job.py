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
from typing import Any, Dict, Optional

from .protocol.names import ENV_RUN_ID, ENV_SAID

__all__ = ["is_inside", "log_metric", "progress", "run_id"]


def run_id() -> Optional[str]:
    """Return the id of the run this code is part of, or None outside of a job."""
    return os.environ.get(ENV_RUN_ID)


def is_inside() -> bool:
    """Say whether this code runs inside a job."""
    return run_id() is not None


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
