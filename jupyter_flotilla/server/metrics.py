"""What the server's ``/metrics`` says of runs."""

from typing import Any

from prometheus_client import Counter, Gauge

_RUNS = Gauge("flotilla_runs", "Runs in the store", ["status"])
_COST = Gauge("flotilla_cost_month_usd", "US dollars billed this month, what goes on included")
_AWAKE = Gauge("flotilla_dispatcher_alive", "Whether a dispatcher lives on this host")
_ENDED = Counter("flotilla_runs_ended", "Runs that became final while this server ran", ["status"])
_REQUESTS = Counter("flotilla_requests", "Requests served", ["route", "status"])


def told(status: dict[str, Any]) -> None:
    """Take over a summary."""
    for name, count in status["counts"].items():
        _RUNS.labels(status=name).set(count)
    _COST.set(status["cost_month_usd"])
    _AWAKE.set(status["dispatcher"]["alive"])


def ended(status: str) -> None:
    """Count a run that became final."""
    _ENDED.labels(status=status).inc()


def served(route: str, status: int) -> None:
    """Count a request."""
    _REQUESTS.labels(route=route, status=str(status)).inc()
