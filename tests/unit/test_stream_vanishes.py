"""A stream whose folder is deleted while it is read: reading ends, and nothing is raised."""

import shutil
from contextlib import closing

import pytest

from jupyter_flotilla.protocol import SEGMENT_BYTES, StreamReader, StreamWriter


@pytest.fixture
def stream(weird_path):
    """Return a folder with a stream of several segments."""
    with closing(StreamWriter(str(weird_path))) as writer:
        for _ in range(3):
            writer.text("stdout", "x" * SEGMENT_BYTES)
    return weird_path


def test_reading_on_after_the_folder_was_deleted_yields_nothing(stream):
    reader = StreamReader(str(stream))
    seen = sum(1 for _ in reader.read())

    shutil.rmtree(stream)

    assert seen > 0
    assert list(reader.read()) == []


def test_folder_that_is_deleted_in_the_middle_ends_the_reading(stream):
    reading = StreamReader(str(stream)).read()
    first = next(reading)

    shutil.rmtree(stream)

    rest = [record["seq"] for record in reading]
    assert first["seq"] == 1
    assert rest == list(range(2, len(rest) + 2))


def test_segment_that_vanished_alone_ends_the_reading(stream):
    reader = StreamReader(str(stream))
    next(reader.read())

    (stream / "stream" / "000001.jsonl").unlink()

    assert list(reader.read()) == []


def test_folder_that_is_deleted_before_its_beginning_was_found_yields_nothing(stream, monkeypatch):
    reader = StreamReader(str(stream), after=20)
    listed = reader._segments()
    shutil.rmtree(stream)
    monkeypatch.setattr(reader, "_segments", lambda: listed)

    assert list(reader.read()) == []
