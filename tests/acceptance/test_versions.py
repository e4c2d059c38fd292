"""Two versions on one store: the older was built from the commit before the latest migration."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import witness

_ROOT = Path(__file__).parents[2]


def _git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", _ROOT, *words], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with version N−1, installed from a wheel."""
    folder = tmp_path_factory.mktemp("older")
    changed = _git(
        "log", "-1", "--format=%H", "-G^HEAD = ", "--", "jupyter_flotilla/store/migration.py"
    )
    before = f"{changed.decode().strip()}^"
    with tarfile.open(fileobj=BytesIO(_git("archive", before))) as archive:
        archive.extractall(folder / "source", filter="data")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=folder / "source", check=True, capture_output=True,
        env={**os.environ, "SKIP_JUPYTER_BUILDER": "1"},  # its front end serves nobody here
    )  # fmt: skip
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    [site] = (folder / "venv").glob("lib/python*/site-packages")
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "shared.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv" / "bin" / "python"


def _flotilla(python: Path | str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [python, "-P", "-m", "jupyter_flotilla", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", check=False)


def _ids(python: Path | str) -> list[str]:
    listed = _flotilla(python, "ls", "--json")
    assert listed.returncode == 0, listed.stderr
    return [row["id"] for row in json.loads(listed.stdout)]


def test_both_submit_and_list_on_one_store_and_a_copy_was_made(
    older: Path, home: Path, settings_file: Path
) -> None:
    settings_file.write_text("idle_s = 5\n")  # what both versions know
    ran = [
        _flotilla(python, "run", "--name", name, "--", "echo", name)
        for python, name in ((older, "first"), (sys.executable, "second"), (older, "third"))
    ]

    assert [run.stdout for run in ran] == ["first\n", "second\n", "third\n"], ran
    assert _ids(older) == _ids(sys.executable)
    assert len(_ids(older)) == 3
    copies = [path.name for path in home.glob("flotilla.db.before-*")]
    assert len(copies) == 1


def test_an_older_dispatcher_leaves_for_a_newer_one(
    older: Path, home: Path, settings_file: Path
) -> None:
    settings_file.write_text("idle_s = 60\n")
    _flotilla(older, "run", "--", "true")
    [before] = json.loads(_flotilla(sys.executable, "dispatch", "--status", "--json").stdout)

    ran = _flotilla(sys.executable, "run", "--retries", "1", "--", "true")

    [after] = witness.until(
        lambda: json.loads(_flotilla(sys.executable, "dispatch", "--status", "--json").stdout)
    )
    assert ran.returncode == 0
    assert (before["python"], after["python"]) == (str(older), sys.executable)
