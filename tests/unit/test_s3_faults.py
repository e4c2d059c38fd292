"""`S3Artifacts` on the host, while S3 goes wrong."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_s3 import FaultyS3, Handler, cut, hang_up, refusing

from jupyter_flotilla.artifacts import s3_download
from jupyter_flotilla.artifacts.s3 import S3Artifacts, opened
from jupyter_flotilla.errors import ArtifactsUnavailable, DiskFull

RUN = "r7f3a00000001"
MIB = 2**20


@pytest.fixture
def artifacts(server: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Artifacts]:
    """Return artifacts of the server; pauses between tries take no time."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = opened(region="us-east-1", endpoint=server.url)()
    yield S3Artifacts("bucket", "pre", lambda: client)
    client.close()


@pytest.fixture
def value(server: FaultyS3, artifacts: S3Artifacts) -> bytes:
    """Return the content of ``values/x``, which the job has written."""
    content = os.urandom(3 * MIB)
    key = artifacts.attempt_prefix(RUN, 1) + "values/x"
    server.objects[key] = (content, hashlib.sha256(content).hexdigest())
    return content


def test_a_fetch_outlives_throttling_and_broken_connections(
    server: FaultyS3, artifacts: S3Artifacts, value: bytes, tmp_path: Path
) -> None:
    server.script = [
        refusing(503, "SlowDown"), hang_up, None, cut(MIB), refusing(500, "InternalError"),
        cut(MIB),
    ]  # fmt: skip

    path = artifacts.fetch(RUN, 1, "values/x", tmp_path)

    assert path.read_bytes() == value
    ranges = [headers.get("Range") for _, _, headers in server.requests]
    assert ranges[-1] == f"bytes={2 * MIB}-{3 * MIB - 1}"


def test_a_value_that_changes_meanwhile_is_said(
    server: FaultyS3, artifacts: S3Artifacts, value: bytes, tmp_path: Path
) -> None:
    def cut_and_change(handler: Handler) -> None:
        cut(MIB)(handler)
        server.objects[handler.key] = (b"another", "")

    server.script = [None, cut_and_change]

    with pytest.raises(ArtifactsUnavailable, match="changed while it was being fetched"):
        artifacts.fetch(RUN, 1, "values/x", tmp_path)

    assert artifacts.fetch(RUN, 1, "values/x", tmp_path).read_bytes() == b"another"


def test_a_refusal_is_said_at_once(
    server: FaultyS3, artifacts: S3Artifacts, value: bytes, tmp_path: Path
) -> None:
    server.script = [None, refusing(403, "AccessDenied", "no s3:GetObject")]

    with pytest.raises(ArtifactsUnavailable, match="no s3:GetObject"):
        artifacts.fetch(RUN, 1, "values/x", tmp_path)

    assert len(server.requests) == 2


def test_another_login_is_looked_for_once_keys_have_expired(
    server: FaultyS3, artifacts: S3Artifacts, tmp_path: Path
) -> None:
    opened_before: list[int] = []
    client = artifacts._make()
    one = S3Artifacts("bucket", "pre", lambda: opened_before.append(1) or client)
    server.script = [None, refusing(400, "ExpiredToken"), None, refusing(403, "AccessDenied")]

    one.check()
    with pytest.raises(ArtifactsUnavailable, match="expired"):
        one.check()
    one.check()
    with pytest.raises(ArtifactsUnavailable, match="refuses"):
        one.check()
    one.check()

    assert len(opened_before) == 2


def test_a_full_disk_is_said_before_anything_is_fetched(
    server: FaultyS3, artifacts: S3Artifacts, value: bytes, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room, raising=False)

    with pytest.raises(DiskFull):
        artifacts.fetch(RUN, 1, "values/x", tmp_path)

    assert [method for method, _, _ in server.requests] == ["HEAD"]


@pytest.mark.parametrize(
    "name",
    ["", "/a", "../a", "a/../../b", "a//b", "./a", "a/.", "a\0b", "x" * 256, "\udcff", "job.json",
     "stop-request.json", "supervisor.starts", "supervisor.json", "processes.json", ".sent.json",
     ".s3-sync.json", ".hidden/a"],
)  # fmt: skip
def test_a_name_that_may_lead_elsewhere_has_no_path(tmp_path: Path, name: str) -> None:
    assert s3_download.safe_path(tmp_path, name) is None


@pytest.mark.parametrize("name", ["a b/é漢", "line\nbreak", "~", "-rf", "a/b/c", "%2e%2e",
                                  "files/...", "files/.hidden", "files/a\\..\\b"])  # fmt: skip
def test_an_odd_name_has_a_path_below(tmp_path: Path, name: str) -> None:
    assert s3_download.safe_path(tmp_path, name) == tmp_path / name
