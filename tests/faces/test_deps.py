"""What would travel with a job, as it is shown before."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import witness

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands.deps import package_lines
from jupyter_flotilla.environment import ImageFacts, Lock, Requirements
from jupyter_flotilla.model.options import read_options
from jupyter_flotilla.provision import Provisioned
from jupyter_flotilla.service import Flotilla


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook, and a file beside it."""
    (tmp_path / "data.csv").write_text("a,b\n")
    return witness.notebook(tmp_path / "n o.ipynb", "import six")


def test_a_job_of_this_machine_has_what_is_installed_and_its_folder(notebook: Path) -> None:
    shown = witness.flotilla("deps", notebook)

    assert shown.returncode == 0, shown.stderr
    assert f"Python   {sys.executable} (3." in shown.stdout
    assert f"folder   {notebook.parent}, as it is" in shown.stdout


def test_files_that_go_along_are_counted(notebook: Path) -> None:
    shown = witness.flotilla("deps", notebook, "--files", "*.csv").stdout
    as_json = json.loads(witness.flotilla("deps", notebook, "--files", "*.csv", "--json").stdout)

    assert "files    1, 4 B" in shown
    assert as_json["files"] == ["data.csv"]
    assert (as_json["engine"], as_json["image"]) == ("process", None)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    refused = witness.flotilla("deps", tmp_path / "nope.ipynb")

    assert refused.returncode == 2
    assert "there is no file" in refused.stderr


def test_packages_are_shown_with_why_they_are_needed_and_what_they_take(
    facade: Flotilla, tmp_path: Path
) -> None:
    lines = package_lines(_draft(facade, tmp_path), _found(origin="imports"), 2_000_000)

    assert lines == [
        "image    one:2: Python 3.12 on linux x86_64 (glibc 2.36); packages in it: 2",
        "needs    1 (what is imported, as it is installed here, and ipykernel and nbclient; "
        "constraints: 1)",
        "         pandas==2.2.3",
        "has      1",
        "         numpy==2.0",
        "brings   2 (2 MB)",
        "         pandas==2.2.3, pytz==2024.1",
        "note: pip is old",
        "note: numpy is the image's",
    ]


def test_a_lock_is_named_by_its_file(facade: Flotilla, tmp_path: Path) -> None:
    found = _found(origin="lock", file="/p/uv.lock")

    assert "needs    1 (by /p/uv.lock, " in package_lines(_draft(facade, tmp_path), found, None)[1]


def test_where_all_is_there_nothing_is_brought(facade: Flotilla, tmp_path: Path) -> None:
    lines = package_lines(_draft(facade, tmp_path), _found(packages=()), None)

    assert "brings   nothing" in lines


def test_a_narrow_terminal_gets_short_lines(
    facade: Flotilla, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    many = tuple(f"package-{number}==1.0" for number in range(20))

    lines = package_lines(_draft(facade, tmp_path), _found(packages=many), None)

    assert max(len(line) for line in lines if line.startswith(" ")) <= 40


def _draft(facade: Flotilla, folder: Path) -> Draft:
    draft = facade.draft_source("pass", read_options({}), folder)
    return replace(draft, spec=draft.spec.model_copy(update={"image": "one:2"}))


def _found(
    *,
    origin: str = "imports",
    file: str | None = None,
    packages: tuple[str, ...] = ("pandas==2.2.3", "pytz==2024.1"),
) -> Provisioned:
    return Provisioned(
        requirements=Requirements(
            origin=origin,  # type: ignore[arg-type]
            requirements=("pandas==2.2.3",),
            constraints=("pytz==2024.1",),
            file=file,
            notes=("pip is old",),
        ),
        facts=ImageFacts(
            python="3.12.4", executable="/usr/bin/python3", machine="x86_64",
            libc=("glibc", "2.36"), dists={"numpy": "2.0", "pip": "25"},
        ),
        lock=Lock(
            packages=packages, resolved=("numpy==2.0", *packages), key="k" if packages else "",
            notes=("numpy is the image's",),
        ),
    )  # fmt: skip
