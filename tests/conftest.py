"""Every test has a home of its own, and leaves no process behind."""

import json
import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import container_ground
import pytest
import witness
from container_ground import Ground, S3Endpoint
from ecs_ground import EcsGround, cluster_on

from jupyter_flotilla import api
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_settings

#: Costs money: see its conftest.py.
collect_ignore = ["aws"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long and from where chaos goes: ``test_chaos.py`` and ``test_ecs_exactly_once.py``."""
    parser.addoption("--chaos-runs", type=int, default=8, help="real runs; four times fake ones")
    parser.addoption("--ecs-chaos-runs", type=int, default=30, help="runs of each storm on ECS")
    parser.addoption("--heavy", action="store_true", help="what takes minutes, too")
    parser.addoption("--chaos-seed", type=int, default=1, help="what its chances are drawn from")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down what has failed, for ``tests/run``, which tries it once more."""
    path = os.environ.get("TESTS_FAILED_TO")
    if path and report.failed:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(report.nodeid) + "\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run only what a file names, where ``tests/run`` says so."""
    path = os.environ.get("TESTS_ONLY_FROM")
    if path:
        wanted = set(map(json.loads, Path(path).read_text(encoding="utf-8").splitlines()))
        left_out = [item for item in items if item.nodeid not in wanted]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.nodeid in wanted]


@pytest.fixture(autouse=True)
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """A home with a hostile name; whatever lives in it at the end is killed."""
    path = tmp_path / "flo tilla's hömé"
    for name in [name for name in os.environ if name.startswith("FLOTILLA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_HOME", str(path))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "flotilla.toml"))
    yield path
    api._opened.cache_clear()
    # to look at all processes takes milliseconds, for thousands of tests that never made a home
    is_unused = not path.exists() and "acceptance" not in request.path.parts
    for process in [] if is_unused else witness.processes_of_home(path):
        with suppress(ProcessLookupError):  # it ends by itself just now
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """The user's settings file, short waits in it, for every process of the test."""
    path = tmp_path / "flotilla.toml"
    path.write_text("idle_s = 5\nretry_delay_s = 0.1\n")
    return path


@pytest.fixture
def facade(home: Path, settings_file: Path) -> Iterator[Flotilla]:
    """The façade over the test's home."""
    opened = Flotilla(load_settings())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def ground() -> Ground:
    """Docker, images and the emulator of AWS, brought up for the first test that asks."""
    return container_ground.bring_up()


@pytest.fixture(scope="session")
def docker_ground(ground: Ground) -> str:
    """The name of an image with Debian and Python, and a daemon that runs it."""
    return ground.need("FLOTILLA_BASE_IMAGE")


@pytest.fixture(scope="session")
def no_python_image(ground: Ground) -> str:
    """The name of an image that has a shell and no Python."""
    return ground.need("FLOTILLA_NO_PYTHON_IMAGE")


@pytest.fixture(scope="session")
def s3_endpoint(ground: Ground) -> Iterator[S3Endpoint]:
    """An S3 with a bucket of this session's; the environment is not changed."""
    endpoint = S3Endpoint(
        url=ground.need("AWS_ENDPOINT_URL"),
        bucket=f"flotilla-{uuid.uuid4().hex[:12]}",
        environment=container_ground.aws_variables(ground),
    )
    s3 = endpoint.client()
    s3.create_bucket(Bucket=endpoint.bucket)
    yield endpoint
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=endpoint.bucket):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=endpoint.bucket, Key=found["Key"])
    s3.delete_bucket(Bucket=endpoint.bucket)


@pytest.fixture
def aws_environment(s3_endpoint: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The AWS variables of the emulator, set for this test, and no others."""
    container_ground.use_only(s3_endpoint.environment, monkeypatch)
    return s3_endpoint.environment


@pytest.fixture(scope="session")
def _ecs_ground(ground: Ground) -> Iterator[EcsGround]:
    with cluster_on(ground) as made:
        yield made


@pytest.fixture
def ecs_ground(_ecs_ground: EcsGround) -> Iterator[EcsGround]:
    """An ECS cluster of this session, without faults; no task of the test is left."""
    yield _ecs_ground
    _ecs_ground.clean()
