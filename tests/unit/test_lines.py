"""`commands.lines`: a job's text as lines for a terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from jupyter_flotilla.commands.lines import Lines, end_of_line, start_of_line

PIECES = st.lists(st.text(st.sampled_from("ab é漢\r\n\t\x08\x00"), max_size=8), max_size=8)
HOSTILE = st.lists(st.text(st.sampled_from("ab0;1[]m\\\r\n\x1b\x9b\x07\x0e\x00"), max_size=12))


def taken(*pieces, **options):
    """Return all lines of a text that comes in pieces, the last with a line break."""
    lines = Lines(**options)
    return "".join(map(lines.take, pieces)) + lines.end()


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        pytest.param(["a\nb\n"], "a\nb\n", id="lines"),
        pytest.param(["a", "b", "\n"], "ab\n", id="in pieces"),
        pytest.param(["a"], "a\n", id="without an end"),
        pytest.param([], "", id="nothing"),
        pytest.param(["\n"], "\n", id="empty"),
        pytest.param(["a\r\nb\r\n"], "a\nb\n", id="line breaks of Windows"),
        pytest.param(["1%\r2%\r3%\n"], "3%\n", id="bar"),
        pytest.param(["1%\r", "2%\r", "3%\r", "\n"], "3%\n", id="bar that returns at the end"),
        pytest.param(["\r1%", "\r2%", "\r3%"], "3%\n", id="bar that returns at the start"),
        pytest.param(["a\r", "b", "c\n"], "bc\n", id="overwritten in pieces"),
        pytest.param(["\x1b[3", "1mred\x1b[0m\n"], "\x1b[31mred\x1b[0m\n", id="colour cut in two"),
        pytest.param(["\x1b[2Ja\x1b[1;1H\x07b\x08\n"], "ab\n", id="other sequences"),
        pytest.param(["\x1b\x1b[2J[2Ja\n"], "[2Ja\n", id="sequence inside a sequence"),
    ],
)
def test_text_becomes_lines(pieces, text):
    assert taken(*pieces) == text


def test_colours_can_be_left_out():
    assert taken("\x1b[31m1%\r\x1b[32m2%\x1b[0m\n", colours=False) == "2%\n"


@given(PIECES)
def test_lines_are_the_same_in_whatever_pieces_they_come(pieces):
    assert taken(*pieces) == taken("".join(pieces))


@given(HOSTILE)
def test_nothing_but_text_and_colours_passes(pieces):
    shown = re.sub(r"\x1b\[[0-9;:]*m", "", taken(*pieces))

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


@given(PIECES, st.integers(8, 20))
def test_line_that_grows_is_printable_and_fits(pieces, cells):
    lines = Lines()
    for piece in pieces:
        lines.take(piece)

    line = lines.growing(cells)

    assert line.isprintable()
    assert cell_len(line) <= cells


def test_long_line_that_grows_shows_its_end():
    lines = Lines()
    lines.take("." * 1000)
    lines.take("x")

    assert lines.growing(5) == "…...x"


def test_bar_that_is_drawn_for_hours_is_kept_once():
    lines = Lines()
    for done in range(10_000):
        lines.take(f"\r{done}")

    assert lines.growing(80) == "9999"
    assert len(lines._rest) == 1


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs"))), st.integers(2, 20))
def test_cut_lines_fit_and_say_that_they_are_cut(line, cells):
    for cut in (start_of_line(line, cells), end_of_line(line, cells)):
        assert cell_len(cut) <= cells
        assert cut == line or "…" in cut
