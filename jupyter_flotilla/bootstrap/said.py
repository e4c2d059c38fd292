"""What the first program of a container is told: on standard input, or in its environment.

On standard input comes a JSON object: ``s3`` says where the job is (`jupyter_flotilla.engines.
remote` writes it), ``secrets`` are the job's. A task on ECS has no standard input: there the
object is in `VARIABLE`, and its ``secrets`` are names of variables that ECS has filled.
"""

import json
import os
import sys
import time
import urllib.request
from datetime import datetime
from typing import Any, Dict, Optional

VARIABLE = "FLOTILLA_PLACE"
#: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html,
#: read 2026-11.
_METADATA = "ECS_CONTAINER_METADATA_URI_V4"
_METADATA_TIMEOUT_S = 2.0


def read_said() -> Dict[str, Any]:
    """Return what was said; of a task, with what it knows of itself under ``s3``.

    ``task`` is its ARN; ``billed_since`` is when its bill began, as `time.monotonic` counts. The
    variables that were read are gone: the job must not have them.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it was not said, or not to its end.
    """
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return dict(json.loads(sys.stdin.read()))
    said = dict(json.loads(text))
    names = said.get("secrets") or []
    said["secrets"] = {name: os.environ.pop(name) for name in names}
    task = _metadata()
    said["s3"]["task"] = task.get("TaskARN")
    said["s3"]["billed_since"] = _billed_since(task.get("PullStartedAt"))
    return said


def _metadata() -> Dict[str, Any]:
    """Return what ECS says of this task; empty where it does not: it is not needed to run."""
    address = os.environ.get(_METADATA)
    if not address:
        return {}
    try:
        with urllib.request.urlopen(address + "/task", timeout=_METADATA_TIMEOUT_S) as answer:
            return dict(json.loads(answer.read(2**20)))
    except (OSError, ValueError, TypeError):
        return {}


def _billed_since(pulled_at: Optional[str]) -> float:
    """Return when the pull of the image began; without that word, now."""
    now = time.monotonic()
    try:
        # Python 3.8 reads neither nanoseconds nor Z
        began = datetime.strptime(str(pulled_at)[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return now
    return now - max(0.0, time.time() - began.timestamp())
