"""The Docker engine on a real daemon: with mounted folders, and with a bucket in between."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from container_ground import S3Endpoint

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.engine import DockerEngine
from jupyter_flotilla.model.job import Bucket, JobSpec
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


def _spec(image: str, engine: Engine, script: str, **fields: Any) -> JobSpec:
    return JobSpec(
        kind="command",
        name="suite",
        command=("sh", "-c", script),
        cwd="/nowhere",
        own_cwd=True,
        interpreter="python3",
        engine="docker",
        place=engine.place,
        image=image,
        **fields,
    )


class TestDockerEngine(EngineSuite):
    @pytest.fixture
    def spec(self, docker_ground: str, engine: Engine) -> Callable[..., JobSpec]:
        return lambda script: _spec(docker_ground, engine, script)

    @pytest.fixture
    def work(self, tmp_path: Path) -> Path:
        return tmp_path / "attempt" / "work"


class TestDockerEngineWithABucket(EngineSuite):
    @pytest.fixture
    def spec(
        self,
        docker_ground: str,
        engine: Engine,
        s3_endpoint: S3Endpoint,
        aws_environment: Mapping[str, str],
        tmp_path: Path,
    ) -> Callable[..., JobSpec]:
        bucket = Bucket(
            url=f"s3://{s3_endpoint.bucket}/{tmp_path.name}",
            region="us-east-1",
            endpoint=s3_endpoint.url,
        )
        return lambda script: _spec(docker_ground, engine, script, bucket=bucket, fetch=("*",))

    @pytest.fixture
    def work(self, tmp_path: Path) -> Path:
        return tmp_path / "attempt" / "files"
