"""The bootstrap's signatures: AWS's own examples, and whatever botocore signs."""

import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_flotilla.bootstrap.s3 import Bucket, Credentials, Keys, _query
from jupyter_flotilla.bootstrap.s3_auth import sign, signed

EMPTY = hashlib.sha256(b"").hexdigest()
KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = "examplebucket.s3.amazonaws.com"
AT = "20130524T000000Z"


# docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature
# Calculations in AWS Signature Version 4", read 2026-11.
@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        pytest.param(
            "GET", "/test.txt", "", {"range": "bytes=0-9"}, b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="GET Object",
        ),
        pytest.param(
            "PUT", "/test%24file.text", "",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            id="PUT Object",
        ),
        pytest.param(
            "GET", "/", "lifecycle=", {}, b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="GET Bucket Lifecycle",
        ),
        pytest.param(
            "GET", "/", "max-keys=2&prefix=J", {}, b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="Get Bucket (List Objects)",
        ),
    ],
)  # fmt: skip
def test_a_signature_is_the_one_of_the_documentation(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    payload = hashlib.sha256(body).hexdigest()
    midnight = 1_369_353_600.0

    headers = signed(
        method, path, query, {**headers, "Host": HOST}, payload, KEYS, "us-east-1", midnight
    )

    assert headers["x-amz-date"] == AT
    assert headers["authorization"].endswith(f",Signature={signature}")


def test_a_presigned_query_is_signed_as_in_the_documentation() -> None:
    # docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, "An Example", 2026-11
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        f"&X-Amz-Date={AT}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    )

    signature = sign(
        "GET", "/test.txt", query, {"host": HOST}, "UNSIGNED-PAYLOAD", KEYS, "us-east-1", AT
    )

    assert signature == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


@pytest.fixture(scope="module")
def botocore_sent() -> Any:
    """Return what botocore would send: (method, path, query, headers with lower-case names)."""
    import boto3
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config

    client = boto3.client(
        "s3", region_name="eu-west-3", aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key, aws_session_token="a+token/=",
        config=Config(request_checksum_calculation="when_required"),
    )  # fmt: skip
    caught: list[Any] = []

    def catch(request: Any, **_: Any) -> AWSResponse:
        caught.append(request)
        return AWSResponse(request.url, 200, {}, _Empty())

    client.meta.events.register("before-send.s3", catch)

    def send(operation: str, **parameters: Any) -> tuple[str, str, str, dict[str, str]]:
        getattr(client, operation)(Bucket="buc-ket", **parameters)
        parts = urlsplit(caught[-1].url)
        headers = {name.lower(): _text(value) for name, value in caught[-1].headers.items()}
        return caught[-1].method, parts.path, parts.query, {"host": parts.netloc, **headers}

    return send


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class _Empty:
    """The body of no answer at all."""

    def stream(self, **_: Any) -> Any:
        return iter(())

    def read(self, *_: Any) -> bytes:
        return b""


def _same_signature(sent: tuple[str, str, str, dict[str, str]]) -> None:
    method, path, unsorted, headers = sent
    query = _query(parse_qsl(unsorted, keep_blank_values=True))
    fields = dict(
        part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(",")
    )
    ours = {name: headers[name] for name in fields["SignedHeaders"].split(";")}
    signature = sign(
        method, path, query, ours, headers["x-amz-content-sha256"], KEYS, "eu-west-3",
        headers["x-amz-date"],
    )  # fmt: skip
    assert signature == fields["Signature"]


_SEGMENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)
_KEY = (
    st.lists(_SEGMENT.filter(lambda part: part not in (".", "..")), min_size=1, max_size=4)
    .map("/".join)
    .filter(lambda key: len(key.encode()) <= 1000)
)


@given(key=_KEY)
@example(key="a b/~+%2F é漢😀\n\t'\"<&>?#=:@!$*(),;[]{}|^`\\")
def test_keys_are_encoded_and_signed_as_botocore_does(botocore_sent: Any, key: str) -> None:
    bucket = Bucket("buc-ket", "", "eu-west-3", credentials=Credentials({}))

    sent = botocore_sent("get_object", Key=key, Range="bytes=5-")

    assert bucket._path(key, is_root=False) == sent[1]
    _same_signature(sent)


@given(prefix=_KEY)
def test_queries_are_signed_as_botocore_does(botocore_sent: Any, prefix: str) -> None:
    _same_signature(botocore_sent("list_objects_v2", Prefix=prefix, MaxKeys=3))
