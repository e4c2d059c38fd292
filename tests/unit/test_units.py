"""`model.units`: sizes, durations and money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.units import (
    format_duration,
    format_money,
    format_size,
    parse_duration,
    parse_money,
    parse_size,
)

SIZES = st.integers(1, 2**30)


@pytest.mark.parametrize("unit", ["G", "g", "GB", "gb", "GiB", "Gib", " G", "  GiB"])
def test_every_spelling_of_a_gib_is_1024_mib(unit):
    assert parse_size(f"16{unit}") == 16 * 1024


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        pytest.param("1K", 1, id="less than a MiB"),
        pytest.param("1025K", 2, id="a little over"),
        pytest.param("512M", 512, id="exact"),
        pytest.param("0.1G", 103, id="fraction"),
        pytest.param("2T", 2 * 1024 * 1024, id="terabytes"),
        pytest.param("\t16G\n", 16 * 1024, id="space around"),
    ],
)
def test_size_is_rounded_up_to_whole_mib(text, mib):
    assert parse_size(text) == mib


@pytest.mark.parametrize(
    "text",
    ["", " ", "16", "G", "-1G", "+1G", "1e3M", "1,5G", "16 X", "16GiBs", "1G1M", "16G\0", "½G"],
)
def test_text_that_is_no_size_is_refused(text):
    with pytest.raises(InvalidOption, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0G", "0.0M", "2000000T"])
def test_nothing_and_the_absurd_are_no_sizes(text):
    with pytest.raises(InvalidOption, match="is out of range"):
        parse_size(text)


def test_size_without_unit_is_answered_with_the_same_number_and_a_unit():
    with pytest.raises(InvalidOption) as caught:
        parse_size("16")

    assert "16G" in caught.value.next_step


@given(SIZES)
def test_size_in_mib_is_read_back_exactly(mib):
    assert parse_size(f"{mib}M") == mib


@given(SIZES)
def test_size_for_people_is_read_back_within_a_twentieth_of_a_gib(mib):
    shown = format_size(mib)

    assert parse_size(shown) == pytest.approx(mib, abs=1024 / 20 + 1)


@given(SIZES, SIZES)
def test_a_larger_size_is_never_read_as_a_smaller_one(one, other):
    small, large = sorted((one, other))

    assert parse_size(f"{small}K") <= parse_size(f"{large}K")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("90s", 90, id="seconds"),
        pytest.param("1h30m", 5400, id="joined"),
        pytest.param("1h 30m 5s", 5405, id="apart"),
        pytest.param("2D", 172_800, id="upper case"),
        pytest.param("1.5h", 5400, id="fraction"),
        pytest.param("1ms", 1, id="rounded up"),
        pytest.param("1500ms", 2, id="milliseconds are not minutes"),
        pytest.param("30m1h", 5400, id="any order"),
        pytest.param(" 45m\n", 2700, id="space around"),
    ],
)
def test_duration_is_read_in_whole_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "h", "-5m", "1h30", "1:30", "5 min", "1w", "1h,30m"])
def test_text_that_is_no_duration_is_refused(text):
    with pytest.raises(InvalidOption, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0h0m", "3661d"])
def test_nothing_and_the_absurd_are_no_durations(text):
    with pytest.raises(InvalidOption, match="is out of range"):
        parse_duration(text)


@given(st.integers(1, 3599))
def test_duration_below_an_hour_survives_being_shown(seconds):
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(3600, 3660 * 86400))
def test_shown_duration_leaves_out_less_than_its_second_unit(seconds):
    unit = 60 if seconds < 86400 else 3600

    shown = parse_duration(format_duration(seconds))

    assert 0 <= seconds - shown < unit


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        pytest.param(0, "0s", id="nothing"),
        pytest.param(0.04, "0s", id="next to nothing"),
        pytest.param(9.96, "10s", id="rounded to two digits"),
        pytest.param(59.7, "1m", id="rounded to a minute"),
        pytest.param(3599.6, "1h", id="rounded to an hour"),
        pytest.param(86_399.4, "23h59m", id="just under a day"),
        pytest.param(90_000, "1d01h", id="days"),
    ],
)
def test_duration_is_shown_in_two_units_at_most(seconds, shown):
    assert format_duration(seconds) == shown


@pytest.mark.parametrize("text", ["2.50", "$2.50", " 2.5 ", "$ 2.5", "25e-1"])
def test_money_is_read_with_and_without_its_sign(text):
    assert parse_money(text) == 2.5


@pytest.mark.parametrize(
    "text", ["", "$", "0", "-1", "nan", "inf", "1e9", "2,50", "2.50 EUR", "$$2"]
)
def test_what_is_no_positive_amount_of_dollars_is_refused(text):
    with pytest.raises(InvalidOption, match="is not an amount of money"):
        parse_money(text)


@given(st.floats(min_value=0.0001, max_value=1e6, allow_nan=False))
def test_shown_money_is_never_a_false_zero_and_close(usd):
    shown = float(format_money(usd).removeprefix("$").replace(",", ""))

    assert shown > 0
    assert shown == pytest.approx(usd, rel=0.05)


def test_money_too_small_to_show_is_said_to_be_smaller():
    assert format_money(0.00001) == "<$0.0001"


def test_thousands_of_dollars_are_grouped():
    assert format_money(1_234_567.891) == "$1,234,567.89"


@pytest.mark.parametrize(
    ("mib", "shown"), [(0, "0 M"), (999, "999 M"), (1024, "1 G"), (1536, "1.5 G")], ids=str
)
def test_size_is_shown_in_gib_from_about_one(mib, shown):
    assert format_size(mib) == shown
