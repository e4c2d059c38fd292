"""`model.retry` where an engine judges its failures: Spot, capacity, quota, disk, budgets."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.model.observation import Again, FailureKind
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.retry import (
    CAPACITY_DELAY_S,
    HOLD_S,
    JUDGED_RETRIES,
    MAX_DELAY_S,
    SPOT_REFUSALS,
    SPOT_RETRIES,
    Retry,
    RetryPolicy,
    ceiling_rates,
    fargate_policy,
    is_payable,
    next_attempt,
    possible_attempts,
)

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
POLICY = fargate_policy(3600.0)
GIB = 1024
ON_SPOT = Resources(cpu=1, memory_mib=4 * GIB, spot=True)
#: What an engine would call each; the kind is for people.
KINDS = {
    Again.NEVER: FailureKind.IMAGE,
    Again.FREE: FailureKind.INFRASTRUCTURE,
    Again.CAPACITY: FailureKind.INFRASTRUCTURE,
    Again.SPOT: FailureKind.SPOT_RECLAIMED,
    Again.SAME_TOKEN: FailureKind.INFRASTRUCTURE,
    Again.HOLD: FailureKind.QUOTA,
    Again.USER: FailureKind.USER_ERROR,
    Again.OOM: FailureKind.OUT_OF_MEMORY,
    Again.DISK: FailureKind.ENVIRONMENT,
}


@pytest.fixture
def failed(make_attempt):
    """Return a factory of an attempt that an engine has judged."""

    def make(again, resources=ON_SPOT, at=NOW, number=1):
        return make_attempt(
            number=number, again=again, failure_kind=KINDS[again], resources=resources, ended_at=at
        )

    return make


def decide(spec, attempts, now=NOW, *, jitter=0.999999, base_s=5.0, policy=POLICY):
    return next_attempt(spec, attempts, now, base_s=base_s, jitter=jitter, policy=policy)


@pytest.fixture
def follow(make_spec, failed):
    """Return what a job makes of one failure after the other: its sizes, until it gives up."""

    def run(agains, pause_s=1.0, **spec):
        job = make_spec(**{"resources": ON_SPOT} | spec)
        size, made, now = job.resources, [], NOW
        for again in agains:
            made.append(failed(again, size, now, len(made) + 1))
            retry = decide(job, made, now)
            if retry is None:
                break
            assert retry.at >= now
            size, now = retry.resources, max(now + timedelta(seconds=pause_s), retry.at)
        return job, made

    return run


def sizes(made):
    return [attempt.resources for attempt in made]


def test_spot_that_is_taken_back_is_tried_on_spot_once_more_and_then_on_demand(follow):
    _, made = follow([Again.SPOT] * 3)

    assert [size.spot for size in sizes(made)] == [True, True, False]


def test_spot_does_not_count_against_the_users_retries(follow):
    _, made = follow([Again.SPOT, Again.SPOT, Again.USER, Again.USER], retries=1)

    assert len(made) == 4


def test_spot_is_not_left_for_other_failures(follow):
    _, made = follow([Again.FREE, Again.USER, Again.USER], retries=2)

    assert all(size.spot for size in sizes(made))


def test_a_job_that_came_to_demand_stays_there(follow):
    _, made = follow([Again.SPOT, Again.SPOT, Again.FREE, Again.USER], retries=1)

    assert [size.spot for size in sizes(made)] == [True, True, False, False]


def test_spot_taken_back_on_demand_is_a_free_retry(follow):
    _, made = follow([Again.SPOT] * 20, resources=Resources())

    assert len(made) == 1 + JUDGED_RETRIES


def test_no_spot_capacity_three_times_in_a_row_means_on_demand_at_once(make_spec, failed):
    made = [failed(Again.CAPACITY, number=n) for n in range(1, SPOT_REFUSALS + 1)]

    for count in range(1, SPOT_REFUSALS):
        assert decide(make_spec(), made[:count]).resources.spot
    last = decide(make_spec(), made)
    assert (last.resources.spot, last.at) == (False, NOW)


def test_capacity_is_asked_for_after_15_seconds_and_then_half_as_often(make_spec, failed):
    resources = Resources()
    pauses = []
    for count in range(1, 9):
        made = [failed(Again.CAPACITY, resources, number=n) for n in range(1, count + 1)]
        pauses.append(round((decide(make_spec(), made).at - NOW).total_seconds()))

    assert pauses == [15, 30, 60, 120, 240, 300, 300, 300]


@given(count=st.integers(1, 40), jitter=st.floats(0, 0.999))
def test_pauses_for_capacity_are_within_half_and_whole(make_spec, make_attempt, count, jitter):
    made = [make_attempt(number=n, again=Again.CAPACITY, ended_at=NOW) for n in range(1, count + 1)]

    pause_s = (decide(make_spec(), made, jitter=jitter).at - NOW).total_seconds()

    whole_s = min(MAX_DELAY_S, CAPACITY_DELAY_S * 2 ** (count - 1))
    assert whole_s / 2 - 1e-3 <= pause_s <= whole_s + 1e-3


def test_capacity_is_given_up_an_hour_after_the_first_refusal(make_spec, failed):
    first = failed(Again.CAPACITY, Resources())
    later = failed(Again.CAPACITY, Resources(), NOW + timedelta(minutes=59, seconds=59), 2)

    assert decide(make_spec(), [first, later], later.ended_at).at == NOW + timedelta(hours=1)
    assert decide(make_spec(), [first, later], NOW + timedelta(hours=1)) is None


def test_the_hour_begins_anew_after_an_attempt_that_ran(make_spec, failed):
    before = failed(Again.CAPACITY, Resources())
    ran = failed(Again.FREE, Resources(), NOW + timedelta(hours=5), 2)
    again = failed(Again.CAPACITY, Resources(), NOW + timedelta(hours=5, minutes=1), 3)

    assert decide(make_spec(), [before, ran, again], again.ended_at) is not None


@pytest.mark.parametrize("timeout_s", [0.0, 60.0, 7200.0])
def test_the_deadline_is_the_policys(make_spec, failed, timeout_s):
    refused = failed(Again.CAPACITY, Resources())
    policy = fargate_policy(timeout_s)

    def after(seconds):
        return decide(make_spec(), [refused], NOW + timedelta(seconds=seconds), policy=policy)

    assert after(timeout_s) is None
    assert timeout_s == 0 or after(timeout_s - 1) is not None


def test_a_quota_in_use_is_waited_for_a_day_at_most(make_spec, failed):
    first = failed(Again.HOLD, Resources())
    late = NOW + timedelta(seconds=HOLD_S - 10)

    assert decide(make_spec(), [first], late) is not None
    assert decide(make_spec(), [first], NOW + timedelta(seconds=HOLD_S)) is None


def test_waiting_says_why_and_until_when(make_spec, failed):
    assert decide(make_spec(), [failed(Again.CAPACITY, Resources())]).reason == (
        "no capacity: waits, until 2026-11-25 03:00 UTC at most"
    )
    assert decide(make_spec(), [failed(Again.HOLD)]).reason.startswith("the quota is in use: ")


@pytest.mark.parametrize(
    ("disk_gib", "expected"), [(None, 40), (21, 42), (50, 100), (150, 200), (200, None)]
)
def test_a_full_disk_is_doubled_once(make_spec, failed, disk_gib, expected):
    first = failed(Again.DISK, Resources(disk_gib=disk_gib))

    retry = decide(make_spec(), [first])

    assert (retry and retry.resources.disk_gib) == expected
    assert decide(make_spec(), [first, failed(Again.DISK, number=2)]) is None


def test_out_of_memory_gets_the_next_legal_size(follow):
    _, made = follow([Again.OOM] * 9, on_oom={}, resources=Resources(cpu=1, memory_mib=8 * GIB))

    assert [(s.cpu, s.memory_mib // GIB) for s in sizes(made)] == [
        (1, 8), (2, 16), (4, 30), (8, 60), (16, 120)
    ]  # fmt: skip


@pytest.mark.parametrize("again", [Again.NEVER, Again.SAME_TOKEN])
def test_what_will_not_help_is_not_done_whatever_the_user_allows(make_spec, failed, again):
    assert decide(make_spec(retries=100, on_oom={}), [failed(again)]) is None


@pytest.mark.parametrize("kind", FailureKind)
def test_the_engines_word_counts_before_the_kind(make_spec, make_attempt, kind):
    def retry(again):
        attempt = make_attempt(again=again, failure_kind=kind, ended_at=NOW)
        return decide(make_spec(retries=9), [attempt])

    assert retry(Again.NEVER) is None
    assert retry(Again.FREE) is not None


def test_an_engine_that_says_nothing_has_two_free_retries(make_spec, make_attempt):
    lost = [
        make_attempt(number=n, failure_kind=FailureKind.LOST, ended_at=NOW) for n in range(1, 4)
    ]

    assert decide(make_spec(), lost[:2]) is not None
    assert decide(make_spec(), lost) is None


@given(
    agains=st.lists(st.sampled_from(list(Again)), min_size=1, max_size=60),
    retries=st.integers(0, 3),
    on_oom=st.none() | st.fixed_dictionaries({"cap_mib": st.none() | st.integers(1, 10**6)}),
    spot=st.booleans(),
    disk_gib=st.none() | st.integers(21, 200),
    memory_mib=st.none() | st.integers(1, 244 * GIB),
    pause_s=st.floats(0, 4000),
)
def test_no_run_makes_more_attempts_than_its_budgets_and_its_ceiling_allow(
    make_spec, make_attempt, agains, retries, on_oom, spot, disk_gib, memory_mib, pause_s
):
    job = make_spec(
        retries=retries,
        on_oom=on_oom,
        resources=Resources(spot=spot, disk_gib=disk_gib, memory_mib=memory_mib),
    )
    size, made, now = job.resources, [], NOW
    for again in agains:
        made.append(
            make_attempt(
                number=len(made) + 1, again=again, failure_kind=KINDS[again], resources=size,
                ended_at=now,
            )
        )  # fmt: skip
        retry = decide(job, made, now)
        if retry is None:
            break
        assert now <= retry.at <= now + timedelta(seconds=MAX_DELAY_S)
        assert again not in (Again.NEVER, Again.SAME_TOKEN)
        size, now = retry.resources, max(now + timedelta(seconds=pause_s), retry.at)

    answered = [attempt.again for attempt in made[:-1]]
    on_spot = [a for a in made[:-1] if a.again is Again.SPOT and a.resources.spot]
    assert answered.count(Again.USER) <= retries
    assert answered.count(Again.DISK) <= 1
    assert answered.count(Again.FREE) <= JUDGED_RETRIES
    assert len(on_spot) <= SPOT_RETRIES
    # what is billed: all but those that found no room
    billed = [a for a in made if a.again not in (Again.CAPACITY, Again.HOLD)]
    possible = possible_attempts(job, POLICY)
    assert len(billed) <= len(possible) + (made[-1].again in (Again.CAPACITY, Again.HOLD))
    assert max(a.resources.memory_mib or 0 for a in made) <= max(
        size.memory_mib or 0 for size in possible
    )
    assert not any(size.spot for size in possible)


def test_a_ceiling_counts_spot_on_demand(make_spec):
    job = make_spec(resources=ON_SPOT)

    possible = possible_attempts(job, POLICY)

    assert len(possible) == 1 + JUDGED_RETRIES + SPOT_RETRIES + 1  # the last: a larger disk
    assert {size.spot for size in possible} == {False}


def test_a_ceiling_counts_the_larger_disk_where_it_has_a_price(make_spec, make_rate):
    job = make_spec(resources=Resources(disk_gib=50))

    def priced(resources):
        return make_rate(usd_per_h=resources.disk_gib)

    def unpriced(resources):
        return None if resources.disk_gib == 100 else make_rate(usd_per_h=1)

    with_price = [rate.usd_per_h for rate in ceiling_rates(job, POLICY, priced)]
    without = [rate.usd_per_h for rate in ceiling_rates(job, POLICY, unpriced)]
    assert with_price == [50] + [100] * (len(with_price) - 1)
    assert without == [1] * len(with_price)


def test_a_retry_without_a_price_is_not_made_where_there_was_one(make_rate, failed):
    retry = Retry(at=NOW, resources=Resources(disk_gib=40), reason="disk full")
    last = failed(Again.DISK, Resources())

    def rate_of(resources):
        return None if resources.disk_gib else make_rate()

    assert not is_payable(retry, last, None, rate_of)
    assert is_payable(retry, last, None, lambda resources: None)
    assert is_payable(retry, last, 1.0, lambda resources: make_rate())
    assert not is_payable(retry, last, 0.0001, lambda resources: make_rate())


def test_spot_without_a_price_may_be_tried_again(make_rate, failed):
    retry = Retry(at=NOW, resources=ON_SPOT, reason="once more on Spot")

    def rate_of(resources):
        return None if resources.spot else make_rate()

    assert is_payable(retry, failed(Again.SPOT), None, rate_of)


def test_default_policy_is_of_an_engine_that_says_kinds_only():
    assert RetryPolicy().free == 2
    assert not RetryPolicy().grows_disk


def test_spot_is_asked_for_again_once_whatever_was_launched(make_spec, failed):
    made = [failed(Again.SPOT, ON_SPOT, number=n) for n in range(1, 4)]

    assert decide(make_spec(), made) is None


def test_four_larger_sizes_are_the_most_however_small_the_steps(make_spec, failed):
    def a_little_larger(resources, cap_mib):
        return resources.model_copy(update={"memory_mib": resources.memory_mib + 1})

    policy = RetryPolicy(larger=a_little_larger)
    job = make_spec(on_oom={}, resources=Resources(memory_mib=1024))
    made = [
        failed(Again.OOM, Resources(memory_mib=1023 + number), number=number)
        for number in range(1, 6)
    ]

    assert [decide(job, made[:n], policy=policy) is not None for n in range(1, 6)] == [
        True, True, True, True, False
    ]  # fmt: skip
    assert len(possible_attempts(job, policy)) == 5 + policy.free
