"""Jobs in containers, for the tests of the Docker engine."""

import gc
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import own_daemon
import pytest
from docker_jobs import Jobs
from own_daemon import OwnDaemon


@pytest.fixture
def jobs(home: Path, docker_ground: str, tmp_path: Path) -> Iterator[Jobs]:
    """Runs jobs in containers of the base image; all are gone at the end."""
    jobs = Jobs(docker_ground, tmp_path / "the runs' földer")
    yield jobs
    jobs.remove_all()


@pytest.fixture(scope="session")
def _own_daemon(docker_ground: str) -> Iterator[OwnDaemon]:
    with own_daemon.on_its_own() as daemon:
        daemon.start()
        daemon.load(docker_ground)
        yield daemon
        daemon.end()


@pytest.fixture
def daemon(_own_daemon: OwnDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnDaemon]:
    """A Docker daemon of the test's own with the base image, which it may end; ``DOCKER_HOST``."""
    if not _own_daemon.answers():
        _own_daemon.start()
    monkeypatch.setenv("DOCKER_HOST", _own_daemon.host)
    yield _own_daemon
    _own_daemon.send(signal.SIGCONT)
    if not _own_daemon.answers():
        _own_daemon.start()
    left = _own_daemon.docker("ps", "-aq").stdout.split()
    if left:
        _own_daemon.docker("rm", "-f", *left)
    # docker-py leaves a socket open where nobody listens
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def own_jobs(home: Path, daemon: OwnDaemon, docker_ground: str, tmp_path: Path) -> Jobs:
    """Runs jobs in containers of a daemon that the test may end."""
    return Jobs(docker_ground, tmp_path / "runs")
