"""`protocol.StreamWriter` and `StreamReader`: what a job says, read by others."""

import codecs
import stat
import tempfile
import threading
import time
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flotilla.protocol import (
    BLOB_BYTES,
    BLOBS,
    STREAM,
    StreamReader,
    StreamWriter,
    record_bytes,
    record_text,
)

#: Plain text, text that JSON must escape, and text that is too large for a line.
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text('\\"\n\r\0\x1b\u2028é漢🚀', max_size=30),
    st.builds(lambda c, n: c * n, st.sampled_from("x\n漢"), st.integers(65_000, 70_000)),
)
BODIES = st.one_of(
    st.builds(lambda text: {"text": text}, TEXTS),
    st.builds(lambda text: {"data": {"text/html": text}, "metadata": {}}, TEXTS),
    st.just({}),
)


def write_all(folder, bodies):
    writer = StreamWriter(str(folder))
    for body in bodies:
        writer.write("display", body)
    writer.close()


def body_of(record):
    return {key: record[key] for key in record.keys() - {"seq", "at", "kind", "cell"}}


def read(folder, after=0):
    return list(StreamReader(str(folder), after).read())


@pytest.fixture
def writer(weird_path):
    """Return a writer into ``weird_path``, closed in the end."""
    with closing(StreamWriter(str(weird_path))) as writer:
        yield writer


@pytest.fixture(scope="module")
def long_stream(tmp_path_factory):
    """Return a folder of several segments with blobs and a torn last line, and its bodies."""
    folder = tmp_path_factory.mktemp("long")
    large = {"data": {"image/svg+xml": "<é'\n>" * 20_000}}
    bodies = [large if n % 50 == 49 else {"text": f"{n} " + "é\n" * 6000} for n in range(180)]
    write_all(folder, bodies)
    segments = sorted((folder / STREAM).iterdir())
    assert len(segments) > 3
    with segments[-1].open("ab") as file:
        file.write(b'{"seq": 181, "at": 1.0, "kind": "std')
    return folder, bodies


@given(after=st.integers(0, 185))
def test_reading_begins_right_after_the_cursor(long_stream, after):
    folder, bodies = long_stream

    records = read(folder, after)

    assert [record["seq"] for record in records] == list(range(after + 1, len(bodies) + 1))
    assert [body_of(record) for record in records] == bodies[after:]


@settings(max_examples=25)
@given(bodies=st.lists(BODIES, max_size=8), after=st.integers(0, 9))
def test_bodies_are_read_as_they_were_written(bodies, after):
    with tempfile.TemporaryDirectory() as folder:
        write_all(folder, bodies)

        records = read(folder, after)

    assert [body_of(record) for record in records] == bodies[after:]


@settings(max_examples=40)
@given(bodies=st.lists(BODIES, min_size=1, max_size=5), cut=st.floats(0, 1))
def test_torn_last_line_is_read_once_it_is_whole(bodies, cut):
    with tempfile.TemporaryDirectory() as folder:
        write_all(folder, bodies)
        segment = Path(folder, STREAM, "000001.jsonl")
        whole = segment.read_bytes()
        torn = whole[: int(len(whole) * cut)]
        segment.write_bytes(torn)
        reader = StreamReader(folder)

        before = list(reader.read())
        segment.write_bytes(whole)
        after = list(reader.read())

    assert len(before) == torn.count(b"\n")
    assert [body_of(record) for record in before + after] == bodies


def test_stream_is_read_while_it_is_written(weird_path, writer):
    reader = StreamReader(str(weird_path))
    seen = []

    for n in range(100):
        writer.text("stdout", f"{n} " + "x" * 5_000)
        seen += reader.read()

    assert [record["seq"] for record in seen] == list(range(1, 101))
    assert reader.after == 100


def test_reading_that_was_left_midway_goes_on_there(long_stream):
    folder, bodies = long_stream
    reader = StreamReader(str(folder))
    first = list(islice(reader.read(), 77))

    rest = list(reader.read())

    assert [record["seq"] for record in first + rest] == list(range(1, len(bodies) + 1))


def test_reader_may_be_there_before_the_stream(weird_path):
    reader = StreamReader(str(weird_path))
    nothing = list(reader.read())

    write_all(weird_path, [{"text": "a"}])

    assert nothing == []
    assert [record["text"] for record in reader.read()] == ["a"]


def test_record_says_when_and_what_and_in_which_cell(weird_path, writer):
    before = time.time()

    writer.write("clear", {"wait": True}, 3)

    (record,) = read(weird_path)
    assert before - 1 <= record.pop("at") <= time.time() + 1
    assert record == {"seq": 1, "kind": "clear", "cell": 3, "wait": True}


def test_record_outside_of_cells_has_no_cell(weird_path):
    write_all(weird_path, [{"text": "a"}])

    assert read(weird_path)[0]["cell"] is None


def test_long_text_is_cut_into_records_and_needs_no_blob(weird_path, writer):
    text = "".join(f"line {n} 'é'\n" for n in range(10_000))

    writer.text("stderr", text, 1)

    records = read(weird_path)
    assert "".join(record["text"] for record in records) == text
    assert {(record["kind"], record["cell"]) for record in records} == {("stderr", 1)}
    assert list((weird_path / BLOBS).iterdir()) == []


def test_empty_text_is_no_record(weird_path, writer):
    writer.text("stdout", "")

    assert read(weird_path) == []


def test_large_body_is_no_long_line(weird_path):
    write_all(weird_path, [{"data": {"image/png": "x" * 10_000_000}}])

    assert (weird_path / STREAM / "000001.jsonl").stat().st_size < BLOB_BYTES
    assert len(read(weird_path)[0]["data"]["image/png"]) == 10_000_000


def test_equal_large_bodies_are_kept_once(weird_path):
    body = {"data": {"text/html": "é" * 100_000}}

    write_all(weird_path, [body, body, body])

    assert len(list((weird_path / BLOBS).iterdir())) == 1
    assert [body_of(record) for record in read(weird_path)] == [body] * 3


def test_half_of_a_utf16_pair_is_a_question_mark(weird_path):
    write_all(weird_path, [{"text": "a\ud83db"}, {"text": "\udcff" * 70_000}])

    assert [record["text"] for record in read(weird_path)] == ["a?b", "?" * 70_000]


def test_stream_is_the_users_alone(weird_path):
    write_all(weird_path, [{"text": "a"}])

    folder = weird_path / STREAM
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
    assert modes == [0o700, 0o600]


def test_records_of_several_threads_have_no_gaps(weird_path, writer):
    threads = [
        threading.Thread(target=lambda n=n: [writer.text("stdout", f"{n}") for _ in range(100)])
        for n in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    records = read(weird_path)
    assert [record["seq"] for record in records] == list(range(1, 401))
    assert sorted(record["text"] for record in records) == [
        str(n) for n in range(4) for _ in range(100)
    ]


def test_lost_record_is_reported_before_the_next(weird_path, writer):
    (weird_path / BLOBS).rmdir()  # a large record has nowhere to go
    writer.write("display", {"data": {"text/html": "x" * 100_000}})

    writer.text("stdout", "small")

    records = read(weird_path)
    assert [(record["seq"], record["kind"]) for record in records] == [(1, "stderr"), (2, "stdout")]
    assert "1 records were lost: No such file" in records[0]["text"]


def test_writing_goes_on_after_closing(weird_path, writer):
    writer.text("stdout", "a")

    writer.close()
    writer.close()
    writer.text("stdout", "b")

    assert [(record["seq"], record["text"]) for record in read(weird_path)] == [(1, "a"), (2, "b")]


def test_backwards_gives_all_segments_the_last_first(long_stream):
    folder, _ = long_stream

    blocks = list(StreamReader(str(folder)).backwards())

    assert len(blocks) > 3
    assert [record for block in reversed(blocks) for record in block] == read(folder)


def test_backwards_gives_nothing_where_there_is_nothing(weird_path):
    assert list(StreamReader(str(weird_path)).backwards()) == []


@given(content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=4))
def test_bytes_of_a_command_come_back_as_they_were(tmp_path_factory, content, cuts):
    folder = tmp_path_factory.mktemp("s")
    places = sorted({0, len(content), *(min(cut, len(content)) for cut in cuts)})
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    with closing(StreamWriter(str(folder))) as writer:
        for start, end in pairwise(places):
            writer.text("stdout", decoder.decode(content[start:end]))
        writer.text("stdout", decoder.decode(b"", final=True))

    records = read(folder)
    assert b"".join(map(record_bytes, records)) == content
    "".join(map(record_text, records)).encode()  # a log can be printed


def test_half_a_pair_of_a_kernel_is_shown_as_a_replacement(weird_path):
    with closing(StreamWriter(str(weird_path))) as writer:
        writer.text("stdout", "a\ud83db")

    (record,) = read(weird_path)
    assert (record_text(record), record_bytes(record)) == ("a\ufffdb", "a\ufffdb".encode())
