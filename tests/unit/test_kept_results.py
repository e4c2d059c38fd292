"""Results in a bucket: until when they are there, and what keeps them. No network."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from witness import NOW

from jupyter_flotilla.artifacts import mirrored, s3_links
from jupyter_flotilla.artifacts.mirrored import MirroredArtifacts
from jupyter_flotilla.artifacts.s3_lifecycle import expire_days
from jupyter_flotilla.errors import ArtifactsUnavailable
from jupyter_flotilla.in_bucket import going_line, until_text, where_text
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.retention import InBucket, expires_at
from jupyter_flotilla.model.run import RunStatus

RUN = "r7f3a00000001"
BUCKET = Bucket(url="s3://a-bucket/ada", region="us-east-1")


def rule(days=30, status="Enabled", **condition):
    """Return a rule of a bucket as AWS returns it."""
    return {"Status": status, "Expiration": {"Days": days}, **condition}


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        pytest.param([], None, id="none"),
        pytest.param([rule(Filter={})], 30, id="of all"),
        pytest.param([rule(Filter={"Prefix": "ada/runs/"})], 30, id="of these"),
        pytest.param([rule(Prefix="ada/")], 30, id="of an older form"),
        pytest.param([rule(Filter={"Prefix": "bob/"})], None, id="of others"),
        pytest.param([rule(Filter={"Prefix": "ada/runs/7f/"})], None, id="of some"),
        pytest.param([rule(status="Disabled", Filter={})], None, id="disabled"),
        pytest.param([rule(Filter={}), rule(7, Filter={"Prefix": "ada/"})], 7, id="the soonest"),
        pytest.param([rule(Filter={"Tag": {"Key": "a", "Value": "b"}})], None, id="of a tag"),
        pytest.param(
            [rule(Filter={"And": {"Prefix": "", "Tags": [{"Key": "a"}]}})], None, id="of tags"
        ),
        pytest.param([rule(Filter={"ObjectSizeGreaterThan": 9})], 30, id="of a size"),
        pytest.param(
            [{"Status": "Enabled", "Expiration": {"Date": NOW}, "Filter": {}}], None, id="of a day"
        ),
        pytest.param(
            [{"Status": "Enabled", "AbortIncompleteMultipartUpload": {}}], None, id="of uploads"
        ),
    ],
)
def test_days_until_a_buckets_rules_delete_runs(rules, days):
    assert expire_days(rules, "ada/runs/") == days


def test_a_bucket_deletes_at_the_midnight_after_the_days():
    assert expires_at(NOW, 30) == datetime(2026, 12, 25, tzinfo=UTC)
    assert expires_at(datetime(2026, 11, 24, tzinfo=UTC), 1) == datetime(2026, 11, 25, tzinfo=UTC)


def found(expires_at=None, *, is_kept=False):
    return InBucket(
        url="s3://b/ada/runs/7f/r7f/", expire_days=90 if expires_at else None,
        expires_at=expires_at, is_kept=is_kept,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("left", "where", "until"),
    [
        pytest.param(
            timedelta(days=92), "s3://b/ada/runs/7f/r7f/ until 2027-02-24 (90 days)",
            "in the bucket until 2027-02-24", id="long",
        ),
        pytest.param(
            timedelta(days=6, hours=3),
            "s3://b/ada/runs/7f/r7f/ until 2026-11-30 (90 days), "
            "expires in 6 days: jupyter flotilla keep r7f",
            "expires in 6 days: jupyter flotilla keep r7f", id="soon",
        ),
        pytest.param(
            timedelta(seconds=1),
            "s3://b/ada/runs/7f/r7f/ until 2026-11-24 (90 days), "
            "expires in 1 day: jupyter flotilla keep r7f",
            "expires in 1 day: jupyter flotilla keep r7f", id="at once",
        ),
        pytest.param(
            timedelta(0),
            "gone since 2026-11-24: the bucket deletes after 90 days; it was "
            "s3://b/ada/runs/7f/r7f/",
            "gone from the bucket since 2026-11-24", id="over",
        ),
    ],
)  # fmt: skip
def test_words_for_results_that_expire(left, where, until):
    one = found(NOW + left)

    assert where_text(one, NOW, "r7f") == where
    assert until_text(one, NOW, "r7f") == until


def test_words_for_results_that_do_not_expire():
    assert where_text(found(), NOW, "r7f") == "s3://b/ada/runs/7f/r7f/"
    assert where_text(found(is_kept=True), NOW, "r7f") == "s3://b/ada/runs/7f/r7f/, kept"
    assert until_text(found(), NOW, "r7f") == until_text(None, NOW, "r7f") == ""


class FakeS3:
    """All prefixes of one bucket, as `S3Artifacts`: what runs have there, and what was asked."""

    def __init__(self):
        self.runs = {"s3://a-bucket/ada": {RUN}}
        #: What rules say, by the prefix that they are for.
        self.days = {"s3://a-bucket/ada": 30}
        self.is_forbidden = self.is_away = False
        self.asked = 0

    def at(self, bucket):
        return _Prefix(self, bucket.url)


class _Prefix:
    bucket = "a-bucket"

    def __init__(self, s3, url):
        self._s3, self._url = s3, url

    def run_prefix(self, run_id):
        return f"{self._url.removeprefix('s3://a-bucket/')}/runs/7f/{run_id}/"

    def expire_days(self):
        self._s3.asked += 1
        if self._s3.is_forbidden or self._s3.is_away:
            raise ArtifactsUnavailable("S3 refuses GetBucketLifecycleConfiguration")
        return self._s3.days.get(self._url)

    def copy_attempts(self, run_id, to):
        if self._s3.is_away:
            raise ArtifactsUnavailable("S3 is away")
        if run_id not in self._s3.runs.get(self._url, ()):
            return 0
        self._s3.runs.setdefault(to._url, set()).add(run_id)
        return 1

    def delete(self, run_id):
        self._s3.runs.get(self._url, set()).discard(run_id)


@pytest.fixture
def s3(monkeypatch):
    fake = FakeS3()
    monkeypatch.setattr(mirrored, "s3_of", fake.at)
    return fake


@pytest.fixture
def artifacts(tmp_path: Path, s3):
    """Artifacts of one run whose bucket was asked for its expiry before."""
    made = MirroredArtifacts(tmp_path / "home")
    made.create(RUN)
    made.learn_expiry(BUCKET, NOW)
    made.note_bucket(RUN, BUCKET)
    return made


def test_a_run_knows_until_when_its_bucket_has_it_without_asking_again(artifacts, s3):
    s3.is_away = True

    one = artifacts.in_bucket(RUN, NOW)

    assert one.url == "s3://a-bucket/ada/runs/7f/r7f3a00000001/"
    assert (one.expire_days, one.expires_at) == (30, datetime(2026, 12, 25, tzinfo=UTC))


def test_a_bucket_is_asked_once_a_day(artifacts, s3):
    artifacts.learn_expiry(BUCKET, NOW + timedelta(hours=23))
    assert s3.asked == 1
    artifacts.learn_expiry(BUCKET, NOW + timedelta(hours=25))
    assert s3.asked == 2


def test_who_may_not_ask_is_told_no_day(tmp_path, s3):
    s3.is_forbidden = True
    artifacts = MirroredArtifacts(tmp_path)
    artifacts.create(RUN)
    artifacts.learn_expiry(BUCKET, NOW)
    artifacts.note_bucket(RUN, BUCKET)

    assert artifacts.in_bucket(RUN, NOW).expires_at is None


def test_what_is_kept_is_copied_to_where_no_rule_is_and_found_there(artifacts, s3):
    artifacts.keep_in_bucket(RUN, NOW)
    artifacts.keep_in_bucket(RUN, NOW)

    one = artifacts.in_bucket(RUN, NOW)
    assert one.url == "s3://a-bucket/ada/kept/runs/7f/r7f3a00000001/"
    assert one.is_kept and one.expires_at is None
    assert s3.runs == {"s3://a-bucket/ada": {RUN}, "s3://a-bucket/ada/kept": {RUN}}


def test_what_is_no_longer_kept_expires_from_then_on(artifacts, s3):
    artifacts.keep_in_bucket(RUN, NOW)
    s3.runs["s3://a-bucket/ada"].clear()  # expired there
    later = NOW + timedelta(days=100)

    artifacts.release_in_bucket(RUN, later)

    one = artifacts.in_bucket(RUN, NOW)
    assert (one.is_kept, one.expires_at) == (False, expires_at(later, 30))
    assert s3.runs == {"s3://a-bucket/ada": {RUN}, "s3://a-bucket/ada/kept": set()}


def test_a_bucket_that_deletes_nothing_needs_no_copy(artifacts, s3):
    s3.days.clear()

    artifacts.keep_in_bucket(RUN, NOW)

    assert artifacts.in_bucket(RUN, NOW).expires_at is None
    assert s3.runs == {"s3://a-bucket/ada": {RUN}}


def test_who_may_not_ask_keeps_all_the_same(artifacts, s3):
    s3.is_forbidden = True

    artifacts.keep_in_bucket(RUN, NOW)

    assert s3.runs["s3://a-bucket/ada/kept"] == {RUN}


def test_a_rule_of_the_users_own_that_is_for_what_is_kept_is_known(artifacts, s3):
    s3.days["s3://a-bucket/ada/kept"] = 365

    artifacts.keep_in_bucket(RUN, NOW)

    one = artifacts.in_bucket(RUN, NOW)
    assert one.is_kept and one.expires_at == expires_at(NOW, 365)


def test_what_could_not_be_copied_is_as_it_was(artifacts, s3):
    s3.is_away = True

    with pytest.raises(ArtifactsUnavailable):
        artifacts.keep_in_bucket(RUN, NOW)

    assert not artifacts.in_bucket(RUN, NOW).is_kept


def test_what_has_expired_cannot_be_kept(artifacts, s3):
    s3.runs.clear()

    with pytest.raises(ArtifactsUnavailable, match="nothing of run r7f3a00000001 is left"):
        artifacts.keep_in_bucket(RUN, NOW)


def test_a_deleted_run_takes_its_kept_copy_with_it(artifacts, s3):
    artifacts.keep_in_bucket(RUN, NOW)

    artifacts.delete(RUN)

    assert s3.runs == {"s3://a-bucket/ada": set(), "s3://a-bucket/ada/kept": set()}
    assert not artifacts.run_folder(RUN).exists()


def test_a_link_ends_with_the_keys_that_signed_it():
    keys = SimpleNamespace(_expiry_time=NOW + timedelta(minutes=10))
    client = SimpleNamespace(
        generate_presigned_url=lambda *_, **__: "https://link",
        _request_signer=SimpleNamespace(_credentials=keys),
    )

    link = s3_links.signed_link(client, "b", "a/b.png", 3600, NOW)

    assert link.ends_at == NOW + timedelta(minutes=10)


def going_facade(expires):
    """Return a façade over runs whose results expire then, by id."""
    return SimpleNamespace(
        artifacts=SimpleNamespace(in_bucket=lambda run_id, began_at: found(expires[run_id])),
        short_id=lambda run_id: run_id[:3],
    )


def test_a_list_names_the_runs_whose_results_expire_soon_and_no_others(make_run, now):
    spec = {"bucket": BUCKET}
    due = {"r01": 3, "r02": 100, "r03": -1, "r04": 3, "r05": 3}
    runs = [make_run(id=f"{short}0000000001", spec=spec) for short in due]
    runs = [run.advance(RunStatus.CANCELLED, now) for run in runs]
    runs[3] = make_run(id=runs[3].id, spec=spec)  # goes on
    runs[4] = make_run(id=runs[4].id).advance(RunStatus.CANCELLED, now)  # has nothing there
    facade = going_facade(
        {run.id: now + timedelta(days=days) for run, days in zip(runs, due.values(), strict=True)}
    )

    assert going_line(facade, runs, now) == (
        "their results in the bucket expire within 7 days: jupyter flotilla keep r01"
    )
    assert going_line(facade, runs[1:3], now) == ""


def test_a_list_names_some_of_many_runs(make_run, now):
    made = [make_run(id=f"r{n:02}0000000001", spec={"bucket": BUCKET}) for n in range(8)]
    runs = [run.advance(RunStatus.CANCELLED, now) for run in made]
    facade = going_facade({run.id: now + timedelta(days=3) for run in runs})

    assert going_line(facade, runs, now).endswith("keep r00 r01 r02 r03 r04 and 3 more")
