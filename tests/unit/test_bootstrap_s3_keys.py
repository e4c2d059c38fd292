"""The bootstrap's AWS keys and clock, against a server that refuses them as it is told to."""

import socket
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from faulty_s3 import ENVIRON, SECRET, TOKEN, FaultyS3, refusing

from jupyter_flotilla.bootstrap import s3_auth
from jupyter_flotilla.bootstrap.s3 import Bucket, Credentials, S3Error


def _keys(name: str, ends_in_s: float = 3600) -> dict[str, str]:
    ends = datetime.fromtimestamp(time.time() + ends_in_s, UTC)
    return {
        "AccessKeyId": name, "SecretAccessKey": SECRET, "Token": TOKEN,
        "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip


@pytest.fixture
def container(server: FaultyS3) -> dict[str, str]:
    """Return the environment of a container whose keys come from the server."""
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/keys"}


def _signers(server: FaultyS3) -> list[str]:
    return [
        headers["authorization"].split("Credential=")[1].split("/")[0]
        for _, _, headers in server.requests
    ]


def test_keys_that_expired_are_fetched_anew_once(
    server: FaultyS3, open_bucket: Any, container: dict[str, str]
) -> None:
    server.keys = [_keys("first"), _keys("second")]
    server.script = [None, refusing(403, "ExpiredToken")]
    bucket = open_bucket(container)
    bucket.put("a", b"1")

    bucket.put("a", b"2")

    assert _signers(server) == ["first", "first", "second"]


def test_keys_that_stay_expired_are_an_error(
    server: FaultyS3, open_bucket: Any, container: dict[str, str]
) -> None:
    server.keys = [_keys("first"), _keys("second")]
    server.script = [refusing(400, "ExpiredToken")] * 2

    with pytest.raises(S3Error, match="ExpiredToken"):
        open_bucket(container).put("a", b"1")

    assert _signers(server) == ["first", "second"]


def test_keys_of_the_environment_cannot_be_fetched_anew(server: FaultyS3, bucket: Bucket) -> None:
    server.script = [refusing(403, "ExpiredToken")]

    with pytest.raises(S3Error, match="ExpiredToken"):
        bucket.put("a", b"1")

    assert len(server.requests) == 1


def test_keys_are_fetched_anew_five_minutes_before_their_end(
    server: FaultyS3, container: dict[str, str]
) -> None:
    server.keys = [_keys("first", 299), _keys("second", 310), _keys("third")]
    credentials = Credentials(container)

    assert [credentials.keys().access_key for _ in range(3)] == ["first", "second", "second"]


def test_old_keys_do_while_no_new_ones_can_be_had(
    server: FaultyS3, container: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    server.keys = [_keys("first", 200)]
    credentials = Credentials(container)

    assert [credentials.keys().access_key for _ in range(2)] == ["first", "first"]


def test_many_threads_fetch_keys_once(server: FaultyS3, container: dict[str, str]) -> None:
    server.keys = [_keys("only")]
    credentials = Credentials(container)
    threads = [threading.Thread(target=credentials.keys) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert credentials.keys().access_key == "only"


def test_the_token_of_the_endpoint_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("Bearer x\n")
    credentials = Credentials({"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(path)})

    assert credentials._authorization() == {"Authorization": "Bearer x"}


@pytest.mark.parametrize(
    "environ",
    [{}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example/keys"}],
    ids=["none at all", "from a stranger without TLS"],
)
def test_a_container_without_keys_says_so(environ: dict[str, str]) -> None:
    with pytest.raises(S3Error) as caught:
        Credentials(environ).keys()

    assert caught.value.code == "NoCredentials"


@pytest.mark.parametrize(
    ("status", "is_retryable"),
    [(503, True), (429, True), (404, False), (None, True)],
    ids=["it breaks", "it is busy", "no such role", "it is silent"],
)
def test_an_endpoint_of_keys_that_is_silent_just_now_is_asked_again_later(
    status: int | None, is_retryable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_auth, "_FETCH_TIMEOUT_S", 0.05)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        if status is not None:
            threading.Thread(target=_answer_all, args=(listening, status), daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"

        with pytest.raises(S3Error, match="gives no AWS keys") as caught:
            Credentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}).keys()

    assert caught.value.is_retryable is is_retryable


def _answer_all(listening: socket.socket, status: int) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 %d Reason\r\nContent-Length: 0\r\n\r\n" % status)
            connection.close()


@pytest.mark.parametrize("method", ["put", "head"])
def test_a_clock_that_is_off_is_set_by_the_servers(
    server: FaultyS3, bucket: Bucket, method: str
) -> None:
    ahead = {"Date": formatdate(time.time() + 3600, usegmt=True)}
    server.objects["pre/a"] = (b"", "")
    server.script = [refusing(403, "RequestTimeTooSkewed", **ahead)]

    bucket.put("a", b"1") if method == "put" else bucket.head("a")
    bucket.put("a", b"2")

    signed_at = [
        datetime.strptime(headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
        for _, _, headers in server.requests
    ]
    assert [round((at - time.time()) / 600) for at in signed_at] == [0, 6, 6]


def test_no_secret_is_in_any_words(server: FaultyS3, bucket: Bucket) -> None:
    message = f"bad {SECRET} {TOKEN} X-Amz-Signature=deadbeef Signature=cafe"
    server.script = [refusing(403, "SignatureDoesNotMatch", message)]

    with pytest.raises(S3Error) as caught:
        bucket.put("a", b"1")

    said = f"{caught.value} {caught.value!r} {caught.value.sentence} {Credentials(ENVIRON).keys()}"
    assert not any(word in said for word in (SECRET, TOKEN, "deadbeef", "cafe", "AKIAEXAMPLE"))
    assert "S3 refused PUT of 'a': bad ***" in said
