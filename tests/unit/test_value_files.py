"""`protocol.values`: what travels comes back as it was."""

import datetime
import math
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.protocol import values
from jupyter_flotilla.protocol.values import NotSaveable, load, save

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
    st.binary(max_size=8), st.complex_numbers(allow_nan=False, allow_infinity=False),
)  # fmt: skip
HASHABLE = st.one_of(st.integers(), st.text(max_size=5), st.booleans())
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(HASHABLE, inner, max_size=4),
        st.sets(HASHABLE, max_size=4),
    ),
    max_leaves=10,
)


def types_of(value):
    """Return a value's types all the way down."""
    if isinstance(value, (list, tuple)):
        return type(value), [types_of(item) for item in value]
    if isinstance(value, dict):
        return dict, [(types_of(key), types_of(item)) for key, item in value.items()]
    return type(value)


@given(PLAIN)
def test_plain_values_come_back_of_the_same_types(tmp_path_factory, value):
    folder = str(tmp_path_factory.mktemp("v"))

    entry = save(value, folder, "x")
    back = load(entry, folder)

    assert (back, types_of(back)) == (value, types_of(value))


@pytest.mark.parametrize(
    ("value", "format"),
    [
        (3, "json"), ([1, {"a": None}], "json"), ("é\ud800", "text"), (b"\0", "bytes"),
        (bytearray(b"x"), "bytes"), ((1, 2), "literal"), ({1: 2}, "literal"),
        (pathlib.Path("/a b/é"), "path"), (np.arange(6).reshape(2, 3), "npy"),
        (np.float32(1.5), "npy"), (np.array(["a", "é"]), "npy"),
        (pd.Series([1, 2], name="s"), "parquet"), (pd.Series([1.5, None]), "parquet"),
        (pd.DataFrame({"a": [1], "é": ["x"]}, index=pd.Index(["i"], name="n")), "parquet"),
        (pd.DataFrame({"t": pd.date_range("2026", periods=2, tz="UTC"),
                       "c": pd.Categorical(["a", "b"])}), "parquet"),
        (pd.DataFrame(), "parquet"),
        (pd.DataFrame({"o": ["x", None], "n": ["x", math.nan], "f": [1.5, 2.0], "s": ["a", "b"]},
                      index=pd.date_range("2026", periods=2, freq="6h", tz="Europe/Berlin"),
                      ).astype({"o": object, "n": object, "f": object}), "parquet"),
        (pd.Series(["x", None], dtype=object, index=pd.timedelta_range(0, periods=2, freq="D")),
         "parquet"),
        (pd.Series([1, 2], index=pd.period_range("2026", periods=2, freq="M")), "parquet"),
        (pd.DataFrame({1: [1]}), "pickle"), (pd.DataFrame({"o": [1, "a"]}), "pickle"),
        (pd.DataFrame({"l": pd.array([[1]], pd.ArrowDtype(pa.list_(pa.int64())))}), "pickle"),
        (np.array([object()]), "pickle"), (datetime.date(2026, 1, 1), "pickle"),
        (range(3), "pickle"), (float("inf"), "json"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)  # fmt: skip
def test_each_type_has_its_format(tmp_path, value, format):
    entry = save(value, str(tmp_path), "x")

    back = load(entry, str(tmp_path))

    assert entry["format"] == format
    assert type(back) is type(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(back, value, check_freq=True)
        nothing = [[item is None for item in value[name]] for name in value]
        assert nothing == [[item is None for item in back[name]] for name in back]
    elif isinstance(value, pd.Series):
        pd.testing.assert_series_equal(back, value)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        np.testing.assert_array_equal(back, value)
    elif format != "pickle":
        assert back == value


def test_not_a_number_comes_back(tmp_path):
    assert math.isnan(load(save(float("nan"), str(tmp_path), "x"), str(tmp_path)))


@pytest.mark.parametrize("value", [open, (i for i in ()), lambda: 1], ids=["", "", ""])
def test_what_cannot_be_pickled_is_told_and_leaves_no_file(tmp_path, value):
    if value is open:
        value = (tmp_path / "f").open("w")

    with pytest.raises(NotSaveable):
        save(value, str(tmp_path), "x")

    assert not list(tmp_path.glob("x*"))
    getattr(value, "close", lambda: None)()


def test_a_pickle_of_another_python_is_not_loaded(tmp_path):
    entry = save(datetime.date(2026, 1, 1), str(tmp_path), "x")

    with pytest.raises(ValueError, match=r"was pickled by Python 3\.8"):
        load({**entry, "python": "3.8"}, str(tmp_path))


def test_a_pickle_is_not_loaded_where_that_is_not_allowed(tmp_path):
    (tmp_path / "x.pickle").write_bytes(pickle.dumps(1))
    entry = save(datetime.date(2026, 1, 1), str(tmp_path), "x")

    with pytest.raises(ValueError, match="runs its writer's code"):
        load(entry, str(tmp_path), allow_pickle=False)


def test_a_file_outside_of_the_folder_is_not_read(tmp_path):
    (tmp_path / "secret.json").write_text("1")
    inside = tmp_path / "inside"
    inside.mkdir()

    with pytest.raises(FileNotFoundError):
        load({"name": "x", "format": "json", "file": "../secret.json"}, str(inside))


def _frame(**more):
    return pd.DataFrame({"a": [1, 2, 3], "é b": [0.5, None, 2.0], "s": ["x", None, "y"], **more})


def _wide():
    frame = _frame(t=pd.date_range("2026", periods=3, tz="UTC"), c=pd.Categorical(["u", "v", "u"]))
    frame.columns.name = "columns"
    frame.attrs["unit"] = "mm"
    return frame


@pytest.mark.parametrize(
    "value",
    [
        _wide(),
        _frame().set_index("a"),
        _frame(more=True).set_index(["a", "s"]),
        _frame().set_index(pd.Index([1.0, 1.0, math.nan], name="é b")),
        _frame().set_index(pd.Index([1.0, 1.0, math.nan])),
        _frame().set_index(pd.RangeIndex(3, 9, 2, name="r")),
        _frame().iloc[:0],
        _frame()[[]],
        _frame().astype({"a": "Int64", "s": "category"}),
        pd.Series([1.5, None], name="only"),
    ],
    ids=["wide", "index", "levels", "index like a column", "index twice", "range", "rows",
         "columns", "nullable", "series"],
)  # fmt: skip
def test_a_table_that_is_read_by_columns_is_the_same_as_read_at_once(tmp_path, monkeypatch, value):
    entry = save(value, str(tmp_path), "x")
    at_once = load(entry, str(tmp_path))
    monkeypatch.setattr(values, "_GROUP_BYTES", 1)
    is_one = value.ndim == 1 or not len(value.columns)
    assert entry["format"] == "parquet"
    assert (len(values._column_groups(str(tmp_path / "x.parquet"))) > 1) is not is_one

    back = load(entry, str(tmp_path))

    same = pd.testing.assert_series_equal if value.ndim == 1 else pd.testing.assert_frame_equal
    same(back, at_once)
    assert back.attrs == value.attrs


def test_a_table_with_structures_is_read_at_once(tmp_path):
    table = pa.table({"a": [1, 2], "d": [{"k": 1, "l": 2}] * 2})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")

    assert values._column_groups(str(tmp_path / "x.parquet")) == []


def test_a_table_that_is_read_by_columns_can_be_written_into(tmp_path, monkeypatch):
    entry = save(_frame(), str(tmp_path), "x")
    monkeypatch.setattr(values, "_GROUP_BYTES", 1)

    back = load(entry, str(tmp_path))
    back *= 2
    back.loc[1, "a"] = 7
    back["new"] = 1

    assert back["a"].tolist() == [2, 7, 6]


def test_a_large_table_is_in_memory_once_when_it_is_read(tmp_path):
    frame = pd.DataFrame(np.random.default_rng(1).random((600_000, 60)).round(9))
    save(frame.add_prefix("c"), str(tmp_path), "x")
    entry = {"name": "x", "format": "parquet", "file": "x.parquet", "kind": "pandas.DataFrame"}
    program = (
        "import resource, sys; from jupyter_flotilla.protocol.values import load\n"
        "import pandas, pyarrow.parquet\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        f"before = peak(); value = load({entry!r}, {str(tmp_path)!r})\n"
        "print(peak() - before, value.memory_usage().sum() / 2**20)"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    grew, size = map(float, ran.stdout.split())
    assert size > 270
    assert grew < 2 * size  # 3.5 times, read at once
