"""The uploads of a job's container, while S3 and the job's files are as they should not be."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_s3 import FaultyS3, Handler, refusing, silent

from jupyter_flotilla import protocol
from jupyter_flotilla.bootstrap.s3 import Bucket, Credentials
from jupyter_flotilla.runner.upload import Uploader

ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret"}
PRE = "pre/attempts/1/"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an attempt that has ended, with something said in it."""
    made = tmp_path / "the attempt's földer"
    (made / "files").mkdir(parents=True)
    for name in (protocol.STARTED, protocol.OUTCOME, protocol.EXIT):
        (made / name).write_text("{}")
    stream = protocol.StreamWriter(str(made))
    stream.text("stdout", "hello\n")
    stream.close()
    return made


@pytest.fixture
def uploader(server: FaultyS3, folder: Path) -> Iterator[Callable[..., Uploader]]:
    """Return a factory of uploaders that go on in no time, but try each request once only."""
    made: list[Bucket] = []

    def make(**options: Any) -> Uploader:
        bucket = Bucket("bucket", "pre", "us-east-1", server.url, tries=1, timeout_s=5.0,
                        credentials=Credentials(ENVIRON))  # fmt: skip
        made.append(bucket)
        return Uploader(
            str(folder), {"attempt": "attempts/1"}, bucket, first_pause_s=0.01, **options
        )

    yield make
    for bucket in made:
        bucket.close()


def _said(server: FaultyS3) -> str:
    found = sorted(key for key in server.objects if key.startswith(PRE + "stream/"))
    lines = b"".join(server.objects[key][0] for key in found).decode().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    return "".join(json.loads(line)["text"] for line in lines)


def test_all_that_is_there_arrives_and_the_end_last(
    server: FaultyS3, folder: Path, uploader: Callable[..., Uploader]
) -> None:
    (folder / "files" / "data").write_text("x")

    one = uploader()
    one.start()

    assert one.finish()
    assert _said(server) == "hello\n"
    assert {"files/data", "started.json"} <= {key.removeprefix(PRE) for key in server.objects}
    assert [path for _, path, _ in server.requests][-2:] == [
        f"/bucket/{PRE}outcome.json", f"/bucket/{PRE}exit.json",
    ]  # fmt: skip


def test_results_wait_for_an_s3_that_is_away(
    server: FaultyS3, uploader: Callable[..., Uploader]
) -> None:
    server.script = [refusing(503, "SlowDown")] * 8

    one = uploader()
    one.start()

    assert one.finish()
    assert _said(server) == "hello\n"
    assert PRE + "exit.json" in server.objects


def test_an_s3_that_stays_away_is_given_up_in_the_end(
    server: FaultyS3, uploader: Callable[..., Uploader], capsys: pytest.CaptureFixture[str]
) -> None:
    server.script = [refusing(503, "SlowDown")] * 10_000

    one = uploader(patience_s=0.1)
    one.start()

    assert not one.finish()
    assert "cannot be uploaded" in capsys.readouterr().out
    assert server.objects == {}


def test_a_refusal_of_all_is_given_up_at_once(
    server: FaultyS3, uploader: Callable[..., Uploader]
) -> None:
    server.script = [refusing(403, "AccessDenied")] * 10_000

    one = uploader()
    one.start()

    assert not one.finish()
    assert server.objects == {}


@pytest.mark.parametrize(
    "name",
    [pytest.param(b"o\xff.txt", id="no UTF-8"), pytest.param(b"x" * 100, id="too long a key")],
)
def test_a_name_that_s3_does_not_take_is_said_and_the_rest_arrives(
    server: FaultyS3,
    folder: Path,
    uploader: Callable[..., Uploader],
    capsys: pytest.CaptureFixture[str],
    name: bytes,
) -> None:
    deep = folder / "files" / Path(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    os.close(os.open(os.fsencode(deep) + b"/" + name, os.O_CREAT | os.O_WRONLY))
    (folder / "files" / "z").write_text("the rest")

    one = uploader()
    one.start()

    assert one.finish()
    assert server.objects[PRE + "files/z"][0] == b"the rest"
    assert PRE + "exit.json" in server.objects
    shown = os.fsdecode(name).encode("unicode_escape").decode()
    assert "not uploaded: " in _said(server)
    assert shown in _said(server)
    assert capsys.readouterr().out.count("not uploaded") == 1


def test_a_file_that_one_look_cannot_send_is_sent_by_the_next(
    server: FaultyS3, uploader: Callable[..., Uploader]
) -> None:
    server.script = [refusing(400, "XAmzContentSHA256Mismatch")]

    one = uploader()
    one.start()

    assert one.finish()
    assert {key.removeprefix(PRE) for key in server.objects} >= {"started.json", "outcome.json"}


def test_pipes_and_sockets_are_passed_over(
    server: FaultyS3,
    folder: Path,
    uploader: Callable[..., Uploader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    os.mkfifo("pipe")
    Path("link").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as one_socket:
        one_socket.bind("socket")

        one = uploader()
        one.start()

        assert one.finish()
    assert not [key for key in server.objects if key.endswith(("pipe", "socket", "link"))]
    assert _said(server) == "hello\n"


def test_a_stop_gives_up_what_s3_does_not_answer(
    server: FaultyS3, uploader: Callable[..., Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.runner.upload.HURRY_S", 0.2)
    is_asked = threading.Event()

    def be_silent(handler: Handler) -> None:
        is_asked.set()
        silent(handler)

    server.script = [be_silent] * 100

    one = uploader()
    one.start()

    assert not one.finish(is_asked.is_set)
    assert not one._thread.is_alive()


def test_the_fence_arrives_without_a_look_that_is_due(
    server: FaultyS3,
    folder: Path,
    uploader: Callable[..., Uploader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jupyter_flotilla.runner.upload._EVERY_S", ((float("inf"), 3600.0),))
    (folder / protocol.STARTED).unlink()
    is_there = threading.Event()

    def serve(handler: Handler) -> None:
        handler.serve()
        is_there.set()

    server.script = [serve]

    one = uploader()
    one.start()
    (folder / protocol.STARTED).write_text("{}")

    assert is_there.wait(30)
    assert one.finish()
