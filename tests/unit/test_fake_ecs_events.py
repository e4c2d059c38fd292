"""Events of the fake ECS, and the queue that they go into."""

import json

import pytest
from botocore.exceptions import ClientError
from fargate_task import STARTED_BY, describe, register, run_one

from jupyter_flotilla.testing.fake_ecs import FakeEcs, Script, Settings, endings

TENS = Script(provisioning_s=10, pulling_s=10, starting_s=10, runs_s=10, deprovisioning_s=10)
PREFIX = "flotilla/abcd1234/"


def new(**settings):
    fake = FakeEcs(seed=1, script=TENS, settings=Settings(**settings))
    fake.add_rule("events", started_by_prefix=PREFIX)
    register(fake.client("ecs"))
    return fake


@pytest.fixture
def fake():
    return new()


@pytest.fixture
def ecs(fake):
    return fake.client("ecs")


@pytest.fixture
def sqs(fake):
    return fake.client("sqs")


@pytest.fixture
def url(sqs):
    return sqs.get_queue_url(QueueName="events")["QueueUrl"]


def drained(sqs, url):
    """Return all events that are in a queue, and delete them."""
    events = []
    while True:
        messages = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20
        ).get("Messages", [])
        if not messages:
            return events
        events += [json.loads(message["Body"]) for message in messages]
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        assert sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Failed"] == []


def test_each_change_of_a_task_has_an_event_with_its_version(fake, ecs, sqs, url):
    run_one(ecs)
    fake.advance(100)

    details = [event["detail"] for event in drained(sqs, url)]

    assert [(one["lastStatus"], one["version"]) for one in details] == [
        ("PROVISIONING", 1), ("PENDING", 2), ("RUNNING", 3), ("DEPROVISIONING", 4), ("STOPPED", 5),
    ]  # fmt: skip


def test_an_event_says_what_describe_tasks_says_with_times_as_text(fake, ecs, sqs, url):
    arn = run_one(ecs, tags=[{"key": "owner", "value": "me"}])
    fake.advance(100)

    last = drained(sqs, url)[-1]
    task = describe(ecs, arn)

    assert (last["source"], last["detail-type"]) == ("aws.ecs", "ECS Task State Change")
    assert last["resources"] == [arn]
    assert last["detail"]["createdAt"] == "2026-11-24T02:00:00.000Z"
    assert last["detail"]["stoppedAt"] == "2026-11-24T02:00:50.000Z"
    assert last["detail"]["startedBy"] == STARTED_BY
    assert last["detail"]["containers"][0]["exitCode"] == 0
    assert "tags" not in last["detail"]
    same = ("taskArn", "version", "stopCode", "stoppedReason", "cpu", "memory", "overrides")
    assert {name: last["detail"][name] for name in same} == {name: task[name] for name in same}


def test_a_spot_notice_is_an_event_before_the_end(fake, ecs, sqs, url):
    arn = run_one(ecs)
    fake.advance(35)
    drained(sqs, url)
    fake.end(arn, endings.spot_interrupted())

    [notice] = drained(sqs, url)

    assert notice["detail"]["lastStatus"] == "RUNNING"
    assert notice["detail"]["stopCode"] == "SpotInterruption"


@pytest.mark.parametrize(
    ("mark", "is_told"),
    [(STARTED_BY, True), ("flotilla/ffff0000/r1-1", False), (None, False)],
    ids=["ours", "another install", "nobody"],
)
def test_a_rule_takes_what_its_prefix_says(fake, ecs, sqs, url, mark, is_told):
    run_one(ecs, startedBy=mark)
    fake.advance(100)

    assert bool(drained(sqs, url)) is is_told


def test_a_rule_may_be_of_one_cluster(fake, ecs, sqs):
    fake.add_cluster("other")
    fake.add_rule("others", cluster="other")
    url = sqs.get_queue_url(QueueName="others")["QueueUrl"]

    run_one(ecs)
    arn = run_one(ecs, cluster="other")

    assert [event["resources"] for event in drained(sqs, url)] == [[arn]]


def test_a_rule_that_is_disabled_sends_nothing(fake, ecs, sqs, url):
    rule = fake.add_rule("more")
    rule.is_enabled = False

    run_one(ecs)

    assert fake.add_queue("more").bodies == []


def test_events_may_come_twice(ecs):
    fake = new(event_duplicates=1.0)
    run_one(fake.client("ecs"))

    first, second = fake.add_queue("events").bodies

    assert first == second


def test_events_may_be_lost():
    fake = new(event_losses=1.0)
    run_one(fake.client("ecs"))

    assert fake.add_queue("events").bodies == []


def test_events_may_come_late_and_in_another_order():
    fake = new(event_delay_s=(1, 60))
    run_one(fake.client("ecs"))
    assert fake.add_queue("events").bodies == []

    fake.advance(200)

    versions = [json.loads(body)["detail"]["version"] for body in fake.add_queue("events").bodies]
    assert sorted(versions) == [1, 2, 3, 4, 5]
    assert versions != sorted(versions)


def test_what_is_received_and_not_deleted_comes_back(fake, ecs, sqs, url):
    run_one(ecs)
    [first] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]

    fake.advance(9)
    hidden = sqs.receive_message(QueueUrl=url, VisibilityTimeout=30)
    fake.advance(22)
    again = sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MaxNumberOfMessages=10)

    assert "Messages" not in hidden
    assert again["Messages"][0]["Body"] == first["Body"]
    assert again["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_what_is_deleted_does_not(fake, ecs, sqs, url):
    run_one(ecs)
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    for _ in range(2):  # a second time is as good
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    fake.advance(5)

    fake.advance(60)
    bodies = [event["detail"]["version"] for event in drained(sqs, url)]

    assert 1 not in bodies


def test_numbers_of_messages_are_told(fake, ecs, sqs, url):
    run_one(ecs)
    run_one(ecs)
    sqs.receive_message(QueueUrl=url)

    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert told["ApproximateNumberOfMessages"] == "1"
    assert told["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert told["QueueArn"].endswith(":events")


def test_a_message_that_is_received_too_often_goes_to_the_dead_letters(fake, sqs, url):
    queue, dead = fake.add_queue("events"), fake.add_queue("dead")
    queue.max_receives, queue.dead_letters = 2, dead
    sqs.send_message(QueueUrl=url, MessageBody="poison")

    for _ in range(3):
        sqs.receive_message(QueueUrl=url)
        fake.advance(31)

    assert (queue.bodies, dead.bodies) == ([], ["poison"])


def test_anything_can_be_in_a_queue(fake, sqs, url):
    fake.put_message("events", "no JSON at all")

    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "no JSON at all"


def test_a_queue_that_is_gone_says_so(fake, sqs, url):
    fake.remove_queue("events")

    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.receive_message(QueueUrl=url)

    assert caught.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_no_more_than_ten_messages_are_received_or_deleted_at_once(sqs, url):
    with pytest.raises(ClientError):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)
    entries = [{"Id": str(number), "ReceiptHandle": f"{number}/1"} for number in range(11)]
    with pytest.raises(sqs.exceptions.TooManyEntriesInBatchRequest):
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def test_a_batch_tells_which_handles_are_none(sqs, url):
    answer = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": "a", "ReceiptHandle": "x/1"}, {"Id": "b", "ReceiptHandle": "y"}],
    )

    assert [one["Id"] for one in answer["Successful"]] == ["a"]
    assert [one["Id"] for one in answer["Failed"]] == ["b"]
