"""Factories of values, an S3 that goes wrong, and how hard hypothesis tries."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faulty_s3 import ENVIRON, FaultyS3, serving
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from jupyter_flotilla.bootstrap.s3 import Bucket, Credentials
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import Run

# The same examples every time and everywhere, and nothing written into the checkout.
settings.register_profile(
    "unit", max_examples=60, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.load_profile("unit")
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "flotilla-hypothesis")


@pytest.fixture(scope="session")
def now() -> datetime:
    """Half an hour before clocks are set back in Europe."""
    return datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., JobSpec]:
    """Return a factory of commands; each field can be given."""

    def make(**fields: Any) -> JobSpec:
        given: dict[str, Any] = {
            "kind": "command",
            "name": "train",
            "command": ("python", "train.py"),
            "cwd": "/home/ana/my 'project'",
            "interpreter": "/usr/bin/python3",
            "engine": "process",
            "place": "ana-laptop",
        }
        return JobSpec(**(given | fields))

    return make


@pytest.fixture(scope="session")
def make_run(now: datetime, make_spec: Callable[..., JobSpec]) -> Callable[..., Run]:
    """Return a factory of runs; fields of the spec go in ``spec``, a dict."""

    def make(spec: dict[str, Any] | None = None, **fields: Any) -> Run:
        given: dict[str, Any] = {"id": "r0123456789ab", "owner": "ana", "created_at": now}
        return Run(spec=make_spec(**(spec or {})), **(given | fields))

    return make


@pytest.fixture(scope="session")
def make_attempt(now: datetime) -> Callable[..., Attempt]:
    """Return a factory of first attempts that were just claimed."""

    def make(**fields: Any) -> Attempt:
        given: dict[str, Any] = {
            "run_id": "r0123456789ab",
            "number": 1,
            "engine": "process",
            "place": "ana-laptop",
            "claimed_at": now,
        }
        return Attempt(**(given | fields))

    return make


@pytest.fixture(scope="session")
def make_rate() -> Callable[..., Rate]:
    """Return a factory of rates: 0.36 US dollars an hour, which is 0.0001 a second."""

    def make(**fields: Any) -> Rate:
        given: dict[str, Any] = {
            "usd_per_h": 0.36,
            "cpu": 1,
            "memory_mib": 2048,
            "region": "us-east-1",
            "source": "AWS list price, read 2026-09-29",
            "is_hypothetical": True,
        }
        return Rate(**(given | fields))

    return make


@pytest.fixture
def weird_path(tmp_path: Path) -> Path:
    """Return a folder whose name has quotes, spaces, a line break and other letters."""
    path = tmp_path / "a 'b' \"c\" é漢\nd"
    path.mkdir()
    return path


@pytest.fixture
def server() -> Iterator[FaultyS3]:
    """Return a server that serves until the end of the test."""
    with serving() as started:
        yield started


@pytest.fixture
def open_bucket(server: FaultyS3) -> Iterator[Callable[..., Bucket]]:
    """Return a factory of buckets that are closed in the end."""
    opened: list[Bucket] = []

    def open_one(environ: dict[str, str] = ENVIRON, **options: Any) -> Bucket:
        given: dict[str, Any] = {"first_pause_s": 0.001, "timeout_s": 5.0, **options}
        credentials = Credentials(environ)
        opened.append(
            Bucket("bucket", "pre", "us-east-1", server.url, credentials=credentials, **given)
        )
        return opened[-1]

    yield open_one
    for bucket in opened:
        bucket.close()


@pytest.fixture
def bucket(open_bucket: Callable[..., Bucket]) -> Bucket:
    """Return a bucket with keys from the environment."""
    return open_bucket()
