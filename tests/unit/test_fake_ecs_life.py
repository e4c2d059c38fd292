"""The life of the fake ECS's tasks, and what reads tell of it."""

import pytest
from botocore.exceptions import ClientError
from fargate_task import STARTED_BY, describe, register, run, run_one

from jupyter_flotilla.testing.fake_ecs import (
    INSTANT,
    LEASE_TAKEN,
    FakeEcs,
    Script,
    Settings,
    StartOracle,
    endings,
)

#: Ten seconds for each part.
TENS = Script(provisioning_s=10, pulling_s=10, starting_s=10, runs_s=10, deprovisioning_s=10)


@pytest.fixture
def fake():
    return FakeEcs(seed=1, script=TENS)


@pytest.fixture
def ecs(fake):
    client = fake.client("ecs")
    register(client)
    return client


def container(task):
    return {name: task["containers"][0].get(name) for name in ("lastStatus", "exitCode", "reason")}


def test_a_task_goes_through_its_states_in_order(fake, ecs):
    arn = run_one(ecs)
    seen = []
    for _ in range(7):
        task = describe(ecs, arn)
        if (task["lastStatus"], task["desiredStatus"]) not in seen:
            seen.append((task["lastStatus"], task["desiredStatus"]))
        fake.advance(10)

    assert seen == [
        ("PROVISIONING", "RUNNING"),
        ("PENDING", "RUNNING"),
        ("RUNNING", "RUNNING"),
        ("DEPROVISIONING", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ]


def test_its_times_are_right_however_far_the_clock_is_moved(fake, ecs):
    arn = run_one(ecs)
    fake.advance(500)

    task = describe(ecs, arn)

    after = {
        name: (task[name] - task["createdAt"]).total_seconds()
        for name in (
            "connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt",
            "executionStoppedAt", "stoppedAt",
        )
    }  # fmt: skip
    assert list(after.values()) == [10, 10, 20, 30, 40, 40, 50]


def test_a_good_end(fake, ecs):
    arn = run_one(ecs)
    fake.advance(60)

    task = describe(ecs, arn)

    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert container(task) == {"lastStatus": "STOPPED", "exitCode": 0, "reason": None}


@pytest.mark.parametrize(
    ("ending", "stop_code", "exit_code", "reason"),
    [
        (endings.exited(3), "EssentialContainerExited", 3, None),
        (
            endings.out_of_memory(),
            "EssentialContainerExited",
            137,
            "OutOfMemoryError: Container killed due to memory usage",
        ),
        (endings.spot_interrupted(), "SpotInterruption", 143, None),
        (endings.host_terminated(), "TerminationNotice", None, None),
        (endings.unhealthy_infrastructure(), "InfrastructureHealth", None, None),
    ],
    ids=["exit", "oom", "spot", "host", "infrastructure"],
)
def test_a_running_task_can_be_ended_in_every_way(fake, ecs, ending, stop_code, exit_code, reason):
    fake.script_next(Script(runs_s=None))
    arn = run_one(ecs)
    fake.advance(60)

    fake.end(arn, ending)
    fake.advance(60)

    task = describe(ecs, arn)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", stop_code)
    assert container(task) == {"lastStatus": "STOPPED", "exitCode": exit_code, "reason": reason}


def test_a_spot_interruption_leaves_time_to_finish(fake, ecs):
    fake.script_next(Script(runs_s=None, stops_in_s=20))
    arn = run_one(ecs)
    fake.advance(60)
    fake.end(arn, endings.spot_interrupted())

    warned = describe(ecs, arn)
    fake.advance(20)
    gone = describe(ecs, arn)

    assert (warned["lastStatus"], warned["desiredStatus"]) == ("RUNNING", "STOPPED")
    assert warned["stoppedReason"] == "Your Spot Task was interrupted."
    assert gone["lastStatus"] == "DEPROVISIONING"


@pytest.mark.parametrize(
    ("stop_timeout", "gone_after_s", "exit_code"),
    [(None, 30, 137), (120, 120, 137), (600, 120, 137)],
    ids=["default", "most", "too much"],
)
def test_what_does_not_leave_is_killed_at_its_stop_timeout(
    fake, ecs, stop_timeout, gone_after_s, exit_code
):
    main = {"name": "main", "image": "x"}
    main |= {} if stop_timeout is None else {"stopTimeout": stop_timeout}
    register(ecs, containerDefinitions=[main])
    fake.script_next(Script(runs_s=None, stops_in_s=1000))
    arn = run_one(ecs)
    fake.advance(60)
    ecs.stop_task(task=arn)

    fake.advance(gone_after_s - 1)
    before = describe(ecs, arn)["lastStatus"]
    fake.advance(1)

    assert before == "RUNNING"
    assert container(describe(ecs, arn))["exitCode"] == exit_code


def test_a_stop_gives_its_reason_and_takes_the_tags(fake, ecs):
    arn = run_one(ecs, tags=[{"key": "owner", "value": "me"}])
    fake.advance(35)
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"]

    answer = ecs.stop_task(task=arn, reason="cancelled by the user")
    fake.advance(60)

    assert answer["task"]["desiredStatus"] == "STOPPED"
    task = describe(ecs, arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "cancelled by the user")
    assert container(task)["exitCode"] == 143
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_a_stop_before_the_start_has_no_exit_code(fake, ecs):
    starts = []
    fake = FakeEcs(script=TENS, on_start=starts.append)
    ecs = fake.client("ecs")
    register(ecs)
    arn = run_one(ecs)
    fake.advance(15)

    ecs.stop_task(task=arn)
    fake.advance(100)

    task = describe(ecs, arn)
    assert task["lastStatus"] == "STOPPED"
    assert container(task)["exitCode"] is None
    assert starts == []


def test_a_second_stop_and_a_late_end_change_nothing(fake, ecs):
    arn = run_one(ecs)
    fake.advance(60)
    before = describe(ecs, arn)

    ecs.stop_task(task=arn)
    fake.end(arn, endings.out_of_memory())
    fake.advance(60)

    assert describe(ecs, arn) == before


def test_an_image_that_cannot_be_pulled(fake, ecs):
    reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"
    fake.script_next(Script(ending=endings.failed_to_start(reason)))
    arn = run_one(ecs)
    fake.advance(60)

    task = describe(ecs, arn)

    assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", reason)
    assert container(task) == {"lastStatus": "STOPPED", "exitCode": None, "reason": reason}
    assert "pullStartedAt" in task
    assert "pullStoppedAt" not in task


def test_what_fails_before_the_pull_has_no_pull(fake, ecs):
    reason = "Timeout waiting for network interface provisioning to complete."
    fake.script_next(Script(ending=endings.failed_to_start(reason, part="provisioning")))
    arn = run_one(ecs)
    fake.advance(60)

    assert "pullStartedAt" not in describe(ecs, arn)


def test_capacity_that_never_comes_shows_no_containers(fake, ecs):
    fake.script_next(endings.WITHOUT_CAPACITY)
    arn = run_one(ecs)
    waiting = describe(ecs, arn)
    fake.advance(1800)

    fake.advance(1)
    given_up = describe(ecs, arn)

    assert (waiting["lastStatus"], waiting["containers"]) == ("PROVISIONING", [])
    assert (given_up["lastStatus"], given_up["containers"]) == ("STOPPED", [])
    assert given_up["stopCode"] == "TaskFailedToStart"


def test_the_version_grows_with_each_change(fake, ecs):
    arn = run_one(ecs)
    versions = []
    for _ in range(6):
        versions.append(describe(ecs, arn)["version"])
        fake.advance(10)

    assert versions == [1, 2, 2, 3, 4, 5]


def test_a_task_is_missing_for_a_while_after_its_launch():
    fake = FakeEcs(settings=Settings(missing_s=30))
    ecs = fake.client("ecs")
    register(ecs)
    arn = run_one(ecs)

    fake.advance(29)
    early = ecs.describe_tasks(tasks=[arn])
    listed = ecs.list_tasks(startedBy=STARTED_BY)["taskArns"]
    with pytest.raises(ClientError, match="The referenced task was not found"):
        ecs.stop_task(task=arn)
    fake.advance(1)

    assert early["tasks"] == listed == []
    assert early["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert describe(ecs, arn)["taskArn"] == arn
    assert ecs.list_tasks(startedBy=STARTED_BY)["taskArns"] == [arn]


def test_a_stopped_task_is_remembered_for_an_hour(fake, ecs):
    arn = run_one(ecs)

    fake.advance(50 + 3599)
    remembered = ecs.describe_tasks(tasks=[arn])
    fake.advance(1)
    forgotten = ecs.describe_tasks(tasks=[arn])

    assert remembered["tasks"][0]["lastStatus"] == "STOPPED"
    assert forgotten["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert ecs.list_tasks(desiredStatus="STOPPED")["taskArns"] == []


def test_lists_are_of_what_should_run_unless_asked_otherwise(fake, ecs):
    done, running = run_one(ecs), run_one(ecs, startedBy="other")
    fake.end(done, endings.exited(0))

    assert ecs.list_tasks()["taskArns"] == [running]
    assert ecs.list_tasks(startedBy=STARTED_BY)["taskArns"] == []
    assert ecs.list_tasks(desiredStatus="STOPPED")["taskArns"] == [done]
    assert ecs.list_tasks(desiredStatus="STOPPED", family="job")["taskArns"] == [done]
    assert ecs.list_tasks(desiredStatus="STOPPED", family="jo")["taskArns"] == []


@pytest.mark.parametrize("other", [{"desiredStatus": "STOPPED"}, {"family": "job"}], ids=str)
def test_started_by_is_the_only_filter(ecs, other):
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="only filter"):
        ecs.list_tasks(startedBy=STARTED_BY, **other)


def test_lists_come_in_pages():
    ecs = FakeEcs(settings=Settings(throttles=False)).client("ecs")
    register(ecs)
    arns = [task["taskArn"] for _ in range(11) for task in run(ecs, count=10)["tasks"]]

    pages = list(ecs.get_paginator("list_tasks").paginate())

    assert [len(page["taskArns"]) for page in pages] == [100, 10]
    assert pages[0]["taskArns"] + pages[1]["taskArns"] == arns


def test_a_hundred_tasks_may_be_described_at_once_and_by_id(ecs):
    arn = run_one(ecs)
    ids = [arn.rsplit("/", 1)[-1]] + [f"{number:032x}" for number in range(99)]

    answer = ecs.describe_tasks(tasks=ids)

    assert (len(answer["tasks"]), len(answer["failures"])) == (1, 99)
    for wrong in ([*ids, arn], [], ["short"]):
        with pytest.raises(ecs.exceptions.InvalidParameterException):
            ecs.describe_tasks(tasks=wrong)


def test_a_task_of_another_cluster_is_refused(fake, ecs):
    fake.add_cluster("other")
    arn = run_one(ecs)

    with pytest.raises(ecs.exceptions.InvalidParameterException, match="Identifier is for cluster"):
        ecs.describe_tasks(cluster="other", tasks=[arn])


def test_tags_are_told_when_asked_for(ecs):
    arn = run_one(ecs, tags=[{"key": "owner", "value": "me"}])
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "ours"}])

    tagged = ecs.describe_tasks(tasks=[arn], include=["TAGS"])["tasks"][0]["tags"]

    assert [tag["key"] for tag in tagged] == ["owner", "team"]
    assert "tags" not in describe(ecs, arn)


def test_tags_of_the_definition_come_along_when_asked(ecs):
    register(ecs, tags=[{"key": "owner", "value": "all"}, {"key": "team", "value": "ours"}])
    tags = [{"key": "owner", "value": "me"}]

    arn = run_one(ecs, tags=tags, propagateTags="TASK_DEFINITION")

    told = ecs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert {tag["key"]: tag["value"] for tag in told} == {"owner": "me", "team": "ours"}


def test_clusters_are_created_and_described_with_their_use(fake, ecs):
    ecs.create_cluster(clusterName="new")
    run_one(ecs)
    fake.advance(35)
    run_one(ecs)

    answer = ecs.describe_clusters(clusters=["default", "new", "nowhere"])

    assert [
        (one["clusterName"], one["runningTasksCount"], one["pendingTasksCount"])
        for one in answer["clusters"]
    ] == [("default", 1, 1), ("new", 0, 0)]
    assert [one["reason"] for one in answer["failures"]] == ["MISSING"]


def test_capacity_providers_are_described(fake, ecs):
    fake.add_cluster("gpu", ec2_providers=("machines",))

    every = ecs.describe_capacity_providers(capacityProviders=["FARGATE", "machines", "none"])

    assert [one["name"] for one in every["capacityProviders"]] == ["FARGATE", "machines"]
    assert [one["reason"] for one in every["failures"]] == ["MISSING"]


def test_a_callback_counts_starts_once_for_each_task():
    oracle = StartOracle()
    fake = FakeEcs(script=TENS, on_start=oracle)
    ecs = fake.client("ecs")
    register(ecs)

    for token in ("r1-1", "r1-1", "r1-2"):
        run_one(ecs, clientToken=token)
    assert oracle.starts == {}
    fake.advance(1000)

    assert oracle.starts == {STARTED_BY: 2}
    assert oracle.repeated == {STARTED_BY: 2}


def test_a_lease_lets_one_of_two_tasks_start_the_code():
    oracle = StartOracle(has_lease=True)
    fake = FakeEcs(script=TENS, on_start=oracle)
    ecs = fake.client("ecs")
    register(ecs)
    first, second = run_one(ecs), run_one(ecs)
    fake.advance(60)

    codes = [container(describe(ecs, arn))["exitCode"] for arn in (first, second)]

    assert codes == [0, LEASE_TAKEN]
    assert oracle.starts == {STARTED_BY: 1}
    assert oracle.tasks == {STARTED_BY: [first, second]}


def test_scripts_can_depend_on_the_request():
    fake = FakeEcs(script=lambda request: TENS if request["startedBy"] == "slow" else INSTANT)
    ecs = fake.client("ecs")
    register(ecs)

    states = [describe(ecs, run_one(ecs, startedBy=mark))["lastStatus"] for mark in ("slow", "x")]

    assert states == ["PROVISIONING", "STOPPED"]
