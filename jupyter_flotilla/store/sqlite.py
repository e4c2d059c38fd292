"""The default: one file of the user's own."""

import errno
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla import machine
from jupyter_flotilla.artifacts.local import disk_errors, what_is_wrong
from jupyter_flotilla.errors import DiskFull, FlotillaError, StoreUnreadable
from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.store.backend import Backend, ChangeWatch

#: How long one process waits for another's write, in milliseconds. A write takes about one.
_BUSY_MS = 30_000
#: SQLite cannot do much with less than this.
_NO_ROOM_BYTES = 256 * 1024


class SqliteBackend(Backend):
    """A SQLite file, created for the user alone if it is missing.

    Parameters
    ----------
    say
        Takes a sentence for the user, where the store works but not as usual.

    Raises
    ------
    StoreUnreadable
        If the file cannot be opened.
    DiskFull
        If there is no room for it.
    """

    # IMMEDIATE: read-then-write under a deferred lock fails when two processes do it.
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.path = path
        self.name = str(path)
        self.journal_mode = "DELETE" if machine.is_network_file_system(path.parent) else "WAL"
        if self.journal_mode == "DELETE":
            say(
                f"{path.parent} is on a network file system "
                f"({machine.file_system(path.parent)}), where SQLite's WAL does not work: using "
                "its slower DELETE journal. FLOTILLA_HOME on a local disk is faster."
            )
        self._create_file()
        self._opened = self._identity()

    def create_engine(self) -> sa.Engine:
        # not as text: "?" and "%" of a folder's name would be read as parts of a URL
        url = sa.URL.create("sqlite", database=str(self.path))
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        sa.event.listen(engine, "connect", self._on_connect)
        sa.event.listen(engine, "close", _on_close)
        return engine

    def before_commit(self, connection: sa.Connection) -> None:
        """Nothing: every commit is seen by PRAGMA data_version."""

    def is_gone(self) -> bool:
        """A file that was deleted, moved or replaced goes on being written by who has it open."""
        try:
            return self._identity() != self._opened
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False  # it cannot be seen, and the next statement says why

    def watch(self) -> ChangeWatch:
        return _DataVersion(self.path, self.explain)

    @contextmanager
    def migration_lock(self, connection: sa.Connection) -> Iterator[None]:
        lock = FileLock(self.path.with_name("migrate.lock"))
        try:
            lock.acquire(wait_s=60)
            yield
        finally:
            lock.release()

    def back_up(self, revision: str) -> None:
        to = self.path.with_name(f"{self.path.name}.before-{revision}")
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
        to.chmod(0o600)

    def explain(self, cause: Any) -> FlotillaError:
        word = getattr(cause, "sqlite_errorname", "")
        # A WAL's index that cannot grow is told as an I/O error, not as a full disk.
        is_full = word.startswith("SQLITE_IOERR") and self._free_bytes() < _NO_ROOM_BYTES
        if word == "SQLITE_FULL" or is_full:
            return DiskFull(
                f"no room left for the store {self.path}",
                next_step="free some space there, or set FLOTILLA_HOME to another disk",
            )
        if word.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            step = f"restore a copy ({self.path}.before-*), or move the file away to start afresh"
        elif word.startswith("SQLITE_BUSY"):
            step = "another process holds it locked for long; see 'jupyter flotilla doctor'"
        else:
            step = "mend its permissions and disk; 'jupyter flotilla doctor' looks at both"
        return StoreUnreadable(f"the store {self.path} cannot be used: {cause}", next_step=step)

    def _create_file(self) -> None:
        folder = self.path.parent
        try:
            with disk_errors(folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder.stat().st_mode & 0o077:
                    folder.chmod(0o700)
                _make_or_reach(self.path)
                if self.path.stat().st_mode & 0o077:
                    self.path.chmod(0o600)
        except OSError as error:
            reason = error.strerror if folder.is_dir() else what_is_wrong(folder, error)
            raise StoreUnreadable(
                f"the store {self.path} cannot be opened: {reason}",
                next_step="mend its permissions, or set FLOTILLA_HOME to a folder of yours",
            ) from error

    def _on_connect(self, connection: sqlite3.Connection, record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        self._set_journal_mode(connection)
        # A power cut may take the last commits with WAL, never the file: sqlite.org/pragma.html
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    def _set_journal_mode(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + _BUSY_MS / 1000
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != self.journal_mode.lower():
            try:
                connection.execute(f"PRAGMA journal_mode={self.journal_mode}")
            except sqlite3.OperationalError as error:
                # The switch needs the file for itself, and does not wait for it as other locks do.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _identity(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.path.parent).free


def _make_or_reach(path: Path) -> None:
    """Create a file for the user alone if it is missing; raise OSError if it cannot be written.

    The file itself is never opened here: to close it gives up all locks that this process has on it
    (fcntl(2)), those of other connections to the same store too. Whoever leaves it next then takes
    itself for the last one, and deletes the log that those still read and write
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    if not path.exists():
        part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with suppress(FileExistsError):
                os.link(part, path)
        finally:
            part.unlink()
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _on_close(connection: sqlite3.Connection, record: Any) -> None:
    # A statement that an interrupt has left half read, in a traceback perhaps, keeps a closed
    # connection's transaction, and with it the lock (sqlite.org/c3ref/close.html, close_v2).
    with suppress(sqlite3.Error):
        connection.rollback()


class _DataVersion(ChangeWatch):
    """About 50 µs a look."""

    def __init__(self, path: Path, explain: Callable[[Any], FlotillaError]) -> None:
        self._explain = explain
        self._connection = sqlite3.connect(
            f"{path.as_uri()}", uri=True, isolation_level=None, timeout=_BUSY_MS / 1000
        )
        self._seen = self._version()

    def has_changed(self) -> bool:
        seen, self._seen = self._seen, self._version()
        return seen != self._seen

    def close(self) -> None:
        self._connection.close()

    def _version(self) -> int:
        # sqlite.org/pragma.html#pragma_data_version: compared on one connection only
        try:
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise self._explain(error) from error
