"""Bugs that were found once, each by the input that showed it."""

import resource
import signal
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_flotilla.environ import job_environment
from jupyter_flotilla.errors import InvalidOption, InvalidSettings
from jupyter_flotilla.model.options import read_options
from jupyter_flotilla.model.units import format_money, parse_duration, parse_size
from jupyter_flotilla.protocol import StreamReader, StreamWriter, read_json, record_text, write_json
from jupyter_flotilla.settings import load_settings


@pytest.mark.parametrize(
    ("secret", "body"),
    [
        pytest.param("1234", {"data": {"application/json": {"n": 12345}}}, id="number"),
        pytest.param("true", {"data": {"application/json": {"n": True}}}, id="true"),
        pytest.param("text", {"text": "hello"}, id="key of the record"),
        pytest.param("nasa", {"text": "\nasa"}, id="escape"),
        pytest.param("001b", {"text": "\x1b[0m"}, id="escaped code point"),
    ],
)
def test_secret_never_breaks_a_record(tmp_path, secret, body):
    with closing(StreamWriter(str(tmp_path), [secret])) as writer:
        writer.write("display", body)

    (record,) = StreamReader(str(tmp_path)).read()
    assert {key: record[key] for key in body} == body


def test_secret_across_two_pieces_of_long_text_is_masked(tmp_path):
    with closing(StreamWriter(str(tmp_path), ["hunter2222"])) as writer:
        writer.text("stdout", "x" * (16_384 - 4) + "hunter2222")

    assert "hunter2222" not in "".join(r["text"] for r in StreamReader(str(tmp_path)).read())


def test_half_written_line_does_not_glue_itself_to_the_next(tmp_path):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with closing(StreamWriter(str(tmp_path))) as writer:
        writer.text("stdout", "one")
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (150, old[1]))
            writer.text("stdout", "two" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, handler)
        writer.text("stdout", "three")

    texts = [r["text"] for r in StreamReader(str(tmp_path)).read()]
    assert texts[0] == "one"
    assert "1 records were lost" in texts[1]
    assert texts[2] == "three"


def test_text_of_control_characters_needs_no_blob(tmp_path):
    with closing(StreamWriter(str(tmp_path))) as writer:
        writer.text("stdout", "\x1b" * 16_384)

    assert list((tmp_path / "blobs").iterdir()) == []


def test_file_name_that_is_no_utf8_can_be_written(tmp_path):
    write_json(str(tmp_path / "a.json"), {"command": ["cat", "\udcff"]})

    assert read_json(str(tmp_path / "a.json")) == {"command": ["cat", "\udcff"]}


@pytest.mark.parametrize(
    "proxy", ["http://ana:hun#er2@proxy:1", "http://ana:hun/er2@proxy", "http://a:b?c@p"]
)
def test_proxy_with_an_odd_password_stays_behind(proxy):
    assert job_environment({"http_proxy": proxy}) == {}


def test_proxy_that_is_no_url_is_no_crash():
    assert job_environment({"http_proxy": "http://[::1"}) in ({}, {"http_proxy": "http://[::1"})


@pytest.mark.parametrize(("text", "seconds"), [("1.1h", 3960), ("2.2h", 7920), ("16.1m", 966)])
def test_exact_decimal_duration_is_not_rounded_up(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["5ſ", "9" * 400 + "h"], ids=["long s", "huge"])
def test_odd_duration_is_refused(text):
    with pytest.raises(InvalidOption):
        parse_duration(text)


def test_huge_size_is_refused():
    with pytest.raises(InvalidOption):
        parse_size("9" * 400 + "G")


@pytest.mark.parametrize(
    "given",
    [
        {"params": ("x:={[]: 1}",)},
        {"params": ("x:=" + "-" * 100_000 + "1",)},
        {"params": ("x:=1e999",)},
        {"params": ("=1",)},
        {"cpu": 10**400},
        {"secrets": {"A": 5}},
        {"secrets": 5},
        {"env": 5},
        {"files": 5},
        {"tags": 5},
        {"params": 5},
    ],
    ids=lambda given: str(given)[:30],
)
def test_wrong_value_is_an_invalid_option(given):
    with pytest.raises(InvalidOption):
        read_options(given)


def test_one_path_is_one_file():
    assert read_options({"files": Path("x")}).files == ("x",)


def test_home_of_nobody_is_invalid_settings(tmp_path):
    with pytest.raises(InvalidSettings):
        load_settings({"FLOTILLA_CONFIG": str(tmp_path / "x"), "FLOTILLA_HOME": "~nosuchuser/x"})


def test_image_is_no_text_in_a_log():
    assert record_text({"kind": "display", "data": {"image/png": "x"}}) == ""


@pytest.mark.parametrize(("usd", "shown"), [(0.0999, "$0.10"), (0.00999, "$0.010")])
def test_money_has_two_digits(usd, shown):
    assert format_money(usd) == shown
