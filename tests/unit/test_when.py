"""When a schedule runs, over the changes of clocks, against independent ones."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import minute_walk
import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.when import (
    When,
    check_zone,
    count_ticks,
    cron,
    interval,
    latest_ticks,
    next_tick,
    once,
    previous_tick,
    ticks,
)

YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def local(when: When, begin: datetime, count: int) -> list[str]:
    """Return the next ticks by the clock of their zone, with its offset."""
    zone = ZoneInfo(when.zone)
    return [tick.astimezone(zone).isoformat() for tick in islice(ticks(when, begin), count)]


@pytest.mark.parametrize(
    ("zone", "begin", "expected"),
    [
        (
            "America/New_York", datetime(2026, 3, 7, tzinfo=UTC),
            ["2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"],
        ),
        (
            "Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC),
            ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            "Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC),
            ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        (
            "America/New_York", datetime(2026, 10, 31, tzinfo=UTC),
            ["2026-10-31T02:30:00-04:00", "2026-11-01T02:30:00-05:00", "2026-11-02T02:30:00-05:00"],
        ),
        (
            "Australia/Lord_Howe", datetime(2026, 10, 2, 20, tzinfo=UTC),
            ["2026-10-04T02:30:00+11:00", "2026-10-05T02:30:00+11:00", "2026-10-06T02:30:00+11:00"],
        ),
    ],
    ids=["skipped-here", "skipped-there", "twice", "not-twice", "half-an-hour"],
)  # fmt: skip
def test_a_fixed_hour_runs_once_each_day(zone: str, begin: datetime, expected: list[str]) -> None:
    assert local(cron("30 2 * * *", zone), begin, 3) == expected


def test_minutes_of_an_hour_that_is_skipped_run_once_together() -> None:
    when = cron("*/20 2 * * *", "Europe/Berlin")

    assert local(when, datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == [
        "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00",
    ]  # fmt: skip


def test_any_hour_is_by_real_time() -> None:
    when = cron("30 * * * *", "Europe/Berlin")

    assert local(when, datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 3) == [
        "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00",
    ]  # fmt: skip


def test_any_hour_over_a_change_of_half_an_hour_leaves_nothing_out() -> None:
    when = cron("45 * * * *", "Australia/Lord_Howe")

    assert local(when, datetime(2026, 4, 4, 14, 0, tzinfo=UTC), 3) == [
        "2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30", "2026-04-05T02:45:00+10:30",
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["0 */6 * * *", "30 2 * * *", "0 7 * * 1-5", "0 12 L * *"])
def test_a_year_without_changes_of_clocks_is_croniters(line: str) -> None:
    begin, end = YEAR

    other = croniter(line, begin)
    expected = []
    while (moment := other.get_next(datetime)) <= end:
        expected.append(moment)

    assert latest_ticks(cron(line), begin, end, 100_000) == expected


@pytest.mark.parametrize("zone", minute_walk.ZONES)
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)),
        (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)),
        (datetime(2026, 10, 2, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)),
        (datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)),
    ],
    ids=["march", "april", "october", "november"],
)
@pytest.mark.parametrize("line", ["30 2 * * *", "*/20 2 * * *", "45 * * * *", "15 1,2,3 * * *"])
def test_it_is_what_a_walk_over_every_minute_finds(
    line: str, zone: str, begin: datetime, end: datetime
) -> None:
    found = latest_ticks(cron(line, zone), begin - timedelta(microseconds=1), end, 10_000)

    assert [one for one in found if one < end] == [*minute_walk.walk(line, zone, begin, end)]


@pytest.mark.parametrize("zone", minute_walk.ZONES)
def test_an_interval_is_by_real_time_from_its_start(zone: str) -> None:
    start = datetime(2026, 3, 1, 0, 10, tzinfo=UTC)
    when = interval(90 * 60, zone).model_copy(update={"starts_at": start})

    found = latest_ticks(when, start - timedelta(days=1), start + timedelta(days=60), 10_000)

    assert found[0] == start
    assert {b - a for a, b in pairwise(found)} == {timedelta(minutes=90)}


def test_an_interval_without_a_start_is_counted_from_midnight_of_its_zone() -> None:
    assert local(interval(3600, "Asia/Kathmandu"), YEAR[0], 1) == ["2026-01-01T06:00:00+05:45"]


def test_once_is_once() -> None:
    when = once(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")

    assert local(when, YEAR[0], 9) == ["2026-03-29T03:00:00+02:00"]
    assert next_tick(when, when.at) is None


def test_start_and_end_are_within() -> None:
    begin = datetime(2026, 5, 1, 7, tzinfo=UTC)
    when = cron("0 7 * * *").model_copy(
        update={"starts_at": begin, "ends_at": begin + timedelta(days=2)}
    )

    assert [*ticks(when, YEAR[0])] == [begin + timedelta(days=day) for day in range(3)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 0 31 2 *", ["'0 0 31 2 *'", "no day 31 in month 2", "L for the last"]),
        ("0 0 30 FEB *", ["no day 30 in month FEB"]),
        ("0 0 31 4,6 *", ["no day 31"]),
        ("0 30 2 * * *", ["has 6 fields", "minute, hour"]),
        ("* * * *", ["has 4 fields"]),
        ("61 * * * *", ["its minute, '61'", "0-59"]),
        ("* 24 * * *", ["its hour, '24'"]),
        ("* * * * FUNDAY", ["its day of the week, 'FUNDAY'", "SUN-SAT"]),
        ("*/0 * * * *", ["its minute, '*/0'"]),
        ("*/90 * * * *", ["step of '*/90' is beyond", "every 90 minutes"]),
        ("0 */24 * * *", ["step of '*/24' is beyond"]),
        ("30 2 * * <b>", ["its day of the week"]),
    ],
)
def test_a_line_that_means_nothing_is_refused(line: str, expected: list[str]) -> None:
    with pytest.raises(InvalidOption) as refused:
        cron(line)

    for part in expected:
        assert part in str(refused.value)


@pytest.mark.parametrize("seconds", [0, -5, 9, 0.5, 10**12])
def test_an_interval_that_cannot_be_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidOption, match="every 15 minutes"):
        interval(seconds)


@pytest.mark.parametrize(
    "name", ["Europe/Berlinn", "Mars/Phobos", "", "/etc/passwd", "../UTC", "x\0"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidOption, match="no time zone"):
        check_zone(name)


def test_a_zone_that_is_close_is_named() -> None:
    with pytest.raises(InvalidOption, match="did you mean Europe/Berlin"):
        check_zone("europe/berlinn")


def test_names_of_days_and_months_are_taken() -> None:
    assert cron("0 7 * jan mon-fri").cron == "0 7 * JAN MON-FRI"


@pytest.mark.parametrize(
    ("when", "tick", "expected"),
    [
        (
            cron("0 7 * * 1-5"),
            datetime(2026, 11, 23, 7, tzinfo=UTC),
            datetime(2026, 11, 20, 7, tzinfo=UTC),
        ),
        (cron("0 0 29 2 *"), datetime(2028, 2, 29, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
        (interval(900), datetime(2026, 1, 1, 0, 15, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (once(datetime(2026, 1, 1, tzinfo=UTC)), datetime(2026, 1, 1, tzinfo=UTC), None),
    ],
    ids=["weekdays", "leap-day", "interval", "once"],
)  # fmt: skip
def test_the_tick_before_one(when: When, tick: datetime, expected: datetime | None) -> None:
    assert previous_tick(when, tick) == expected


@given(
    st.sampled_from([*minute_walk.LINES, "interval"]),
    st.sampled_from(minute_walk.ZONES),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
)
def test_ticks_rise_and_the_latest_are_their_end(line: str, zone: str, after: datetime) -> None:
    when = interval(5400, zone) if line == "interval" else cron(line, zone)
    found = [*islice(ticks(when, after), 30)]

    assert found == sorted(set(found))
    assert found[0] > after
    assert latest_ticks(when, after, found[-1], 7) == found[-7:]
    assert count_ticks(when, after, found[-1], 100) == len(found)
    assert previous_tick(when, found[-1]) == found[-2]
    assert next_tick(when, found[3]) == found[4]
