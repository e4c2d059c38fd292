"""Writes what a job uses, for others to read: ``usage.json`` and ``usage.jsonl``."""

import json
import os
import time
from typing import Any, Dict

from .files import open_private, write_json
from .names import USAGE, USAGE_SERIES

#: How often the measure is written, in seconds.
_WRITE_EVERY_S = 0.5
#: The series gets a point each second at first, then fewer: a day is some 20,000 points.
_SERIES_EVERY_S = ((600.0, 1.0), (float("inf"), 5.0))


class UsageLog:
    """The written usage of one attempt.

    The memory of a point is the most since the point before: a curve shows what was the peak.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._written_at = self._point_at = -1e9
        self._most_mib = self._peak_mib = 0.0

    def note(self, usage: Dict[str, Any], elapsed_s: float, final: bool = False) -> None:
        """Write a measure if it is time; a final one is always written.

        Parameters
        ----------
        usage
            The fields of `model.observation.Usage`.
        elapsed_s
            Seconds since user code began.
        """
        now = time.monotonic()
        self._most_mib = max(self._most_mib, usage["memory_mib"])
        if not final and now - self._written_at < _WRITE_EVERY_S:
            return
        self._written_at = now
        record = dict(usage, elapsed_s=round(elapsed_s, 2))
        try:
            write_json(os.path.join(self._folder, USAGE), record)
            every_s = next(every for until, every in _SERIES_EVERY_S if elapsed_s < until)
            if final or now - self._point_at >= every_s * 0.99:
                self._append(record)
                self._point_at = now
        except OSError:
            pass  # a full disk costs points of a curve, not the job

    def _append(self, record: Dict[str, Any]) -> None:
        peak_mib = record["peak_memory_mib"]  # some looks measure more exactly than others
        most_mib = peak_mib if peak_mib > self._peak_mib else self._most_mib
        point = {"t": record["elapsed_s"], "cpu_percent": record["cpu_percent"]}
        point["memory_mib"] = most_mib
        self._most_mib, self._peak_mib = 0.0, peak_mib
        with open_private(os.path.join(self._folder, USAGE_SERIES), "ab") as file:
            file.write((json.dumps(point) + "\n").encode())
