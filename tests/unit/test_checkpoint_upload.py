"""Saves of a checkpoint folder on their way to S3 and back, and what may be in the way."""

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import witness
from faulty_s3 import ENVIRON, FaultyS3, Handler, refusing

from jupyter_flotilla.artifacts.s3_checkpoint import upload_save
from jupyter_flotilla.bootstrap.checkpoint import bring_checkpoint
from jupyter_flotilla.bootstrap.paths import Tampered
from jupyter_flotilla.bootstrap.s3 import Bucket, Credentials, S3Error
from jupyter_flotilla.runner.checkpoint_upload import CheckpointUpload

PRE = "pre/attempts/1/"
ODD = "a 'näme' with\nlines"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an attempt's folder without a save."""
    made = tmp_path / "the attempt"
    made.mkdir()
    return made


@pytest.fixture
def bucket(server: FaultyS3) -> Iterator[Bucket]:
    """Return the bucket as a job's container has it; each request is tried once."""
    made = Bucket("bucket", "pre", "us-east-1", server.url, Credentials(ENVIRON), tries=1)
    yield made
    made.close()


@pytest.fixture
def back(server: FaultyS3) -> Iterator[Bucket]:
    """Return the bucket as the next attempt's container has it, of the earlier attempt."""
    made = Bucket("bucket", PRE, "us-east-1", server.url, Credentials(ENVIRON), tries=1)
    yield made
    made.close()


def _save(folder: Path, number: int, **files: str) -> Path:
    """Make a save as the runner does: what has not changed is the same file."""
    made, last = folder / f"checkpoint.{number}", folder / f"checkpoint.{number - 1}"
    made.mkdir()
    for name, content in files.items():
        if (last / name).exists() and (last / name).read_text() == content:
            os.link(last / name, made / name)
        else:
            (made / name).write_text(content)
    return made


def _upload(folder: Path, bucket: Bucket) -> CheckpointUpload:
    return CheckpointUpload(str(folder), bucket, "attempts/1/")


def _names(folder: Path) -> dict[str, Any]:
    return {
        path.relative_to(folder).as_posix(): (
            str(path.readlink()) if path.is_symlink() else path.is_dir() or path.read_text()
        )
        for path in folder.rglob("*")
    }


def _contents(server: FaultyS3) -> list[str]:
    return sorted(key for key in server.objects if key.startswith(PRE + "checkpoint/"))


def test_a_save_goes_and_comes_with_all_that_is_in_it(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    save = _save(folder, 1, **{ODD: "a", "empty": ""})
    (save / "inner").mkdir(mode=0o750)
    (save / "inner" / "program").write_text("#!")
    (save / "inner" / "program").chmod(0o755)
    (save / "latest").symlink_to("inner/program")
    (save / "dangling").symlink_to("/nowhere")
    os.utime(save / ODD, ns=(5, 5))

    one = _upload(folder, bucket)
    one.start()
    one.finish()
    bring_checkpoint(back, str(tmp_path / "room" / "checkpoint.1"))

    came = tmp_path / "room" / "checkpoint.1"
    assert _names(came) == _names(save)
    assert stat.S_IMODE((came / "inner" / "program").stat().st_mode) == 0o755
    assert (came / ODD).stat().st_mtime_ns == 5
    assert not (folder / "checkpoint.sending").exists()


def test_what_has_not_changed_is_not_sent_again_and_what_nobody_needs_is_deleted(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    _save(folder, 1, same="s", changing="1", going="g")
    one = _upload(folder, bucket)
    one._send_newest()
    before = len(server.requests)

    _save(folder, 2, same="s", changing="2")
    one._send_newest()

    sent = [(verb, path.rpartition("/")[2]) for verb, path, _ in server.requests[before:]]
    assert [verb for verb, _ in sent] == ["PUT", "PUT", "DELETE", "DELETE"]
    bring_checkpoint(back, str(tmp_path / "there"))
    assert _names(tmp_path / "there") == {"same": "s", "changing": "2"}
    assert len(_contents(server)) == 2


def test_a_save_that_fails_half_way_leaves_the_last_one_and_goes_on_where_it_was(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    _save(folder, 1, a="1")
    one = _upload(folder, bucket)
    one._send_newest()
    _save(folder, 2, a="2", b="2", c="2")
    server.script = [None, refusing(503, "SlowDown")]

    with pytest.raises(S3Error):
        one._send_newest()
    bring_checkpoint(back, str(tmp_path / "meanwhile"))
    before = len(server.requests)
    one._send_newest()

    assert _names(tmp_path / "meanwhile") == {"a": "1"}
    puts = [path for verb, path, _ in server.requests[before:] if verb == "PUT"]
    assert len(puts) == 3  # two contents and the list: one content was there
    bring_checkpoint(back, str(tmp_path / "later"))
    assert _names(tmp_path / "later") == {"a": "2", "b": "2", "c": "2"}


def test_a_save_that_is_removed_while_it_is_sent_arrives(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    save = _save(folder, 1, a="1", b="1")

    def remove(handler: Handler) -> None:
        shutil.rmtree(save)
        handler.serve()

    server.script = [remove]
    _upload(folder, bucket)._send_newest()

    bring_checkpoint(back, str(tmp_path / "there"))
    assert _names(tmp_path / "there") == {"a": "1", "b": "1"}


def test_at_the_end_a_newer_save_goes_first(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    _save(folder, 1, a="1", b="1")
    one = _upload(folder, bucket)

    def save_again(handler: Handler) -> None:
        _save(folder, 2, a="2")
        handler.serve()

    server.script = [save_again]
    one._must_end.set()
    one._send_newest()

    bring_checkpoint(back, str(tmp_path / "there"))
    assert _names(tmp_path / "there") == {"a": "2"}
    assert not any("1-2" in path for _, path, _ in server.requests)


def test_uploads_in_the_background_go_on_after_a_failure(
    server: FaultyS3, folder: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_flotilla.runner.checkpoint_upload._LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("jupyter_flotilla.runner.checkpoint_upload._PAUSE_S", 0.01)
    _save(folder, 1, a="1")
    server.script = [refusing(403, "AccessDenied")] * 3

    one = _upload(folder, bucket)
    one.start()

    witness.until(lambda: PRE + "checkpoint.json" in server.objects, "it is there")
    one.finish()


def test_a_save_that_is_replaced_while_it_is_brought_is_brought_anew(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    _save(folder, 1, a="1", b="1")
    one = _upload(folder, bucket)
    one._send_newest()

    def replace(handler: Handler) -> None:
        _save(folder, 2, a="2", b="2")
        one._send_newest()
        handler.serve()

    server.script = [None, replace]
    bring_checkpoint(back, str(tmp_path / "there"))

    assert _names(tmp_path / "there") == {"a": "2", "b": "2"}


@pytest.mark.parametrize("name", ["../outside", "/etc/x", "a/../../b", ""])
def test_a_list_that_names_what_is_outside_is_refused(
    server: FaultyS3, back: Bucket, tmp_path: Path, name: str
) -> None:
    listed = {name: {"mode": 0o100644, "key": "checkpoint/1", "sha256": "", "mtime_ns": 0}}
    server.objects[PRE + "checkpoint.json"] = (json.dumps(listed).encode(), "")
    server.objects[PRE + "checkpoint/1"] = (b"x", "")

    with pytest.raises(Tampered):
        bring_checkpoint(back, str(tmp_path / "room" / "there"))

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_nothing_is_written_through_a_link_of_the_list(
    server: FaultyS3, back: Bucket, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    listed = {
        "link": {"mode": 0o120777, "target": str(outside)},
        "link/x": {"mode": 0o100644, "key": "checkpoint/1", "sha256": "", "mtime_ns": 0},
    }
    server.objects[PRE + "checkpoint.json"] = (json.dumps(listed).encode(), "")
    server.objects[PRE + "checkpoint/1"] = (b"x", "")

    with pytest.raises(OSError, match="link"):
        bring_checkpoint(back, str(tmp_path / "there"))

    assert not list(outside.iterdir())


def test_a_content_that_is_another_is_refused(
    server: FaultyS3, folder: Path, bucket: Bucket, back: Bucket, tmp_path: Path
) -> None:
    _save(folder, 1, a="1")
    _upload(folder, bucket)._send_newest()
    [key] = _contents(server)
    server.objects[key] = (b"2", "")

    with pytest.raises(S3Error, match="is not what was sent"):
        bring_checkpoint(back, str(tmp_path / "there"))


def test_a_save_of_this_machine_comes_as_one_of_a_container(
    server: FaultyS3, folder: Path, tmp_path: Path
) -> None:
    save = _save(folder, 1, **{ODD: "a"})
    (save / "link").symlink_to(ODD)
    (save / "folder").mkdir()
    client = _Client(server)

    upload_save(client, "bucket", "pre/earlier/", save, None)

    there = Bucket("bucket", "pre/earlier", "us-east-1", server.url, Credentials(ENVIRON), tries=1)
    bring_checkpoint(there, str(tmp_path / "there"))
    there.close()
    assert _names(tmp_path / "there") == _names(save)


class _Client:
    """As much of boto3's client as an upload of small files needs."""

    def __init__(self, server: FaultyS3) -> None:
        self._server = server

    def put_object(self, Key: str, Body: bytes, **_: Any) -> None:
        self._server.objects[Key] = (Body, "")
