"""Which ticks run, which were missed, and what becomes of those that meet another."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.schedule import (
    MOST_CAUGHT_UP,
    MOST_WAITING,
    Rules,
    check_chain,
    due,
    on_overlap,
    over_month,
)
from jupyter_flotilla.model.tick_values import fill, parameters, tick_values, variables
from jupyter_flotilla.model.when import cron, interval

NOW = datetime(2026, 11, 24, 10, 0, 20, tzinfo=UTC)
MINUTELY = cron("* * * * *")
HOURLY = cron("0 * * * *")


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_tick_is_run_when_it_is_due_and_the_next_is_known() -> None:
    found = due(HOURLY, Rules(), at(9), NOW)

    assert found.run == (at(10),)
    assert (found.missing, found.cursor, found.next_at) == (None, at(10), at(11))


def test_before_a_tick_there_is_nothing_to_do() -> None:
    found = due(HOURLY, Rules(), at(10), NOW)

    assert (found.run, found.cursor, found.next_at) == ((), at(10), at(11))


@pytest.mark.parametrize(
    ("missed", "run", "count"),
    [("skip", (at(10),), 3), ("last", (at(10),), 3), ("all", (at(7), at(8), at(9), at(10)), 0)],
)
def test_missed_ticks_before_one_that_is_on_time(
    missed: str, run: tuple[datetime, ...], count: int
) -> None:
    found = due(HOURLY, Rules(missed=missed), at(6), NOW)

    assert found.run == run
    assert (found.missing.count if found.missing else 0) == count
    assert found.caught_up == frozenset(run[:-1])


@pytest.mark.parametrize(
    ("missed", "run"), [("skip", ()), ("last", (at(10),)), ("all", (at(8), at(9), at(10)))]
)
def test_missed_ticks_when_the_latest_is_late_too(missed: str, run: tuple[datetime, ...]) -> None:
    found = due(HOURLY, Rules(missed=missed), at(7), at(10, 30))

    assert (found.run, found.cursor, found.next_at) == (run, at(10), at(11))
    assert found.caught_up == frozenset(run)


def test_ticks_that_somebody_was_there_for_were_not_missed_however_late() -> None:
    found = due(MINUTELY, Rules(missed="skip"), at(9), at(9, 5), here_since=at(9, 3))

    assert found.run == (at(9, 3), at(9, 4), at(9, 5))
    assert found.caught_up == frozenset()
    assert found.missing is not None and found.missing.count == 2


def test_what_is_older_than_the_maximum_age_is_not_caught_up() -> None:
    rules = Rules(missed="all", max_age_s=2 * 3600)

    found = due(HOURLY, rules, at(1), at(10, 30))

    assert found.run == (at(9), at(10))
    assert found.missing is not None
    assert (found.missing.count, found.missing.first, found.missing.last) == (7, at(2), at(8))


@pytest.mark.parametrize(
    ("missed", "runs"), [("skip", 1), ("last", 1), ("all", MOST_CAUGHT_UP + 1)]
)
def test_a_clock_that_jumps_a_week_ahead_brings_no_storm(missed: str, runs: int) -> None:
    found = due(MINUTELY, Rules(missed=missed), at(10, 0, day=17), NOW)

    assert len(found.run) == runs
    assert found.missing is not None
    assert found.missing.count + runs == 7 * 24 * 60
    assert found.cursor == at(10)


def test_years_of_seconds_are_looked_at_in_no_time() -> None:
    found = due(interval(10), Rules(), datetime(2016, 1, 1, tzinfo=UTC), NOW)

    assert len(found.run) == 1


def test_a_clock_that_is_set_back_an_hour_goes_on_from_there() -> None:
    found = due(MINUTELY, Rules(), cursor=at(11), now=NOW)

    assert (found.run, found.next_at) == ((), at(10, 1))
    assert at(10) < found.cursor < NOW


def test_a_clock_that_is_a_little_behind_changes_nothing() -> None:
    found = due(MINUTELY, Rules(), cursor=at(10, 1), now=NOW)

    assert (found.run, found.cursor, found.next_at) == ((), at(10, 1), at(10, 2))


@given(
    st.lists(st.integers(-4000, 20_000), min_size=1, max_size=40),
    st.sampled_from(["skip", "last", "all"]),
)
def test_however_the_clock_jumps_no_tick_runs_twice_and_none_is_forgotten(
    steps: list[int], missed: str
) -> None:
    cursor = now = NOW
    made: set[datetime] = set()
    for step in steps:
        now += timedelta(seconds=step)
        found = due(interval(600), Rules(missed=missed), cursor, now)
        fresh = [tick for tick in found.run if tick not in made]  # as the table's key does
        assert all(tick <= now for tick in found.run)
        assert found.next_at is not None and found.next_at > min(now, cursor)
        made.update(fresh)
        cursor = found.cursor
        if missed == "all":
            assert found.missing is None
    assert cursor <= now + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("overlap", "running", "waiting", "is_patient", "expected"),
    [
        ("skip", 0, 0, False, "start"),
        ("skip", 1, 0, False, "skip"),
        ("skip", 0, 1, False, "skip"),
        ("queue", 1, 0, False, "wait"),
        ("queue", 1, MOST_WAITING, False, "skip"),
        ("replace", 1, 0, False, "replace"),
        ("allow", 9, 9, False, "start"),
        ("skip", 1, 99, True, "wait"),
        ("replace", 1, 0, True, "wait"),
        ("allow", 1, 0, True, "start"),
    ],
)
def test_what_becomes_of_a_tick_that_meets_another(
    overlap: str, running: int, waiting: int, is_patient: bool, expected: str
) -> None:
    answer = on_overlap(
        Rules(overlap=overlap), running=running, waiting=waiting, is_patient=is_patient
    )

    assert answer == expected


def test_a_run_that_would_pass_the_months_limit_is_named_with_both() -> None:
    rules = Rules(month_usd=10)

    assert over_month(rules, 9.0, 1.0) is None
    assert over_month(Rules(), 9.0, None) is None
    assert "nothing limits" in str(over_month(rules, 0, None))
    assert "$9.50" in str(over_month(rules, 9.5, 1.0))


@pytest.mark.parametrize("after", [("a",), ("b",), ("c", "b")])
def test_a_chain_that_is_a_ring_is_refused_with_its_way(after: tuple[str, ...]) -> None:
    with pytest.raises(InvalidOption, match="wait for itself: nightly → ") as refused:
        check_chain("a", after, {"b": ("c", "a"), "c": ()}, {"a": "nightly", "b": "report"})

    assert str(refused.value).splitlines()[0].endswith("nightly")


def test_a_chain_that_is_none_is_taken() -> None:
    check_chain("a", ("b", "r123"), {"b": ("c",), "c": ()}, {})


def test_the_times_of_a_tick_are_by_the_clock_of_its_zone() -> None:
    values = tick_values(at(6), at(5), "Europe/Berlin")

    assert variables(values) == {
        "FLOTILLA_SCHEDULED_AT": "2026-11-24T07:00:00+01:00",
        "FLOTILLA_INTERVAL_START": "2026-11-24T06:00:00+01:00",
        "FLOTILLA_INTERVAL_END": "2026-11-24T07:00:00+01:00",
    }
    assert fill("{interval_start:%H} {x} {{scheduled_at:%d}}", values) == "06 {x} {24}"


def test_a_notebook_gets_the_times_that_it_declares_in_their_type() -> None:
    values = tick_values(at(6), at(5), "UTC")
    declared = {"scheduled_at": "str", "interval_end": "int", "interval_start": "float", "n": "int"}

    found = parameters(declared, {"n": 3, "day": "{scheduled_at:%Y-%m-%d}"}, values)

    assert found == {
        "scheduled_at": "2026-11-24T06:00:00+00:00", "interval_end": int(at(6).timestamp()),
        "interval_start": at(5).timestamp(), "n": 3, "day": "2026-11-24",
    }  # fmt: skip


def test_a_parameter_that_is_given_wins_over_the_tick() -> None:
    assert parameters(
        {"scheduled_at": "str"}, {"scheduled_at": "x"}, tick_values(at(6), None, "UTC")
    ) == {"scheduled_at": "x"}


def test_a_notebook_gets_what_it_runs_after_if_it_declares_it() -> None:
    after = {"after_runs": ["r1"], "after_metrics": {"loss": 0.1}}

    found = parameters({"after_metrics": "dict"}, {}, tick_values(at(6), None, "UTC"), after)

    assert found == {"after_metrics": {"loss": 0.1}}
