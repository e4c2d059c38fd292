import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_flotilla import machine
from jupyter_flotilla.errors import StoreTooNew, StoreUnreadable
from jupyter_flotilla.store import migration, runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.schema import metadata


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An empty store in a file."""
    opened = Store(home / "flotilla.db")
    yield opened
    opened.close()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_store_is_the_users_alone(home: Path) -> None:
    before = os.umask(0o000)
    try:
        store = Store(home / "flotilla.db")
    finally:
        os.umask(before)

    assert (_mode(home), _mode(Path(store.name))) == (0o700, 0o600)
    store.close()


def test_the_journal_is_wal_on_a_local_disk(store: Store) -> None:
    with store.read() as tx:
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_on_a_network_file_system_the_journal_is_delete_and_the_reason_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "file_system", lambda path: "nfs4")
    said: list[str] = []

    store = Store(home / "flotilla.db", said.append)

    with store.read() as tx:
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    assert "network file system (nfs4)" in said[0]
    store.close()


def test_the_tables_are_what_the_migrations_make(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.read() as tx:
        differences = compare_metadata(MigrationContext.configure(tx), metadata)

    tables = [d for d in differences if d[0] in ("add_table", "remove_table", "add_column")]
    assert tables == []


def test_head_is_the_latest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "jupyter_flotilla:store/migrations")

    assert ScriptDirectory.from_config(config).get_current_head() == migration.HEAD


def _set_revision(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        connection.commit()


def test_a_newer_minor_version_is_used_as_it_is(store: Store) -> None:
    _set_revision(Path(store.name), "1_9999")

    Store(Path(store.name)).close()

    with store.read() as tx:
        assert tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "1_9999"


@pytest.mark.parametrize("revision", ["2_0001", "abcdef012345"])
def test_an_unknown_major_version_is_refused(store: Store, revision: str) -> None:
    _set_revision(Path(store.name), revision)

    with pytest.raises(StoreTooNew, match=revision):
        Store(Path(store.name))


def test_a_file_that_is_no_store_is_refused_with_its_path(home: Path) -> None:
    home.mkdir()
    path = home / "flotilla.db"
    path.write_text("this is not a database, but long enough to look at" * 100)

    with pytest.raises(StoreUnreadable, match=r"flotilla\.db.*not a database"):
        Store(path)


@pytest.mark.parametrize("name", ["what?at=1", "100%25", "a#b", "a;b&c"])
def test_a_folder_may_be_named_like_parts_of_a_url(tmp_path: Path, name: str) -> None:
    with closing(Store(tmp_path / name / "flotilla.db")) as store, store.read() as tx:
        assert runs.latest(tx) == []

    assert (tmp_path / name / "flotilla.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_in_the_stores_place_is_refused(home: Path) -> None:
    (home / "flotilla.db").mkdir(parents=True)

    with pytest.raises(StoreUnreadable, match="cannot be opened"):
        Store(home / "flotilla.db")


def test_a_damaged_store_says_what_to_do(store: Store) -> None:
    store.close()
    content = bytearray(Path(store.name).read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    Path(store.name).write_bytes(content)
    for suffix in ("-wal", "-shm"):
        Path(f"{Path(store.name)}{suffix}").unlink(missing_ok=True)

    with pytest.raises(StoreUnreadable, match="move the file away"):
        Store(Path(store.name))


_OTHER = """
import sys
from pathlib import Path
from jupyter_flotilla.store.connection import Store
store = Store(Path(sys.argv[1]))
watch = store.watch()
print("open", flush=True)
sys.stdin.readline()
watch.close()
store.close()
"""
_LATER = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE later (a)')"


def test_to_open_a_store_once_more_leaves_what_is_open_in_touch_with_other_processes(
    store: Store,
) -> None:
    path, watch = store.name, store.watch()
    # who leaves last deletes the log, unless somebody has the store locked
    other = subprocess.Popen([sys.executable, "-c", _OTHER, path], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"

    Store(Path(path)).close()
    other.communicate("leave\n")
    subprocess.run([sys.executable, "-c", _LATER, path], check=True)

    assert watch.has_changed()
    with store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM later").scalar() == 0
    watch.close()


def test_opening_twice_at_once_migrates_once(home: Path) -> None:
    import threading

    opened: list[Store] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Store(home / "flotilla.db")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 4
    for store in opened:
        store.close()
    shutil.rmtree(home)
