"""`render`: what is said of size and price, before a launch and after."""

import pytest

from jupyter_flotilla import render
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.model.cost import Cost
from jupyter_flotilla.model.guard import Expectation
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.planning import Plan


def make_plan(spec, **fields):
    """Return a plan of which nothing is known but the job."""
    given = {"rate": None, "ceiling_usd": None, "notes": (), "expected": None, "asks": ()}
    return Plan(draft=Draft(spec=spec), **(given | fields))


def test_before_a_launch_is_said_what_where_how_large_and_for_how_much(make_spec, make_rate):
    spec = make_spec(resources=Resources(cpu=0.5, memory_mib=1536), timeout_s=5400)
    plan = make_plan(spec, rate=make_rate(), ceiling_usd=0.54, notes=("priced as 1",))

    assert render.launch_lines(plan) == [
        "flotilla ▸ train  process on ana-laptop  0.5 vCPU  memory 1.5 G  timeout 1h30m",
        "  $0.00 here · on Fargate us-east-1 ≈ $0.36/h, at most $0.54",
        "  note: priced as 1",
    ]


def test_job_without_limits_is_said_to_have_none(make_spec):
    first, second = render.launch_lines(make_plan(make_spec()))

    assert first.endswith("1 vCPU  memory unlimited  timeout none")
    assert second == "  price unknown"


@pytest.mark.parametrize(
    ("cost_p50_usd", "cost_p90_usd", "price"),
    [
        pytest.param(0.006, 0.0151, " (≈ $0.0060 to $0.015)", id="priced"),
        pytest.param(0.006, 0.006, " (≈ $0.0060)", id="one price"),
        pytest.param(None, None, "", id="price unknown"),
    ],
)
def test_what_earlier_runs_took_is_said_before_the_notes(
    make_spec, cost_p50_usd, cost_p90_usd, price
):
    expected = Expectation(
        runs=7,
        duration_p50_s=42,
        duration_p90_s=151,
        cost_p50_usd=cost_p50_usd,
        cost_p90_usd=cost_p90_usd,
    )

    lines = render.launch_lines(make_plan(make_spec(), expected=expected, notes=("é",)))

    assert lines[2:] == [
        f"  expected 42s, nine of ten within 2m31s{price}, by 7 earlier runs",
        "  note: é",
    ]


def test_price_that_is_billed_has_no_would(make_rate):
    line = render.price_line(make_rate(is_hypothetical=False), 1.5)

    assert line == "≈ $0.36/h, at most $1.50"


@pytest.mark.parametrize("is_hypothetical", [True, False], ids=["hypothetical", "billed"])
def test_price_without_ceiling_says_what_would_set_one(make_rate, is_hypothetical):
    line = render.price_line(make_rate(is_hypothetical=is_hypothetical), None)

    assert line.endswith("no ceiling without --timeout")


def test_price_fits_into_a_common_terminal(make_rate):
    assert len(f"  {render.price_line(make_rate(usd_per_h=0.0583), None)}") <= 80


@pytest.mark.parametrize(
    ("is_hypothetical", "is_final", "text"),
    [
        (True, False, "$0.00 here · would be ≈ $0.0012 on Fargate"),
        (True, True, "$0.00 here · would have been ≈ $0.0012 on Fargate"),
        (False, True, "$0.0012"),
    ],
)
def test_cost_says_whether_it_is_real(make_rate, is_hypothetical, is_final, text):
    cost = Cost(
        usd=0.00123,
        ceiling_usd=None,
        rate=make_rate(is_hypothetical=is_hypothetical),
        is_billed=not is_hypothetical,
    )

    assert render.cost_text(cost, is_final=is_final) == text


def test_cost_without_a_price_is_unknown_and_not_zero():
    cost = Cost(usd=None, ceiling_usd=None, rate=None, is_billed=False)

    assert render.cost_text(cost, is_final=True) == "price unknown"
