"""`engines.process.limits`: which limit is broken, and how that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.engines.process.limits import Limits
from jupyter_flotilla.model.stop import STOP_S, deadlines


def limits(memory_mib=None, timeout_s=None, max_cost_usd=None, max_cost_s=None):
    stops = deadlines(timeout_s, max_cost_usd, max_cost_s)
    return Limits({"memory_mib": memory_mib, "deadlines": stops})


def broken(limit, *, memory_mib=0.0, elapsed_s=0.0, exact_mib=None):
    exact = memory_mib if exact_mib is None else exact_mib
    return limit.broken({"memory_mib": memory_mib}, elapsed_s, lambda: exact)


@given(memory=st.floats(0, 1e9), elapsed=st.floats(0, 1e9))
def test_job_without_limits_breaks_none(memory, elapsed):
    assert broken(limits(), memory_mib=memory, elapsed_s=elapsed) is None


@pytest.mark.parametrize(
    ("limit", "used"),
    [
        pytest.param(limits(memory_mib=100), {"memory_mib": 100.0}, id="memory"),
        pytest.param(limits(timeout_s=60), {"elapsed_s": 60.0}, id="timeout"),
        pytest.param(
            limits(max_cost_usd=1, max_cost_s=60.0), {"elapsed_s": 60.0 - STOP_S}, id="cost"
        ),
    ],
)
def test_limit_that_is_just_reached_is_not_broken(limit, used):
    assert broken(limit, **used) is None


@pytest.mark.parametrize(
    ("limit", "used", "reason"),
    [
        pytest.param(limits(memory_mib=100), {"memory_mib": 100.01}, "out-of-memory", id="memory"),
        pytest.param(limits(timeout_s=60), {"elapsed_s": 60.01}, "timeout", id="timeout"),
        pytest.param(
            limits(max_cost_usd=1, max_cost_s=60.0), {"elapsed_s": 60.01}, "cost-cap", id="cost"
        ),
    ],
)
def test_limit_that_is_passed_is_broken(limit, used, reason):
    assert broken(limit, **used)["reason"] == reason


def test_memory_that_is_only_shared_is_not_over():
    assert broken(limits(memory_mib=100), memory_mib=150.0, exact_mib=99.0) is None


def test_exact_memory_is_not_asked_below_the_limit():
    def never():
        raise AssertionError("asked")

    assert limits(memory_mib=100).broken({"memory_mib": 99.0}, 1.0, never) is None


def test_timeout_is_seen_where_memory_is_only_shared():
    limit = limits(memory_mib=100, timeout_s=60)

    stop = broken(limit, memory_mib=150.0, exact_mib=99.0, elapsed_s=61.0)

    assert stop["reason"] == "timeout"


def test_memory_comes_before_time_and_time_before_cost():
    all_limits = limits(memory_mib=100, timeout_s=60, max_cost_usd=1, max_cost_s=60.0)

    assert broken(all_limits, memory_mib=101.0, elapsed_s=61.0)["reason"] == "out-of-memory"
    assert broken(all_limits, memory_mib=1.0, elapsed_s=61.0)["reason"] == "timeout"


def test_job_over_its_memory_gets_no_time_to_clean_up():
    assert broken(limits(memory_mib=100), memory_mib=101.0)["grace_s"] == 0


@pytest.mark.parametrize(
    "limit", [limits(timeout_s=60), limits(max_cost_usd=1, max_cost_s=60.0)], ids=["time", "cost"]
)
def test_job_over_its_time_or_money_gets_ten_seconds(limit):
    assert broken(limit, elapsed_s=61.0)["grace_s"] == 10


def test_cap_that_buys_nothing_stops_the_job_at_once():
    assert (
        broken(limits(max_cost_usd=0.0001, max_cost_s=0.0), elapsed_s=0.1)["reason"] == "cost-cap"
    )


def test_message_says_how_much_of_how_much_and_when():
    stop = broken(limits(memory_mib=16_384), memory_mib=17_408.0, elapsed_s=151.0)

    assert stop["message"] == "Out of memory: 17 G of 16 G at 2m31s."


def test_a_stop_for_cost_begins_early_enough_to_end_under_the_cap():
    cap = limits(max_cost_usd=0.5, max_cost_s=100.0)

    assert broken(cap, elapsed_s=100.0 - STOP_S + 0.1)["reason"] == "cost-cap"


def test_message_says_which_cap_is_used_up():
    stop = broken(limits(max_cost_usd=0.5, max_cost_s=60.0), elapsed_s=61.0)

    assert stop["message"] == "Cost cap: $0.50 is nearly used up after 32s."


def test_message_says_which_timeout_is_over():
    stop = broken(limits(timeout_s=5400), elapsed_s=5461.0)

    assert stop["message"] == "Timeout: stopped after 1h30m."


@given(
    limit=st.sampled_from(["memory_mib", "timeout_s", "max_cost_usd"]),
    amount=st.integers(1, 2**40),
    elapsed_s=st.floats(61, 1e9),
)
def test_message_is_one_line_of_cause_and_leaves_the_next_step_to_advice(limit, amount, elapsed_s):
    one = limits(**{limit: amount}, **({"max_cost_s": 60.0} if limit == "max_cost_usd" else {}))

    stop = broken(one, memory_mib=amount + 1.0, elapsed_s=amount + elapsed_s)

    assert stop["message"].isprintable()
    assert stop["message"].endswith(".")
    assert "Next" not in stop["message"]
    assert "--" not in stop["message"]
