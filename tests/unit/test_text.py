import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.text import colours_only, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("\x1b]0;evil\x07boo", "boo"),
        ("\x1b]52;c;aGFjaw==\x1b\\\\boo".replace("\\\\", "\\"), "boo"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x9b31mred", "red"),
        ("a\x00b\rc\x7f", "abc"),
        ("two\nlines\tkept", "two\nlines\tkept"),
        ("\x1b]unended", ""),
        ("ünïcode 🚢 漢", "ünïcode 🚢 漢"),
    ],
)
def test_control_sequences_do_not_reach_the_reader(text, shown):
    assert plain(text) == shown


def test_colours_may_stay_and_nothing_else():
    text = "\x1b[2J\x1b[1;31mred\x1b[0m\x1b]0;t\x07"

    assert colours_only(text) == "\x1b[1;31mred\x1b[0m"


@given(st.text(st.sampled_from("\x1b[]0;31mHJ\x07\\\x9bab\n"), max_size=40))
def test_no_escape_is_left_whatever_it_was_built_from(text):
    assert not set(plain(text)) & {"\x1b", "\x9b", "\x07"}
