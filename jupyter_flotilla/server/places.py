"""Routes of how it stands here: engines, settings, checks, costs, and all of it in short."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from jupyter_flotilla import __version__, machine
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.registry import engine_names
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.server.context import Context, moment, now_text
from jupyter_flotilla.server.handler import Request
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import sourced_settings
from jupyter_flotilla.setup.doctor import examine
from jupyter_flotilla.store.leaders import Leader, most_expensive, most_wasteful

#: So long what an engine said of itself counts, in seconds: some ask AWS, and forms ask often.
_CHECK_S = 15.0


class EngineChecks:
    """What engines say of themselves, asked all at once and remembered for a moment."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: list[dict[str, Any]] = []
        self._asked_at = -_CHECK_S

    def all(self, flotilla: Flotilla) -> list[dict[str, Any]]:
        """Return every installed engine, whether it can be used, and what it can do."""
        with self._lock:
            if time.monotonic() - self._asked_at >= _CHECK_S:
                with ThreadPoolExecutor(max_workers=4) as threads:
                    looks = threads.map(lambda name: _engine(flotilla, name), engine_names())
                    self._known = list(looks)
                self._asked_at = time.monotonic()
            return self._known


_CHECKS = EngineChecks()


def engines(context: Context) -> list[dict[str, Any]]:
    """Return the engines, the configured one first."""
    found = _CHECKS.all(context.flotilla)
    return sorted(found, key=lambda one: (not one["is_default"], one["name"]))


def list_engines(context: Context, request: Request) -> dict[str, Any]:
    """Return where jobs can run."""
    return {"engines": engines(context)}


def doctor(context: Context, request: Request) -> dict[str, Any]:
    """Return what every check of this machine finds; it may take seconds."""
    findings = examine(context.flotilla.settings)
    return {
        "findings": [
            {"name": one.name, "ok": not one.is_bad, "message": one.message,
             "next": one.next_step if one.is_bad else None}
            for one in findings
        ]
    }  # fmt: skip


def settings(context: Context, request: Request) -> dict[str, Any]:
    """Return all settings and where their values came from."""
    return {
        "settings": [
            {"name": one.name, "value": _shown(one.name, one.value), "source": one.source,
             "description": one.description}
            for one in sourced_settings()
        ]
    }  # fmt: skip


def status(context: Context, request: Request) -> dict[str, Any]:
    """Return how it stands, in short."""
    return status_of(context)


def status_of(context: Context) -> dict[str, Any]:
    """Return the same without a request."""
    is_awake = context.flotilla.wake.is_awake()
    idle = "none lives: one is started as soon as there is something to do"
    return {
        "version": __version__,
        "now": now_text(),
        "seq": context.listing.seq(),
        **context.listing.summary(),
        "dispatcher": {"alive": is_awake, "message": "a dispatcher lives" if is_awake else idle},
        "owner": machine.user_name(),
    }


def cost_rows(context: Context, request: Request) -> dict[str, Any]:
    """Return what attempts have cost, summed by something."""
    since = moment("since", request.query.since)
    rows = context.flotilla.costs(request.query.by, since)[: request.query.limit]
    return {
        "rows": [
            {**row.model_dump(), "is_billed": context.listing.bills(row.engine)} for row in rows
        ],
        "since": request.query.since,
    }


def waste(context: Context, request: Request) -> dict[str, Any]:
    """Return the most expensive runs, and those of whose price most was for nothing."""
    since, limit = moment("since", request.query.since), request.query.limit
    with context.flotilla.store.read() as tx:
        expensive = most_expensive(tx, since, limit)
        wasteful = most_wasteful(tx, since, limit)
    ids = {one.run_id for one in (*expensive, *wasteful)}
    rows = {row["id"]: row for row in context.listing.rows(ids)}
    return {
        "expensive": [_costly(one, rows) for one in expensive if one.run_id in rows],
        "wasteful": [_costly(one, rows) for one in wasteful if one.run_id in rows],
    }


def _costly(one: Leader, rows: dict[str, Any]) -> dict[str, Any]:
    parts = [f"{format_money(one.usd)}"]
    if one.failed_usd:
        parts.append(f"{format_money(one.failed_usd)} for attempts that failed")
    if one.unused_share is not None:
        parts.append(f"{one.unused_share * 100:.0f} % of the memory was never used")
    return {"run": rows[one.run_id], "usd": one.usd, "text": " · ".join(parts)}


def _engine(flotilla: Flotilla, name: str) -> dict[str, Any]:
    usual = flotilla.settings.engine
    try:
        engine = flotilla.engine(name)
        check = engine.check()
        ok, message, step = check.ok, check.message, check.next_step
    except Exception as thrown:  # one engine, perhaps not ours, must not hide the others
        error = thrown if isinstance(thrown, FlotillaError) else FlotillaError(repr(thrown))
        return {
            "name": name, "ok": False, "message": error.message, "next": error.next_step,
            "bills": True, "is_default": name == usual, "is_here": False, "sizes": None,
            "honours": [], "default": Resources().model_dump(mode="json"),
        }  # fmt: skip
    return {
        "name": name, "ok": ok, "message": message, "next": None if ok else step,
        "bills": engine.bills, "is_default": name == usual, "is_here": engine.is_here,
        "sizes": _sizes(engine), "honours": sorted(engine.honours),
        "default": engine.default_resources.model_dump(mode="json"),
    }  # fmt: skip


def _sizes(engine: Engine) -> list[dict[str, Any]] | None:
    if engine.sizes is None:
        return None
    return [{"cpu": cpu, "memory_mib": list(legal)} for cpu, legal in engine.sizes.items()]


def _shown(name: str, value: Any) -> Any:
    """Return a setting as JSON, an address of a database without its password."""
    if name == "store" and value is not None:
        return re.sub(r"(//[^/@]*?:)[^@]*@", r"\1***@", str(value))
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
