"""What is known of many tasks, and how often ECS is asked for it."""

import pytest
from watched_ecs import ENDLESS, Home, Inline, new_fake

from jupyter_flotilla.testing.fake_ecs import Script, endings, faults

#: A task whose states are long enough to be counted in.
SLOW = Script(provisioning_s=100, pulling_s=100, starting_s=0, runs_s=None, deprovisioning_s=100)


@pytest.fixture
def fake():
    return new_fake()


@pytest.fixture
def ours(fake):
    return Home(fake)


def running(ours, count=1):
    """Return tasks that have run for a minute, and are known."""
    arns = ours.launch(count)
    ours.pass_time(90, arns)
    ours.asked.clear()
    return arns


def test_a_look_tells_what_is_known_and_asks_for_the_rest(ours):
    [arn] = ours.launch()

    first, second = ours.look([arn])[arn], ours.look([arn])[arn]

    assert (first.task, first.status, first.missing_s) == (None, "", None)
    assert (second.status, second.task["taskArn"]) == ("PROVISIONING", arn)


def test_it_is_told_in_the_order_in_which_it_was_asked(ours):
    arns = ours.launch(3)
    ours.look(arns)

    seen = ours.watch.look(arns[::-1])

    assert [one.task["taskArn"] for one in seen] == arns[::-1]


@pytest.mark.parametrize(
    ("count", "batches"),
    [(1, [1]), (100, [100]), (101, [100, 100]), (250, [100, 100, 100])],
)
def test_a_hundred_are_asked_for_at_a_time_and_the_last_call_is_filled_up(ours, count, batches):
    arns = ours.launch(count)

    ours.look(arns)

    assert ours.asked == batches
    assert all(seen.task for seen in ours.look(arns).values())


def test_a_call_for_one_that_is_due_tells_of_others_too(ours):
    old = running(ours, 30)
    new = ours.launch()

    ours.look(old + new)

    assert ours.asked == [31]


@pytest.mark.parametrize(
    ("script", "until_s", "at_most_s"),
    [(SLOW, 0, 2), (SLOW, 40, 5), (SLOW, 140, 5), (ENDLESS, 90, 21)],
    ids=["new", "waits", "pulls", "runs"],
)
def test_how_often_it_is_asked_depends_on_where_it_is(ours, script, until_s, at_most_s):
    arns = ours.launch(script=script)
    ours.pass_time(until_s, arns)
    passed_s = 28 if until_s == 0 else 210 if at_most_s == 21 else 50

    calls = ours.pass_time(passed_s, arns)

    # the first is due at once; a look a second can be a second late
    fewest, most = passed_s // (at_most_s + 1), passed_s // at_most_s + 1
    assert fewest <= calls["DescribeTasks"] <= most


def test_a_task_that_is_to_stop_is_asked_for_often(ours):
    arns = ours.launch(script=SLOW)
    ours.pass_time(300, arns)
    ours.fake.end(arns[0], endings.exited(0))
    ours.pass_time(25, arns)

    calls = ours.pass_time(20, arns)

    assert ours.look(arns)[arns[0]].status == "DEPROVISIONING"
    assert 8 <= calls["DescribeTasks"] <= 11


def test_a_task_that_is_expected_to_change_is_asked_for_at_once_and_often(ours):
    [arn] = running(ours)
    ours.pass_time(1, [arn])
    ours.asked.clear()

    ours.watch.hurry(arn)
    ours.look([arn])
    at_once = len(ours.asked)
    calls = ours.pass_time(20, [arn])

    assert at_once == 1
    assert 8 <= calls["DescribeTasks"] <= 11


def test_a_stopped_task_is_never_asked_for_again(ours):
    arns = running(ours, 2)
    ours.fake.end(arns[0], endings.exited(0))
    ours.pass_time(60, arns)
    ours.asked.clear()
    ours.watch.hurry(arns[0])

    ours.pass_time(60, arns)

    assert ours.look(arns)[arns[0]].status == "STOPPED"
    assert set(ours.asked) == {1}


def test_nothing_is_asked_where_all_have_stopped_or_none_is(ours):
    arns = running(ours)
    ours.fake.end(arns[0], endings.exited(0))
    ours.pass_time(60, arns)

    assert ours.pass_time(60, arns)["DescribeTasks"] == 0
    assert ours.pass_time(60, [])["DescribeTasks"] == 0


def test_where_all_have_stopped_nobody_is_sent_to_ask(fake):
    given = []

    class Counting(Inline):
        def submit(self, do):
            given.append(do)
            return super().submit(do)

    ours = Home(fake, executor=Counting())
    arns = running(ours)
    fake.end(arns[0], endings.exited(0))
    ours.pass_time(60, arns)
    given.clear()

    ours.pass_time(60, arns)

    assert given == []


def test_what_is_not_asked_for_any_more_is_forgotten(ours):
    arns = running(ours, 2)

    ours.look(arns[:1])
    again = ours.look(arns)

    assert again[arns[0]].task is not None
    assert again[arns[1]].task is None


def test_a_task_that_ran_before_this_process_is_not_taken_for_a_new_one(fake, ours):
    arns = running(ours)
    later = Home(fake)

    calls = later.pass_time(30, arns)

    assert calls["DescribeTasks"] <= 2


def test_a_new_task_that_ecs_does_not_know_yet_is_missing_until_it_does():
    ours = Home(new_fake(missing_s=40))
    [arn] = ours.launch()
    ours.pass_time(10, [arn])

    seen = ours.look([arn])[arn]
    calls = ours.pass_time(20, [arn])
    ours.pass_time(20, [arn])
    later = ours.look([arn])[arn]

    assert seen.task is None
    assert 8 <= seen.missing_s <= 10
    assert 8 <= calls["DescribeTasks"] <= 11
    assert (later.missing_s, later.task["taskArn"]) == (None, arn)


def test_a_task_that_stays_missing_is_asked_for_less_often(ours):
    ours.launch()
    nobody = ["arn:aws:ecs:us-east-1:123456789012:task/default/" + "0" * 32]
    ours.pass_time(60, nobody)

    calls = ours.pass_time(50, nobody)

    assert 100 <= ours.look(nobody)[nobody[0]].missing_s <= 110
    assert 8 <= calls["DescribeTasks"] <= 11


def test_what_was_known_of_a_missing_task_is_kept(ours):
    arns = running(ours)
    ours.fake.end(arns[0], endings.exited(0))
    ours.fake.advance(3700)  # ECS has forgotten it

    ours.pass_time(30, arns)
    seen = ours.look(arns)[arns[0]]

    assert seen.status == "RUNNING"
    assert seen.missing_s is not None


def test_after_an_error_the_pauses_grow_and_what_is_known_stays(ours):
    arns = running(ours)
    ours.fake.plan("DescribeTasks", faults.service_error("ClientException", "no"), times=None)

    calls = ours.pass_time(21 + 2 + 4 + 8 + 16 + 32, arns)
    later = ours.pass_time(600, arns)

    assert ours.watch.error.aws_code == "ClientException"
    assert ours.look(arns)[arns[0]].status == "RUNNING"
    assert 5 <= calls["DescribeTasks"] <= 7
    assert 9 <= later["DescribeTasks"] <= 11


def test_after_an_error_all_is_as_before_once_ecs_answers(ours):
    arns = running(ours)
    ours.fake.plan("DescribeTasks", faults.server_error(), times=3)
    ours.pass_time(60, arns)

    error = ours.watch.error
    calls = ours.pass_time(210, arns)

    assert error is None
    assert 9 <= calls["DescribeTasks"] <= 11


def test_throttles_of_aws_are_waited_for():
    ours = Home(new_fake())
    arns = running(ours, 3)
    ours.fake.plan("DescribeTasks", faults.throttle(), times=2)

    ours.pass_time(60, arns)

    assert ours.watch.error is None
    assert ours.fake.throttled["DescribeTasks"] == 2


def test_only_one_asks_at_a_time(fake):
    given = []

    class Later:
        def submit(self, do):
            given.append(do)

    ours = Home(fake, executor=Later())
    arns = ours.launch(5)
    for _ in range(10):
        ours.look(arns)
        fake.advance(30)
    waiting = len(given)
    given.pop()()
    ours.look(arns)

    assert waiting == 1
    assert len(given) == 0  # just asked
    fake.advance(30)
    ours.look(arns)
    assert len(given) == 1


def test_an_error_of_ours_does_not_end_asking(fake):
    class Swallowing:
        def submit(self, do):
            with pytest.raises(ZeroDivisionError):
                do()

    ours = Home(fake, executor=Swallowing())
    arns = ours.launch()
    ours.call = lambda *_args, **_params: 1 / 0
    ours.look(arns)
    asked = []
    ours.call = lambda *_args, **params: asked.append(params["tasks"]) or 1 / 0
    ours.look(arns)

    assert asked == [arns]


# what events tell


def event(arn, version, status="RUNNING", desired="RUNNING"):
    return {"taskArn": arn, "version": version, "lastStatus": status, "desiredStatus": desired}


def test_the_newest_event_counts_whatever_their_order(ours):
    [arn] = running(ours)

    taken = [ours.watch.apply(event(arn, version, f"V{version}")) for version in (7, 9, 8, 9)]

    assert taken == [True, True, False, False]
    assert ours.look([arn])[arn].status == "V9"


def test_an_answer_that_is_older_than_an_event_is_not_taken(ours):
    [arn] = running(ours)
    ours.watch.apply(event(arn, 99, "STOPPED", "STOPPED"))

    ours.watch.hurry(arn)
    ours.pass_time(60, [arn])

    assert ours.look([arn])[arn].status == "STOPPED"
    assert ours.asked == []


def test_an_answer_that_is_on_its_way_when_an_event_comes_is_not_taken(fake):
    given = []

    class Later:
        def submit(self, do):
            given.append(do)

    ours = Home(fake, executor=Later())
    [arn] = ours.launch()
    ours.look([arn])
    ask, ours.call = ours.call, lambda *args, **params: (
        ours.watch.apply(event(arn, 5, "DEPROVISIONING", "STOPPED")),
        ask(*args, **params),
    )[1]  # fmt: skip
    given.pop()()

    assert ours.look([arn])[arn].status == "DEPROVISIONING"


def test_an_event_of_a_task_that_nobody_watches_is_not_taken(ours):
    assert ours.watch.apply(event("arn:somebody", 1)) is False
    assert ours.watch.apply({}) is False


def test_an_event_tells_of_a_task_that_ecs_does_not_know_yet():
    ours = Home(new_fake(missing_s=100))
    [arn] = ours.launch()
    ours.pass_time(10, [arn])

    ours.watch.apply(event(arn, 2, "PENDING"))
    seen = ours.look([arn])[arn]

    assert (seen.status, seen.missing_s) == ("PENDING", None)


# how many calls


@pytest.mark.parametrize(
    ("count", "most_per_minute", "minutes"), [(1, 3, 20), (100, 3, 10), (1000, 30, 3)]
)
def test_how_many_calls_a_minute_running_tasks_take(fake, count, most_per_minute, minutes):
    arns = Home(fake).launch(count)
    fake.advance(60)
    ours = Home(fake)
    ours.pass_time(25, arns)

    calls = ours.pass_time(60 * minutes, arns)

    assert calls["DescribeTasks"] / minutes <= most_per_minute
    assert all(seen.status == "RUNNING" for seen in ours.look(arns).values())
    assert fake.throttled["DescribeTasks"] == 0
    assert set(calls) == {"DescribeTasks"}


def test_launches_cost_no_more_calls_than_the_youngest_alone(ours):
    arns = running(ours, 50)
    alone = ours.launch()

    calls = ours.pass_time(30, arns + alone)

    assert calls["DescribeTasks"] <= 16
