"""What databases do differently, and nothing else."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import sqlalchemy as sa

from jupyter_flotilla.errors import FlotillaError


class ChangeWatch(ABC):
    """Tells whether any other connection has changed the store."""

    @abstractmethod
    def has_changed(self) -> bool:
        """Say whether there was a commit since the last look; 50 looks a second cost little."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


class Backend(ABC):
    """One kind of database."""

    #: Statement that begins a transaction which will write.
    begin_write: ClassVar[str]
    #: Where the store is, for people; never with a password.
    name: str

    @abstractmethod
    def create_engine(self) -> sa.Engine:
        """Return the engine; its connections are in autocommit, and it keeps none (NullPool).

        `Store` says BEGIN and COMMIT, `Connections` keeps what can be used again.
        """

    @abstractmethod
    def explain(self, cause: Any) -> FlotillaError:
        """Return our error for one of the database's."""

    @abstractmethod
    def before_commit(self, connection: sa.Connection) -> None:
        """Do what makes a commit seen by `watch` of others."""

    @abstractmethod
    def is_gone(self) -> bool:
        """Say whether the store that was opened is no longer the one at its address."""

    @abstractmethod
    def watch(self) -> ChangeWatch:
        """Return what tells of changes by others."""

    @abstractmethod
    def migration_lock(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Hold off every other process that would migrate."""

    @abstractmethod
    def back_up(self, revision: str) -> None:
        """Keep a copy of the store as it is before it is migrated to ``revision``."""


def serialize(connection: sa.Connection, key: str) -> None:
    """Let nobody else decide on ``key`` until this transaction ends.

    A writing transaction on SQLite is alone already; PostgreSQL takes an advisory lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(key))))
