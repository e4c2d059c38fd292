"""A disk of 3 MB that a test can fill."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import witness


@contextmanager
def mounted(path: Path) -> Iterator[Path]:
    """Mount the disk; what lives in its ``home`` at the end is killed."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        for pid in witness.processes_of_home(path / "home"):
            os.kill(pid, 9)
        # lazily: connections of a failed test may still be open, and the mount must not outlive it
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free; return the file to delete for room."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return ballast
