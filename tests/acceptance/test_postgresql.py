"""The whole way through with the store in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import witness
from postgresql_server import PostgresqlServer

import jupyter_flotilla as fl


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, settings_file: Path) -> Iterator[str]:
    """The URL of an empty database that all our processes use."""
    if not PostgresqlServer.is_installed():
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with PostgresqlServer() as server:
        url = server.new_database("way_through")
        settings_file.write_text(f'{settings_file.read_text()}store = "{url}"\n')
        yield url
        for pid in witness.processes_of_home(Path(fl.api.flotilla().settings.home)):
            witness.kill(pid)
        fl.api.flotilla().close()


def test_jobs_run_are_cancelled_and_listed_with_the_store_in_postgresql(
    database: str, tmp_path: Path, home: Path
) -> None:
    notebook = witness.notebook(tmp_path / "in.ipynb", "n * 2", parameters="n = 1")
    long = fl.submit(["sleep", "60"], name="long")

    grid = fl.run_grid(notebook, grid={"n": [1, 2]}, wait=True)
    long.cancel(grace=1).wait()
    listed = witness.flotilla("ls", "--json")

    assert grid.progress == {"SUCCEEDED": 2}
    assert long.snapshot.status == "CANCELLED"
    assert listed.stdout.count('"run_id"') == 3
    assert not (home / "flotilla.db").exists()
