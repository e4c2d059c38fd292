"""Which limit a job has broken, and what to tell its user."""

from collections.abc import Callable
from typing import Any

from jupyter_flotilla.model.stop import GRACE_S, STOP_S
from jupyter_flotilla.model.units import format_duration, format_money, format_size


class Limits:
    """The limits of one job, as ``job.json`` says them."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._memory_mib: int | None = job["memory_mib"]
        self._timeout_s: int | None = job["timeout_s"]
        self._max_cost_usd: float | None = job["max_cost_usd"]
        #: A stop takes time, and that costs too: it begins early enough to end under the cap.
        self._max_cost_s: float | None = (
            None if job["max_cost_s"] is None else max(0.0, job["max_cost_s"] - STOP_S)
        )

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
        if self._timeout_s is not None and elapsed_s > self._timeout_s:
            return {
                "reason": "timeout",
                "grace_s": GRACE_S,
                "message": f"Timeout: stopped after {format_duration(self._timeout_s)}.",
            }
        if self._max_cost_s is not None and elapsed_s > self._max_cost_s:
            cap = self._max_cost_usd or 0.0
            return {
                "reason": "cost-cap",
                "grace_s": GRACE_S,
                "message": f"Cost cap: {format_money(cap)} is nearly used up after "
                f"{format_duration(elapsed_s)}.",
            }
        return None


def _out_of_memory(used_mib: float, limit_mib: int, elapsed_s: float) -> dict[str, Any]:
    return {
        "reason": "out-of-memory",
        "grace_s": 0.0,  # every further page is taken from somebody else
        "message": f"Out of memory: {format_size(used_mib)} of {format_size(limit_mib)} at "
        f"{format_duration(elapsed_s)}.",
    }
