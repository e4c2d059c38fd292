"""Jobs in containers, for the tests of the Docker engine; and what may run beside what.

``tests/run`` runs some at a time, each test wherever there is room. Those of `_TOGETHER` follow
each other in one process, because they share what is dear to make; what is marked ``alone`` comes
last, with nothing beside it, because others would change what it measures.
"""

import gc
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import own_daemon
import pytest
from docker_jobs import Jobs
from own_daemon import OwnDaemon
from xdist.scheduler import LoadScopeScheduling

#: Module → those with which it shares a fixture, by a name of them all.
_TOGETHER = {
    "test_cloud_alerts": "cloud alerts",
    "test_cloud_targets": "cloud targets",
    "test_docker_daemon": "own daemon",
    "test_docker_full_disk": "own daemon",
    "test_ecs_jobs": "jobs on ECS",
    "test_environment_layer": "layers",
    "test_image_builds": "image builds",
    "test_versions": "older version",
}


def pytest_configure(config: pytest.Config) -> None:
    """Say what our own mark means."""
    config.addinivalue_line("markers", "alone: measures what other tests would change")
    config.addinivalue_line("markers", "heavy: takes minutes of both processors; with --heavy")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless it is asked for."""
    if config.getoption("--heavy"):
        return
    left_out = [item for item in items if item.get_closest_marker("heavy")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class _Together(LoadScopeScheduling):
    """Gives tests to processes: one by one, or as `_TOGETHER` says."""

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER.get(Path(nodeid.partition("::")[0]).stem, nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Together:
    """Decide what runs where, where several processes run tests."""
    return _Together(config, log)


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
