"""Events of tasks from a queue: which are taken, and when they can be relied on."""

import json
import logging
import threading
from datetime import UTC, datetime

import pytest
from watched_ecs import INSTALL, OTHER_INSTALL, Home, new_fake

from jupyter_flotilla.engines.ecs import aws_session, feed, trust
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.feed import Feed
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.testing.fake_ecs import (
    INSTANT,
    FakeEcs,
    Script,
    WallClock,
    endings,
    faults,
)
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings

PREFIX = f"flotilla/{INSTALL}/"
#: What a feed takes to be relied on again after an event did not come, and some.
PROVED_S = trust.PROVING_S + trust.GRACE_S


def home_of(fake, install=INSTALL, **options):
    """Return a home with a queue, and a rule that fills it."""
    rule = fake.add_rule(f"events-{install}", started_by_prefix=f"flotilla/{install}/")
    ours = Home(fake, install, queue=f"events-{install}", **options)
    ours.rule = rule
    return ours


@pytest.fixture
def fake():
    return new_fake()


@pytest.fixture
def ours(fake):
    return home_of(fake)


@pytest.fixture
def said(caplog):
    """What the dispatcher's log says: texts of its warnings."""
    caplog.set_level(logging.INFO, "jupyter_flotilla.dispatch")
    return lambda: [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def running(ours, count=1):
    """Return tasks that have run for a while, and are known."""
    arns = ours.launch(count)
    ours.pass_time(90, arns)
    return arns


def drain(ours):
    """Take turns until nothing is to be had."""
    while any(one.visible_at <= ours.fake.clock.now() for one in ours.queue.messages.values()):
        ours.feed.turn()


def body(detail=None, **envelope):
    """Return the text of an event of a task of ours, with some things changed."""
    task = {
        "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/default/1", "version": 3,
        "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedBy": PREFIX + "r1-1",
    }  # fmt: skip
    event = {"version": "0", "source": "aws.ecs", "detail-type": "ECS Task State Change",
             "time": "2026-11-24T02:00:00Z", "detail": task | (detail or {})}  # fmt: skip
    return json.dumps(event | envelope)


def collecting(ours):
    """Return what a feed of a home's queue tells, and that feed."""
    told = []
    one = Feed(
        ours, ours.queue.url, INSTALL, lambda task: told.append(task) or True,
        clock=ours.fake.clock.now, now=lambda: datetime.fromtimestamp(ours.fake.clock.now(), UTC),
        start=lambda listen: None,
    )  # fmt: skip
    return told, one


# what an event tells


def test_an_event_tells_what_describe_tasks_would(fake, ours):
    told, one = collecting(ours)
    [arn] = ours.launch(script=Script(runs_s=20))
    fake.advance(100)
    while ours.queue.messages:
        one.turn()

    asked = ours.call("ecs", "DescribeTasks", cluster="default", tasks=[arn])["tasks"][0]
    last = max(told, key=lambda task: task["version"])

    assert last.pop("updatedAt") == asked["stoppedAt"]
    assert last == asked
    assert last["createdAt"].tzinfo is not None


def test_a_time_that_is_none_is_left_out(ours):
    told, one = collecting(ours)
    ours.fake.put_message(
        ours.queue.name,
        body({"startedAt": "soon", "stoppedAt": None, "createdAt": "2026-11-24T02:00:00.123456789Z",
              "pullStartedAt": "2026-11-24T02:00:00"}),
    )  # fmt: skip
    one.turn()

    [task] = told
    assert {name for name in task if name.endswith("At")} == {"createdAt", "pullStartedAt"}
    assert task["createdAt"] == datetime(2026, 11, 24, 2, 0, 0, 123456, UTC)
    assert task["pullStartedAt"] == datetime(2026, 11, 24, 2, 0, 0, 0, UTC)


def test_a_change_is_known_by_its_event_without_asking_ecs(fake, ours):
    arns = running(ours)
    ours.pass_time(60, arns)
    before = ours.calls["DescribeTasks"]

    fake.end(arns[0], endings.exited(3))
    fake.advance(15)
    drain(ours)

    seen = ours.look(arns)[arns[0]]
    assert (seen.status, seen.task["containers"][0]["exitCode"]) == ("STOPPED", 3)
    assert ours.calls["DescribeTasks"] == before


def test_events_that_come_twice_late_and_in_any_order_leave_the_newest():
    fake = new_fake(event_delay_s=(0, 40), event_duplicates=0.5)
    ours = home_of(fake)
    arns = ours.launch(20, Script(runs_s=10))
    versions = []
    apply = ours.watch.apply
    ours.watch.apply = lambda task: versions.append(task["version"]) or apply(task)

    ours.pass_time(120, arns)

    assert all(seen.status == "STOPPED" for seen in ours.look(arns).values())
    assert all(seen.task["version"] == 5 for seen in ours.look(arns).values())
    assert len(versions) > 5 * 20
    assert ours.queue.bodies == []


def test_an_event_that_was_not_deleted_comes_again_and_changes_nothing(fake, ours):
    arns = running(ours)
    fake.end(arns[0], endings.exited(0))
    fake.advance(15)
    fake.plan("DeleteMessageBatch", faults.service_error("InternalError", "no"), times=None)
    ours.feed.turn()
    left = len(ours.queue.bodies)
    status = ours.watch.look(arns)[0].status
    fake.clear_plans()
    fake.advance(31)

    drain(ours)

    assert (left, status) == (2, "STOPPED")
    assert ours.watch.look(arns)[0].status == "STOPPED"
    assert ours.queue.bodies == []


def test_an_event_of_a_task_that_nobody_watches_any_more_is_deleted(fake, ours):
    ours.launch(3)
    fake.advance(60)

    drain(ours)

    assert ours.queue.bodies == []
    assert ours.watch.look([]) == []


def test_messages_are_deleted_ten_at_a_time(fake, ours):
    ours.launch(10)
    fake.advance(60)  # three events each

    drain(ours)

    assert ours.calls == {"ReceiveMessage": 3, "DeleteMessageBatch": 3}


# what is not ours

FOREIGN = {
    "another home": body({"startedBy": f"flotilla/{OTHER_INSTALL}/r1-1"}),
    "a home whose name ours begins": body({"startedBy": f"flotilla/{INSTALL}0/r1-1"}),
    "a service": body({"startedBy": "ecs-svc/1234567890"}),
    "started by nobody": body({"startedBy": None}),
    "another event of ECS": body(**{"detail-type": "ECS Service Action"}),
    "another source": body(source="my.app"),
    "no task": body({"taskArn": None}),
    "no status": body({"lastStatus": 7}),
    "no version": body({"version": "newest"}),
    "a version that is none": body({"version": True}),
    "no detail": json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change"}),
    "other JSON": "[1, 2]",
    "a number": "7",
    "no JSON": "Hello, is this the printer?",
    "JSON without an end": "[" * 100_000,
    "HTML": "<html>\x85</html>",
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_of_our_tasks_is_neither_taken_nor_deleted(ours, text, said):
    told, one = collecting(ours)
    ours.fake.put_message(ours.queue.name, text)

    pause_s = one.turn()

    assert told == []
    assert ours.queue.bodies == [text]
    assert ours.calls == {"ReceiveMessage": 1}
    assert pause_s > 0
    [warning] = said()
    assert PREFIX in warning
    assert ours.queue.url in warning


def test_ours_are_taken_from_among_others(ours):
    told, one = collecting(ours)
    wanted = [body({"version": version}) for version in (4, 5, 6)]
    others = list(FOREIGN.values())[:3]
    for text in (others[0], wanted[0], others[1], wanted[1], others[2], wanted[2]):
        ours.fake.put_message(ours.queue.name, text)

    one.turn()

    assert [task["version"] for task in told] == [4, 5, 6]
    assert ours.queue.bodies == others


def test_messages_of_others_are_not_received_without_end(fake, ours):
    for number in range(2000):
        fake.put_message(ours.queue.name, FOREIGN["another home"] + " " * number)

    calls = ours.pass_time(3600, ours.launch())

    assert calls["ReceiveMessage"] <= 70
    assert sum(OTHER_INSTALL in text for text in ours.queue.bodies) == 2000


def test_messages_of_others_are_told_of_once_and_without_their_contents(ours, said):
    for number in range(30):
        ours.fake.put_message(ours.queue.name, f"a secret {number}")
        ours.fake.put_message(ours.queue.name, body({"startedBy": f"x{number}/y/secret"}))

    drain(ours)

    assert len(said()) == feed._MOST_SAID
    assert not any("secret" in text for text in said())


def test_one_message_of_another_is_no_reason_to_doubt_the_rest(fake, ours):
    fake.put_message(ours.queue.name, FOREIGN["another home"])
    arns = running(ours)

    calls = ours.pass_time(600, arns)

    assert ours.feed.is_healthy()
    assert calls["DescribeTasks"] <= 1
    assert calls["ReceiveMessage"] <= 70
    assert len(ours.queue.bodies) == 1


def test_two_homes_on_one_cluster_each_get_their_own(fake):
    ours, theirs = home_of(fake), home_of(fake, OTHER_INSTALL)
    our_arns, their_arns = running(ours, 3), running(theirs, 2)
    ours.pass_time(30, our_arns)
    theirs.pass_time(30, their_arns)
    fake.end(our_arns[0], endings.exited(0))
    fake.end(their_arns[0], endings.exited(1))
    fake.advance(15)
    before = fake.calls["DescribeTasks"]
    drain(ours)
    drain(theirs)

    statuses = [
        [seen.status for seen in home.watch.look(arns)]
        for home, arns in ((ours, our_arns), (theirs, their_arns))
    ]

    assert statuses == [["STOPPED", "RUNNING", "RUNNING"], ["STOPPED", "RUNNING"]]
    assert fake.calls["DescribeTasks"] == before
    assert ours.queue.bodies == theirs.queue.bodies == []


def test_two_homes_with_one_queue_by_mistake_delete_their_own_only(fake):
    ours = home_of(fake)
    fake.add_rule(ours.queue.name, started_by_prefix=f"flotilla/{OTHER_INSTALL}/")
    theirs = Home(fake, OTHER_INSTALL, queue=ours.queue.name)
    ours.launch()
    theirs.launch()
    fake.advance(60)
    everything = len(ours.queue.bodies)

    ours.feed.turn()
    left = [json.loads(text)["detail"]["startedBy"] for text in ours.queue.bodies]
    fake.advance(31)
    theirs.feed.turn()

    assert everything == 6
    assert left == [f"flotilla/{OTHER_INSTALL}/r0-1"] * 3
    assert ours.queue.bodies == []


# when it is relied on


def test_it_is_relied_on_from_the_first_event_on(fake, ours):
    before = ours.feed.is_healthy()
    ours.feed.turn()
    quiet = ours.feed.is_healthy()
    ours.launch()
    ours.feed.turn()

    assert (before, quiet, ours.feed.is_healthy()) == (False, False, True)


def test_an_old_event_proves_nothing(fake, ours):
    ours.launch()
    fake.advance(600)

    drain(ours)

    assert not ours.feed.is_healthy()


def test_a_queue_that_is_not_read_to_its_end_is_not_relied_on(fake, ours):
    arns = running(ours, 5)
    assert ours.feed.is_healthy()
    for _ in range(int(trust.LATELY_S) + 5):
        for _ in range(10):
            fake.put_message(ours.queue.name, fake_event(fake, arns[0]))
        ours.feed.turn()
        fake.advance(1)
    is_behind = not ours.feed.is_healthy()
    ours.feed.turn()

    assert is_behind
    assert ours.feed.is_healthy()


def fake_event(fake, arn):
    return json.dumps(fake.event(arn))


def test_events_that_do_not_come_are_noticed_and_ecs_is_asked_instead(fake, ours, said):
    arns = running(ours, 3)
    assert ours.feed.is_healthy()
    ours.rule.is_enabled = False
    fake.end(arns[0], endings.exited(0))

    ours.pass_time(630 + 60 + 60, arns)
    seen = ours.look(arns)[arns[0]].status
    calls = ours.pass_time(210, arns)

    assert not ours.feed.is_healthy()
    assert seen == "STOPPED"
    assert 9 <= calls["DescribeTasks"] <= 11
    [warning] = said()
    assert arns[0] in warning
    assert ours.queue.url in warning


def test_all_are_asked_for_at_once_when_events_cannot_be_relied_on_any_more(fake, ours):
    arns = running(ours, 3)
    ours.pass_time(30, arns)
    fake.end(arns[0], endings.exited(0))
    fake.advance(15)
    before = ours.calls["DescribeTasks"]
    fake.remove_queue(ours.queue.name)

    ours.feed.turn()
    ours.look(arns)

    assert ours.calls["DescribeTasks"] == before + 1
    assert ours.watch.look(arns)[0].status == "STOPPED"


def test_a_rule_that_never_was_there_is_told_of(fake, said):
    fake.add_queue("events")
    ours = Home(fake, queue="events")
    running(ours)
    ours.pass_time(120, ours.launch())

    assert not ours.feed.is_healthy()
    assert len(said()) == 1


def test_an_event_that_comes_a_little_later_than_the_answer_is_no_surprise():
    fake = new_fake(event_delay_s=(30, 50))
    ours = home_of(fake)
    arns = running(ours)
    assert ours.feed.is_healthy()
    ours.watch.hurry(arns[0])
    fake.end(arns[0], endings.exited(0))

    ours.pass_time(40, arns)
    is_known = ours.watch.look(arns)[0].status
    ours.pass_time(120, [*arns, *ours.launch()])

    assert is_known == "STOPPED"
    assert ours.feed.is_healthy()


def test_it_must_prove_itself_for_long_after_an_event_did_not_come(fake, ours):
    arns = running(ours, 2)
    ours.rule.is_enabled = False
    fake.end(arns[0], endings.exited(0))
    ours.pass_time(800, arns)
    ours.rule.is_enabled = True
    arns += ours.launch()
    ours.pass_time(120, arns)
    early = ours.feed.is_healthy()
    ours.pass_time(trust.PROVING_S, arns)
    without_an_event = ours.feed.is_healthy()
    ours.pass_time(30, arns + ours.launch())

    assert (early, without_an_event, ours.feed.is_healthy()) == (False, False, True)


def test_a_feed_that_loses_events_is_hardly_relied_on():
    fake = new_fake(event_losses=0.4)
    ours = home_of(fake)
    relied, minutes = 0, 0
    arns = []
    for _ in range(25):
        arns = [*arns[-5:], *ours.launch(1, Script(runs_s=90))]
        ours.pass_time(60, arns)
        minutes += 1
        relied += ours.feed.is_healthy()

    assert relied / minutes < 0.3


def test_no_end_is_missed_though_events_are_lost_doubled_late_and_out_of_order():
    fake = new_fake(event_losses=0.2, event_duplicates=0.2, event_delay_s=(0, 30))
    ours = home_of(fake)
    arns = ours.launch(30, Script(runs_s=300))

    ours.pass_time(1200, arns)

    assert all(seen.status == "STOPPED" for seen in ours.look(arns).values())


# what goes wrong with the queue


def test_a_queue_that_is_gone_is_told_of_once_and_used_again_when_it_is_back(fake, ours, said):
    arns = running(ours)
    assert ours.feed.is_healthy()
    fake.remove_queue(ours.queue.name)
    ours.pass_time(60, arns)
    gone = ours.feed.is_healthy()
    calls = ours.pass_time(3600, arns)
    ours.queue = fake.add_queue(ours.queue.name)
    ours.rule.queue = ours.queue
    ours.pass_time(600, arns)
    quiet = ours.feed.is_healthy()
    ours.pass_time(60, arns + ours.launch())

    assert (gone, quiet) == (False, False)
    assert calls["ReceiveMessage"] <= 16
    assert calls["DescribeTasks"] / 60 <= 3
    [warning] = said()
    assert ours.queue.url in warning
    assert "setup-aws" in warning
    assert ours.feed.is_healthy()


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        ("ReceiveMessage", faults.access_denied("sqs:ReceiveMessage")),
        ("ReceiveMessage", faults.expired_token()),
        ("DeleteMessageBatch", faults.access_denied("sqs:DeleteMessage")),
    ],
    ids=["may not receive", "expired", "may not delete"],
)
def test_a_queue_that_may_not_be_read_is_not_relied_on_and_told_of_once(
    fake, ours, said, action, fault
):
    arns = running(ours)
    fake.plan(action, fault, times=None)
    arns += ours.launch()

    ours.pass_time(600, arns)
    states = {ours.feed.is_healthy() for _ in range(3)}

    assert states == {False}
    assert len(said()) == 1
    assert ours.calls["ReceiveMessage"] < 30


def test_a_queue_that_fails_for_a_moment_is_not_worth_a_word(fake, ours, said):
    arns = running(ours)
    fake.plan("ReceiveMessage", faults.server_error(), times=2)

    ours.pass_time(60, arns)

    assert fake.faulted["server-error"] == 2
    assert said() == []
    assert ours.feed.is_healthy()


def test_a_queue_that_is_silent_for_a_minute_is_not_relied_on(fake, ours):
    running(ours)
    assert ours.feed.is_healthy()

    fake.advance(trust.LATELY_S + 30)

    assert not ours.feed.is_healthy()


def test_a_queue_that_answers_at_once_is_not_asked_without_end(ours):
    assert ours.feed.turn() == feed._AT_ONCE_S


# its thread


class Blocking:
    """An AWS whose queue is silent until it is told to answer."""

    def __init__(self):
        self.calls = []
        self.answers = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)

    def call(self, service, action, /, **params):
        self.calls.append((action, params))
        self.asked.release()
        assert self.answers.acquire(timeout=30)
        return {}


def threads():
    return [one for one in threading.enumerate() if one.name == "flotilla-ecs-events"]


def wait_for(is_so):
    for _ in range(3000):
        if is_so():
            return True
        threading.Event().wait(0.01)
    return False


@pytest.fixture
def listening():
    """A feed with a thread of its own, and a clock that moves by hand."""
    aws, time = Blocking(), [1000.0]
    one = Feed(
        aws, "https://sqs/events", INSTALL, lambda task: True,
        clock=lambda: time[0],
    )  # fmt: skip
    yield one, aws, time
    one.close()
    aws.answers.release(1000)
    assert wait_for(lambda: not threads())


def test_nobody_listens_until_somebody_asks(listening):
    one, aws, _ = listening
    before = threads()
    one.is_healthy()
    one.is_healthy()
    assert aws.asked.acquire(timeout=30)

    assert before == []
    assert len(threads()) == 1
    action, params = aws.calls[0]
    assert action == "ReceiveMessage"
    assert (params["WaitTimeSeconds"], params["MaxNumberOfMessages"]) == (20, 10)


def test_it_never_keeps_a_process_alive(listening):
    one, _, _ = listening
    one.is_healthy()

    assert all(thread.daemon for thread in threads())


def test_it_ends_when_nobody_has_asked_for_a_while_and_begins_again(listening):
    one, aws, time = listening
    one.is_healthy()
    assert aws.asked.acquire(timeout=30)
    time[0] += feed._UNASKED_S + 1
    aws.answers.release()
    assert wait_for(lambda: not threads())

    one.is_healthy()

    assert aws.asked.acquire(timeout=30)
    assert len(aws.calls) == 2


def test_it_ends_when_it_is_closed_and_does_not_begin_again(listening):
    one, aws, _ = listening
    one.is_healthy()
    assert aws.asked.acquire(timeout=30)
    one.close()
    aws.answers.release()
    assert wait_for(lambda: not threads())

    assert one.is_healthy() is False
    assert threads() == []


def test_over_the_wire_an_event_is_known_as_soon_as_it_comes(monkeypatch, tmp_path):
    fake = FakeEcs(clock=WallClock(), settings=FakeSettings(long_poll_s=20), script=INSTANT)
    queue = fake.add_queue("events")
    fake.add_rule("events", started_by_prefix=PREFIX)
    told = []
    for name, value in (("ACCESS_KEY_ID", "AKIAEXAMPLE"), ("SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(f"AWS_{name}", value)
    with fake.serve() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        account = Account(Settings(home=tmp_path, region="us-east-1"))
        one = Feed(account, queue.url, INSTALL, lambda task: told.append(task) or True)
        one.is_healthy()
        assert wait_for(lambda: fake.calls["ReceiveMessage"])
        Home(fake).launch(script=INSTANT)

        assert wait_for(lambda: told and not queue.bodies)
        assert wait_for(one.is_healthy)
        one.close()
        fake.put_message("events", body())  # ends the long poll
        assert wait_for(lambda: not threads())

    assert told[-1]["startedBy"].startswith(PREFIX)


def test_a_long_poll_is_not_given_up_by_the_client_before_it_ends():
    session = aws_session.opened(None)
    session.set_credentials("AKIAEXAMPLE", "secret")

    timeouts = {
        name: aws_session.client(session, name, "us-east-1").meta.config.read_timeout
        for name in ("sqs", "ecs")
    }

    assert timeouts["sqs"] > feed._LONG_POLL_S + 5
    assert timeouts["ecs"] <= 20


# how many calls


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_with_events_running_tasks_take_a_call_a_minute(fake, count):
    arns = Home(fake).launch(count - 1)
    fake.advance(60)
    ours = home_of(fake)
    arns += ours.launch()
    ours.pass_time(90, arns)
    minutes = 22  # two sweeps

    calls = ours.pass_time(60 * minutes, arns, step_s=5)

    assert ours.feed.is_healthy()
    assert calls["DescribeTasks"] / minutes <= 1
    assert calls["ReceiveMessage"] / minutes <= 3
    assert set(calls) <= {"DescribeTasks", "ReceiveMessage"}


def test_a_run_that_begins_and_ends_takes_few_calls_with_events(fake, ours):
    old = running(ours, 20)
    before = ours.calls["DescribeTasks"]

    arns = ours.launch(1, Script(runs_s=120))
    ours.pass_time(200, old + arns)

    assert ours.watch.look(arns)[0].status == "STOPPED"
    assert ours.calls["DescribeTasks"] - before <= 5


def test_without_tasks_nothing_is_asked(ours):
    assert ours.pass_time(600, [])["DescribeTasks"] == 0
