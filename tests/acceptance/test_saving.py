"""``--save``: what could not be saved is said before anything runs, and never lost afterwards."""

import os
import stat
from pathlib import Path

import pytest
import witness

from jupyter_flotilla.service import Flotilla


@pytest.fixture
def here(tmp_path: Path, settings_file: Path) -> Path:
    """A folder with a notebook, a file, a folder and a pipe."""
    folder = tmp_path / "here"
    witness.notebook(folder / "train.ipynb", "print(alpha)", parameters="alpha = 1")
    (folder / "file").write_text("precious")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".", ["is a folder", "--save {name}-{id}.ipynb"]),
        ("folder", ["is a folder", "--save folder/{name}-{id}.ipynb"]),
        ("file/out.ipynb", ["cannot be written: Not a directory"]),
        ("pipe", ["is no file"]),
        ("loop", ["cannot be written"]),
        ("~nobody-of-that-name/out.ipynb", ["cannot be written"]),
        ("x" * 300, ["cannot be written: File name too long"]),
        ("x" * 250 + "{id}", ["cannot be written: File name too long"]),
        pytest.param(
            "/proc/new/out.ipynb",
            ["/proc/new cannot be written"],
            marks=pytest.mark.skipif(not Path("/proc").exists(), reason="there is no /proc here"),
        ),
    ],
    ids=lambda value: value[:10] if isinstance(value, str) else None,
)
def test_a_place_that_cannot_be_written_is_named_before_anything_runs(
    here: Path, facade: Flotilla, path: str, expected: list[str]
) -> None:
    refused = witness.flotilla("run", "train.ipynb", "--save", path, cwd=here)

    assert refused.returncode == 2, refused.stderr
    for part in expected:
        assert part in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "add --yes" not in refused.stderr
    assert facade.latest() == []


def test_a_notebook_is_saved_into_folders_that_are_made(here: Path) -> None:
    ran = witness.flotilla("run", "train.ipynb", "--save", "a/b/{name}-{alpha}.ipynb",
                           "-p", "alpha=2", cwd=here)  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    [saved] = (here / "a" / "b").iterdir()
    assert saved.name == "train-2.ipynb"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o666 & ~_umask()


def test_what_is_overwritten_is_replaced_whole_and_a_link_stays_one(here: Path) -> None:
    (here / "link.ipynb").symlink_to("file")

    ran = witness.flotilla("run", "train.ipynb", "--save", "link.ipynb", "--yes", cwd=here)

    assert ran.returncode == 0, ran.stderr
    assert (here / "link.ipynb").is_symlink()
    assert '"nbformat"' in (here / "file").read_text()
    assert not list(here.glob(".r*"))


@pytest.mark.parametrize(("end", "code"), [("", 0), ("; 1 / 0", 1)], ids=["success", "failure"])
def test_a_notebook_that_cannot_be_saved_is_where_it_is_said_to_be(
    here: Path, end: str, code: int
) -> None:
    witness.notebook(here / "enemy.ipynb", f"open('out', 'w').close(){end}")

    ran = witness.flotilla("run", "enemy.ipynb", "--save", "out/{name}.ipynb", cwd=here)

    assert ran.returncode == code, ran.stderr
    assert "could not be saved as out/enemy.ipynb: " in ran.stderr
    assert "Traceback (most" not in ran.stderr.partition("could not be saved")[2]
    [line] = [line for line in ran.stderr.splitlines() if line.startswith("  executed notebook: ")]
    assert Path(line.partition(": ")[2]).exists()


def test_notebooks_of_a_grid_that_cannot_be_saved_are_counted(here: Path) -> None:
    witness.notebook(here / "enemy.ipynb", "open('out', 'w').close()", parameters="alpha = 1")

    ran = witness.flotilla("run", "enemy.ipynb", "--grid", "alpha=1,2", "--save",
                           "out/{alpha}.ipynb", cwd=here)  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert "could not be saved as out/1.ipynb: " in ran.stderr
    assert "(2 in all;" in ran.stderr


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
