"""The Docker engine on a real daemon."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.engine import DockerEngine
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.testing.engine_suite import EngineSuite


@pytest.fixture
def engine(home: Path, docker_ground: str) -> Iterator[DockerEngine]:
    """An engine whose containers are all gone at the end."""
    daemon = Daemon()
    engine = DockerEngine(load_settings(), daemon)
    yield engine
    for name in daemon.containers(engine.home_label):
        daemon.kill(name)
        daemon.remove(name)


@pytest.fixture
def spec(docker_ground: str, engine: Engine) -> Callable[..., JobSpec]:
    """Makes the spec of a shell script in the base image."""

    def make(script: str, **fields: object) -> JobSpec:
        return JobSpec(
            kind="command",
            name="suite",
            command=("sh", "-c", script),
            cwd="/nowhere",
            own_cwd=True,
            interpreter="python3",
            engine="docker",
            place=engine.place,
            image=docker_ground,
            **fields,
        )

    return make


class TestDockerEngine(EngineSuite):
    @pytest.fixture
    def work(self, tmp_path: Path) -> Path:
        return tmp_path / "attempt" / "work"
