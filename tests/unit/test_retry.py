from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.retry import (
    INFRASTRUCTURE_RETRIES,
    MAX_DELAY_S,
    is_affordable,
    next_attempt,
    possible_attempts,
    remaining_usd,
    run_ceiling_usd,
)

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def job(**fields):
    return JobSpec.model_validate(
        {
            "kind": "command", "name": "job", "command": ("true",), "cwd": "/",
            "interpreter": "python", "engine": "fake", "place": "nowhere", **fields,
        }
    )  # fmt: skip


def failed(*kinds, memory_mib=1024):
    return [
        Attempt(
            run_id="r1", number=number, engine="fake", place="nowhere", claimed_at=NOW,
            ended_at=NOW, failure_kind=kind, charge_usd=0.25,
            resources=Resources(memory_mib=memory_mib),
        )
        for number, kind in enumerate(kinds, 1)
    ]  # fmt: skip


def decide(spec, attempts, *, jitter=0.0, base_s=10.0):
    return next_attempt(spec, attempts, NOW, base_s=base_s, jitter=jitter)


@pytest.mark.parametrize(
    ("kinds", "retries", "is_retried"),
    [
        (["user-error"], 0, False),
        (["user-error"], 1, True),
        (["user-error", "user-error"], 1, False),
        (["timeout"], 1, True),
        (["lost"], 0, True),
        (["lost", "lost"], 0, True),
        (["lost", "lost", "lost"], 0, False),
        (["lost", "infrastructure", "spot-reclaimed"], 5, False),
        (["lost", "lost", "user-error"], 1, True),
        (["user-error", "lost"], 1, True),
        (["user-error", "lost", "user-error"], 1, False),
        (["cost-cap"], 5, False),
        (["environment"], 5, False),
        (["image"], 5, False),
        (["quota"], 5, False),
        (["out-of-memory"], 5, False),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
def test_each_failure_is_answered_from_its_own_budget(kinds, retries, is_retried):
    assert (decide(job(retries=retries), failed(*kinds)) is not None) == is_retried


def test_every_failure_kind_is_decided_on():
    for kind in FailureKind:
        decide(job(retries=1, on_oom={}), failed(kind))


@pytest.mark.parametrize(
    ("on_oom", "size_mib", "next_mib"),
    [
        (None, 1024, None),
        ({}, 1024, 2048),
        ({}, 8192, 16384),
        ({}, 16384, None),
        ({"cap_mib": 3000}, 1024, 2048),
        ({"cap_mib": 3000}, 2048, 3000),
        ({"cap_mib": 3000}, 3000, None),
        ({"cap_mib": 512}, 1024, None),
    ],
)
def test_out_of_memory_is_tried_again_larger_up_to_the_cap(on_oom, size_mib, next_mib):
    spec = job(on_oom=on_oom, resources={"memory_mib": 1024})

    retry = decide(spec, failed("out-of-memory", memory_mib=size_mib))

    assert (retry and retry.resources.memory_mib) == next_mib


def test_out_of_memory_is_tried_again_at_once():
    spec = job(on_oom={}, resources={"memory_mib": 1024})

    assert decide(spec, failed("out-of-memory"), jitter=0.9).at == NOW


def test_a_retry_keeps_the_memory_that_was_reached():
    attempts = failed("user-error", memory_mib=4096)

    assert decide(job(retries=1), attempts).resources.memory_mib == 4096


@given(made=st.integers(0, 99), jitter=st.floats(0, 0.999), base_s=st.floats(0, MAX_DELAY_S))
def test_pauses_grow_with_jitter_and_never_pass_the_longest(made, jitter, base_s):
    spec = job(retries=100)

    retry = decide(spec, failed(*["user-error"] * (made + 1)), jitter=jitter, base_s=base_s)

    pause_s = (retry.at - NOW).total_seconds()
    full_s = min(MAX_DELAY_S, base_s * 2**made)
    assert full_s / 2 - 1e-3 <= pause_s <= full_s + 1e-3


@given(
    kinds=st.lists(st.sampled_from(list(FailureKind)), min_size=1, max_size=12),
    retries=st.integers(0, 3),
    on_oom=st.none() | st.fixed_dictionaries({"cap_mib": st.none() | st.integers(1, 10**6)}),
)
def test_no_run_makes_more_attempts_than_its_ceiling_counts(kinds, retries, on_oom):
    spec = job(retries=retries, on_oom=on_oom, resources={"memory_mib": 1024})
    size, attempts = spec.resources, []

    for kind in kinds:
        attempts += [
            failed(kind, memory_mib=size.memory_mib)[0].model_copy(
                update={"number": len(attempts) + 1}
            )
        ]
        retry = decide(spec, attempts)
        if retry is None:
            break
        size = retry.resources

    possible = possible_attempts(spec)
    assert len(attempts) <= len(possible)
    assert max(a.resources.memory_mib for a in attempts) <= max(p.memory_mib for p in possible)


def _rate(usd_per_h=3.6):
    return Rate(
        usd_per_h=usd_per_h, cpu=1, memory_mib=1024, region="nowhere", source="made up",
        is_hypothetical=False,
    )  # fmt: skip


def test_a_ceiling_counts_every_attempt_that_could_be_made():
    rates = [_rate() for _ in possible_attempts(job(retries=1))]

    ceiling = run_ceiling_usd(rates, 3600 - 28, None)

    assert ceiling == pytest.approx(3.6 * (1 + 1 + INFRASTRUCTURE_RETRIES))


def test_a_cost_cap_is_the_ceiling_where_it_is_lower():
    assert run_ceiling_usd([_rate()] * 3, 36000, 5.0) == 5.0


@pytest.mark.parametrize("rates", [[None], [_rate(), None]], ids=["all", "one"])
def test_there_is_no_ceiling_with_an_unknown_price(rates):
    assert run_ceiling_usd(rates, 60, 5.0) is None


def test_what_is_left_of_a_cap_counts_failed_attempts():
    spec = job(max_cost_usd=1.0)

    assert remaining_usd(spec, failed("lost", "lost")) == pytest.approx(0.5)
    assert remaining_usd(job(), failed("lost")) is None


@pytest.mark.parametrize(
    ("remaining", "expected"), [(None, True), (0.06, True), (0.0599, False), (0.0, False)]
)
def test_an_attempt_must_be_worth_the_shortest_billed_time(remaining, expected):
    assert is_affordable(_rate(), remaining) is expected


def test_a_pause_is_counted_from_now():
    assert decide(job(retries=1), failed("user-error"), jitter=0.0).at == NOW + timedelta(seconds=5)
