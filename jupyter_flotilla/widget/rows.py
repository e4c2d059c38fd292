"""Rows as the panel sends them: small, and of one that was sent before only what differs."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jupyter_flotilla.model.run import FINAL_STATUSES

#: Characters of a name and of a message that travel.
_LONGEST_NAME = 200
_LONGEST_MESSAGE = 400


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the panel shows of a row of `Listing`: JSON values, times in seconds.

    Whatever a job or another program has written is text that can travel, and every number finite.
    """
    resources, usage, progress = row["resources"], row["usage"] or {}, row["progress"] or {}
    is_final = row["status"] in FINAL_STATUSES
    return {
        "id": row["id"],
        "short": row["short_id"],
        "name": _text(row["name"], _LONGEST_NAME),
        "status": row["status"],
        "phase": row["phase"],
        "failure": row["failure_kind"],
        "message": _text(row["message"], _LONGEST_MESSAGE),
        "engine": _text(row["engine"], _LONGEST_NAME),
        "place": _text(row["place"], _LONGEST_NAME),
        "created": _seconds(row["created_at"]),
        "started": _seconds(row["started_at"]),
        "ended": _seconds(row["ended_at"]),
        "cancelling": row["cancel_requested_at"] is not None and not is_final,
        "attempt": row["attempt"],
        "retry_of": row["retry_of"],
        "cpu": _finite(resources.get("cpu")),
        "limit": _finite(resources.get("memory_mib")),
        "gpu": _finite(resources.get("gpu")) or None,
        "fraction": _finite(progress.get("fraction"), 3),
        "says": _text(progress.get("text"), _LONGEST_NAME),
        "memory": None if is_final else _finite(usage.get("memory_mib"), 0),
        "peak": _finite(usage.get("peak_memory_mib"), 0),
        "usd": _finite(row["cost_usd"], 6),
        "usd_per_h": _finite(row["usd_per_h"], 6),
        "ceiling": _finite(row["ceiling_usd"], 6),
        "billed": row["is_billed"],
    }


def whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shown row as it is sent first: what is None is left out."""
    return {name: value for name, value in row.items() if value is not None}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the id of a shown row and what differs from before; empty where nothing does."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return {"id": after["id"], **changed} if changed else {}


def _text(text: str | None, longest: int) -> str | None:
    if text is None:
        return None
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return cut.encode("utf-8", "replace").decode()  # half a surrogate pair cannot travel


def _finite(number: float | None, digits: int = 3) -> float | None:
    if number is None or not math.isfinite(number):
        return None
    rounded = round(number, digits)
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 2**53 else rounded


def _seconds(moment: str | None) -> float | None:
    if moment is None:
        return None
    return _finite(datetime.fromisoformat(moment).timestamp(), 1)
