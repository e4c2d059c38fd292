"""Times in words, and back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.when_words import read_moment, read_when, tick_text, words

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("weekdays 07:00", "0 7 * * 1-5", "weekdays at 07:00 Europe/Berlin"),
        ("Weekdays at 7am America/New_York", "0 7 * * 1-5", "weekdays at 07:00 America/New_York"),
        ("daily at 02:30", "30 2 * * *", "daily at 02:30 Europe/Berlin"),
        ("every day", "0 0 * * *", "daily at 00:00 Europe/Berlin"),
        ("hourly", "0 * * * *", "hourly Europe/Berlin"),
        ("every hour at :05", "5 * * * *", "hourly at :05 Europe/Berlin"),
        ("mondays, thursdays 9:30", "30 9 * * 1,4", "mondays and thursdays at 09:30 Europe/Berlin"),
        ("every fri 12pm", "0 12 * * 5", "fridays at 12:00 Europe/Berlin"),
        ("weekends noon", "0 12 * * 0,6", "weekends at 12:00 Europe/Berlin"),
        ("weekly on tuesday at 12am", "0 0 * * 2", "tuesdays at 00:00 Europe/Berlin"),
        ("monthly on day 15 at 06:00", "0 6 15 * *", "monthly on day 15 at 06:00 Europe/Berlin"),
        ("monthly on the last day", "0 0 L * *", "monthly on the last day at 00:00 Europe/Berlin"),
        ("30 2 * * *", "30 2 * * *", "daily at 02:30 Europe/Berlin"),
        ("30 2 * * * UTC", "30 2 * * *", "daily at 02:30 UTC"),
        ("@weekly", "0 0 * * 0", "sundays at 00:00 Europe/Berlin"),
        ("0 8-18 * * *", "0 8-18 * * *", "cron 0 8-18 * * * Europe/Berlin (at minute 0 past "
         "every hour from 8 through 18)"),
    ],
)  # fmt: skip
def test_words_are_read_and_said(text: str, line: str, said: str) -> None:
    when = read_when(text, BERLIN)

    assert when.cron == line
    assert words(when) == said
    assert read_when(said, "UTC") == when


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [
        ("every 15 minutes", 900, "every 15 minutes"),
        ("every 15 min", 900, "every 15 minutes"),
        ("every minute", 60, "every minute"),
        ("every 2h", 7200, "every 2 hours"),
        ("every 1h30m", 5400, "every 90 minutes"),
        ("every 24 hours", 86400, "every 24 hours"),
        ("every 2 days", 172800, "every 2 days"),
        ("every 30 seconds", 30, "every 30 seconds"),
    ],
)
def test_intervals_are_read_and_said(text: str, seconds: int, said: str) -> None:
    when = read_when(text, BERLIN)

    assert when.every_s == seconds
    assert words(when) == said
    assert read_when(said, BERLIN) == when


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("once 2027-01-31 09:00", datetime(2027, 1, 31, 8, tzinfo=UTC)),
        ("2027-07-31T09:00", datetime(2027, 7, 31, 7, tzinfo=UTC)),
        ("at 2027-01-31T09:00+05:45", datetime(2027, 1, 31, 3, 15, tzinfo=UTC)),
        ("once 2027-01-31 09:00 UTC", datetime(2027, 1, 31, 9, tzinfo=UTC)),
    ],
)
def test_a_moment_is_by_its_zone(text: str, expected: datetime) -> None:
    assert read_when(text, BERLIN).at == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("whenever", "says no time"),
        ("", "says no time"),
        ("daily at 25:00", "no time '25:00'"),
        ("daily at 13pm", "no time '13pm'"),
        ("every 0 minutes", "interval of 0 s"),
        ("every 3 fortnights", "is no interval"),
        ("once 2027-02-31", "is no date"),
        ("0 0 31 2 *", "no day 31 in month 2"),
        ("0 0 0 * * *", "6 fields"),
        ("daily at 07:00 Europe/Berlinn", "no time zone"),
        ("mondays and blursdays 07:00", "says no time"),
        ("@reboot", "says no time"),
    ],
)
def test_what_means_nothing_is_refused_with_examples(text: str, expected: str) -> None:
    with pytest.raises(InvalidOption, match="Next:") as refused:
        read_when(text, BERLIN)

    assert expected in str(refused.value)


def test_a_date_that_ends_a_time_is_all_of_that_day() -> None:
    assert read_moment("2027-01-31", "UTC", is_end=True) == datetime(
        2027, 1, 31, 23, 59, 59, tzinfo=UTC
    )
    assert read_moment("2027-01-31", BERLIN) == datetime(2027, 1, 30, 23, tzinfo=UTC)


def test_a_tick_is_shown_with_its_offset() -> None:
    moment = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert tick_text(moment, ZoneInfo(BERLIN)) == "Sun 2026-10-25 02:30 CET (+01:00)"
    assert tick_text(moment, ZoneInfo("UTC")) == "Sun 2026-10-25 01:30 UTC"
    assert tick_text(moment, ZoneInfo("Asia/Kathmandu")) == "Sun 2026-10-25 07:15 +05:45"
