"""Runs that were never run: as many, and with such names, as a test needs to be looked at."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.store import runs, schema
from jupyter_flotilla.store.connection import Store


def a_run(
    home: Path,
    *,
    name: str,
    status: RunStatus = RunStatus.SUCCEEDED,
    owner: str = "ada",
    path: Path | None = None,
) -> str:
    """Put one run into the store of a home, an hour old; returns its id.

    Whatever a name may be like that older or other programs have written.
    """
    spec = JobSpec.model_validate(
        {
            "kind": "command",
            "name": "seeded",
            "command": ("true",),
            "cwd": "/",
            "interpreter": "python",
            "engine": "process",
            "place": "elsewhere",
            "path": None if path is None else str(path),
        }
    )
    began = datetime.now(UTC) - timedelta(hours=1)
    run = Run(
        id=new_run_id(),
        spec=spec,
        owner=owner,
        status=status,
        created_at=began,
        started_at=began,
        ended_at=began + timedelta(seconds=75) if status.is_final else None,
        attempt=1,
        failure_kind=FailureKind.OUT_OF_MEMORY if status is RunStatus.FAILED else None,
        message="it passed 4 G" if status is RunStatus.FAILED else None,
    )
    store = Store(home / "flotilla.db")
    with store.write() as tx:
        runs.insert(tx, run)
        tx.execute(sa.update(schema.runs).where(schema.runs.c.id == run.id).values(name=name))
    store.close()
    return run.id


def many_copies(home: Path, run_id: str, count: int) -> None:
    """Have a run so many times more, a second apart, named ``copy-0`` and so on."""
    own = {
        "id": "'r' || printf('%012d', n)",
        "name": "'copy-' || n",
        "created_at": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', "
        "strftime('%s', created_at) - n, 'unixepoch')",
    }
    columns = [column.name for column in schema.runs.c]
    values = [own.get(name) or f"runs.{name}" for name in columns]
    store = Store(home / "flotilla.db")
    with store.write() as tx:
        tx.execute(
            sa.text(
                f"WITH RECURSIVE numbers(n) AS "
                f"(SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count) "
                f"INSERT INTO runs ({', '.join(columns)}) "
                f"SELECT {', '.join(values)} FROM runs, numbers WHERE runs.id = :id"
            ),
            {"count": count, "id": run_id},
        )
    store.close()
