"""Runs that have files in a bucket, here and there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_flotilla.artifacts import mirrored
from jupyter_flotilla.artifacts.mirrored import MirroredArtifacts, s3_of
from jupyter_flotilla.errors import ArtifactsUnavailable
from jupyter_flotilla.model.job import Bucket

RUN = "r7f3a00000001"
BUCKET = Bucket(url="s3://a-bucket/pre", region="us-east-1", endpoint="http://nowhere.invalid")


class Deleting:
    """A bucket that deletes, while it is there."""

    def __init__(self) -> None:
        self.is_away = False
        self.deleted: list[str] = []

    def delete(self, run_id: str) -> None:
        if self.is_away:
            raise ArtifactsUnavailable("S3 is away")
        self.deleted.append(run_id)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deleting]:
    """What is in the bucket of every run."""
    found = Deleting()
    monkeypatch.setattr(mirrored, "s3_of", lambda bucket: found)
    yield found


@pytest.fixture
def artifacts(tmp_path: Path) -> MirroredArtifacts:
    """Artifacts of one run with an attempt and a bucket."""
    made = MirroredArtifacts(tmp_path / "home")
    made.create(RUN)
    made.create_attempt(RUN, 1)
    made.note_bucket(RUN, BUCKET)
    return made


def test_a_run_is_deleted_here_and_there(artifacts: MirroredArtifacts, there: Deleting) -> None:
    artifacts.delete(RUN)

    assert there.deleted == [RUN]
    assert not artifacts.run_folder(RUN).exists()


def test_what_a_bucket_that_is_away_keeps_is_deleted_with_the_orphans(
    artifacts: MirroredArtifacts, there: Deleting
) -> None:
    there.is_away = True
    artifacts.delete(RUN)
    left = [path.name for path in artifacts.run_folder(RUN).iterdir()]
    orphans = artifacts.unlaunched_before(datetime.now(UTC) + timedelta(seconds=5))
    there.is_away = False

    artifacts.delete(RUN)

    assert left == ["bucket.json"]
    assert orphans == [RUN]
    assert there.deleted == [RUN]
    assert not artifacts.run_folder(RUN).exists()


def test_a_bucket_is_opened_once() -> None:
    assert s3_of(BUCKET) is s3_of(BUCKET.model_copy())
