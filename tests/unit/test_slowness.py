"""When a run is slower than usual, by the job's own history."""

import random
import statistics
from collections.abc import Callable

import pytest

from jupyter_flotilla.model.slowness import slow_after_s

#: Durations of jobs that stay as they are, in seconds.
STATIONARY: dict[str, Callable[[random.Random], float]] = {
    "steady": lambda chance: chance.lognormvariate(6, 0.05),
    "usual": lambda chance: chance.lognormvariate(6, 0.2),
    "varying": lambda chance: chance.lognormvariate(6, 0.5),
    "gamma": lambda chance: chance.gammavariate(4, 100),
    "normal": lambda chance: max(1.0, chance.gauss(600, 60)),
    "some end at once": lambda chance: (
        chance.lognormvariate(6, 0.1) if chance.random() > 0.05 else 1.0
    ),
}


@pytest.mark.parametrize("kind", STATIONARY)
def test_of_10_000_runs_of_a_job_that_stays_the_same_less_than_1_percent_alarm(kind):
    draw, chance = STATIONARY[kind], random.Random(7)
    durations = [draw(chance) for _ in range(10_000)]
    thresholds = [slow_after_s(durations[max(0, n - 20) : n]) for n in range(len(durations))]

    judged = [(d, t) for d, t in zip(durations, thresholds, strict=True) if t is not None]

    assert len(judged) >= 9_990
    assert sum(duration > threshold for duration, threshold in judged) < 0.01 * len(judged)


@pytest.mark.parametrize("kind", ["steady", "usual", "normal", "some end at once"])
def test_a_run_that_takes_three_times_as_long_is_slow(kind):
    draw, chance = STATIONARY[kind], random.Random(7)
    durations = [draw(chance) for _ in range(2_000)]
    usual = statistics.median(durations)

    found = [slow_after_s(durations[n : n + 20]) for n in range(0, 1_980, 20)]

    assert sum(threshold is not None and 3 * usual > threshold for threshold in found) >= 90


def test_of_a_job_that_is_hardly_known_nothing_is_slow():
    assert slow_after_s([]) is None
    assert slow_after_s([10.0, 11.0, 9.0, 10.0]) is None
    assert slow_after_s([10.0, 11.0, 9.0, 10.0, 0.0]) is None


def test_a_job_that_always_takes_the_same_may_take_a_little_longer():
    threshold = slow_after_s([10.0] * 20)

    assert threshold == pytest.approx(40.0)
    assert slow_after_s([1000.0] * 20) == pytest.approx(1500.0)
