"""The bootstrap's S3, against a server that goes wrong as it is told to."""

import ast
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from faulty_s3 import (
    Fault,
    FaultyS3,
    Handler,
    cut,
    forget_to_answer,
    hang_up,
    refusing,
    silent,
)  # fmt: skip

from jupyter_flotilla.bootstrap.s3 import Bucket, Entry, S3Error
from jupyter_flotilla.bootstrap.s3_http import Connections, address

MIB = 2**20


# --- retries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refusing(503, "SlowDown"), id="throttled"),
        pytest.param(refusing(500, "InternalError"), id="internal error"),
        pytest.param(refusing(400, "RequestTimeout"), id="too slow for S3"),
        pytest.param(refusing(429, "TooManyRequests"), id="too many requests"),
        pytest.param(hang_up, id="hung up"),
    ],
)
def test_what_may_pass_is_tried_again(server: FaultyS3, bucket: Bucket, fault: Fault) -> None:
    server.script = [fault, fault]

    bucket.put("a", b"content")

    assert server.objects["pre/a"][0] == b"content"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_not_tried_again(server: FaultyS3, bucket: Bucket, status: int) -> None:
    server.script = [refusing(status, "Refused")]

    with pytest.raises(S3Error) as caught:
        bucket.put("a", b"content")

    assert (caught.value.code, caught.value.status, caught.value.key) == ("Refused", status, "a")
    assert len(server.requests) == 1


def test_patience_ends_after_the_tries(server: FaultyS3, open_bucket: Any) -> None:
    server.script = [refusing(503, "SlowDown")] * 9

    with pytest.raises(S3Error, match="SlowDown"):
        open_bucket(tries=4).get("a")

    assert len(server.requests) == 4


def test_nothing_is_tried_after_the_deadline(server: FaultyS3, open_bucket: Any) -> None:
    bucket = open_bucket(tries=1000)

    def refuse_late(handler: Handler) -> None:
        bucket.end_within(-1)
        refusing(503, "SlowDown")(handler)

    server.script = [refusing(503, "SlowDown"), refuse_late]

    with pytest.raises(S3Error, match="SlowDown"):
        bucket.put("a", b"")

    assert len(server.requests) == 2
    with pytest.raises(S3Error) as caught:
        bucket.put("a", b"")
    assert caught.value.code == "Deadline"
    assert len(server.requests) == 2


@pytest.mark.parametrize("is_used", [False, True], ids=["first", "used connection"])
def test_what_goes_on_is_broken_off(server: FaultyS3, bucket: Bucket, is_used: bool) -> None:
    if is_used:
        bucket.put("a", b"earlier")
    had = len(server.requests)

    def be_broken_off(handler: Handler) -> None:
        bucket.end_within(-1)
        bucket.break_off()
        silent(handler)

    server.script = [be_broken_off]

    with pytest.raises(S3Error) as caught:
        bucket.put("a", b"content")

    assert caught.value.code == "Broken"
    assert len(server.requests) == had + 1


def test_a_connection_that_idled_away_costs_no_try(server: FaultyS3, open_bucket: Any) -> None:
    bucket = open_bucket(tries=1)
    bucket.put("a", b"1")
    server.script = [hang_up]

    bucket.put("a", b"2")

    assert server.objects["pre/a"][0] == b"2"


def test_one_connection_serves_many_requests(server: FaultyS3, bucket: Bucket) -> None:
    for number in range(5):
        bucket.put("a", b"%d" % number)

    assert len(bucket._connections._idle) == 1


def test_a_refusal_of_a_large_body_is_read(server: FaultyS3, bucket: Bucket) -> None:
    def refuse_unread(handler: Handler) -> None:
        handler.refuse(403, "AccessDenied")
        handler.close_connection = True

    server.script = [refuse_unread] * 2

    with pytest.raises(S3Error) as caught:
        bucket.put("a", b"x" * 20 * MIB)

    # a reset may overtake the answer; then it is only the next one that is heard
    assert caught.value.code in ("AccessDenied", "Broken")


# --- downloads --------------------------------------------------------------------------------


def test_a_broken_download_goes_on_where_it_broke(
    server: FaultyS3, open_bucket: Any, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4096
    server.objects["pre/a"] = (content, "")
    server.script = [cut(300_000), cut(300_000), cut(300_000)]

    open_bucket(tries=2).get_file("a", str(tmp_path / "a"), hashlib.sha256(content).hexdigest())

    assert (tmp_path / "a").read_bytes() == content
    assert [headers.get("range") for _, _, headers in server.requests] == [
        None, "bytes=300000-", "bytes=600000-", "bytes=900000-",
    ]  # fmt: skip
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_download_that_falls_silent_goes_on(
    server: FaultyS3, open_bucket: Any, tmp_path: Path
) -> None:
    server.objects["pre/a"] = (b"x" * 1000, "")

    def stall(handler: Handler) -> None:
        cut(400)(handler)
        handler.rfile.read(1)

    server.script = [silent, stall]

    open_bucket(timeout_s=0.2).get_file("a", str(tmp_path / "a"))

    assert (tmp_path / "a").read_bytes() == b"x" * 1000


def test_what_changes_during_a_download_is_fetched_anew(server: FaultyS3, bucket: Bucket) -> None:
    server.objects["pre/a"] = (b"old " * 1000, "")

    def cut_and_change(handler: Handler) -> None:
        cut(1000)(handler)
        server.objects["pre/a"] = (b"new " * 1000, "")

    server.script = [cut_and_change]

    assert bucket.get("a") == b"new " * 1000


@pytest.mark.parametrize("given", [True, False], ids=["sha256 given", "sha256 recorded"])
def test_tampered_content_is_refused_and_leaves_the_old_file(
    server: FaultyS3, bucket: Bucket, tmp_path: Path, given: bool
) -> None:
    sha256 = hashlib.sha256(b"as it was").hexdigest()
    server.objects["pre/a"] = (b"tampered with", "" if given else sha256)
    path = tmp_path / "a"
    path.write_bytes(b"old")

    with pytest.raises(S3Error, match=sha256) as caught:
        bucket.get_file("a", str(path), sha256 if given else None)

    assert caught.value.code == "Sha256Mismatch"
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.glob("[.a]*")] == ["a"]


def test_a_full_disk_is_no_broken_connection(
    server: FaultyS3, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_flotilla.bootstrap import s3_http

    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    server.objects["pre/a"] = (b"x", "")
    monkeypatch.setattr(s3_http.Sink, "write", no_room)

    with pytest.raises(OSError, match="No space"):
        bucket.get("a")

    assert len(server.requests) == 1


# --- uploads ----------------------------------------------------------------------------------


def test_a_key_is_claimed_once(bucket: Bucket) -> None:
    assert bucket.put_if_absent("lease", b"mine")
    assert not bucket.put_if_absent("lease", b"other's")


def test_a_claim_whose_answer_was_lost_is_known_as_ours(server: FaultyS3, bucket: Bucket) -> None:
    server.script = [forget_to_answer]

    assert bucket.put_if_absent("lease", b"mine")


def test_a_claim_that_another_won_meanwhile_is_lost(server: FaultyS3, bucket: Bucket) -> None:
    def other_wins(handler: Handler) -> None:
        server.objects["pre/lease"] = (b"other's", "")
        hang_up(handler)

    server.script = [other_wins]

    assert not bucket.put_if_absent("lease", b"mine")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a file of 21 MiB and a little."""
    path = tmp_path / "large 'é'"
    path.write_bytes(b"".join(bytes([number]) * MIB for number in range(21)) + b"end")
    return path


def test_a_large_file_goes_in_parts(server: FaultyS3, bucket: Bucket, large: Path) -> None:
    server.script = [None, None, refusing(503, "SlowDown"), hang_up]

    sha256 = bucket.put_file("large", str(large), part_bytes=5 * MIB)

    assert server.objects["pre/large"] == (large.read_bytes(), sha256)
    assert sha256 == hashlib.sha256(large.read_bytes()).hexdigest()
    assert sorted(server.parts) == [1, 2, 3, 4, 5]


def test_a_small_file_goes_at_once(server: FaultyS3, bucket: Bucket, tmp_path: Path) -> None:
    for content in (b"", b"small"):
        (tmp_path / "a").write_bytes(content)
        sha256 = bucket.put_file("a", str(tmp_path / "a"))
        assert server.objects["pre/a"] == (content, sha256)

    assert [method for method, _, _ in server.requests] == ["PUT", "PUT"]


def test_a_failed_upload_leaves_no_parts(server: FaultyS3, bucket: Bucket, large: Path) -> None:
    server.script = [None, None, None, refusing(403, "AccessDenied")]

    with pytest.raises(S3Error, match="AccessDenied"):
        bucket.put_file("large", str(large), part_bytes=5 * MIB)

    assert server.requests[-1][0] == "DELETE"
    assert "pre/large" not in server.objects


def test_parts_are_aborted_even_after_the_deadline(
    server: FaultyS3, bucket: Bucket, large: Path
) -> None:
    def too_late(handler: Handler) -> None:
        handler.serve()
        bucket.end_within(-1)

    server.script = [too_late]

    with pytest.raises(S3Error, match="Deadline"):
        bucket.put_file("large", str(large), part_bytes=5 * MIB)

    assert [method for method, _, _ in server.requests] == ["POST", "DELETE"]


def test_an_error_after_200_is_an_error(server: FaultyS3, bucket: Bucket, large: Path) -> None:
    late = refusing(200, "InternalError")
    server.script = [None] * 3 + [late]

    bucket.put_file("large", str(large), part_bytes=11 * MIB)

    assert server.objects["pre/large"][0] == large.read_bytes()
    assert len(server.requests) == 5


def test_an_upload_whose_last_answer_was_lost_is_done(
    server: FaultyS3, bucket: Bucket, large: Path
) -> None:
    server.script = [None] * 3 + [forget_to_answer, refusing(404, "NoSuchUpload")]

    bucket.put_file("large", str(large), part_bytes=11 * MIB)

    assert server.requests[-1][0] == "HEAD"


def test_a_file_that_shrinks_meanwhile_is_said(
    server: FaultyS3, bucket: Bucket, large: Path
) -> None:
    def shrink(handler: Handler) -> None:
        large.write_bytes(b"short")
        handler.serve()

    server.script = [shrink]

    with pytest.raises(S3Error, match="shorter") as caught:
        bucket.put_file("large", str(large), part_bytes=5 * MIB)

    assert (caught.value.code, caught.value.key) == ("FileChanged", "large")


# --- keys and listings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", "/a", "a//b", "../a", "a/../b", "a/..", ".", "a\0b", "\udc80", "x" * 1025]
)
def test_a_key_cannot_leave_its_prefix(server: FaultyS3, bucket: Bucket, key: str) -> None:
    for act in (bucket.get, bucket.head, lambda key: bucket.put(key, b"")):
        with pytest.raises(S3Error) as caught:
            act(key)
        assert caught.value.code == "InvalidKey"

    assert server.requests == []


def test_a_key_and_its_prefix_are_as_long_as_s3_takes(server: FaultyS3, bucket: Bucket) -> None:
    bucket.put("x" * 1020, b"")

    with pytest.raises(S3Error) as caught:
        bucket.put_file("x" * 1021, os.devnull)

    assert caught.value.code == "InvalidKey"
    assert len(server.requests) == 1


def test_a_listing_goes_through_all_pages_and_odd_names(server: FaultyS3, bucket: Bucket) -> None:
    names = ["a b+c%20", "é/漢 &<>'\"", "line\nbreak", "~", "\x01control"]
    for name in names:
        bucket.put(name, name.encode())
    server.objects["other/a"] = (b"", "")

    found = list(bucket.list())

    assert found == [Entry(name, len(name.encode()), '"e"') for name in sorted(names)]
    assert [entry.key for entry in bucket.list("é/")] == ["é/漢 &<>'\""]


def test_head_says_what_is_there_or_nothing(bucket: Bucket) -> None:
    bucket.put("a", b"123")

    there = bucket.head("a")

    assert bucket.head("b") is None
    assert there is not None
    assert (there.size, there.sha256) == (3, hashlib.sha256(b"123").hexdigest())


# --- words ------------------------------------------------------------------------------------


def test_a_bucket_elsewhere_says_where(server: FaultyS3, bucket: Bucket) -> None:
    server.script = [refusing(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-west-1"})]

    with pytest.raises(S3Error, match="the bucket is in eu-west-1, not in us-east-1"):
        bucket.get("a")


@pytest.mark.parametrize(
    ("bucket", "region", "endpoint", "url", "base"),
    [
        ("b-1", "eu-west-1", None, "https://b-1.s3.eu-west-1.amazonaws.com", ""),
        ("b.1", "eu-west-1", None, "https://s3.eu-west-1.amazonaws.com", "/b.1"),
        ("b-1", "cn-north-1", None, "https://b-1.s3.cn-north-1.amazonaws.com.cn", ""),
        ("b-1", "us-east-1", "http://10.0.0.1:9000/", "http://10.0.0.1:9000", "/b-1"),
        ("b-1", "us-east-1", "https://h/s3", "https://h", "/s3/b-1"),
    ],
)
def test_a_bucket_has_its_address(
    bucket: str, region: str, endpoint: str | None, url: str, base: str
) -> None:
    assert address(bucket, region, endpoint) == (url, base)


@pytest.mark.parametrize(
    ("environ", "proxied"),
    [
        ({}, False),
        ({"HTTPS_PROXY": "http://u:p%40@proxy:3128"}, True),
        ({"https_proxy": "proxy:3128", "no_proxy": "other.com, .amazonaws.com"}, False),
        ({"https_proxy": "proxy:3128", "no_proxy": "zonaws.com,*.example.com"}, True),
        ({"https_proxy": "proxy:3128", "NO_PROXY": "*"}, False),
    ],
)
def test_a_proxy_is_used_where_the_environment_names_one(
    environ: dict[str, str], proxied: bool
) -> None:
    connections = Connections("https://b.s3.eu-west-1.amazonaws.com", environ)

    connection: Any = connections._tls_connection(1.0)

    assert connection.host == ("proxy" if proxied else "b.s3.eu-west-1.amazonaws.com")
    assert connection._tunnel_host == ("b.s3.eu-west-1.amazonaws.com" if proxied else None)
    if "@" in environ.get("HTTPS_PROXY", ""):
        assert connection._tunnel_headers["Proxy-Authorization"] == "Basic dTpwQA=="


# --- what may be in a container ---------------------------------------------------------------

_SOURCES = sorted((Path(__file__).parents[2] / "jupyter_flotilla" / "bootstrap").glob("s3*.py"))


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.name)
def test_the_bootstrap_is_python_3_8_and_imports_only_its_library(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 8))

    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        alias.name.partition(".")[0]
        for node in imported
        for alias in (node.names if isinstance(node, ast.Import) else [])
    }
    names |= {
        (node.module or "").partition(".")[0]
        for node in imported
        if isinstance(node, ast.ImportFrom) and node.level == 0
    }
    assert names <= set(sys.stdlib_module_names)
