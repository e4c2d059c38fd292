"""Routes of runs: lists, one whole, and what is done to it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol, render
from jupyter_flotilla.api import read_tag
from jupyter_flotilla.errors import EngineUnavailable, InvalidOption, UnknownEngine
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.advice import suggestion
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.server.context import Context, moment, now_text
from jupyter_flotilla.server.handler import Request
from jupyter_flotilla.store import runs as stored
from jupyter_flotilla.store.listing import Position, RunFilter

#: Names of a job's specification that are of no use to people.
_NOT_SHOWN = ("umask", "has_cpu_hint")


def list_runs(context: Context, request: Request) -> dict[str, Any]:
    """Return a part of the list of runs."""
    query = request.query
    which = RunFilter(
        statuses=tuple(query.status),
        ids=tuple(query.ids),
        owner=query.owner,
        path=None if query.notebook is None else _absolute(context, query.notebook),
        tag=read_tag(query.tag),
        engine=query.engine,
        grid_id=query.grid,
        since=moment("since", query.since),
        until=moment("until", query.until),
        text=query.text,
    )
    page = context.listing.page(
        which,
        sort=query.sort,
        is_descending=query.order == "desc",
        after=_position(query.cursor),
        limit=query.limit,
    )
    return {
        "runs": page.runs,
        "next": None if page.next is None else json.dumps(page.next, separators=(",", ":")),
        "total": page.total,
        "seq": page.seq,
        "now": now_text(),
    }


def get_run(context: Context, request: Request) -> dict[str, Any]:
    """Return all that is known of a run."""
    handle = context.handle(request.path["run"])
    attempts, run = handle.attempts, handle.snapshot
    latest = attempts[-1] if attempts else None
    retry, cost_text, status_text, queue = None, "", "", ""
    with suppress(UnknownEngine, EngineUnavailable):  # it was uninstalled since
        if latest is not None and run.status is RunStatus.FAILED:
            larger = context.flotilla.engine(run.spec.engine).retry_policy.larger
            retry = suggestion(run.spec, latest, larger)
        cost = context.flotilla.cost(run, attempts)
        cost_text = render.cost_text(cost, is_final=run.status.is_final)
        status_text, queue = handle.status_line(), handle.queue_text()
    return {
        **context.listing.row(run.id),
        "attempts": [_attempt(attempt) for attempt in attempts],
        "events": [
            event.model_dump(mode="json", exclude={"run_id"})
            for event in context.flotilla.events(run.id)
        ],
        "spec": run.spec.model_dump(mode="json", exclude=set(_NOT_SHOWN)),
        "explanation": str(handle.explain(last_lines=10)),
        "suggestion": None if retry is None else {"label": retry[0], "options": retry[1]},
        "queue": queue,
        "outputs": outputs(handle),
        "files": files(handle, attempts),
        "has_notebook": run.spec.kind == "notebook" and handle.notebook_path.is_file(),
        "is_kept": _is_kept(context, run.id),
        "status_text": status_text,
        "cost_text": cost_text,
    }


def cancel_run(context: Context, request: Request) -> dict[str, Any]:
    """Ask for a run to end; one that is final stays as it is."""
    run = context.flotilla.cancel(request.path["run"], request.body.grace_s)
    return context.listing.row(run.id)


def detach_run(context: Context, request: Request) -> dict[str, Any]:
    """Let every cell and terminal that waits for a run go on without it; the run goes on."""
    run = context.flotilla.get(request.path["run"])
    context.flotilla.detach(run.id)
    return context.listing.row(run.id)


def keep_run(context: Context, request: Request) -> dict[str, Any]:
    """Keep a run whatever its age, or no longer."""
    run = context.flotilla.get(request.path["run"])
    context.flotilla.keep(run.id, is_kept=request.body.is_kept)
    return context.listing.row(run.id)


def outputs(handle: RunHandle) -> list[dict[str, Any]]:
    """Return the values that a cell has given back, without reading them."""
    found = []
    folder = handle.notebook_path.parent / protocol.VALUES
    for name, entry in handle.outputs.entries.items():
        size = entry.get("size")
        with suppress(OSError, KeyError, ValueError):  # the job can write there, too
            size = size or (folder / Path(str(entry["file"])).name).lstat().st_size
        kind = str(entry.get("type") or entry.get("format") or "")
        is_count = isinstance(size, int) and not isinstance(size, bool)
        found.append({"name": str(name), "type": kind, "size_bytes": size if is_count else 0})
    return found


def files(handle: RunHandle, attempts: list[Attempt]) -> list[dict[str, Any]]:
    """Return the files that attempts have brought back, the latest attempt first."""
    return [
        {"attempt": attempt.number, "path": path, "size_bytes": size}
        for attempt in reversed(attempts)
        if not attempt.is_open
        for path, size in handle.files(attempt.number).items()
    ]


def _attempt(attempt: Attempt) -> dict[str, Any]:
    known = attempt.model_dump(mode="json")
    usage = {
        name: known["usage"][name] for name in ("memory_mib", "peak_memory_mib", "cpu_percent")
    }
    names = (
        "number", "engine", "place", "resources", "phase", "phases", "claimed_at", "started_at",
        "ended_at", "duration_s", "exit_code", "signal", "failure_kind", "message", "failed_cell",
        "next_step", "charge_usd", "billed_s", "rate", "last_lines",
    )  # fmt: skip
    return {**{name: known[name] for name in names}, "usage": usage, "metrics": attempt.metrics}


def _is_kept(context: Context, run_id: str) -> bool:
    with context.flotilla.store.read() as tx:
        return stored.is_kept(tx, run_id)


def _absolute(context: Context, path: str) -> str:
    return path if path.startswith("/") else str(context.path_of(path))


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    with suppress(ValueError, RecursionError):
        key, in_grid, run_id = json.loads(cursor)
        is_number = isinstance(key, (int, float)) and not isinstance(key, bool)
        is_legal = isinstance(key, str) or (is_number and abs(key) < 2**53)
        is_small = isinstance(in_grid, int) and abs(in_grid) < 2**31
        if is_legal and is_small and isinstance(run_id, str):
            f"{key}{run_id}".encode()  # half a surrogate pair is no text
            return key, int(in_grid), run_id
    raise InvalidOption(
        f"{cursor[:60]!r} is no cursor of a list", next_step="'next' of the page before"
    )
