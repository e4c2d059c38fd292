"""Jobs in containers, for the tests of the Docker engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_jobs import Jobs


@pytest.fixture
def jobs(home: Path, docker_ground: str, tmp_path: Path) -> Iterator[Jobs]:
    """Runs jobs in containers of the base image; all are gone at the end."""
    jobs = Jobs(docker_ground, tmp_path / "the runs' földer")
    yield jobs
    jobs.remove_all()
