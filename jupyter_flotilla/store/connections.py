"""The open connections of a store: one has one user at a time, and outlives a good end only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

#: So many are kept open for the next transaction.
_KEPT = 5


class Connections:
    """What transactions take and, if they end well, give back.

    An interrupt leaves a connection, and what SQLAlchemy believes of it, in any state. So one
    that was interrupted is never used again, not even to roll back: closing it does that. Nothing
    is counted and nothing is locked, so that no interrupt can leave a wrong count or a lock behind.

    Parameters
    ----------
    engine
        Makes the connections; its own pool must keep none (`sqlalchemy.NullPool`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        #: By process: what a forked child inherits is its parent's, also to close.
        self._idle: dict[int, list[sa.Connection]] = {}

    @contextmanager
    def use(self, begin: str | None = None) -> Iterator[sa.Connection]:
        """Yield a connection; whatever is raised meanwhile closes it, which undoes its work.

        Parameters
        ----------
        begin
            Statement that begins a transaction; whoever uses the connection ends it.
        """
        connection = self._take(begin)
        try:
            yield connection
        except BaseException:
            _discard(connection)
            raise
        self._give_back(connection)

    def close(self) -> None:
        """Close those that nobody uses."""
        idle = self._own()
        while idle:
            _discard(idle.pop())

    def _own(self) -> list[sa.Connection]:
        return self._idle.setdefault(os.getpid(), [])

    def _take(self, begin: str | None) -> sa.Connection:
        while True:
            kept = self._pop()
            connection = self._engine.connect() if kept is None else kept
            try:
                if begin is not None:
                    connection.exec_driver_sql(begin)
                return connection
            except BaseException as error:
                _discard(connection)
                # A server may have closed what was kept: then another one, in the end a new one.
                if kept is None or not _is_closed_by_server(error):
                    raise

    def _pop(self) -> sa.Connection | None:
        try:
            return self._own().pop()
        except IndexError:  # asked first, another thread could take the last one in between
            return None

    def _give_back(self, connection: sa.Connection) -> None:
        idle = self._own()
        if len(idle) < _KEPT:
            idle.append(connection)
        else:
            _discard(connection)


def _discard(connection: sa.Connection) -> None:
    # Whatever closing complains about must not hide why the connection is closed.
    try:
        with suppress(Exception):
            connection.invalidate()
    finally:  # a second interrupt may have hit the first try; otherwise this does nothing
        with suppress(Exception):
            connection.invalidate()


def _is_closed_by_server(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated
