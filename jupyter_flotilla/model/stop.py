"""When a job is stopped for its time or money, and how long a stop may take."""

from typing import Any

from jupyter_flotilla.model.units import format_duration, format_money

#: Seconds of grace after SIGINT, where nobody asked for another.
GRACE_S = 10.0
#: Between SIGTERM and SIGKILL of everything but the runner, in seconds.
TERM_S = 3.0
#: What the runner gets to save its work once all else is gone, in seconds.
SAVE_S = 15.0
#: Longest time from the beginning of a stop to the end, in seconds.
STOP_S = GRACE_S + TERM_S + SAVE_S


def deadlines(
    timeout_s: int | None, max_cost_usd: float | None, max_cost_s: float | None
) -> list[dict[str, Any]]:
    """Return when to stop a job for its time and for its money, the first that counts first.

    Parameters
    ----------
    max_cost_s
        Seconds that ``max_cost_usd`` buys; None: nothing limits it.

    Returns
    -------
    Mappings of ``reason``, ``after_s`` (seconds since user code began), ``grace_s`` and
    ``message`` (for people), as JSON values: the job's own supervisor reads them.
    """
    found: list[dict[str, Any]] = []
    if timeout_s is not None:
        message = f"Timeout: stopped after {format_duration(timeout_s)}."
        found.append({"reason": "timeout", "after_s": timeout_s, "message": message})
    if max_cost_s is not None:
        # a stop takes time, and that costs too: it begins early enough to end under the cap
        after_s = max(0.0, max_cost_s - STOP_S)
        message = (
            f"Cost cap: {format_money(max_cost_usd or 0.0)} is nearly used up after "
            f"{format_duration(after_s)}."
        )
        found.append({"reason": "cost-cap", "after_s": after_s, "message": message})
    return [{**one, "grace_s": GRACE_S} for one in found]
