"""Jobs in containers that see nothing of this machine: their files go through S3."""

import importlib
import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import witness
from container_ground import S3Endpoint
from docker_jobs import Jobs, Killed, KilledBefore, docker

import jupyter_flotilla as fl
from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.job_keys import federated_keys
from jupyter_flotilla.engines.remote import ROOM, Remote, is_sent
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.job import Bucket, SecretRef
from jupyter_flotilla.model.observation import Phase


@pytest.fixture
def bucket(s3_endpoint: S3Endpoint, aws_environment: Mapping[str, str], tmp_path: Path) -> Bucket:
    """A prefix of this test's own, with a name that has to be quoted."""
    url = f"s3://{s3_endpoint.bucket}/{tmp_path.name}/höme of 'a' user"
    return Bucket(url=url, region="us-east-1", endpoint=s3_endpoint.url)


@pytest.fixture
def through_s3(
    settings_file: Path,
    docker_ground: str,
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Whatever is submitted runs on Docker, its files going through a bucket."""
    settings = {"engine": "docker", "image": docker_ground, "artifacts": bucket.url}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    settings_file.write_text(settings_file.read_text() + lines)
    folder = tmp_path / "the user's földer"
    folder.mkdir()
    monkeypatch.chdir(folder)
    jobs = Jobs(docker_ground, tmp_path)
    yield
    jobs.remove_all()


def _keys(s3_endpoint: S3Endpoint, run: RunHandle) -> list[str]:
    pages = s3_endpoint.client().get_paginator("list_objects_v2")
    found = [one for page in pages.paginate(Bucket=s3_endpoint.bucket)
             for one in page.get("Contents", ())]  # fmt: skip
    return [one["Key"] for one in found if f"/{run.id}/" in one["Key"]]


def _prefix(bucket: Bucket) -> str:
    return bucket.url.split("/", 3)[3]


def _has_begun(name: str) -> bool:
    """Say whether a container's job has taken its fence."""
    began = ["docker", "exec", name, "test", "-e", f"{ROOM}/attempt/started.json"]
    return subprocess.run(began, capture_output=True).returncode == 0


def _delete_bucket(s3: Any, name: str) -> None:
    def is_deleted() -> bool:
        for one in s3.list_objects_v2(Bucket=name).get("Contents", ()):
            s3.delete_object(Bucket=name, Key=one["Key"])
        try:
            s3.delete_bucket(Bucket=name)
        except s3.exceptions.ClientError:
            return False  # a job has put something into it meanwhile
        return True

    witness.until(is_deleted, "the bucket is gone")


def _until_sent(jobs: Jobs, order: LaunchOrder) -> None:
    jobs.engine.launch(order)
    witness.until(lambda: is_sent(order.attempt_folder), "the input is in S3")


def test_files_travel_and_exit_code_and_output_come_back(through_s3: None) -> None:
    Path("data").mkdir()
    Path("data", "odd name 'é").write_text("from here\n")

    run = fl.submit(
        ["sh", "-c", "cat data/*; ls /flotilla; grep -c /runs/ /proc/mounts; exit 3"],
        files=["data"],
        wait=True,
    )

    assert str(run.logs()).split("\n")[0] == "from here"
    assert "/flotilla" in str(run.logs())  # which is not there: nothing is mounted
    assert str(run.logs()).strip().endswith("0")
    assert (run.status, run.snapshot.failure_kind) == ("FAILED", "user-error")
    assert run.attempts[0].exit_code == 3


def test_values_come_and_go_with_the_packages_that_they_need(
    through_s3: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd = pytest.importorskip("pandas")
    Path("doubling.py").write_text("def double(frame):\n    return frame * 2\n")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    double = importlib.import_module("doubling").double
    frame = pd.DataFrame({"x": range(5)})

    run = fl.submit(double, frame, wait=True)

    pd.testing.assert_frame_equal(run.result(), frame * 2)


def test_a_cancel_reaches_the_job_and_its_clean_up_comes_back(through_s3: None) -> None:
    run = fl.submit(["sh", "-c", "trap 'echo cleaned; exit 1' INT; echo on; sleep 60 & wait"])
    witness.until(lambda: "on" in str(run.logs()), "it begins")

    run.cancel()

    assert run.wait().status == "CANCELLED"
    assert "cleaned" in str(run.logs())


def test_what_is_deleted_here_is_deleted_there(through_s3: None, s3_endpoint: S3Endpoint) -> None:
    run = fl.submit(["true"], wait=True)
    before = _keys(s3_endpoint, run)

    def clean() -> bool:
        witness.flotilla("clean", "--older-than", "1s", "--yes")
        return not _keys(s3_endpoint, run)

    assert before
    witness.until(clean, "nothing of it is in the bucket")


def test_a_secret_is_in_no_object_and_not_in_the_container(
    through_s3: None, s3_endpoint: S3Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("hush-hush-hush")

    run = fl.submit(["sh", "-c", "test ${#TOKEN} = 14 && echo $TOKEN on; sleep 60"],
                    secrets={"TOKEN": f"file:{tmp_path / 'token'}"})  # fmt: skip
    witness.until(lambda: "on" in str(run.logs()), "it begins")
    shown = docker("inspect", f"flotilla-{run.id}-1")
    run.cancel()
    run.wait()

    assert "hush-hush" not in shown
    s3 = s3_endpoint.client()
    bodies = [s3.get_object(Bucket=s3_endpoint.bucket, Key=key)["Body"].read()
              for key in _keys(s3_endpoint, run)]  # fmt: skip
    assert not any(b"hush-hush" in body for body in bodies)


@pytest.mark.parametrize("how", [("rm", "-f"), ("stop",), ("kill",)], ids=" ".join)
def test_a_container_that_is_ended_by_hand_is_lost_and_the_job_runs_again(
    through_s3: None, how: tuple[str, ...]
) -> None:
    run = fl.submit(["sh", "-c", "case $FLOTILLA_LAUNCH_KEY in *-1) sleep 60;; esac; echo again"])
    name = f"flotilla-{run.id}-1"
    witness.until(lambda: _has_begun(name), "it has begun")

    docker(*how, name)

    assert run.wait().status == "SUCCEEDED"
    assert str(run.logs()).strip() == "again"
    assert [one.failure_kind for one in run.attempts] == ["lost", None]


def test_a_container_that_goes_away_before_s3_knows_of_it_is_lost(
    jobs: Jobs, bucket: Bucket, s3_endpoint: S3Endpoint
) -> None:
    order = jobs.order("echo ran", bucket=bucket)
    _until_sent(jobs, order)
    # as of a container that has taken the attempt, and has not come to its first upload
    lease = f"{_prefix(bucket)}/runs/{order.run_id[1:3]}/{order.run_id}/attempts/1/lease"
    s3_endpoint.client().put_object(Bucket=s3_endpoint.bucket, Key=lease, Body=b"other's")

    seen = jobs.end_with_repeats(jobs.engine.launch(order), order)

    assert seen.ending is not None
    assert seen.ending.failure_kind == "lost"
    assert seen.ending.message == "Its container went away after the job had begun."


def test_results_that_the_bucket_does_not_take_stay_in_the_container(
    jobs: Jobs, bucket: Bucket, s3_endpoint: S3Endpoint, tmp_path: Path
) -> None:
    s3, own = s3_endpoint.client(), f"flotilla-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=own)
    order = jobs.order(
        "until [ -e /tmp/go ]; do sleep 0.1; done; echo result > made",
        bucket=bucket.model_copy(update={"url": f"s3://{own}/pre"}), fetch=("made",),
    )  # fmt: skip
    name = f"flotilla-{order.launch_key}"
    witness.until(lambda: jobs.engine.launch(order) and _has_begun(name), "it has begun")

    _delete_bucket(s3, own)
    docker("exec", name, "touch", "/tmp/go")
    witness.until(lambda: jobs.daemon.state(name)["Status"] == "exited", "it has ended")
    s3.create_bucket(Bucket=own)
    seen = jobs.end_with_repeats(jobs.engine.launch(order), order)
    jobs.engine.tidy()
    docker("cp", f"{name}:{ROOM}/attempt/files/made", str(tmp_path / "made"))
    _delete_bucket(s3, own)

    assert seen.ending is not None
    assert seen.ending.failure_kind == "environment"
    assert f"docker cp {name}:" in str(seen.ending.message)
    assert (tmp_path / "made").read_text() == "result\n"


@pytest.mark.parametrize("verb", ["create", "start", "send", "end of send"])
def test_a_launcher_that_is_killed_leaves_a_job_that_runs_once(
    jobs: Jobs, bucket: Bucket, tmp_path: Path, verb: str
) -> None:
    (tmp_path / "token").write_text("hush-hush " * 10_000)
    secret = SecretRef(name="TOKEN", source=f"file:{tmp_path / 'token'}")
    script = "[ ${#TOKEN} = 100000 ] && echo once >> ran"
    order = jobs.order(script, bucket=bucket, fetch=("ran",), secrets=(secret,))
    killed = jobs.another_engine(KilledBefore(verb))

    def is_killed() -> bool:
        try:
            killed.launch(order)
        except Killed:
            return True
        return False

    witness.until(is_killed, "it is killed, its input being in S3")
    seen = jobs.end_with_repeats(jobs.engine.launch(order), order)

    assert seen.ending is not None
    assert seen.ending.outcome == "succeeded", seen.ending.message
    assert (order.attempt_folder / "files" / "ran").read_text() == "once\n"


def test_odd_names_come_back_and_what_cannot_is_said(through_s3: None, tmp_path: Path) -> None:
    script = (
        "import os, socket\nfor name in [b'o\\xff.txt', b'a\\\\b', b'.hid', \"é '\".encode()]:\n"
    )
    script += "    os.write(os.open(name, os.O_CREAT | os.O_WRONLY), b'x')\n"
    script += "os.mkfifo('pipe')\nsocket.socket(socket.AF_UNIX).bind('sock')\n"

    run = fl.submit(["python3", "-c", script], fetch=["*", ".hid"], wait=True)

    assert run.status == "SUCCEEDED"
    assert "not uploaded: 'files/o\\udcff.txt'" in str(run.logs())
    run.download("a\\b", ".hid", "é '", to=tmp_path / "brought")
    assert {path.name for path in (tmp_path / "brought").iterdir()} == {"a\\b", ".hid", "é '"}
    with pytest.raises(fl.FlotillaError, match="cannot be"):
        run.download("o*", to=tmp_path / "other")


@pytest.mark.parametrize("key", ["attempts/1/job.json", "input.json", "input/"])
def test_what_was_tampered_with_never_runs(
    jobs: Jobs, bucket: Bucket, s3_endpoint: S3Endpoint, key: str
) -> None:
    order = jobs.order("echo ran", bucket=bucket)
    _until_sent(jobs, order)
    s3 = s3_endpoint.client()
    found = s3.list_objects_v2(Bucket=s3_endpoint.bucket)["Contents"]
    [name, *_] = [one["Key"] for one in found if f"/{order.run_id}/{key}" in one["Key"]]
    s3.put_object(Bucket=s3_endpoint.bucket, Key=name, Body=b"{}")

    seen = jobs.end_with_repeats(jobs.engine.launch(order), order)

    assert seen.ending is not None
    assert seen.ending.outcome == "failed"
    assert "not what was sent" in str(seen.ending.message)


def test_an_upload_is_a_phase_and_says_how_far_it_is(jobs: Jobs, bucket: Bucket) -> None:
    order = jobs.order("true", bucket=bucket)
    (order.input_folder / "files").mkdir()
    (order.input_folder / "files" / "big").write_bytes(b"x" * 50_000_000)

    handle = jobs.engine.launch(order)
    seen = jobs.until(handle, lambda seen: seen.progress)

    assert (seen.state, seen.phase) == ("pending", Phase.UPLOADING)
    end = jobs.end_with_repeats(jobs.engine.launch(order), order)
    assert end.ending is not None
    assert end.ending.outcome == "succeeded"


def test_a_container_that_comes_second_does_nothing(jobs: Jobs, bucket: Bucket) -> None:
    order = jobs.order("echo ran", bucket=bucket)
    first = jobs.end_with_repeats(jobs.engine.launch(order), order)
    jobs.daemon.remove(f"flotilla-{order.launch_key}")
    for path in order.attempt_folder.glob("[a-z]*.json"):
        path.unlink()

    name = f"flotilla-{order.launch_key}"

    def ended() -> bool:
        jobs.engine.launch(order)
        listed = jobs.daemon.containers(jobs.engine.home_label)
        return name in listed and listed[name].state == "exited"

    witness.until(ended, "the second ends")

    assert first.ending is not None
    assert first.ending.outcome == "succeeded"
    assert jobs.daemon.state(name)["ExitCode"] == 75


def test_a_bucket_that_is_not_there_is_refused_before_the_launch(
    through_s3: None, settings_file: Path
) -> None:
    settings_file.write_text(settings_file.read_text().replace("s3://flotilla-", "s3://gone-"))

    refused = witness.flotilla("run", "--", "true")

    assert refused.returncode == 2
    assert "gone-" in refused.stderr
    assert "Next:" in refused.stderr


def test_the_keys_of_a_job_reach_its_own_attempt_and_no_other(
    jobs: Jobs, bucket: Bucket, s3_endpoint: S3Endpoint
) -> None:
    asked: list[Mapping[str, Any]] = []
    order = jobs.order("true", bucket=bucket)
    _until_sent(jobs, order)

    def keys(policy: Mapping[str, Any], seconds: int) -> Mapping[str, str]:
        asked.append(policy)
        return federated_keys(bucket)(policy, seconds)

    remote = Remote(s3_of(bucket), bucket, keys)
    place = witness.until(lambda: remote.send(order, Path(__file__)), "it is sent")

    [policy] = asked
    resources = [one for statement in policy["Statement"]
                 for one in ([statement["Resource"]] if isinstance(statement["Resource"], str)
                             else statement["Resource"])]  # fmt: skip
    assert all(f"/{order.run_id}/" in one for one in resources)
    actions = [one for statement in policy["Statement"]
               for one in ([statement["Action"]] if isinstance(statement["Action"], str)
                           else statement["Action"])]  # fmt: skip
    writing = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"}
    assert set(actions) == {"s3:GetObject", *writing}
    writes = next(s for s in policy["Statement"] if "s3:PutObject" in s["Action"])
    assert writes["Resource"].endswith(f"/{order.run_id}/attempts/1/*")
    assert (
        place["keys"]["AWS_SECRET_ACCESS_KEY"] != s3_endpoint.environment["AWS_SECRET_ACCESS_KEY"]
    )


def test_a_cancel_ends_an_upload(jobs: Jobs, bucket: Bucket) -> None:
    order = jobs.order("echo ran", bucket=bucket)
    (order.input_folder / "files").mkdir()
    for number in range(200):
        (order.input_folder / "files" / str(number)).write_bytes(b"%d" % number + b"x" * 2_000_000)
    handle = jobs.engine.launch(order)
    jobs.until(handle, lambda seen: seen.progress)

    jobs.engine.stop(handle, 10)
    seen = jobs.until(handle, lambda seen: seen.state == "ended")

    assert seen.ending is not None
    assert (seen.ending.outcome, seen.ending.message) == (
        "cancelled",
        "Cancelled before it began.",
    )
    assert not is_sent(order.attempt_folder)


def test_a_cancelled_job_ends_although_its_bucket_is_gone(
    jobs: Jobs, bucket: Bucket, s3_endpoint: S3Endpoint
) -> None:
    gone = Bucket(url=f"s3://gone-{uuid.uuid4().hex[:12]}/x", region="us-east-1",
                  endpoint=s3_endpoint.url)  # fmt: skip
    name = gone.url.split("/")[2]
    s3_endpoint.client().create_bucket(Bucket=name)
    order = jobs.order("sleep 60", bucket=gone)
    _until_sent(jobs, order)
    witness.until(lambda: jobs.engine.launch(order) and _has_begun(f"flotilla-{order.launch_key}"))
    handle = jobs.engine.launch(order)
    _delete_bucket(s3_endpoint.client(), name)

    jobs.engine.stop(handle, 0)
    jobs.daemon.kill(f"flotilla-{order.launch_key}")
    seen = jobs.until(handle, lambda seen: seen.state == "ended")

    assert seen.ending is not None
    assert seen.ending.outcome == "cancelled"
    assert "cannot be fetched" in str(seen.ending.message)
    assert name in str(seen.ending.message)


def test_to_look_whether_docker_can_be_used_asks_no_bucket(
    jobs: Jobs, docker_ground: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a dispatcher asks at every step, and must not wait for S3 there
    monkeypatch.setenv("FLOTILLA_ARTIFACTS", "s3://not-there-at-all/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    assert jobs.another_engine().check().ok
