"""`protocol.StreamWriter`: no secret is readable in what a job says."""

import base64
import json
import urllib.parse
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.protocol import StreamReader, StreamWriter

TEXT = st.text(max_size=20)
#: Any four characters or more of which the first cannot be part of an escape in JSON.
SECRETS = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from("GHKQZ-_!é漢"),
    st.text(min_size=3, max_size=12),
)


def said(folder, secrets, body, kind="display"):
    """Return a body as it is read, and all bytes that are on disk."""
    with closing(StreamWriter(str(folder), secrets)) as writer:
        writer.write(kind, body)
    (record,) = StreamReader(str(folder)).read()
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {key: record[key] for key in body}, content.decode("utf-8")


@given(secret=SECRETS, before=TEXT, after=TEXT)
def test_secret_is_three_stars_and_the_rest_is_untouched(tmp_path_factory, secret, before, after):
    text = f"{before}{secret}{after}"

    body, _ = said(tmp_path_factory.mktemp("s"), [secret], {"text": text})

    assert body == {"text": text.replace(secret, "***")}
    assert secret not in body["text"]


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("hunter2", id="plain"),
        pytest.param("pass word", id="space"),
        pytest.param("a\"b'c\\d", id="quotes and backslash"),
        pytest.param("-----BEGIN\nMIIEv\r\n-----END\n", id="several lines"),
        pytest.param("pässwörd漢🚀", id="non-ASCII"),
        pytest.param("\x1b[31m\0", id="control characters"),
        pytest.param("$(.*)\\1", id="like a pattern"),
        pytest.param("****", id="stars"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        pytest.param("stdout", lambda s: {"text": f"pw={s};"}, id="text"),
        pytest.param("error", lambda s: {"traceback": ["a", f"E: {s}"]}, id="traceback"),
        pytest.param("error", lambda s: {"evalue": s}, id="alone"),
        pytest.param("display", lambda s: {"data": {"text/html": f"<b>{s}</b>"}}, id="bundle"),
        pytest.param("display", lambda s: {"data": {"json": {"a": [{"b": s}]}}}, id="deep"),
        pytest.param("display", lambda s: {"data": {"json": {f"k {s}": 1}}}, id="key"),
        pytest.param("progress", lambda s: {"message": s * 3}, id="repeated"),
        pytest.param("display", lambda s: {"data": {"t": "x" * 70_000 + s}}, id="blob"),
    ],
)
def test_secret_is_masked_wherever_it_stands_whole(weird_path, secret, kind, shape):
    body, content = said(weird_path, [secret], shape(secret), kind)

    assert body == shape("***")
    assert secret not in content.replace("***", "")


def test_secret_inside_another_leaves_nothing_of_the_longer(weird_path):
    body, _ = said(weird_path, ["hunter", "hunter-two-2", "two-2"], {"text": "hunter-two-2 hunter"})

    assert body == {"text": "*** ***"}


def test_every_secret_is_masked(weird_path):
    secrets = [f"secret-{n:03}" for n in range(50)]

    body, _ = said(weird_path, secrets, {"text": " ".join(secrets)})

    assert body == {"text": " ".join(["***"] * 50)}


def test_secret_is_masked_in_long_text(weird_path):
    with closing(StreamWriter(str(weird_path), ["hunter2"])) as writer:
        writer.text("stdout", "hunter2\n" * 1000)

    assert "".join(r["text"] for r in StreamReader(str(weird_path)).read()) == "***\n" * 1000


@given(
    secret=SECRETS,
    cuts=st.lists(st.integers(0, 60), max_size=8),
    before=TEXT,
    after=TEXT,
)
def test_secret_that_is_written_in_pieces_is_masked_and_nothing_else_is_lost(
    tmp_path_factory, secret, cuts, before, after
):
    text = f"{before}{secret}{after}{secret}"
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    folder = tmp_path_factory.mktemp("s")

    with closing(StreamWriter(str(folder), [secret])) as writer:
        for start, end in pairwise(places):
            writer.text("stdout", text[start:end])

    said_text = "".join(record["text"] for record in StreamReader(str(folder)).read())
    assert secret not in said_text
    assert said_text == text.replace(secret, "***")


def test_what_may_become_a_secret_is_held_back_until_it_is_none(weird_path):
    with closing(StreamWriter(str(weird_path), ["hunter2"])) as writer:
        said_first = writer.text("stdout", "a hunt", 1)
        said_next = writer.text("stdout", "ing\nhun", 1)
        settled = writer.settle()

    assert (said_first, said_next, settled) == ("a ", "hunting\n", [("stdout", "hun")])


@pytest.mark.parametrize(
    "form",
    [
        json.dumps, repr, lambda s: repr(s.encode()), lambda s: s.encode().hex(),
        lambda s: base64.b64encode(s.encode()).decode(), urllib.parse.quote_plus,
        lambda s: s.splitlines()[1],
    ],
    ids=["JSON", "repr", "bytes", "hex", "base64", "URL", "one of its lines"],
)  # fmt: skip
def test_secret_that_a_program_has_encoded_whole_is_masked(weird_path, form):
    secret = 'BEGIN "kéy"\nMIIEvQIBADANBg\\=\n'

    body, _ = said(weird_path, [secret], {"text": f"<{form(secret)}>"})

    assert "MIIEvQ" not in body["text"]
    assert "***" in body["text"]


@pytest.mark.parametrize("secret", ["", "a", "abc"], ids=len)
def test_value_below_four_characters_is_too_common_to_be_masked(weird_path, secret):
    body, _ = said(weird_path, [secret], {"text": "abc and more"})

    assert body == {"text": "abc and more"}


@given(text=TEXT)
def test_without_secrets_nothing_is_masked(tmp_path_factory, text):
    body, _ = said(tmp_path_factory.mktemp("s"), [], {"text": text})

    assert body == {"text": text}
