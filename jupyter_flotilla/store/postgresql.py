"""For teams: a PostgreSQL database by URL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla.errors import DiskFull, FlotillaError, StoreUnreadable
from jupyter_flotilla.store.backend import Backend, ChangeWatch, serialize

#: What every writing transaction tells listeners.
_CHANNEL = "flotilla_changes"
_DISK_FULL = "53100"  # PostgreSQL's error codes, class 53: disk_full


class PostgresqlBackend(Backend):
    """A PostgreSQL database; psycopg 3 talks to it.

    Raises
    ------
    StoreUnreadable
        If psycopg is not installed.
    """

    # READ COMMITTED: every move is guarded by the status it had, every claim by `serialize`.
    begin_write = "BEGIN"

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        self.name = self._url.set(drivername="postgresql").render_as_string(hide_password=True)

    def create_engine(self) -> sa.Engine:
        try:
            return sa.create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        except ImportError as error:
            raise StoreUnreadable(
                f"the store {self.name} needs psycopg: {error}",
                next_step="pip install 'jupyter_flotilla[postgresql]'",
            ) from error

    def before_commit(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"NOTIFY {_CHANNEL}")  # sent at commit, once a transaction

    def is_gone(self) -> bool:
        """Never: a database that is dropped says so at the next statement."""
        return False

    def watch(self) -> ChangeWatch:
        return _Listener(self._url, self.explain)

    @contextmanager
    def migration_lock(self, connection: sa.Connection) -> Iterator[None]:
        connection.exec_driver_sql("BEGIN")
        serialize(connection, "flotilla-migrate")
        yield
        # A migration has committed, which gave the lock back; a failure closes the connection.
        connection.exec_driver_sql("ROLLBACK")

    def back_up(self, revision: str) -> None:
        """Nothing: a database server has backups of its own, and DDL in it is transactional."""

    def explain(self, cause: Any) -> FlotillaError:
        if getattr(cause, "sqlstate", None) == _DISK_FULL:
            return DiskFull(f"no room left for the store {self.name}")
        words = " ".join(str(cause).split())[:500]
        return StoreUnreadable(
            f"the store {self.name} cannot be used: {words}",
            next_step="see whether the server lives, and whether user and database exist",
        )


class _Listener(ChangeWatch):
    def __init__(self, url: sa.URL, explain: Callable[[Any], FlotillaError]) -> None:
        import psycopg

        self._explain = explain
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(plain, autocommit=True)
        self._connection.execute(f"LISTEN {_CHANNEL}")

    def has_changed(self) -> bool:
        import psycopg

        try:
            return bool(list(self._connection.notifies(timeout=0)))
        except psycopg.Error as error:
            raise self._explain(error) from error

    def close(self) -> None:
        self._connection.close()
