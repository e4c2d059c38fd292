"""Rows of runs as lists show them, as JSON values: of a page, of some runs, of what has changed."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla.clock import utc_now, utc_text
from jupyter_flotilla.engines.registry import engine_names
from jupyter_flotilla.errors import FlotillaError, RunNotFound
from jupyter_flotilla.model.cost import Rate, charge_usd
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.observation import Progress
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.run import FINAL_STATUSES, OPEN_STATUSES, RunStatus
from jupyter_flotilla.render import progress_text
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import costs, events, listing, schedules
from jupyter_flotilla.store.listing import Position, RunFilter, RunRow, Sort

#: Characters of a message that a row shows.
_LONGEST_MESSAGE = 2_000
#: So many events behind, whoever follows reads its lists anew.
_MOST_EVENTS = 2_000
#: What older versions did not write counts as this.
_NO_RESOURCES = Resources().model_dump(mode="json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of a list of runs."""

    #: Newest first, or as asked; JSON values.
    runs: list[dict[str, Any]]
    #: Where the next page begins; None: there is no more.
    next: Position | None
    #: How many runs the list has in all.
    total: int
    #: Number of the last event that the page has seen.
    seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What has happened since some event."""

    #: Number of the last event.
    seq: int
    #: Number, run and name of each, in order.
    events: list[tuple[int, str, str]]
    #: False where too much has happened to tell all of it.
    is_whole: bool

    @property
    def run_ids(self) -> list[str]:
        """The runs that they are of, each once."""
        return list(dict.fromkeys(run_id for _, run_id, _ in self.events))


class Listing:
    """Reads rows; keeps nothing but prices.

    Parameters
    ----------
    root
        Folder of the server, to which paths of notebooks are shown relative; None: there is none.
    """

    def __init__(self, flotilla: Flotilla, root: Path | None = None) -> None:
        self._flotilla = flotilla
        self._root = root
        self._rates: dict[tuple[str, str], Rate | None] = {}

    def page(
        self,
        which: RunFilter,
        *,
        sort: Sort = "created_at",
        is_descending: bool = True,
        after: Position | None = None,
        limit: int = 50,
    ) -> Page:
        """Return a part of a list of runs; raises as `store.listing.page`."""
        with self._flotilla.store.read() as tx:
            seq = events.latest_seq(tx)
            total = listing.count(tx, which)
            rows, position = listing.page(
                tx, which, sort=sort, is_descending=is_descending, after=after, limit=limit
            )
        return Page(runs=self._as_json(rows), next=position, total=total, seq=seq)

    def rows(self, run_ids: Collection[str]) -> list[dict[str, Any]]:
        """Return the rows of runs by their whole ids; those that are gone are left out."""
        with self._flotilla.store.read() as tx:
            rows = listing.rows_of(tx, run_ids)
        return self._as_json(rows)

    def row(self, run_id: str) -> dict[str, Any]:
        """Return the row of a run by its whole id; raises RunNotFound."""
        for row in self.rows([run_id]):
            return row
        raise RunNotFound(f"there is no run {run_id!r}", next_step="it may have been deleted")

    def seq(self) -> int:
        """Return the number of the last event."""
        with self._flotilla.store.read() as tx:
            return events.latest_seq(tx)

    def changes(self, seq: int) -> Changes:
        """Return what has happened since an event; transitions alone, not usage or progress."""
        with self._flotilla.store.read() as tx:
            found = listing.events_after(tx, seq, _MOST_EVENTS + 1)
            latest = events.latest_seq(tx)
        if len(found) > _MOST_EVENTS or latest < seq:  # too many, or it is another store
            return Changes(seq=latest, events=found, is_whole=False)
        # not the latest: it may have come in between
        return Changes(seq=found[-1][0] if found else seq, events=found, is_whole=True)

    def size(self) -> int:
        """Return how many runs there are."""
        with self._flotilla.store.read() as tx:
            return listing.count(tx, RunFilter())

    @staticmethod
    def final_status(event: str) -> str | None:
        """Return the status of an event that is a run's end; None: it is none."""
        status = event.rpartition("→")[2]
        return status if status in FINAL_STATUSES else None

    def open_facts(self) -> dict[str, str]:
        """Return of each run that goes on what is known of it, as text to compare."""
        with self._flotilla.store.read() as tx:
            return listing.open_facts(tx)

    def schedules_mark(self) -> object:
        """Return what is another whenever schedules, or their ticks, are others than before."""
        with self._flotilla.store.read() as tx:
            return schedules.mark(tx)

    def summary(self) -> dict[str, Any]:
        """Return how many runs there are of each status, and what today and this month cost."""
        now = utc_now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with self._flotilla.store.read() as tx:
            counts = listing.counts(tx)
            # what nobody pays is no cost of the user's
            engines = [engine for engine in engine_names() if self.bills(engine)]
            spent = [
                sum(costs.total_usd(tx, engine, since) for engine in engines)
                for since in (today, month_start(now))
            ]
            going_on = listing.open_attempts(tx, engines)
        spent_live = sum(self._spent(engine, facts, now)[1] for engine, facts in going_on)
        return {
            "counts": counts,
            "cost_today_usd": spent[0] + spent_live,
            "cost_month_usd": spent[1] + spent_live,
            "monthly_budget_usd": self._flotilla.settings.monthly_budget,
        }

    def _as_json(self, rows: Collection[RunRow]) -> list[dict[str, Any]]:
        now = utc_now()
        return [self._one(row, now) for row in rows]

    def _one(self, row: RunRow, now: datetime) -> dict[str, Any]:
        run, latest = row.run, row.latest or {}
        is_open = run["status"] in OPEN_STATUSES
        rate, open_usd = self._money(row, now)
        charged = row.charged_usd
        is_running = run["status"] == RunStatus.RUNNING
        return {
            "id": run["id"],
            "short_id": row.short_id,
            "name": run["name"],
            "kind": run["kind"],
            "status": run["status"],
            "phase": latest.get("phase") if is_open else None,
            "failure_kind": run["failure_kind"],
            "message": (run["message"] or "")[:_LONGEST_MESSAGE] or None,
            "engine": run["engine"],
            "place": run["place"],
            "owner": run["owner"],
            "path": run["path"],
            "notebook": self.relative(run["path"]),
            "cell_id": run["cell_id"],
            "tags": row.tags,
            "created_at": _iso(run["created_at"]),
            "started_at": _iso(run["started_at"]),
            "ended_at": _iso(run["ended_at"]),
            "cancel_requested_at": _iso(run["cancel_requested_at"]),
            "attempt": run["attempt"],
            "retry_of": run["retry_of"],
            "grid_id": run["grid_id"],
            "resources": {**_NO_RESOURCES, **row.resources},
            "progress": _progress(latest.get("progress")) if is_running else None,
            "usage": _usage(latest.get("usage")),
            "cost_usd": None if charged is None or rate is None else charged + open_usd,
            "usd_per_h": rate.usd_per_h if rate is not None and is_running else None,
            "is_billed": self.bills(run["engine"]),
            "ceiling_usd": run["ceiling_usd"],
            "seq": row.seq,
        }

    def _money(self, row: RunRow, now: datetime) -> tuple[Rate | None, float]:
        """Return the rate of the latest attempt, and what it has cost so far if it goes on."""
        return self._spent(
            row.run["engine"], {"resources": row.resources, **(row.latest or {})}, now
        )

    def _spent(
        self, engine: str, latest: Mapping[str, Any], now: datetime
    ) -> tuple[Rate | None, float]:
        rate = self._rate(engine, latest.get("resources") or {}, latest.get("rate"))
        since = latest.get("billed_since") or latest.get("started_at")
        if rate is None or since is None or latest.get("ended_at") is not None:
            return rate, 0.0
        return rate, charge_usd(rate, (now - datetime.fromisoformat(since)).total_seconds())

    def relative(self, path: str | None) -> str | None:
        """Return a path relative to the server's folder; None: it is not below that."""
        if path is None or self._root is None:
            return None
        relative = os.path.relpath(path, self._root)
        return None if relative.startswith(os.pardir) else Path(relative).as_posix()

    def bills(self, engine: str) -> bool:
        """Say whether anybody pays on an engine; of one that is gone nobody knows: true then."""
        try:
            return self._flotilla.engine(engine).bills
        except FlotillaError:
            return True

    def _rate(self, engine: str, size: Mapping[str, Any], known: Any) -> Rate | None:
        if known is not None:
            return Rate.model_validate(known)
        key = (engine, repr(sorted(size.items())))
        if key not in self._rates:
            try:
                resources = Resources.model_validate(size)
                self._rates[key] = self._flotilla.engine(engine).rate(resources)
            except FlotillaError:
                self._rates[key] = None
        return self._rates[key]


def _progress(progress: Any) -> dict[str, Any] | None:
    if progress is None:
        return None
    known = Progress.model_validate(progress)
    done, total = known.done, known.total
    if done is None and (known.cells or 0) > 1:
        done, total = known.cell or 0, known.cells
    fraction = min(1.0, max(0.0, done / total)) if done is not None and total else None
    return {"fraction": fraction, "text": progress_text(known)}


def _usage(usage: Any) -> dict[str, float] | None:
    if not usage or not usage.get("peak_memory_mib"):
        return None
    names = ("memory_mib", "peak_memory_mib", "cpu_percent")
    return {name: float(usage.get(name) or 0.0) for name in names}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
