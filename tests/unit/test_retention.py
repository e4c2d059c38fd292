from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.retention import Finished, expired

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def finished(run_id, *, days_ago=0.0, size=1, is_kept=False):
    ended_at = NOW - timedelta(days=days_ago)
    return Finished(run_id=run_id, name="n", ended_at=ended_at, size=size, is_kept=is_kept)


RUNS = st.lists(
    st.builds(
        finished,
        st.uuids().map(str),
        days_ago=st.floats(0, 100),
        size=st.integers(0, 1000),
        is_kept=st.booleans(),
    ),
    max_size=20,
)


def test_what_is_older_goes_oldest_first():
    runs = [finished("new", days_ago=1), finished("old", days_ago=5), finished("older", days_ago=9)]

    gone = expired(runs, NOW, keep_days=3, keep_bytes=None)

    assert [run.run_id for run in gone] == ["older", "old"]


def test_the_oldest_go_until_the_rest_fits():
    runs = [finished(f"r{n}", days_ago=n, size=10) for n in range(5)]

    gone = expired(runs, NOW, keep_days=None, keep_bytes=25)

    assert [run.run_id for run in gone] == ["r4", "r3", "r2"]


@given(RUNS)
def test_without_limits_nothing_goes(runs):
    assert expired(runs, NOW, keep_days=None, keep_bytes=None) == []


@given(RUNS, st.floats(0.1, 100), st.integers(0, 5000))
def test_kept_runs_never_go_and_the_rest_fits_if_it_can(runs, keep_days, keep_bytes):
    gone = expired(runs, NOW, keep_days=keep_days, keep_bytes=keep_bytes)

    left = [run for run in runs if run not in gone]
    assert not any(run.is_kept for run in gone)
    assert sum(run.size for run in left) <= keep_bytes or all(run.is_kept for run in left)
