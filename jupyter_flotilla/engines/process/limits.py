"""Which limit a job has broken, and what to tell its user."""

from collections.abc import Callable
from typing import Any

from jupyter_flotilla.model.units import format_duration, format_size


class Limits:
    """The limits of one job, as ``job.json`` says them."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._memory_mib: int | None = job["memory_mib"]
        self._deadlines: list[dict[str, Any]] = job["deadlines"]

    def broken(
        self, usage: dict[str, Any], elapsed_s: float, exact_memory_mib: Callable[[], float]
    ) -> dict[str, Any] | None:
        """Return ``{reason, message, grace_s}`` of the limit that is broken, or None.

        Parameters
        ----------
        usage
            As ``usage.json``.
        elapsed_s
            Seconds since user code began.
        exact_memory_mib
            Asked only where the quick measure, which counts shared pages twice, is over.
        """
        limit = self._memory_mib
        if limit is not None and usage["memory_mib"] > limit:
            exact_mib = exact_memory_mib()
            if exact_mib > limit:
                return _out_of_memory(exact_mib, limit, elapsed_s)
        return next((one for one in self._deadlines if elapsed_s > one["after_s"]), None)


def _out_of_memory(used_mib: float, limit_mib: int, elapsed_s: float) -> dict[str, Any]:
    return {
        "reason": "out-of-memory",
        "grace_s": 0.0,  # every further page is taken from somebody else
        "message": f"Out of memory: {format_size(used_mib)} of {format_size(limit_mib)} at "
        f"{format_duration(elapsed_s)}.",
    }
