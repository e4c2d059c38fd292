"""What is deleted is seen first, and what is kept stays."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.model.options import read_options
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


@pytest.fixture
def layers(home: Path) -> list[Path]:
    """Three sets of packages that were used 40, 40 and 20 days ago."""
    made = []
    for letter, days in (("a", 40), ("b", 40), ("c", 20)):
        layer = home / "layers" / (letter * 32)
        layer.mkdir(parents=True)
        used = layer.with_name(f"{layer.name}.used")
        used.touch()
        moment = (utc_now() - timedelta(days=days)).timestamp()
        os.utime(used, (moment, moment))
        made.append(layer)
    return made


def test_clean_takes_packages_that_nobody_has_used_for_a_month(
    settings_file: Path, layers: list[Path]
) -> None:
    cleaned = witness.flotilla("clean")

    assert [layer.exists() for layer in layers] == [False, False, True]
    assert "unused sets of packages: 2" in cleaned.stderr
    assert "--older-than 30d" in cleaned.stderr


def test_clean_leaves_the_packages_of_a_run_that_is_going_on(
    settings_file: Path, layers: list[Path], facade: Flotilla
) -> None:
    draft = facade.draft_command(["sleep", "99"], read_options({}), Path.cwd())
    spec = draft.spec.model_copy(update={"layer": layers[0].name})
    run = fl.get(facade.submit(replace(draft, spec=spec)).id)

    witness.flotilla("clean", "--older-than", "1d", "--yes")

    assert [layer.exists() for layer in layers] == [True, False, True]
    run.cancel(grace=0).wait()


def test_a_preview_says_which_packages_would_go_and_leaves_them(
    settings_file: Path, layers: list[Path]
) -> None:
    shown = witness.flotilla("clean", "--dry-run")

    assert all(layer.exists() for layer in layers)
    assert "unused sets of packages: 2; nothing was deleted" in shown.stderr
