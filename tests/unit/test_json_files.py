"""`protocol.write_json`, `read_json` and `Reserve`: all of a file or nothing."""

import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.protocol import RESERVE_BYTES, Reserve, read_json, write_json

OBJECTS = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
)


@given(value=OBJECTS)
def test_object_is_read_as_it_was_written(tmp_path_factory, value):
    path = str(tmp_path_factory.getbasetemp() / "object.json")

    write_json(path, value)

    assert read_json(path) == value


def test_file_is_the_users_alone(weird_path):
    path = weird_path / "a.json"

    write_json(str(path), {})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_is_replaced(weird_path):
    path = str(weird_path / "a.json")
    write_json(path, {"n": "x" * 100_000})

    replaced = write_json(path, {"n": 2})

    assert replaced is True
    assert read_json(path) == {"n": 2}


def test_exclusive_file_is_written_where_there_is_none(weird_path):
    path = str(weird_path / "a.json")

    assert write_json(path, {"n": 1}, exclusive=True) is True
    assert read_json(path) == {"n": 1}


def test_exclusive_file_is_never_replaced(weird_path):
    path = str(weird_path / "a.json")
    write_json(path, {"n": 1}, exclusive=True)

    assert write_json(path, {"n": 2}, exclusive=True) is False
    assert read_json(path) == {"n": 1}


def test_only_one_of_many_writes_the_exclusive_file(weird_path):
    path = str(weird_path / "a.json")
    wins = []
    threads = [
        threading.Thread(
            target=lambda n=n: (
                wins.append(n) if write_json(path, {"n": n}, exclusive=True) else None
            )
        )
        for n in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(wins) == 1
    assert read_json(path) == {"n": wins[0]}


@pytest.mark.parametrize("exclusive", [False, True], ids=["replacing", "exclusive"])
def test_nothing_but_the_file_is_left(weird_path, exclusive):
    write_json(str(weird_path / "a.json"), {}, exclusive=exclusive)
    write_json(str(weird_path / "a.json"), {}, exclusive=exclusive)

    assert [path.name for path in weird_path.iterdir()] == ["a.json"]


def test_value_that_is_no_json_leaves_the_old_file_and_no_other(weird_path):
    write_json(str(weird_path / "a.json"), {"n": 1})

    with pytest.raises(TypeError):
        write_json(str(weird_path / "a.json"), {"n": object()})

    assert read_json(str(weird_path / "a.json")) == {"n": 1}
    assert [path.name for path in weird_path.iterdir()] == ["a.json"]


def test_missing_folder_is_an_os_error(weird_path):
    with pytest.raises(FileNotFoundError):
        write_json(str(weird_path / "nowhere" / "a.json"), {})


def test_missing_file_reads_as_none(weird_path):
    assert read_json(str(weird_path / "a.json")) is None


@pytest.mark.parametrize(
    "content",
    [b"", b'{"n": 1', b"[1, 2]", b'"text"', b"null", b"\xff", b'{"n": 1} {}'],
    ids=repr,
)
def test_file_that_is_no_json_object_reads_as_none(weird_path, content):
    path = weird_path / "a.json"
    path.write_bytes(content)

    assert read_json(str(path)) is None


def test_reserve_is_given_back_when_the_record_is_written(weird_path):
    reserve = Reserve(str(weird_path / "reserve"))
    kept = (weird_path / "reserve").stat().st_size

    reserve.write_json(str(weird_path / "exit.json"), {"outcome": "failed"}, 0)

    assert kept == RESERVE_BYTES
    assert [path.name for path in weird_path.iterdir()] == ["exit.json"]


def test_reserve_is_given_up_once(weird_path):
    reserve = Reserve(str(weird_path / "reserve"))

    assert [reserve.give_up(), reserve.give_up()] == [True, False]


def test_record_that_never_fits_is_an_os_error_after_the_patience(weird_path):
    reserve = Reserve(str(weird_path / "reserve"))

    with pytest.raises(FileNotFoundError):
        reserve.write_json(str(weird_path / "nowhere" / "exit.json"), {}, -1)


def test_disk_that_is_full_already_has_no_reserve(weird_path):
    reserve = Reserve(str(weird_path / "nowhere" / "reserve"))

    assert reserve.give_up() is False
