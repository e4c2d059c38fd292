"""Words of a magic line, as people write them."""

import pytest

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.magics.tokens import split_cell, split_line

NAMES = {"x": "a b", "n": 3, "d": {"k": "v"}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("--env A='b c' -o x", ["--env", "A=b c", "-o", "x"]),
        ("--name {x} # why", ["--name", "a b"]),
        ("--env A={x} --cpu {n+1}", ["--env", "A=a b", "--cpu", "4"]),
        ("--name {{x}}", ["--name", "{x}"]),
        ("--name a#b --env K='c # d' # e", ["--name", "a#b", "--env", "K=c # d"]),
        ("""-p 'o={"a": 1}' "{d['k']}" """, ["-p", 'o={"a": 1}', "v"]),
        ("--env A=$HOME", ["--env", "A=$HOME"]),
        ("--tag 'q=[1, {n}]'", ["--tag", "q=[1, 3]"]),
    ],
)
def test_words(line, words):
    assert split_line(line, NAMES) == words


def test_lines_go_on_after_a_backslash_and_header_lines_follow():
    split = split_cell(
        "--memory 4G \\", "  -o x \\\n  --cpu 2\n#| timeout: 2h\n#| bg: true\nx = 1\n#| no: more",
        {},
    )  # fmt: skip

    assert split.words == ["--memory", "4G", "-o", "x", "--cpu", "2"]
    assert split.header == ["--timeout", "2h", "--bg"]
    assert split.body == "x = 1\n#| no: more"
    assert split.lines_before == 5


@pytest.mark.parametrize("line", ["--name 'a", "{1/0}", "{nope}"])
def test_what_cannot_be_read_is_an_error_with_the_text(line):
    with pytest.raises(InvalidOption) as caught:
        split_line(line, {})

    assert line.split()[-1].strip("'")[:4] in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("#| spot: true", ["--spot"]),
        ("#| spot: false", ["--no-spot"]),
        ("#| bg: false", []),
        ("#| arch: arm64", ["--arch", "arm64"]),
    ],
)
def test_header_line_of_a_flag_says_the_flag_or_its_opposite(line, words):
    assert split_cell("", f"{line}\n1 + 1", {}).header == words


def test_what_a_schedule_fills_in_at_its_ticks_stays() -> None:
    line = "schedule add -- echo {scheduled_at:%Y-%m} {interval_start} {x}"

    words = split_line(line, {"x": 3, "interval_start": 4})

    assert words[3:] == ["echo", "{scheduled_at:%Y-%m}", "4", "3"]
