"""A store of its own for each test, on each database, and runs to put into it."""

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from postgresql_server import PostgresqlServer
from witness import NOW

from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import Run, new_run_id
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.connection import Store

_numbers = count()

#: Interrupts of one test; a pool of SQLAlchemy's own has room for 15 connections.
_INTERRUPTS = 300
#: About as long as the calls of these tests take, in seconds.
_LATEST_S = 0.004


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for all tests of the session."""
    if not PostgresqlServer.is_installed():
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with PostgresqlServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, home: Path) -> Path | str:
    """Where the test's store is: a file, or the URL of a new database."""
    if request.param == "sqlite":
        return home / "flotilla.db"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.new_database(f"test_{next(_numbers)}")


@pytest.fixture
def store(where: Path | str) -> Iterator[Store]:
    """An empty store."""
    opened = Store(where)
    yield opened
    opened.close()


@pytest.fixture
def make_run(store: Store) -> Callable[..., Run]:
    """Insert a queued run for the fake engine; keywords are fields of its JobSpec."""

    def make(*, created_at: datetime = NOW, run_id: str | None = None, **fields: Any) -> Run:
        spec = JobSpec.model_validate(
            {
                "kind": "command", "name": "job", "command": ("true",), "cwd": "/",
                "interpreter": "python", "engine": "fake", "place": "nowhere", **fields,
            }
        )  # fmt: skip
        run = Run(id=run_id or new_run_id(), spec=spec, owner="me", created_at=created_at)
        with store.write() as tx:
            runs.insert(tx, run)
        return run

    return make


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[[], object]], Counter[str]]]:
    """Call something many times, interrupt it at different moments, and count what it raises."""

    presses = 0

    def press(number: int, frame: Any) -> None:
        nonlocal presses
        presses += 1
        raise KeyboardInterrupt

    def repeat(call: Callable[[], object]) -> Counter[str]:
        nonlocal presses
        raised: Counter[str] = Counter()
        chances = random.Random(1)
        for nth in range(1, _INTERRUPTS + 1):
            try:
                signal.setitimer(signal.ITIMER_REAL, chances.uniform(1e-5, _LATEST_S))
                while presses < nth:
                    call()
            except BaseException as error:
                raised[type(error).__name__] += 1
                presses = nth  # also where it raised something before it was interrupted
        return raised

    before = signal.signal(signal.SIGALRM, press)
    yield repeat
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
