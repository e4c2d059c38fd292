"""Artifacts in S3: an input goes out once, and what jobs write comes back, whatever its names."""

import hashlib
import json
import os
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import witness
from container_ground import S3Endpoint

from jupyter_flotilla.artifacts import s3_copy, s3_download, s3_upload
from jupyter_flotilla.artifacts.s3 import S3Artifacts, opened
from jupyter_flotilla.artifacts.s3_errors import s3_errors
from jupyter_flotilla.bootstrap.s3 import Bucket, Credentials, S3Error
from jupyter_flotilla.errors import ArtifactsUnavailable, InvalidOption, UnsendableInput

RUN, OTHER = "r7f3a00000001", "r7f3a00000002"
MIB = 2**20
ODD = "a b/é漢 ~+%20&<'\">\n.txt"


class Counting:
    """A client that counts its requests, and fails where it is told to."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.fail_at: tuple[str, int] | None = None
        client.meta.events.register("before-parameter-build.s3", self._count)

    def _count(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.sent.append((model.name, params))
        if self.fail_at == (model.name, self.count(model.name)):
            raise KeyboardInterrupt

    def count(self, name: str) -> int:
        return sum(1 for sent, _ in self.sent if sent == name)

    def forget(self) -> None:
        self.sent.clear()
        self.fail_at = None


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """Return a prefix of this test's own, with an odd name."""
    return f"s3 artifacts/é/{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"


@pytest.fixture
def client(aws_environment: Any, s3_endpoint: S3Endpoint) -> Any:
    """Return boto3's client as we open it."""
    return opened(region="us-east-1", endpoint=s3_endpoint.url)()


@pytest.fixture
def requests(client: Any) -> Counting:
    """Return what counts the client's requests."""
    return Counting(client)


@pytest.fixture
def artifacts(s3_endpoint: S3Endpoint, client: Any, prefix: str) -> S3Artifacts:
    """Return artifacts below the test's prefix."""
    return S3Artifacts(s3_endpoint.bucket, prefix, lambda: client)


@pytest.fixture
def job(s3_endpoint: S3Endpoint, artifacts: S3Artifacts) -> Iterator[Bucket]:
    """Return the job's side of the first attempt of the run."""
    environ = s3_endpoint.environment
    bucket = Bucket(
        s3_endpoint.bucket, artifacts.attempt_prefix(RUN, 1), "us-east-1", s3_endpoint.url,
        Credentials(environ),
    )  # fmt: skip
    yield bucket
    bucket.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with odd names, an empty file, twins and a large file."""
    folder = tmp_path / "input"
    (folder / "a b").mkdir(parents=True)
    (folder / ODD).write_bytes(b"odd")
    (folder / "empty").touch()
    (folder / "run.sh").write_bytes(b"odd")
    (folder / "run.sh").chmod(0o755)
    (folder / "large").write_bytes(os.urandom(20 * MIB))
    return folder


# --- out --------------------------------------------------------------------------------------


def test_a_job_finds_its_input_by_the_manifest(
    artifacts: S3Artifacts, s3_endpoint: S3Endpoint, source: Path, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    uploaded = artifacts.upload_folder(RUN, source, lambda *now: seen.append(now))

    run = Bucket(
        s3_endpoint.bucket, artifacts.run_prefix(RUN), "us-east-1", s3_endpoint.url,
        Credentials(s3_endpoint.environment),
    )  # fmt: skip
    text = run.get("input.json")
    assert hashlib.sha256(text).hexdigest() == uploaded.manifest_sha256
    manifest = json.loads(text)
    assert set(manifest) == {ODD, "empty", "run.sh", "large"}
    assert manifest["run.sh"]["mode"] == 0o755
    for name, entry in manifest.items():
        run.get_file("input/" + entry["sha256"], str(tmp_path / "got"), entry["sha256"])
        assert (tmp_path / "got").read_bytes() == (source / name).read_bytes()
    run.close()
    assert seen[-1] == (20 * MIB + 3, 20 * MIB + 3)
    assert seen == sorted(seen)


def test_a_large_content_is_sent_once_for_all_runs(
    artifacts: S3Artifacts, source: Path, requests: Counting
) -> None:
    first = artifacts.upload_folder(RUN, source)
    requests.forget()

    second = artifacts.upload_folder(OTHER, source)

    assert first.sent == 20 * MIB + 3
    assert second.sent == 3
    assert requests.count("UploadPart") == 0
    assert requests.count("CopyObject") == 1
    assert first.manifest_sha256 == second.manifest_sha256


def test_what_a_run_needs_lies_below_its_own_prefix(
    artifacts: S3Artifacts, source: Path, client: Any, s3_endpoint: S3Endpoint
) -> None:
    artifacts.upload_folder(RUN, source)

    found = client.list_objects_v2(Bucket=s3_endpoint.bucket, Prefix=artifacts.run_prefix(RUN))

    names = {item["Key"].removeprefix(artifacts.run_prefix(RUN)) for item in found["Contents"]}
    hashes = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in source.rglob("*")
        if path.is_file()
    }
    assert names == {"input.json", *("input/" + one for one in hashes)}


def test_an_interrupted_upload_sends_only_the_rest(
    artifacts: S3Artifacts, source: Path, requests: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_upload, "PARALLEL", 1)
    monkeypatch.setattr(s3_upload, "PART_BYTES", 5 * MIB)
    requests.fail_at = ("UploadPart", 4)
    with pytest.raises(KeyboardInterrupt):
        artifacts.upload_folder(RUN, source)
    requests.forget()

    artifacts.upload_folder(RUN, source)

    assert requests.count("UploadPart") == 1
    assert requests.count("CreateMultipartUpload") == 0


def test_parts_that_another_content_left_are_sent_again(
    artifacts: S3Artifacts, source: Path, client: Any, s3_endpoint: S3Endpoint, prefix: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    sha256 = hashlib.sha256((source / "large").read_bytes()).hexdigest()
    place = {"Bucket": s3_endpoint.bucket, "Key": f"{prefix}/blobs/{sha256[:2]}/{sha256}"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"x" * 8 * MIB)

    artifacts.upload_folder(RUN, source)

    client.download_file(place["Bucket"], place["Key"], str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == (source / "large").read_bytes()


def test_a_link_in_the_input_is_refused(artifacts: S3Artifacts, source: Path) -> None:
    (source / "link").symlink_to("/etc/passwd")

    with pytest.raises(UnsendableInput, match="link"):
        artifacts.upload_folder(RUN, source)


def test_a_file_that_changes_meanwhile_never_becomes_a_blob(
    artifacts: S3Artifacts, source: Path, client: Any, s3_endpoint: S3Endpoint, prefix: str
) -> None:
    content = (source / "large").read_bytes()

    def change(done: int, total: int) -> None:
        if done > 8 * MIB:
            (source / "large").write_bytes(content[:-1] + b"!")

    with pytest.raises(UnsendableInput, match="changed"):
        artifacts.upload_folder(RUN, source, change)

    blobs = client.list_objects_v2(Bucket=s3_endpoint.bucket, Prefix=f"{prefix}/blobs/")
    assert blobs["KeyCount"] == 0


# --- back -------------------------------------------------------------------------------------


def test_an_attempt_comes_back_as_it_grows(
    artifacts: S3Artifacts, job: Bucket, tmp_path: Path, requests: Counting
) -> None:
    job.put("stream/000001.jsonl", b"1\n")
    job.put(ODD, b"odd")
    artifacts.sync_attempt(RUN, 1, tmp_path)
    job.put("stream/000001.jsonl", b"1\n2\n")
    requests.forget()

    synced = artifacts.sync_attempt(RUN, 1, tmp_path)

    assert synced.brought == ("stream/000001.jsonl",)
    assert (tmp_path / "stream" / "000001.jsonl").read_bytes() == b"1\n2\n"
    assert (tmp_path / ODD).read_bytes() == b"odd"
    assert [sent["Range"] for name, sent in requests.sent if name == "GetObject"] == ["bytes=2-"]
    assert artifacts.sync_attempt(RUN, 1, tmp_path).brought == ()
    assert requests.count("GetObject") == 1


def test_a_file_that_is_rewritten_is_replaced(
    artifacts: S3Artifacts, job: Bucket, tmp_path: Path
) -> None:
    for content in (b"long ago", b"now", b""):
        job.put("progress.json", content)
        job.put("stream/000001.jsonl", content)
        artifacts.sync_attempt(RUN, 1, tmp_path)

        assert (tmp_path / "progress.json").read_bytes() == content
        assert (tmp_path / "stream" / "000001.jsonl").read_bytes() == content


def test_the_end_of_an_attempt_comes_last(
    artifacts: S3Artifacts, job: Bucket, tmp_path: Path, requests: Counting
) -> None:
    for name in ("exit.json", "outcome.json", "notebook.ipynb", "stream/000001.jsonl"):
        job.put(name, b"{}")
    requests.forget()

    artifacts.sync_attempt(RUN, 1, tmp_path)

    got = [sent["Key"].rpartition("/")[2] for name, sent in requests.sent if name == "GetObject"]
    assert got[2:] == ["outcome.json", "exit.json"]


def test_large_things_stay_until_they_are_wanted(
    artifacts: S3Artifacts, job: Bucket, tmp_path: Path
) -> None:
    job.put("values/x.json", b"1")
    job.put("big", b"x" * 101)

    synced = artifacts.sync_attempt(RUN, 1, tmp_path, limit_bytes=100)

    assert {(one.name, one.size) for one in synced.left} == {("values/x.json", 1), ("big", 101)}
    assert not (tmp_path / "values").exists()


def test_an_enemys_names_write_nothing_outside(
    artifacts: S3Artifacts, client: Any, s3_endpoint: S3Endpoint, tmp_path: Path
) -> None:
    folder = tmp_path / "attempt"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "job.json").write_text("ours")
    enemy = ["../up", "a/../../up", "/abs", "link/up", "./x", "a//b", "x" * 300,
             "job.json", ".s3-sync.json", ".sent.json"]  # fmt: skip
    for name in [*enemy, "clash", "clash/inside", "good"]:
        key = artifacts.attempt_prefix(RUN, 1) + name
        client.put_object(Bucket=s3_endpoint.bucket, Key=key, Body=b"enemy")

    synced = artifacts.sync_attempt(RUN, 1, folder)

    assert sorted(item.name for item in tmp_path.iterdir()) == ["attempt"]
    assert set(synced.refused) >= set(enemy) - {"job.json", ".s3-sync.json"}
    assert (folder / "job.json").read_text() == "ours"
    assert (folder / "good").read_bytes() == b"enemy"
    assert len({"clash", "clash/inside"} & set(synced.refused)) == 1
    with pytest.raises(ArtifactsUnavailable):
        artifacts.fetch(RUN, 1, "../up", folder)


@pytest.fixture
def value(job: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the content of ``values/big é``, of four pieces and a bit."""
    monkeypatch.setattr(s3_download, "PART_BYTES", MIB)
    content = os.urandom(4 * MIB + 17)
    (tmp_path / "made").write_bytes(content)
    job.put_file("values/big é", str(tmp_path / "made"))
    return content


def test_a_large_value_comes_whole_and_checked(
    artifacts: S3Artifacts, value: bytes, tmp_path: Path, requests: Counting
) -> None:
    seen: list[tuple[int, int]] = []

    path = artifacts.fetch(RUN, 1, "values/big é", tmp_path, lambda *now: seen.append(now))

    assert path == tmp_path / "values" / "big é"
    assert path.read_bytes() == value
    assert path.stat().st_mode & 0o777 == 0o600
    assert seen[-1] == (len(value), len(value))
    assert requests.count("GetObject") == 5
    artifacts.fetch(RUN, 1, "values/big é", tmp_path)
    assert requests.count("GetObject") == 5


def test_an_interrupted_fetch_fetches_only_the_rest(
    artifacts: S3Artifacts, value: bytes, tmp_path: Path, requests: Counting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(s3_upload, "PARALLEL", 1)
    requests.fail_at = ("GetObject", 4)
    with pytest.raises(KeyboardInterrupt):
        artifacts.fetch(RUN, 1, "values/big é", tmp_path)
    assert not (tmp_path / "values" / "big é").exists()
    requests.forget()

    path = artifacts.fetch(RUN, 1, "values/big é", tmp_path)

    assert path.read_bytes() == value
    assert requests.count("GetObject") in (1, 2)  # a thread may have begun the fifth before


def test_a_value_that_was_tampered_with_is_refused(
    artifacts: S3Artifacts, value: bytes, client: Any, s3_endpoint: S3Endpoint, tmp_path: Path
) -> None:
    key = artifacts.attempt_prefix(RUN, 1) + "values/big é"
    client.put_object(
        Bucket=s3_endpoint.bucket, Key=key, Body=b"evil",
        Metadata={"sha256": hashlib.sha256(value).hexdigest()},
    )  # fmt: skip

    with pytest.raises(ArtifactsUnavailable, match="not what the job wrote"):
        artifacts.fetch(RUN, 1, "values/big é", tmp_path)

    assert not list((tmp_path / "values").glob("big*"))


def test_a_value_that_is_not_there_is_said(artifacts: S3Artifacts, tmp_path: Path) -> None:
    with pytest.raises(ArtifactsUnavailable, match=f"attempt 1 of run {RUN} has no 'values/no'"):
        artifacts.fetch(RUN, 1, "values/no", tmp_path)


def test_a_link_downloads_without_credentials(artifacts: S3Artifacts, job: Bucket) -> None:
    job.put(ODD, b"<script>")

    link = artifacts.link(RUN, 1, ODD, 60, witness.NOW)

    with urllib.request.urlopen(link.url) as answer:
        assert answer.read() == b"<script>"
    assert "X-Amz-Expires=60" in link.url
    assert "attachment" in link.url
    assert link.ends_at == witness.NOW + timedelta(seconds=60)
    with pytest.raises(InvalidOption, match="7 days"):
        artifacts.link(RUN, 1, ODD, 8 * 86_400, witness.NOW)
    with pytest.raises(ArtifactsUnavailable, match="no 'files/gone' in S3"):
        artifacts.link(RUN, 1, "files/gone", 60, witness.NOW)


@pytest.mark.parametrize("large_bytes", [2**40, 1], ids=["in one request", "in parts"])
def test_what_attempts_wrote_is_copied_to_another_prefix_whatever_its_names_and_sizes(
    artifacts: S3Artifacts,
    job: Bucket,
    s3_endpoint: S3Endpoint,
    client: Any,
    prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    large_bytes: int,
) -> None:
    monkeypatch.setattr(s3_copy, "COPY_BYTES", large_bytes)
    job.put(ODD, b"odd")
    job.put("files/big.bin", b"x" * MIB)
    kept = S3Artifacts(s3_endpoint.bucket, f"{prefix}/kept", lambda: client)

    assert artifacts.copy_attempts(RUN, kept) == 2

    artifacts.delete(RUN)
    assert kept.fetch(RUN, 1, ODD, tmp_path).read_bytes() == b"odd"
    assert kept.fetch(RUN, 1, "files/big.bin", tmp_path).stat().st_size == MIB


# --- deleting, and words ----------------------------------------------------------------------


def test_a_run_is_deleted_whole_and_alone(
    artifacts: S3Artifacts, job: Bucket, source: Path, client: Any, s3_endpoint: S3Endpoint
) -> None:
    artifacts.upload_folder(RUN, source)
    artifacts.upload_folder(OTHER, source)
    for name in (ODD, "control\x01", "return\r"):
        job.put(name, b"")

    gone = artifacts.delete(RUN)

    def count(prefix: str) -> int:
        return int(client.list_objects_v2(Bucket=s3_endpoint.bucket, Prefix=prefix)["KeyCount"])

    assert gone == 4 + 3
    assert count(artifacts.run_prefix(RUN)) == 0
    assert count(artifacts.run_prefix(OTHER)) == 4
    assert artifacts.delete(RUN) == 0


@pytest.mark.parametrize("run_id", ["", "r", "../other", "r/../../x", "r7f3a 0000001"])
def test_only_a_runs_own_id_names_a_run(artifacts: S3Artifacts, run_id: str) -> None:
    with pytest.raises(InvalidOption):
        artifacts.delete(run_id)


def test_a_bucket_that_is_not_there_is_said(artifacts: S3Artifacts, client: Any) -> None:
    artifacts.check()

    with pytest.raises(ArtifactsUnavailable, match="there is no bucket no-such-bucket"):
        S3Artifacts("no-such-bucket", "x", lambda: client).check()


def test_the_jobs_side_says_what_is_not_there(job: Bucket) -> None:
    with pytest.raises(S3Error) as caught:
        job.get("nothing")

    assert (caught.value.code, caught.value.key) == ("NoSuchKey", "nothing")


@pytest.mark.parametrize(
    ("code", "words", "step"),
    [
        ("AccessDenied", "S3 refuses GetObject in bucket b", "get-caller-identity"),
        ("ExpiredToken", "login has expired", "aws sso login"),
        ("InvalidAccessKeyId", "does not know these access keys", "AWS_PROFILE"),
        ("SlowDown", "too busy", "try again"),
        ("RequestTimeTooSkewed", "clock", "NTP"),
        ("PermanentRedirect", "another region: eu-west-1", "set the region to eu-west-1"),
        ("Odd", "S3 refused GetObject in bucket b: Odd: why", None),
    ],
)
def test_a_refusal_says_what_to_do(code: str, words: str, step: str | None) -> None:
    from botocore.exceptions import ClientError

    answer: Any = {
        "Error": {"Code": code, "Message": "why"},
        "ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}},
    }
    with pytest.raises(ArtifactsUnavailable, match=words) as caught, s3_errors("b"):
        raise ClientError(answer, "GetObject")

    assert caught.value.next_step is None if step is None else step in str(caught.value.next_step)


def test_what_stands_in_the_way_before_a_request_is_said(
    aws_environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import EndpointConnectionError, UnauthorizedSSOTokenError

    with pytest.raises(ArtifactsUnavailable, match="login has expired"), s3_errors("b"):
        raise UnauthorizedSSOTokenError
    with pytest.raises(ArtifactsUnavailable, match="list-profiles"):
        opened(profile="nobody's")()
    unreachable = EndpointConnectionError(endpoint_url="http://10.0.0.1/b/k?X-Amz-Signature=x")
    with pytest.raises(ArtifactsUnavailable, match="cannot be reached") as caught, s3_errors("b"):
        raise unreachable
    assert "X-Amz" not in str(caught.value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(ArtifactsUnavailable, match="no AWS credentials"):
        S3Artifacts("b", "", opened(region="us-east-1")).check()
