"""When a feed of events can be relied on."""

import pytest

from jupyter_flotilla.engines.ecs.trust import GRACE_S, LATELY_S, PROVING_S, Trust

TASK, OTHER = "arn:task/1", "arn:task/2"


@pytest.fixture
def proven():
    """A feed that can be relied on at 0 s."""
    trust = Trust()
    trust.read_to_end(0)
    trust.told(OTHER, 1, 0, is_fresh=True)
    assert trust.holds(0)
    return trust


def read_until(trust, now):
    """Let the queue be empty up to a time."""
    for at in range(0, int(now) + 1, 20):
        trust.read_to_end(at)
    trust.read_to_end(now)


def test_it_holds_once_the_queue_was_read_and_an_event_has_come():
    trust = Trust()
    at_first = trust.holds(0)
    trust.read_to_end(0)
    read = trust.holds(0)
    trust.told(TASK, 1, 1, is_fresh=False)
    old = trust.holds(1)
    trust.told(TASK, 2, 2, is_fresh=True)

    assert (at_first, read, old, trust.holds(2)) == (False, False, False, True)


def test_it_holds_for_a_while_after_the_queue_was_read(proven):
    assert proven.holds(LATELY_S)
    assert not proven.holds(LATELY_S + 1)


def test_a_change_that_is_told_in_time_is_no_reason_to_doubt(proven):
    proven.changed(TASK, 4, 10)
    read_until(proven, 60)
    in_time = proven.doubt_untold(10 + GRACE_S)
    proven.told(TASK, 5, 10 + GRACE_S, is_fresh=True)  # a later one tells of it, too
    read_until(proven, 500)

    assert in_time is None
    assert proven.doubt_untold(500) is None
    assert proven.holds(500)


def test_a_change_that_is_not_told_in_time_is(proven):
    proven.changed(TASK, 4, 10)
    proven.told(TASK, 3, 20, is_fresh=True)
    proven.told(OTHER, 9, 20, is_fresh=True)
    read_until(proven, 80)

    assert proven.doubt_untold(80) == TASK
    assert not proven.holds(80)


def test_further_changes_do_not_put_off_the_doubt(proven):
    for at in range(10, 80, 10):
        proven.changed(TASK, at, at)
    read_until(proven, 80)

    assert proven.doubt_untold(80) == TASK


def test_a_queue_that_was_not_read_meanwhile_gets_its_time_to_tell(proven):
    proven.changed(TASK, 4, 10)
    unread = proven.doubt_untold(300)
    proven.read_to_end(300)
    just_read = proven.doubt_untold(301)
    proven.read_to_end(350)
    proven.read_to_end(361)

    assert (unread, just_read) == (None, None)
    assert proven.doubt_untold(361) == TASK


def test_after_a_doubt_events_must_come_for_long(proven):
    proven.changed(TASK, 4, 0)
    read_until(proven, 61)
    proven.doubt_untold(61)
    answers = []
    for at in (100, 400, 100 + PROVING_S - 1, 100 + PROVING_S):
        proven.told(TASK, 5, at, is_fresh=True)
        proven.read_to_end(at)
        answers.append(proven.holds(at))

    assert answers == [False, False, False, True]


def test_a_second_doubt_begins_that_anew(proven):
    proven.changed(TASK, 4, 0)
    read_until(proven, 61)
    proven.doubt_untold(61)
    proven.told(TASK, 5, 70, is_fresh=True)
    proven.changed(TASK, 6, 80)
    read_until(proven, 145)
    proven.doubt_untold(145)
    proven.told(TASK, 7, 150, is_fresh=True)
    proven.told(TASK, 8, 70 + PROVING_S + 1, is_fresh=True)
    proven.read_to_end(70 + PROVING_S + 1)

    assert not proven.holds(70 + PROVING_S + 1)


def test_what_was_once_proven_again_is_doubted_like_any_other(proven):
    proven.changed(TASK, 4, 0)
    read_until(proven, 61)
    proven.doubt_untold(61)
    proven.told(TASK, 5, 100, is_fresh=True)
    proven.told(TASK, 6, 100 + PROVING_S, is_fresh=True)
    proven.doubt_queue()
    now = 200 + PROVING_S
    proven.read_to_end(now)
    before = proven.holds(now)
    proven.told(TASK, 7, now, is_fresh=True)

    assert (before, proven.holds(now)) == (False, True)


def test_a_queue_that_fails_is_no_way_around_the_proof(proven):
    proven.changed(TASK, 4, 0)
    read_until(proven, 61)
    proven.doubt_untold(61)
    proven.doubt_queue()
    proven.read_to_end(70)
    proven.told(TASK, 5, 70, is_fresh=True)

    assert not proven.holds(70)


def test_after_a_pause_the_queue_must_be_read_first_and_nothing_old_is_expected(proven):
    proven.changed(TASK, 4, 10)

    proven.pause()
    paused = proven.holds(11)
    proven.read_to_end(20)
    read_until(proven, 200)

    assert not paused
    assert proven.doubt_untold(200) is None
    assert proven.holds(200)
