"""What is deleted is seen first, and what is kept stays."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store.schema import runs as table


@pytest.fixture
def two(settings_file: Path, facade: Flotilla) -> list[str]:
    """The ids of two runs that ended two days ago, the first of them kept."""
    runs = [fl.submit(["true"], name=name, tags={"a": "b"}, wait=True) for name in ("old", "older")]
    runs[0].keep()
    with facade.store.write() as tx:
        tx.execute(table.update().values(ended_at=utc_now() - timedelta(days=2)))
    return [run.id for run in runs]


def _folders(home: Path) -> set[str]:
    return {path.name for path in home.glob("runs/*/*")}


def test_a_preview_deletes_nothing(two: list[str], home: Path) -> None:
    shown = witness.flotilla("clean", "--older-than", "1d", "--dry-run", "--json")

    assert [row["id"] for row in json.loads(shown.stdout)] == [two[1]]
    assert "nothing was deleted" in shown.stderr
    assert _folders(home) == set(two)


def test_clean_needs_consent(two: list[str], home: Path) -> None:
    refused = witness.flotilla("clean", "--older-than", "1d")

    assert refused.returncode == 3
    assert _folders(home) == set(two)


def test_clean_deletes_rows_and_artifacts_but_not_what_is_kept(two: list[str], home: Path) -> None:
    cleaned = witness.flotilla("clean", "--older-than", "1d", "--yes")

    assert cleaned.returncode == 0, cleaned.stderr
    assert _folders(home) == {two[0]}
    assert [row["id"] for row in json.loads(witness.flotilla("ls", "--json").stdout)] == [two[0]]


def test_what_is_no_longer_kept_is_deleted(two: list[str], home: Path) -> None:
    witness.flotilla("keep", "--undo", two[0])

    witness.flotilla("clean", "--older-than", "1d", "--yes")

    assert _folders(home) == set()


def test_a_run_that_is_not_final_is_never_deleted(two: list[str], home: Path) -> None:
    run = fl.submit(["sleep", "99"])

    witness.flotilla("clean", "--older-than", "1d", "--yes")

    assert run.refresh().snapshot.id == run.id
    run.cancel(grace=0).wait()


def test_retention_by_age_deletes_by_itself(two: list[str], facade: Flotilla) -> None:
    sweeper = facade.sweeper(keep_days=1, keep_bytes=None)

    swept = [sweeper.step(utc_now() - timedelta(days=1.5)), sweeper.step(utc_now())]

    assert swept == [0, 1]
    assert [run.id for run, _ in facade.latest()] == [two[0]]


def test_a_folder_without_a_row_or_attempt_goes_after_a_day(
    two: list[str], facade: Flotilla, home: Path
) -> None:
    orphan = home / "runs" / "zz" / "rzz0000000000"
    orphan.mkdir(parents=True)
    long_ago = (utc_now() - timedelta(days=2)).timestamp()
    os.utime(orphan, (long_ago, long_ago))
    outputs = home / "runs" / "yy" / "ryy0000000000"
    (outputs / "attempts" / "1").mkdir(parents=True)  # of a store that was moved away
    os.utime(outputs, (long_ago, long_ago))

    facade.sweeper(keep_days=None, keep_bytes=None).step(utc_now())

    assert _folders(home) == {*two, outputs.name}


def test_active_runs_that_have_succeeded_are_none(two: list[str]) -> None:
    listed = witness.flotilla("ls", "--active", "--status", "SUCCEEDED", "--json")

    assert json.loads(listed.stdout) == []
