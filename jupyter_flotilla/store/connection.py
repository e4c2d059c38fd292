"""Opens the store: transactions over one database, shared by many processes."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError

from jupyter_flotilla.errors import StoreUnreadable
from jupyter_flotilla.store.backend import Backend, ChangeWatch
from jupyter_flotilla.store.connections import Connections
from jupyter_flotilla.store.migration import migrate
from jupyter_flotilla.store.postgresql import PostgresqlBackend
from jupyter_flotilla.store.sqlite import SqliteBackend


class Store:
    """The store of runs.

    Parameters
    ----------
    where
        Path of a SQLite file, or the URL of a PostgreSQL database.
    say
        Takes a sentence for the user, where the store works but not as usual.

    Raises
    ------
    StoreUnreadable
        If it cannot be opened, is none or is damaged.
    StoreTooNew
        If a newer major version wrote it.
    DiskFull
        If there is no room for it.
    """

    def __init__(
        self, where: Path | str, say: Callable[[str], None] = lambda sentence: None
    ) -> None:
        self._backend = _backend(where, say)
        self._connections = Connections(self._backend.create_engine())
        with self._errors(), self._connections.use() as connection:
            migrate(connection, self._backend)

    @property
    def name(self) -> str:
        """Where the store is, for people."""
        return self._backend.name

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def is_gone(self) -> bool:
        """Say whether the store that was opened is no longer the one at its address."""
        return self._backend.is_gone()

    def watch(self) -> ChangeWatch:
        """Return what tells of changes by others; the caller closes it."""
        return self._backend.watch()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection for reading."""
        with self._errors(), self._connections.use("BEGIN") as connection:
            yield connection
            connection.exec_driver_sql("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yield a connection for reading and writing; commit at the end.

        What must be decided alone is `serialize`\\ d. Never call an engine, the network or a
        callback inside.
        """
        with self._errors(), self._connections.use(self._backend.begin_write) as connection:
            yield connection
            self._backend.before_commit(connection)
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, sqlite3.IntegrityError):
            raise  # a guard of ours has held: that is for whoever wrote
        except DatabaseError as error:
            raise self._backend.explain(error.orig) from error
        except sqlite3.DatabaseError as error:
            raise self._backend.explain(error) from error


def _backend(where: Path | str, say: Callable[[str], None]) -> Backend:
    if isinstance(where, Path):
        return SqliteBackend(where, say)
    if where.startswith(("postgresql:", "postgresql+psycopg:", "postgres:")):
        try:
            return PostgresqlBackend(where.replace("postgres:", "postgresql:", 1))
        except ArgumentError as error:
            raise StoreUnreadable(
                "the store's URL cannot be understood",
                next_step="postgresql://USER@HOST/DATABASE; passwords belong in ~/.pgpass",
            ) from error
    if where.startswith("sqlite:///"):
        return SqliteBackend(Path(where.removeprefix("sqlite:///")), say)
    raise StoreUnreadable(
        f"the store {where.partition(':')[0]!r} is of no known kind",
        next_step="sqlite:////path/to/file or postgresql://USER@HOST/DATABASE",
    )
