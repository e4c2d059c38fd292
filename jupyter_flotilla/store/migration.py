"""Brings a store to this version's tables, keeping a copy of what was there."""

import sqlalchemy as sa

from jupyter_flotilla.errors import StoreTooNew
from jupyter_flotilla.store.backend import Backend

#: Latest revision that this version knows. A test compares it with the files.
HEAD = "1_0009"
_MAJOR = int(HEAD.partition("_")[0])


def migrate(connection: sa.Connection, backend: Backend) -> None:
    """Upgrade the store if it is older; leave one of a newer minor version as it is.

    Alembic is imported only where there is something to do.

    Raises
    ------
    StoreTooNew
        If a newer major version wrote the store.
    """
    if _is_current(connection):
        return
    with backend.migration_lock(connection):
        found = _revision(connection)
        if found == HEAD:
            return
        if found is not None:
            backend.back_up(HEAD)
        _upgrade(connection, backend.begin_write)


def _is_current(connection: sa.Connection) -> bool:
    found = _revision(connection)
    if found is None:
        return False
    major, _, number = found.partition("_")
    if not major.isdigit() or int(major) > _MAJOR:
        raise StoreTooNew(
            f"the store is of version {found!r}, newer than this program's {HEAD!r}",
            next_step="upgrade: pip install -U jupyter_flotilla; or use another FLOTILLA_HOME",
        )
    return int(major) == _MAJOR and int(number) >= int(HEAD.partition("_")[2])


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def _upgrade(connection: sa.Connection, begin: str) -> None:
    """Migrate in one transaction; whoever lent the connection closes it if that fails."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "jupyter_flotilla:store/migrations")
    config.attributes["connection"] = connection
    if connection.dialect.name == "sqlite":  # elsewhere the lock is a transaction already
        connection.exec_driver_sql(begin)
    command.upgrade(config, "head")
    connection.exec_driver_sql("COMMIT")
