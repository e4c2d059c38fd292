"""The first program of a container that gets its job from S3, as far as it gets here."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from faulty_s3 import FaultyS3, refusing

from jupyter_flotilla.bootstrap import start


@pytest.fixture
def said(server: FaultyS3, tmp_path: Path) -> dict[str, Any]:
    """What a launcher says of a job without input, which is in the server."""
    server.objects["pre/input.json"] = (b"{}", "")
    server.objects["pre/attempts/1/job.json"] = (b"{}", "")
    digest = hashlib.sha256(b"{}").hexdigest()
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret"}
    place = {"bucket": "bucket", "prefix": "pre", "attempt": "attempts/1", "region": "us-east-1",
             "endpoint": server.url, "room": str(tmp_path / "room"), "keys": keys,
             "input_sha256": digest, "job_sha256": digest}  # fmt: skip
    return {"s3": place}


def _main(words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(words))
    monkeypatch.setattr("os.execv", lambda *_: None)
    monkeypatch.setattr(start, "_hand_on", lambda _: None)
    return start.main()


def test_a_job_is_prepared_and_taken(
    server: FaultyS3, said: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _main(json.dumps(said), monkeypatch)

    assert (tmp_path / "room" / "attempt" / "job.json").read_bytes() == b"{}"
    assert "pre/attempts/1/lease" in server.objects


@pytest.mark.parametrize("part", ["", "{", '{"s3": {}}', "[]", "null"])
def test_words_that_were_cut_off_are_no_failure_of_the_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    code = _main(part, monkeypatch)

    assert code == start.NO_INPUT
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_taken_attempt_is_left_alone_before_anything_is_brought(
    server: FaultyS3, said: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.objects["pre/attempts/1/lease"] = (b"other's", "")

    code = _main(json.dumps(said), monkeypatch)

    assert code == start.ALREADY_STARTED
    assert [(method, path) for method, path, _ in server.requests] == [
        ("HEAD", "/bucket/pre/attempts/1/lease"), ("GET", "/bucket/pre/attempts/1/lease"),
    ]  # fmt: skip
    assert not (tmp_path / "room").exists()


@pytest.mark.parametrize(
    ("lease", "said_last"),
    [
        ({"id": "1", "task": "arn:task/c/0123", "host": "ip-10"}, ": arn:task/c/0123"),
        ({"id": "1", "task": None, "host": "0123456789ab"}, ": 0123456789ab"),
        ({"id": "1"}, ""),
        ("other's", ""),
    ],
    ids=["a task", "a container", "of an older version", "garbage"],
)  # fmt: skip
def test_who_comes_second_says_who_was_first(
    server: FaultyS3, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], lease: Any, said_last: str,
) -> None:  # fmt: skip
    server.objects["pre/attempts/1/lease"] = (json.dumps(lease).encode(), "")

    assert _main(json.dumps(said), monkeypatch) == start.ALREADY_STARTED

    [line] = capsys.readouterr().out.splitlines()
    assert line == f"flotilla: another container has begun this attempt{said_last}"


def test_who_may_not_list_is_told_403_of_a_lease_that_is_not_there(
    server: FaultyS3, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = [refusing(403, "AccessDenied")]

    _main(json.dumps(said), monkeypatch)

    assert "pre/attempts/1/lease" in server.objects


def test_who_comes_second_while_it_brings_its_input_does_nothing(
    server: FaultyS3, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_takes_it(handler: Any) -> None:
        handler.serve()
        server.objects["pre/attempts/1/lease"] = (b"other's", "")

    server.script = [another_takes_it]

    assert _main(json.dumps(said), monkeypatch) == start.ALREADY_STARTED
