"""Memory and CPU of an attempt over time."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageSeries:
    """What all processes of an attempt used together."""

    #: At most one a second: ``{"t": s since the start, "cpu_percent": …, "memory_mib": …}``.
    points: tuple[dict[str, float], ...]
    peak_memory_mib: float
    #: CPU seconds in all.
    cpu_s: float

    @classmethod
    def read(cls, folder: Path) -> "UsageSeries":
        """Return the series of the attempt in ``folder``; empty where nothing was measured."""
        total = protocol.read_json(str(folder / protocol.USAGE)) or {}
        path = folder / protocol.USAGE_SERIES
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return cls(
            points=tuple(point for line in lines if (point := _point(line)) is not None),
            peak_memory_mib=total.get("peak_memory_mib", 0.0),
            cpu_s=total.get("cpu_s", 0.0),
        )

    def to_frame(self) -> Any:
        """Return the points as a pandas DataFrame with columns t, cpu_percent, memory_mib."""
        import pandas as pd

        return pd.DataFrame(list(self.points), columns=["t", "cpu_percent", "memory_mib"])


def _point(line: str) -> dict[str, float] | None:
    """Return a point; None where a line is torn, or is none: the job can write there, too."""
    try:
        read = json.loads(line)
        return {name: float(read[name]) for name in ("t", "cpu_percent", "memory_mib")}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
