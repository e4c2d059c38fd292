"""Points of a grid from what people write."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.grid_options import (
    MAX_POINTS,
    GridOptions,
    parse_axis,
    parse_table,
    read_grid_options,
)

#: int() takes 4,300 digits.
_DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2,3", (1, 2, 3)),
        ("0.1,1e-3", (0.1, 0.001)),
        ("3:9:2", (3, 5, 7, 9)),
        ("3:8:2", (3, 5, 7)),
        ("5:5:1", (5,)),
        ("0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("9:3:-3", (9, 6, 3)),
        ("adam,sgd", ("adam", "sgd")),
        ('"a,b",c', ("a,b", "c")),
        ("true,null", (True, None)),
        ("[1, [2, 3]]", (1, [2, 3])),
        ("ünï 漢, <b>", ("ünï 漢", "<b>")),
        ("[half", ("[half",)),
        ("08:30", ("08:30",)),
    ],
)
def test_an_axis(text, expected):
    assert parse_axis(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,,2", "1:5:0", "1:5:-1", "5:1:1", "0:1:1e-9", "a" * 200_000],
    ids=lambda text: text[:9],
)
def test_an_axis_without_end_or_values_is_refused(text):
    with pytest.raises(InvalidOption) as caught:
        parse_axis(text)

    assert caught.value.next_step


def test_all_values_meet_all_others_and_the_last_changes_first():
    options = read_grid_options({"grid": ("lr=0.1,0.01", "depth=3,5")})

    assert options.expand() == [
        {"lr": 0.1, "depth": 3}, {"lr": 0.1, "depth": 5},
        {"lr": 0.01, "depth": 3}, {"lr": 0.01, "depth": 5},
    ]  # fmt: skip


def test_under_zip_the_first_meets_the_first():
    options = read_grid_options({"grid": {"lr": [0.1, 0.01], "depth": range(3, 7, 2)}, "zip": True})

    assert options.expand() == [{"lr": 0.1, "depth": 3}, {"lr": 0.01, "depth": 5}]


def test_under_zip_lists_are_equally_long():
    options = read_grid_options({"grid": {"a": [1], "b": [1, 2]}, "zip": True})

    with pytest.raises(InvalidOption, match="a has 1, b has 2"):
        options.expand()


def test_a_table_and_a_grid_are_combined():
    options = read_grid_options({"points": [{"lr": 0.1}, {"lr": 0.2}], "grid": {"seed": [1, 2]}})

    assert [tuple(point.values()) for point in options.expand()] == [
        (0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2),
    ]  # fmt: skip


def test_a_parameter_is_in_one_of_them():
    options = read_grid_options({"points": [{"lr": 0.1}], "grid": {"lr": [1, 2]}})

    with pytest.raises(InvalidOption, match="'lr' is in --grid and in the table"):
        options.expand()


def test_a_data_frame_gives_its_rows_and_leaves_out_what_it_has_not():
    frame = pd.DataFrame({"lr": [0.1, 0.01], "depth": [3, None], "name": ["a", "b"]})

    options = read_grid_options({"points": frame})

    assert options.expand() == [
        {"lr": 0.1, "depth": 3.0, "name": "a"}, {"lr": 0.01, "name": "b"},
    ]  # fmt: skip


def test_numpy_values_become_plain_ones():
    import numpy as np

    options = read_grid_options({"grid": {"lr": np.linspace(0, 1, 3)}})

    assert json.dumps(options.expand()) == '[{"lr": 0.0}, {"lr": 0.5}, {"lr": 1.0}]'


def test_a_table_leaves_out_empty_cells():
    points = parse_table(["lr,name\n", '0.1,"a, b"\n', "\n", "0.01,\n"], "p.csv")

    assert points == [{"lr": 0.1, "name": "a, b"}, {"lr": 0.01}]


@pytest.mark.parametrize(
    "lines", [[], ["lr,depth"], ["lr,depth", "1"], ["a", '"half']], ids=repr
)  # fmt: skip
def test_what_is_no_table_is_refused(lines):
    with pytest.raises(InvalidOption, match=r"p\.csv"):
        parse_table(lines, "p.csv")


def test_a_slip_of_the_pen_makes_no_million_runs():
    options = GridOptions(grid={"a": tuple(range(1001)), "b": tuple(range(1000))})

    with pytest.raises(InvalidOption, match=f"1,001,000 points, more than {MAX_POINTS:,}"):
        options.expand()


@pytest.mark.parametrize(
    "wrong",
    [
        {"grid": ("lr",)}, {"grid": ("=1",)}, {"grid": ("lr=1", "lr=2")}, {"grid": {"lr": []}},
        {"grid": {"lr": [{1}]}}, {"grid": {"lr": [float("nan")]}}, {"max_parallel": 0},
        {"max_parallel": "many"}, {"max_parallel": True}, {"budget": "lots"}, {"grid": 7},
        {"griid": {"lr": [1]}},
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InvalidOption):
        read_grid_options(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_parallel": _DIGITS}, {"max_parallel": 10**5000}, {"budget": 10**5000},
        {"grid": (f"a=0:{_DIGITS}:1",)}, {"grid": (f"a={_DIGITS}:{_DIGITS}:1",)},
    ],
    ids=["text", "integer", "budget", "range", "one point"],
)  # fmt: skip
def test_numbers_of_more_digits_than_python_reads_are_refused(wrong):
    with pytest.raises(InvalidOption):
        read_grid_options(wrong)


@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3),
        st.lists(st.integers(), min_size=1, max_size=5),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_every_combination_is_there_once_if_values_differ(axes):
    axes = {name: list(dict.fromkeys(values)) for name, values in axes.items()}

    points = read_grid_options({"grid": axes}).expand()

    size = 1
    for values in axes.values():
        size *= len(values)
    assert len(points) == len({json.dumps(point) for point in points}) == size


@given(st.integers(-99, 99), st.integers(0, 50), st.integers(1, 9))
def test_a_range_holds_its_start_and_whatever_stop_is_reached(start, count, step):
    values = parse_axis(f"{start}:{start + count}:{step}")

    assert values == tuple(range(start, start + count + 1, step))
