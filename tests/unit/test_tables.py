"""`commands.tables`: what leaves a table where there is no room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from jupyter_flotilla.commands.tables import Column, table_lines

COLUMNS = [
    Column(heading="id"),
    Column(heading="name", least=6, at_last=4),
    Column(heading="status", least=13, at_last=8),
    Column(heading="took", leaves=3),
    Column(heading="peak", leaves=1),
    Column(heading="cost", leaves=2),
]
ROW = ("r3f9a2c", "nightly-training", "FAILED timeout", "2h01m", "11.9 G", "≈ $0.00097")


def shown(width, *rows):
    """Return the lines of a table."""
    cells = [[Text(cell) for cell in row] for row in rows or [ROW]]
    return [line.plain for line in table_lines(COLUMNS, cells, width)]


def test_table_without_a_width_is_as_wide_as_it_needs():
    assert shown(None) == [
        "id       name              status          took   peak    cost",
        "r3f9a2c  nightly-training  FAILED timeout  2h01m  11.9 G  ≈ $0.00097",
    ]


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (68, "r3f9a2c  nightly-training  FAILED timeout  2h01m  11.9 G  ≈ $0.00097"),
        (66, "r3f9a2c  nightly-train…  FAILED timeout  2h01m  11.9 G  ≈ $0.00097"),
        (57, "r3f9a2c  night…  FAILED timeo…  2h01m  11.9 G  ≈ $0.00097"),
        (56, "r3f9a2c  nightly-tra…  FAILED timeout  2h01m  ≈ $0.00097"),
        (48, "r3f9a2c  nightly-training  FAILED timeout  2h01m"),
        (40, "r3f9a2c  nightly…  FAILED timeout  2h01m"),
        (36, "r3f9a2c  nightly-tr…  FAILED timeout"),
        (24, "r3f9a2c  nig…  FAILED t…"),
        (5, "r3f9a2c  nig…  FAILED …"),
    ],
    ids=str,
)
def test_names_are_shortened_and_columns_leave(width, row):
    assert shown(width)[1] == row


@given(st.lists(st.tuples(*[st.text(st.characters(categories=["L", "N"]), max_size=20)] * 6)),
       st.integers(1, 120))  # fmt: skip
def test_what_may_not_be_shortened_is_whole_or_not_there(rows, width):
    lines = shown(width, *rows) if rows else [""]

    for row, line in zip(rows, lines[1:], strict=True):
        assert line.startswith(row[0])
    heads = lines[0].split()
    assert all(head in ("id", "name", "status", "took", "peak", "cost") or "…" in head
               for head in heads)  # fmt: skip


def test_wide_letters_are_counted_as_they_are_drawn():
    lines = shown(40, ("r01", "夜間トレーニング夜間トレーニング", "FAILED", "1s", "1 G", "$1"))

    assert max(map(cell_len, lines)) <= 40
    assert "…" in lines[1]


def test_colours_stay_with_their_cells():
    [_, line] = table_lines([Column(heading="status")], [[Text("FAILED", "red")]], 40)

    assert [(span.start, span.end, span.style) for span in line.spans] == [(0, 6, "red")]
