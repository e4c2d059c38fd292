"""A schedule in the words of AWS's scheduler, and in the table that its tasks have of it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from jupyter_flotilla.bootstrap.tick import Clock, previous
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.cloud_calendar import calendar
from jupyter_flotilla.model.cloud_when import expressions, single_moments
from jupyter_flotilla.model.when import cron, interval, once, previous_tick, ticks

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def said(when):
    return [(one.text, one.zone) for one in expressions(when)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("30 2 * * *", ["cron(30 2 * * ? *)"]),
        ("*/15 * * * *", ["cron(0,15,30,45 * * * ? *)"]),
        ("0 7 * * MON-FRI", ["cron(0 7 ? * MON,TUE,WED,THU,FRI *)"]),
        ("0 7 * * 0", ["cron(0 7 ? * SUN *)"]),
        ("0 7 * * 7", ["cron(0 7 ? * SUN *)"]),
        ("0 6 L * *", ["cron(0 6 L * ? *)"]),
        ("0 6 1,15,L * *", ["cron(0 6 1,15 * ? *)", "cron(0 6 L * ? *)"]),
        ("0 6 * * 5L", ["cron(0 6 ? * 6L *)"]),
        ("0 6 * 1-3 1#2", ["cron(0 6 ? 1-3 2#2 *)"]),
        ("0 6 13 * FRI", ["cron(0 6 13 * ? *)", "cron(0 6 ? * FRI *)"]),
    ],
)
def test_cron_is_said_as_aws_says_it(line, wanted):
    assert said(cron(line, "Europe/Berlin")) == [(one, "Europe/Berlin") for one in wanted]


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (900, ["cron(0,15,30,45 * * * ? *)"]),
        (3600, ["cron(0 * * * ? *)"]),
        (5400, ["cron(0 0,3,6,9,12,15,18,21 * * ? *)", "cron(30 1,4,7,10,13,16,19,22 * * ? *)"]),
        (86400, ["cron(0 0 * * ? *)"]),
    ],
)
def test_an_interval_is_said_as_the_same_moments_in_utc(seconds, wanted):
    assert sorted(said(interval(seconds))) == sorted((one, "UTC") for one in wanted)


def test_an_interval_counts_from_midnight_of_its_zone():
    assert said(interval(86400, "Asia/Kolkata")) == [("cron(30 18 * * ? *)", "UTC")]


def test_a_single_moment_is_said_in_utc():
    when = once(datetime(2027, 3, 28, 9), "Europe/Berlin")
    assert said(when) == [("at(2027-03-28T07:00:00)", "UTC")]


@pytest.mark.parametrize(
    "when",
    [
        interval(30),
        interval(7 * 3600),
        once(datetime(2027, 1, 1, 9, 0, 30)),
        cron("0 6 LW * *"),
        cron("0 6 */2 * MON"),
    ],
)
def test_what_aws_cannot_say_is_refused_with_a_way_out(when):
    with pytest.raises(InvalidOption, match="--where cloud") as caught:
        expressions(when)
    assert caught.value.next_step


def test_what_aws_skips_or_does_once_is_said_one_by_one():
    end = NOW + timedelta(days=366)
    nightly = single_moments(cron("30 2 * * *", "America/New_York"), NOW, end)
    # the hour from 02:00 is skipped on 14 March: it runs when that is over
    assert nightly == (datetime(2027, 3, 14, 7, tzinfo=UTC),)
    quarters = single_moments(cron("*/15 * * * *", "Europe/Berlin"), NOW, end)
    second = datetime(2027, 10, 31, 1, tzinfo=UTC)  # what is 02:00 for the second time
    assert quarters == tuple(second + timedelta(minutes=15 * n) for n in range(4))
    assert single_moments(cron("*/15 * * * *"), NOW, end) == ()


def test_too_many_single_moments_are_refused():
    with pytest.raises(InvalidOption, match="in hours that clocks skip") as caught:
        single_moments(cron("* * * * *", "Europe/Berlin"), NOW, NOW + timedelta(days=5 * 366))
    assert "UTC" in caught.value.next_step


LINES = [
    "30 2 * * *", "*/15 * * * *", "0 7 * * MON-FRI", "0 6 L * *", "15 0,12 1 * *", "0 0 29 2 *",
    "5 */6 * * SUN", "0 1 13 * FRI", "45 23 * * 1#2",
]  # fmt: skip
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]


#: Weeks in which clocks change are where it could go wrong.
BEGINS = [
    NOW, datetime(2027, 3, 13, tzinfo=UTC), datetime(2027, 3, 27, 20, tzinfo=UTC),
    datetime(2027, 4, 3, 10, tzinfo=UTC), datetime(2027, 10, 2, 10, tzinfo=UTC),
    datetime(2027, 10, 30, 20, tzinfo=UTC), datetime(2027, 11, 6, 20, tzinfo=UTC),
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", LINES)
def test_the_table_finds_the_tick_before_as_cron_does(line, zone):
    when = cron(line, zone)
    table = json.loads(json.dumps(calendar(when, NOW)))
    clock = Clock([tuple(one) for one in table["changes"]])
    for begin in BEGINS:
        for tick in islice(ticks(when, begin), 20):
            found = previous(table, clock, tick.timestamp())
            if tick < NOW + timedelta(days=3650):
                assert found == previous_tick(when, tick).timestamp(), tick
                assert str(clock.local(tick.timestamp())) == str(tick.astimezone(ZoneInfo(zone)))
            else:
                assert found is None, "nothing is made up beyond the table"
