"""Somebody deletes the home while it is in use: what is there then counts from then on."""

import shutil
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.errors import RunNotFound
from jupyter_flotilla.service import Flotilla


def test_a_run_that_was_deleted_with_its_home_is_not_found(facade: Flotilla, home: Path) -> None:
    run = fl.submit(["true"], wait=True)
    facade.get(run.id)

    shutil.rmtree(home)

    with pytest.raises(RunNotFound):
        facade.get(run.id)
    assert facade.latest() == []


def test_following_ends_when_the_home_is_deleted(facade: Flotilla, home: Path) -> None:
    run = fl.submit(["sh", "-c", "echo before; sleep 60"])
    following = iter(run.logs(follow=True))
    assert next(following) == "before\n"
    job = witness.processes_of_run(run.id)

    shutil.rmtree(home)

    with pytest.raises(RunNotFound):
        list(following)
    for pid in job:
        witness.kill(pid)


def test_what_is_submitted_after_the_home_was_deleted_runs(home: Path, settings_file: Path) -> None:
    fl.submit(["true"], wait=True)

    shutil.rmtree(home)

    assert fl.submit(["echo", "again"], wait=True).result() == "again\n"


def test_a_store_that_was_put_back_from_a_copy_is_what_counts(
    facade: Flotilla, home: Path, tmp_path: Path
) -> None:
    facade.latest()
    facade.close()
    shutil.copytree(home, tmp_path / "copy")
    run = fl.submit(["true"], wait=True)
    facade.get(run.id)

    shutil.rmtree(home)
    (tmp_path / "copy").rename(home)

    assert facade.latest() == []
