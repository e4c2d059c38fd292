"""What Flotilla writes is the user's alone; what the job writes is as the user has it."""

import os
import stat
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl


@pytest.fixture
def umask() -> None:
    before = os.umask(0o002)
    yield
    os.umask(before)


def test_files_of_a_run_are_the_users_alone_and_files_of_the_job_are_not(
    tmp_path: Path, home: Path, settings_file: Path, umask: None
) -> None:
    made = tmp_path / "made"
    big = "print('x' * 200_000); 'y' * 200_000"
    path = witness.notebook(tmp_path / "n.ipynb", f"open({str(made)!r}, 'w').close()", big)

    fl.run_notebook(path).wait()

    for entry in [home, *home.rglob("*")]:
        mode = stat.S_IMODE(entry.stat().st_mode)
        assert mode & 0o077 == 0, f"{entry} is {mode:o}"
    assert stat.S_IMODE(made.stat().st_mode) == 0o664
