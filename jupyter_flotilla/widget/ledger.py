"""What the views of a panel hold of the list of runs, and what has become of it since."""

import time
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from jupyter_flotilla.listing import Listing
from jupyter_flotilla.store.listing import Position, RunFilter
from jupyter_flotilla.widget import rows

#: Rows that are sent at a time.
PAGE = 100
#: So many rows are read again where it cannot be told what has changed; the rest is paged anew.
_MOST_AGAIN = 1_000
#: So many more rows than were asked for may have come on top; then the end is forgotten.
_MOST_MORE = 1_000
#: Events that are read again each time: on PostgreSQL one may be numbered before another and be
#: committed after it.
_LATE = 200
#: Ids in one query.
_IDS = 500
#: How often the number of runs that a filter has is counted at most, in seconds.
_COUNT_EVERY_S = 1.0

Message = dict[str, Any]


class Ledger:
    """Rows in the order of the list, newest first: as far as somebody has scrolled."""

    def __init__(self, listing: Listing, which: RunFilter) -> None:
        self._listing = listing
        self._which = which
        self._rows: dict[str, Message] = {}
        #: Ids, and beside each when its run was submitted.
        self._order: list[str] = []
        self._created: list[str] = []
        #: Where the next page begins; None: all are here.
        self._next: Position | None = None
        self._total = self._seq = self._size = 0
        #: Rows that somebody has scrolled to.
        self._asked = PAGE
        self._seen: set[int] = set()
        self._facts: dict[str, str] = {}
        self._counted_at = 0.0

    def read(self) -> None:
        """Read the first page, or as many rows as were asked for."""
        limit = self._asked = min(self._asked, _MOST_AGAIN)
        self._size = self._listing.size()
        found = self._listing.page(self._which, limit=limit)
        self._seen = {seq for seq, _, _ in self._listing.changes(max(0, found.seq - _LATE)).events}
        self._seq, self._total, self._next = found.seq, found.total, found.next
        self._facts = self._listing.open_facts()
        self._rows.clear()
        self._order, self._created = [], []
        self._append(found.runs)

    def whole(self) -> Message:
        """Return all that is here."""
        return {
            "kind": "whole",
            "rows": [rows.whole(self._rows[run_id]) for run_id in self._order],
            "total": self._total,
            "more": self._next is not None,
        }

    def more(self) -> Message | None:
        """Read the next page and return it; None: there is none."""
        if self._next is None:
            return None
        found = self._listing.page(self._which, after=self._next, limit=PAGE)
        self._next = found.next
        self._asked += PAGE
        added = self._append(found.runs)
        return {"kind": "more", "rows": added, "total": self._total, "more": found.next is not None}

    def news(self) -> Message | None:
        """Return what transitions, new runs and deletions have changed; None: nothing."""
        found = self._listing.changes(max(0, self._seq - _LATE))
        events = [event for event in found.events if event[0] not in self._seen]
        size = self._listing.size()
        were = self._size + sum(name == "QUEUED" for _, _, name in events)
        if not found.is_whole or size < were or len(self._order) > self._asked + _MOST_MORE:
            # too much, or some were deleted, which leaves no trace
            self.read()
            return self.whole()
        ids = list(dict.fromkeys(run_id for _, run_id, _ in events))
        message = self._changed(ids, self._read(ids)) if ids else None
        # last: what could not be told is told the next time
        self._seq, self._size = found.seq, min(size, were)
        self._seen = {seq for seq, _, _ in found.events[-2 * _LATE :]}
        return message

    def facts(self) -> Message | None:
        """Return what is new of runs that go on, which is no event: memory, progress, cost."""
        facts = self._listing.open_facts()
        ids = [
            run_id
            for run_id, text in facts.items()
            if run_id in self._rows and self._facts.get(run_id) != text
        ]
        message = None
        for start in range(0, len(ids), _IDS):
            found = self._listing.rows(ids[start : start + _IDS])
            message = _joined(message, {"kind": "delta", "put": self._put(found)})
        self._facts = facts
        return message if message and message["put"] else None

    def _read(self, ids: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(ids), _IDS):
            some = replace(self._which, ids=tuple(ids[start : start + _IDS]))
            found += self._listing.page(some, limit=_IDS).runs
        return found

    def _changed(self, ids: list[str], found: list[dict[str, Any]]) -> Message | None:
        """Take over what runs are like now; those that were not found match no longer."""
        there = {row["id"] for row in found}
        gone = [run_id for run_id in ids if run_id in self._rows and run_id not in there]
        for run_id in gone:
            self._remove(run_id)
        put = self._put(row for row in found if row["id"] in self._rows)
        new = [
            [place, rows.whole(self._rows[row["id"]])]
            for row in found
            if row["id"] not in self._rows and (place := self._insert(row)) is not None
        ]
        message: Message = {"kind": "delta", "gone": gone, "new": new, "put": put}
        changed = {name: value for name, value in message.items() if value}
        if self._recount(len(new) - len(gone)):
            changed["total"] = self._total
        return changed if len(changed) > 1 else None

    def _put(self, found: Iterable[dict[str, Any]]) -> list[Message]:
        changes = []
        for row in found:
            after = rows.shown(row)
            if change := rows.difference(self._rows[row["id"]], after):
                changes.append(change)
            self._rows[row["id"]] = after
        return changes

    def _append(self, found: Iterable[dict[str, Any]]) -> list[Message]:
        added = []
        for row in found:
            if row["id"] not in self._rows:  # it may have come as news meanwhile
                self._rows[row["id"]] = rows.shown(row)
                self._order.append(row["id"])
                self._created.append(row["created_at"])
                added.append(rows.whole(self._rows[row["id"]]))
        return added

    def _insert(self, row: dict[str, Any]) -> int | None:
        """Put a row in its place and return that; None where nobody has scrolled so far."""
        # newest first; of one moment in the order in which they come
        place = bisect_left(self._created, True, key=lambda created: created < row["created_at"])
        if place == len(self._order) and self._next is not None:
            return None
        self._rows[row["id"]] = rows.shown(row)
        self._order.insert(place, row["id"])
        self._created.insert(place, row["created_at"])
        return place

    def _remove(self, run_id: str) -> None:
        place = self._order.index(run_id)
        del self._rows[run_id], self._order[place], self._created[place]

    def _recount(self, more: int) -> bool:
        """Count the runs again, now and then; say whether there are more or fewer."""
        before = self._total
        if self._next is None:
            self._total = len(self._order)
        elif time.monotonic() - self._counted_at >= _COUNT_EVERY_S:
            self._counted_at = time.monotonic()
            self._total = self._listing.page(self._which, limit=1).total
        else:
            self._total += more
        return self._total != before


def _joined(before: Message | None, message: Message) -> Message:
    if before is None:
        return message
    return {**before, "put": [*before["put"], *message["put"]]}
