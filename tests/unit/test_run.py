"""`model.run`: ids, arrows and what an arrow changes."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.errors import InvalidTransition
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.retry import Retry
from jupyter_flotilla.model.run import FINAL_STATUSES, TRANSITIONS, Run, RunStatus, new_run_id

S = RunStatus
ARROWS = [
    (S.QUEUED, S.PENDING),
    (S.QUEUED, S.FAILED),
    (S.QUEUED, S.CANCELLED),
    (S.PENDING, S.QUEUED),
    (S.PENDING, S.RUNNING),
    (S.PENDING, S.FAILED),
    (S.PENDING, S.CANCELLED),
    (S.RUNNING, S.QUEUED),
    (S.RUNNING, S.SUCCEEDED),
    (S.RUNNING, S.FAILED),
    (S.RUNNING, S.CANCELLED),
]
NO_ARROWS = [(old, new) for old in S for new in S if (old, new) not in ARROWS]


def test_arrows_are_these_eleven():
    assert [(old, new) for old in S for new in S if new in TRANSITIONS[old]] == ARROWS


def test_final_statuses_are_these_three():
    assert {S.SUCCEEDED, S.FAILED, S.CANCELLED} == FINAL_STATUSES


@pytest.mark.parametrize(("old", "new"), ARROWS, ids=str)
def test_run_follows_an_arrow(make_run, now, old, new):
    run = make_run(status=old)

    assert run.advance(new, now).status is new


@pytest.mark.parametrize(("old", "new"), NO_ARROWS, ids=str)
def test_run_refuses_where_there_is_no_arrow(make_run, now, old, new):
    run = make_run(status=old)

    with pytest.raises(InvalidTransition, match=f"no arrow from {old} to {new}"):
        run.advance(new, now)


@given(wishes=st.lists(st.sampled_from(S), max_size=12))
def test_final_means_final(make_run, now, wishes):
    run = make_run()
    final = None

    for wish in wishes:
        try:
            run = run.advance(wish, now)
        except InvalidTransition:
            continue
        assert final is None
        final = run.status if run.status.is_final else None

    assert final is None or run.status is final


@given(wishes=st.lists(st.sampled_from(S), max_size=12))
def test_a_run_has_an_end_time_exactly_when_it_is_final(make_run, now, wishes):
    run = make_run()

    for wish in wishes:
        if wish in TRANSITIONS[run.status]:
            run = run.advance(wish, now)

    assert (run.ended_at is not None) == run.status.is_final


@given(wishes=st.lists(st.sampled_from(S), max_size=12))
def test_every_status_but_a_final_one_leads_to_a_final_one(make_run, now, wishes):
    run = make_run()
    for wish in wishes:
        if wish in TRANSITIONS[run.status]:
            run = run.advance(wish, now)

    assert run.status.is_final or TRANSITIONS[run.status] & FINAL_STATUSES


def test_advance_leaves_the_old_run_as_it_was(make_run, now):
    run = make_run()

    run.advance(S.PENDING, now)

    assert run == make_run()


def test_attempts_are_counted_when_a_run_becomes_pending(make_run, now):
    pending = make_run(attempt=2).advance(S.PENDING, now)

    assert pending.attempt == 3
    assert pending.advance(S.RUNNING, now).attempt == 3


def test_a_run_cancelled_in_the_queue_has_never_started(make_run, now):
    run = make_run().advance(S.CANCELLED, now)

    assert (run.started_at, run.ended_at, run.attempt) == (None, now, 0)


def test_start_time_survives_the_end(make_run, now):
    later = now + timedelta(hours=1)

    run = make_run(status=S.PENDING).advance(S.RUNNING, now).advance(S.SUCCEEDED, later)

    assert (run.started_at, run.ended_at) == (now, later)


def test_failure_says_its_kind_and_why(make_run, now):
    run = make_run(status=S.RUNNING).advance(
        S.FAILED, now, failure_kind=FailureKind.OUT_OF_MEMORY, message="<b>16 G</b>\n'é'"
    )

    assert (run.failure_kind, run.message) == (FailureKind.OUT_OF_MEMORY, "<b>16 G</b>\n'é'")


@pytest.fixture
def retry(now):
    """Return a further attempt in a minute, with twice the memory of the job."""
    return Retry(
        at=now + timedelta(minutes=1),
        resources=Resources(cpu=2, memory_mib=2048),
        reason="out-of-memory: 2048 MiB next",
    )


@pytest.fixture
def failing(make_run, now):
    """Return a run whose first attempt runs, and is about to fail."""
    spec = {"resources": Resources(cpu=2, memory_mib=1024)}
    return make_run(spec=spec, status=S.RUNNING, attempt=1, started_at=now)


@pytest.mark.parametrize("status", [S.PENDING, S.RUNNING])
def test_requeued_run_waits_and_says_why(make_run, now, retry, status):
    run = make_run(status=status, attempt=1, started_at=now)

    queued = run.requeue(retry, now + timedelta(seconds=9))

    assert queued == run.model_copy(
        update={
            "status": S.QUEUED,
            "not_before": now + timedelta(minutes=1),
            "next_memory_mib": 2048,
            "next_size": Resources(cpu=2, memory_mib=2048),
            "message": "out-of-memory: 2048 MiB next",
        }
    )


@pytest.mark.parametrize("status", [S.QUEUED, S.SUCCEEDED, S.FAILED, S.CANCELLED])
def test_run_that_has_no_open_attempt_is_not_requeued(make_run, now, retry, status):
    with pytest.raises(InvalidTransition, match=f"no arrow from {status} to QUEUED"):
        make_run(status=status).requeue(retry, now)


def test_job_gets_what_it_asked_for_at_first(failing):
    assert failing.next_resources == Resources(cpu=2, memory_mib=1024)


def test_next_attempt_gets_what_the_retry_says(failing, now, retry):
    assert failing.requeue(retry, now).next_resources == Resources(cpu=2, memory_mib=2048)


def test_next_attempt_may_get_another_kind_of_capacity(failing, now, retry):
    larger = Resources(cpu=4, memory_mib=2048, spot=False, disk_gib=40)
    run = failing.requeue(replace(retry, resources=larger), now)

    assert run.next_resources == larger


def test_memory_that_an_older_dispatcher_has_written_counts(failing, now, retry):
    run = failing.requeue(retry, now).model_copy(update={"next_memory_mib": 4096})

    assert run.next_resources == Resources(cpu=2, memory_mib=4096)


def test_memory_that_was_reached_stays_while_the_run_goes_on(failing, now, retry):
    run = failing.requeue(retry, now).advance(S.PENDING, now).advance(S.RUNNING, now)

    assert run.next_resources == Resources(cpu=2, memory_mib=2048)


def test_next_attempt_waits_for_nothing_more_and_is_counted(failing, now, retry):
    pending = failing.requeue(retry, now).advance(S.PENDING, now + timedelta(minutes=2))

    assert (pending.not_before, pending.message, pending.attempt) == (None, None, 2)


def test_start_time_is_the_first_attempts(failing, now, retry):
    later = now + timedelta(minutes=2)

    again = failing.requeue(retry, now).advance(S.PENDING, later).advance(S.RUNNING, later)

    assert again.started_at == now


def test_requeue_leaves_the_old_run_as_it_was(failing, now, retry):
    before = failing.model_copy()

    failing.requeue(retry, now)

    assert failing == before


def test_run_id_is_r_and_twelve_letters_that_cannot_be_confused():
    ids = [new_run_id() for _ in range(500)]

    assert all(re.fullmatch("r[0-9a-hjkmnp-tv-z]{12}", one) for one in ids)


def test_run_ids_differ():
    assert len({new_run_id() for _ in range(500)}) == 500


def test_run_survives_json(make_run, now):
    run = make_run(
        spec={"params": {"text": "'\"\n漢<b>"}, "env": {"A": ""}}, status=S.FAILED, ended_at=now
    )

    assert Run.model_validate_json(run.model_dump_json()) == run


def test_requeued_run_survives_json(failing, now, retry):
    run = failing.requeue(retry, now).model_copy(update={"retry_of": "rzzzzzzzzzzzz"})

    assert Run.model_validate_json(run.model_dump_json()) == run
