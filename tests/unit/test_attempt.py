"""`model.attempt`: what an attempt learns from what an engine says."""

from datetime import timedelta

import pytest

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.observation import (
    Ending,
    FailureKind,
    Handle,
    Observation,
    Phase,
    Progress,
    Usage,
)

HANDLE = Handle(engine="process", place="ana-laptop", ref="/runs/it's/1", detail={"pid": 7})


def ended(now, **fields):
    given = {"outcome": "succeeded", "ended_at": now, "duration_s": 90.0}
    return Observation(state="ended", ending=Ending(**(given | fields)))


def test_launch_key_is_run_and_number(make_attempt):
    assert make_attempt(number=3).launch_key == "r0123456789ab-3"


def test_attempt_is_open_until_its_end_is_seen(make_attempt, now):
    attempt = make_attempt()

    assert attempt.is_open
    assert not attempt.observed(ended(now), now).is_open


def test_sent_keeps_the_engines_answer(make_attempt, now):
    attempt = make_attempt().sent(now, HANDLE)

    assert (attempt.sent_at, attempt.handle) == (now, HANDLE)


def test_sending_again_without_an_answer_keeps_the_first_handle(make_attempt, now):
    attempt = make_attempt(handle=HANDLE).sent(now, None, "daemon is away")

    assert (attempt.handle, attempt.message) == (HANDLE, "daemon is away")


def test_phase_keeps_the_time_it_was_first_seen(make_attempt, now):
    seen = Observation(state="pending", phase=Phase.PULLING)
    attempt = make_attempt().observed(seen, now)

    again = attempt.observed(seen, now + timedelta(minutes=1))

    assert again.phases == {Phase.PULLING: now}


def test_start_is_the_one_first_seen(make_attempt, now):
    first = Observation(state="running", started_at=now)
    second = Observation(state="running", started_at=now + timedelta(seconds=1))

    attempt = make_attempt().observed(first, now).observed(second, now)

    assert attempt.started_at == now


def test_look_that_says_nothing_forgets_nothing(make_attempt, now):
    known = make_attempt(
        phase=Phase.RUNNING,
        started_at=now,
        usage=Usage(memory_mib=10, peak_memory_mib=20),
        progress=Progress(done=1, total=2, message="é"),
    )

    seen = known.observed(Observation(state="unconfirmed"), now)

    assert seen == known


def test_end_takes_over_the_engines_words(make_attempt, now):
    seen = ended(
        now,
        outcome="failed",
        failure_kind=FailureKind.USER_ERROR,
        exit_code=3,
        message="Cell 2 failed",
        failed_cell=1,
    )

    attempt = make_attempt(phase=Phase.RUNNING).observed(seen, now)

    assert attempt == make_attempt(
        ended_at=now,
        duration_s=90,
        exit_code=3,
        failure_kind=FailureKind.USER_ERROR,
        message="Cell 2 failed",
        failed_cell=1,
    )


def test_end_fixes_the_charge(make_attempt, make_rate, now):
    attempt = make_attempt(rate=make_rate()).observed(ended(now, duration_s=90.2), now)

    assert attempt.charge_usd == pytest.approx(0.0091)


def test_charge_is_unknown_where_the_price_is(make_attempt, now):
    assert make_attempt().observed(ended(now), now).charge_usd is None


def test_attempt_that_never_ran_is_charged_nothing(make_attempt, make_rate, now):
    attempt = make_attempt(rate=make_rate()).observed(ended(now, duration_s=0), now)

    assert attempt.charge_usd == 0


def test_observing_leaves_the_old_attempt_as_it_was(make_attempt, now):
    attempt = make_attempt()

    attempt.observed(Observation(state="pending", phase=Phase.PULLING), now)

    assert attempt == make_attempt()


def test_attempt_survives_json(make_attempt, make_rate, now):
    attempt = make_attempt(handle=HANDLE, rate=make_rate(), phases={Phase.SETTING_UP: now})

    assert Attempt.model_validate_json(attempt.model_dump_json()) == attempt


def test_how_far_an_upload_was_is_no_progress_of_the_job(make_attempt, now):
    uploading = Observation(state="pending", phase=Phase.UPLOADING, progress=Progress(done=1))
    running = Observation(state="running", phase=Phase.RUNNING, started_at=now)

    attempt = make_attempt().observed(uploading, now)

    assert attempt.progress == Progress(done=1)
    assert attempt.observed(running, now).progress is None


def test_charge_is_of_the_seconds_and_the_rate_that_are_really_billed(make_attempt, make_rate, now):
    attempt = make_attempt(rate=make_rate(usd_per_h=3.6))
    spot = make_rate(usd_per_h=0.36, provider="FARGATE_SPOT")

    seen = attempt.observed(ended(now, billed_s=200, rate=spot, duration_s=90), now)

    assert seen.charge_usd == pytest.approx(0.02)
    assert (seen.rate, seen.billed_s, seen.duration_s) == (spot, 200, 90)


def test_charge_is_of_the_duration_where_an_engine_says_no_more(make_attempt, make_rate, now):
    attempt = make_attempt(rate=make_rate()).observed(ended(now, duration_s=100), now)

    assert attempt.charge_usd == pytest.approx(0.01)


def test_what_never_began_to_be_billed_costs_nothing_at_any_price(make_attempt, now):
    attempt = make_attempt(rate=None).observed(ended(now, billed_s=0, duration_s=0), now)

    assert attempt.charge_usd == 0


@pytest.mark.parametrize(
    ("fields", "usd"),
    [
        pytest.param({}, 0.0, id="not yet"),
        pytest.param({"started_at": 300}, 0.03, id="since it started"),
        pytest.param({"started_at": 200, "billed_since": 300}, 0.03, id="since the pull"),
        pytest.param({"billed_since": 300}, 0.03, id="while it is pulled"),
    ],
)
def test_cost_while_it_goes_on_counts_since_it_is_billed(make_attempt, make_rate, now, fields, usd):
    times = {name: now - timedelta(seconds=ago_s) for name, ago_s in fields.items()}
    attempt = make_attempt(**times)

    assert attempt.spent_usd(now, make_rate()) == pytest.approx(usd)


def test_cost_while_it_goes_on_is_at_its_own_rate_and_unknown_without_one(
    make_attempt, make_rate, now
):
    began = now - timedelta(seconds=300)

    assert make_attempt(billed_since=began).spent_usd(now, None) is None
    own = make_attempt(billed_since=began, rate=make_rate(usd_per_h=3.6))
    assert own.spent_usd(now, make_rate()) == pytest.approx(0.3)


def test_cost_of_what_has_ended_is_its_charge(make_attempt, now):
    assert make_attempt(ended_at=now, charge_usd=0.5).spent_usd(now, None) == 0.5


def test_what_it_really_runs_on_and_since_when_is_kept(make_attempt, make_rate, now):
    spot = make_rate(provider="FARGATE_SPOT")
    first = Observation(state="pending", billed_since=now, rate=spot)

    attempt = make_attempt(rate=make_rate()).observed(first, now)
    again = attempt.observed(Observation(state="running"), now)

    assert (again.billed_since, again.rate) == (now, spot)


def test_what_an_engine_says_of_trying_again_is_kept(make_attempt, now):
    attempt = make_attempt().observed(
        ended(now, outcome="failed", failure_kind="image", again="never", next_step="mend it"), now
    )

    assert (attempt.again, attempt.next_step) == ("never", "mend it")
    assert Attempt.model_validate(attempt.model_dump(mode="json")) == attempt


def test_attempts_of_older_versions_load_without_what_was_added(make_attempt):
    added = {"again", "billed_s", "billed_since"}

    loaded = Attempt.model_validate(make_attempt().model_dump(mode="json", exclude=added))

    assert loaded == make_attempt()
