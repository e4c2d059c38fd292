"""Which task definitions a home has registered, and when each was last used.

A file in the home, not a table: the store is one for a team where it is PostgreSQL, and this is a
note of one home about one account, which costs a look-up where it is lost. Engines do not see the
store either.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.protocol import read_json, write_json

#: A use is worth writing down when the last that was is so old.
_NOTED_EVERY = timedelta(days=1)
#: Seconds to wait for whoever writes; it takes a thousandth of that.
_PATIENCE_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A definition that AWS had when it was last used."""

    arn: str
    used_at: datetime

    def is_stale(self, now: datetime) -> bool:
        """Say whether this use is to be written down."""
        return now - self.used_at > _NOTED_EVERY


class Ledger:
    """The definitions of one account and region in a file. Safe from several processes.

    A file that cannot be read, or holds something else, is as none; one that cannot be written
    leaves everything as it was.

    Parameters
    ----------
    name
        Of account and region.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    def entry(self, family: str) -> Entry | None:
        """Return what is known of a family."""
        return self.entries().get(family)

    def entries(self) -> dict[str, Entry]:
        """Return all, by family; the one that was unused for longest first."""
        found = self._read().get(self._name)
        known = found.items() if isinstance(found, dict) else ()
        entries = {str(family): entry for family, one in known if (entry := _entry(one))}
        return dict(sorted(entries.items(), key=lambda pair: pair[1].used_at))

    def note(self, family: str, arn: str, now: datetime) -> Entry:
        """Write down that a definition is used; return what was written."""
        entry = Entry(arn=arn, used_at=now)
        self._change({family: entry})
        return entry

    def drop(self, families: Iterable[str]) -> None:
        """Forget definitions."""
        self._change(dict.fromkeys(families))

    def _change(self, changes: Mapping[str, Entry | None]) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            lock = FileLock(self._path.with_suffix(".write"))
            lock.acquire(_PATIENCE_S)
            try:
                kept = {
                    family: {"arn": one.arn, "used_at": one.used_at.isoformat()}
                    for family, one in {**self.entries(), **changes}.items()
                    if one is not None
                }
                write_json(str(self._path), {**self._read(), self._name: kept})
            finally:
                lock.release()

    def _read(self) -> dict[str, Any]:
        with suppress(OSError):
            return read_json(str(self._path)) or {}
        return {}


def _entry(kept: Any) -> Entry | None:
    try:
        used_at = datetime.fromisoformat(kept["used_at"])
        return Entry(arn=str(kept["arn"]), used_at=used_at.astimezone(UTC))
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
