"""`model.cost`: ceilings and charges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.cost import Cost, affordable_s, charge_usd
from jupyter_flotilla.model.retry import run_ceiling_usd
from jupyter_flotilla.model.stop import STOP_S

SECONDS = st.floats(0.001, 10 * 366 * 86400)
PRICES = st.floats(0.001, 100)


@pytest.mark.parametrize("duration_s", [0, 0.0, -1.5], ids=str)
def test_what_never_ran_costs_nothing(make_rate, duration_s):
    assert charge_usd(make_rate(), duration_s) == 0


@pytest.mark.parametrize("duration_s", [0.001, 1, 59.9, 60], ids=str)
def test_shortest_charge_is_a_minute(make_rate, duration_s):
    assert charge_usd(make_rate(), duration_s) == pytest.approx(0.006)


@pytest.mark.parametrize("duration_s", [60.001, 60.5, 61], ids=str)
def test_a_begun_second_is_charged_whole(make_rate, duration_s):
    assert charge_usd(make_rate(), duration_s) == pytest.approx(0.0061)


@given(one=SECONDS, other=SECONDS)
def test_longer_never_costs_less(make_rate, one, other):
    short, long = sorted((one, other))

    assert charge_usd(make_rate(), short) <= charge_usd(make_rate(), long)


@given(usd_per_h=PRICES, duration_s=SECONDS)
def test_charge_is_at_most_a_minute_over_the_price_of_the_time(make_rate, usd_per_h, duration_s):
    rate = make_rate(usd_per_h=usd_per_h)

    charge = charge_usd(rate, duration_s)

    exact = usd_per_h * duration_s / 3600
    assert exact * (1 - 1e-9) <= charge <= (exact + usd_per_h / 60) * (1 + 1e-9)


def test_ceiling_of_a_timeout_is_its_charge_and_that_of_the_stop(make_rate):
    assert run_ceiling_usd([make_rate()], 7200, None) == pytest.approx(0.72 + STOP_S * 0.0001)


def test_ceiling_of_a_short_timeout_is_the_charge_of_a_minute(make_rate):
    assert run_ceiling_usd([make_rate()], 5, None) == pytest.approx(0.006)


@pytest.mark.parametrize(
    ("timeout_s", "max_cost_usd", "ceiling"),
    [
        pytest.param(3600, 5.0, 0.36 + STOP_S * 0.0001, id="timeout first"),
        pytest.param(360_000, 5.0, 5.0, id="cap first"),
        pytest.param(None, 5.0, 5.0, id="cap alone"),
    ],
)
def test_ceiling_is_the_lower_of_timeout_and_cap(make_rate, timeout_s, max_cost_usd, ceiling):
    assert run_ceiling_usd([make_rate()], timeout_s, max_cost_usd) == pytest.approx(ceiling)


def test_there_is_no_ceiling_without_a_limit(make_rate):
    assert run_ceiling_usd([make_rate()], None, None) is None


def test_a_timeout_is_no_ceiling_where_the_price_is_unknown():
    assert run_ceiling_usd([None], 3600, None) is None


@given(usd_per_h=PRICES, cap=st.floats(0.0001, 1e6))
def test_what_is_affordable_is_never_charged_above_the_cap(make_rate, usd_per_h, cap):
    rate = make_rate(usd_per_h=usd_per_h)

    seconds = affordable_s(rate, cap)

    assert charge_usd(rate, seconds) <= cap * (1 + 1e-9)


@given(usd_per_h=PRICES, cap=st.floats(0.0001, 1e6))
def test_two_seconds_more_than_affordable_are_over_the_cap(make_rate, usd_per_h, cap):
    rate = make_rate(usd_per_h=usd_per_h)

    seconds = affordable_s(rate, cap)

    assert charge_usd(rate, seconds + 2) > cap


def test_cap_that_does_not_buy_a_minute_buys_nothing(make_rate):
    assert affordable_s(make_rate(), 0.0059) == 0


def test_nobody_is_billed_a_hypothetical_cost(make_rate):
    cost = Cost(usd=12.5, ceiling_usd=None, rate=make_rate(is_hypothetical=True), is_billed=False)

    assert cost.billed_usd == 0


def test_a_real_cost_is_billed_whole(make_rate):
    cost = Cost(usd=12.5, ceiling_usd=None, rate=make_rate(is_hypothetical=False), is_billed=True)

    assert cost.billed_usd == 12.5
