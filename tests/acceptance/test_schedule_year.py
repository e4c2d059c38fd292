"""A whole year of schedules in several zones, against a walk over every minute."""

from datetime import UTC, datetime, timedelta

import minute_walk
import pytest

from jupyter_flotilla.model.when import cron, latest_ticks

YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.heavy
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("zone", minute_walk.ZONES)
@pytest.mark.parametrize("line", minute_walk.LINES)
def test_a_year_is_what_a_walk_over_every_minute_finds(line: str, zone: str) -> None:
    begin, end = YEAR

    found = latest_ticks(cron(line, zone), begin - timedelta(microseconds=1), end, 100_000)

    assert [one for one in found if one < end] == [*minute_walk.walk(line, zone, begin, end)]
