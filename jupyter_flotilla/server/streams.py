"""Routes of what a job says: its stream by cursor, a search in it, its notebook, its usage."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_flotilla.errors import RunNotFound
from jupyter_flotilla.fetched import open_below
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.text import plain
from jupyter_flotilla.protocol import StreamReader, record_text
from jupyter_flotilla.server.context import Context, NoSuchFile
from jupyter_flotilla.server.handler import Request
from jupyter_flotilla.usage import UsageSeries

#: An answer ends with the record that passes this, in characters: a browser shows it at once.
_ENOUGH = 512 * 1024
#: Characters that one search looks at: it goes on with the next request.
_LOOKED_AT = 64 * 2**20
#: Characters of a line that a hit shows.
_HIT = 300
#: Points of a plot.
_POINTS = 1_000


def stream(context: Context, request: Request) -> dict[str, Any]:
    """Return a part of what an attempt has said."""
    query = request.query
    handle, number, folder = _attempt(context, request)
    # whether it is over is asked first: what is written in between is read below
    is_over = _is_over(handle, number)
    if query.before is None:
        reader = StreamReader(str(folder), query.after or 0)
        records, has_more = _cut(reader.read(), query.limit)
        at_start, at_end = not query.after, not has_more
    else:
        records, at_start = _before(folder, query.before, query.limit)
        at_end = query.before == 0
    return {
        "attempt": number,
        "records": records,
        "first": records[0]["seq"] if records else 0,
        "last": records[-1]["seq"] if records else query.after or 0,
        "at_start": at_start,
        "at_end": at_end,
        "is_over": is_over and at_end,
    }


def is_awaited(answer: dict[str, Any]) -> bool:
    """Say whether a follower waits for more than this."""
    return not answer["records"] and not answer["is_over"]


def search(context: Context, request: Request) -> dict[str, Any]:
    """Return where an attempt has said something, in any case of letters."""
    query = request.query
    _, _, folder = _attempt(context, request)
    wanted, hits, last = query.text.casefold(), list[dict[str, Any]](), query.after
    records = StreamReader(str(folder), query.after).read()
    looked_at = 0
    for record in records:
        last = record["seq"]
        looked_at += _size(record)
        line = None
        with suppress(KeyError, TypeError, AttributeError):  # a record that somebody damaged
            line = _line(record, wanted, query.kind)
        if line is not None:
            hits.append({"seq": last, "text": line})
        if len(hits) == query.limit or looked_at > _LOOKED_AT:
            break
    at_end = next(records, None) is None
    return {"hits": hits, "last": last, "at_end": at_end}


def notebook(context: Context, request: Request) -> dict[str, Any]:
    """Return the executed notebook of a run, as far as it is."""
    handle = context.handle(request.path["run"])
    try:
        path = handle.notebook_path
        with open_below(path.parent, path.name) as file:  # whatever the job has put there
            content = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise NoSuchFile(
            f"run {handle.short_id} has no executed notebook yet",
            next_step="it is there once its first cell has run; only runs of notebooks have one",
        ) from error
    run = handle.snapshot
    return {"notebook": content, "path": run.spec.path, "is_final": run.status.is_final}


def usage(context: Context, request: Request) -> dict[str, Any]:
    """Return what an attempt has used over time, thinned to what a plot can show."""
    handle, number, folder = _attempt(context, request)
    points = list(UsageSeries.read(folder).points)
    step = max(1, -(-len(points) // _POINTS))
    attempts = {attempt.number: attempt for attempt in handle.attempts}
    limit = attempts[number].resources.memory_mib if number in attempts else None
    # of each stretch its highest memory: a plot without the peak would be a lie
    kept = [
        max(points[at : at + step], key=lambda point: point["memory_mib"])
        for at in range(0, len(points), step)
    ]
    return {"points": kept, "limit_mib": limit}


def _attempt(context: Context, request: Request) -> tuple[RunHandle, int, Path]:
    handle = context.handle(request.path["run"])
    latest = max(1, handle.snapshot.attempt)
    number = request.query.attempt or latest
    if number > latest:
        raise RunNotFound(
            f"run {handle.short_id} has no attempt {number}",
            next_step=f"a number from 1 to {latest}",
        )
    return handle, number, context.flotilla.attempt_folder(handle.id, number)


def _is_over(handle: RunHandle, number: int) -> bool:
    run = handle.snapshot
    return run.status.is_final or number < run.attempt


def _cut(records: Iterator[dict[str, Any]], limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the first of some records, as many as one answer holds, and whether there are more."""
    found, size = list[dict[str, Any]](), 0
    for record in records:
        if len(found) == limit or size > _ENOUGH:
            return found, True
        found.append(record)
        size += _size(record)
    return found, False


def _before(folder: Path, seq: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the last records before one (0: of all), and whether they are the first ones."""
    reader, found = StreamReader(str(folder)), list[dict[str, Any]]()
    size = 0
    for records in reader.backwards(before=seq):
        for record in reversed(records):
            if len(found) == limit or size > _ENOUGH:
                return found[::-1], False
            found.append(record)
            size += _size(record)
    return found[::-1], True


def _size(record: dict[str, Any]) -> int:
    text = record.get("text")
    return len(text) if isinstance(text, str) else len(json.dumps(record))


def _line(record: dict[str, Any], wanted: str, kind: str | None) -> str | None:
    """Return the line of a record that is searched for; None: it is not in it."""
    if kind is not None and record["kind"] != kind:
        return None
    text = plain(record_text(record))
    if record["kind"] == "error":
        text = f"{record.get('ename')}: {record.get('evalue')}\n{text}"
    if not wanted:
        return text.partition("\n")[0][:_HIT] if kind is not None else None
    for line in text.split("\n"):
        if (at := line.casefold().find(wanted)) >= 0:
            return line[max(0, at - _HIT // 2) :][:_HIT]
    return None
