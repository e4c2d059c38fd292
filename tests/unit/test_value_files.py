"""`protocol.values`: what travels comes back as it was."""

import datetime
import math
import pathlib
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
