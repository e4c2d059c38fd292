"""RunTask of the fake ECS, against what ECS documents."""

import json

import pytest
from botocore.exceptions import ClientError
from fargate_task import STARTED_BY, describe, register, run, run_one

from jupyter_flotilla.testing.fake_ecs import FakeEcs, Script, Settings, endings, faults

HOUR_S = 3600
QUICK = Script(provisioning_s=0, pulling_s=0, starting_s=0, runs_s=10, deprovisioning_s=0)


@pytest.fixture
def fake():
    return FakeEcs(seed=1, script=QUICK)


@pytest.fixture
def ecs(fake):
    client = fake.client("ecs")
    register(client)
    return client


def refused(call, *args, **kwargs):
    """Return code and message of the error that a call must raise."""
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_replay_returns_the_same_task_and_starts_none(fake, ecs):
    first = run_one(ecs, clientToken="r1-1")

    again = run_one(ecs, clientToken="r1-1")

    assert again == first
    assert fake.launched == {STARTED_BY: 1}


def test_a_replay_counts_as_a_call(fake, ecs):
    for _ in range(3):
        run_one(ecs, clientToken="r1-1")

    assert fake.calls["RunTask"] == fake.accepted["RunTask"] == 3


def test_a_replay_while_it_runs_tells_all_of_the_task(fake, ecs):
    run_one(ecs, clientToken="r1-1")
    fake.advance(1)

    [task] = run(ecs, clientToken="r1-1")["tasks"]

    assert task["lastStatus"] == "RUNNING"
    assert task["startedBy"] == STARTED_BY


def test_a_replay_after_the_end_has_arn_and_two_words_only(fake, ecs):
    arn = run_one(ecs, clientToken="r1-1")
    fake.advance(60)

    [task] = run(ecs, clientToken="r1-1")["tasks"]

    assert task == {"taskArn": arn, "lastStatus": "STOPPED", "desiredStatus": "STOPPED"}


def test_a_token_with_other_parameters_is_a_conflict_that_names_the_tasks(ecs):
    arn = run_one(ecs, clientToken="r1-1")

    with pytest.raises(ecs.exceptions.ConflictException) as caught:
        run(ecs, clientToken="r1-1", startedBy="other")

    assert caught.value.response["resourceIds"] == [arn]


def test_a_cluster_by_name_and_by_arn_are_the_same_request(fake, ecs):
    first = run_one(ecs, clientToken="r1-1")

    assert run_one(ecs, clientToken="r1-1", cluster=fake.task(first).cluster_arn) == first


def test_a_token_is_of_one_cluster(fake, ecs):
    fake.add_cluster("other")
    first = run_one(ecs, clientToken="r1-1")

    assert run_one(ecs, clientToken="r1-1", cluster="other") != first


def test_tokens_are_case_sensitive(ecs):
    assert run_one(ecs, clientToken="a") != run_one(ecs, clientToken="A")


@pytest.mark.parametrize(
    ("waits_s", "is_same"), [(10 + HOUR_S - 1, True), (10 + HOUR_S, False)], ids=["within", "after"]
)
def test_a_token_outlives_a_short_task_by_an_hour(fake, ecs, waits_s, is_same):
    first = run_one(ecs, clientToken="r1-1")
    fake.advance(waits_s)

    assert (run_one(ecs, clientToken="r1-1") == first) is is_same


@pytest.mark.parametrize(
    ("waits_s", "is_same"), [(24 * HOUR_S - 1, True), (24 * HOUR_S, False)], ids=["within", "after"]
)
def test_a_token_of_a_long_task_lives_a_day(fake, ecs, waits_s, is_same):
    fake.script_next(Script(runs_s=None))
    first = run_one(ecs, clientToken="r1-1")
    fake.advance(waits_s)

    assert (run_one(ecs, clientToken="r1-1") == first) is is_same


def test_the_last_of_several_tasks_decides_how_long_a_token_lives(fake, ecs):
    fake.script_next(QUICK, Script(runs_s=None))
    first = run(ecs, clientToken="r1-1", count=2)
    fake.advance(5 * HOUR_S)

    again = run(ecs, clientToken="r1-1", count=2)

    assert [task["taskArn"] for task in again["tasks"]] == [
        task["taskArn"] for task in first["tasks"]
    ]


def test_of_several_ended_tasks_the_last_end_counts(fake, ecs):
    fake.script_next(QUICK, Script(runs_s=HOUR_S))
    first = run(ecs, clientToken="r1-1", count=2)
    fake.advance(HOUR_S + 1800)

    again = run(ecs, clientToken="r1-1", count=2)

    assert [one["taskArn"] for one in again["tasks"]] == [one["taskArn"] for one in first["tasks"]]


def test_a_refused_launch_is_replayed_as_refused(fake, ecs):
    fake.plan("RunTask", faults.refusal("RESOURCE:MEMORY"))
    first = run(ecs, clientToken="r1-1")

    again = run(ecs, clientToken="r1-1")

    assert first["failures"] == again["failures"] == [{"reason": "RESOURCE:MEMORY"}]
    assert first["tasks"] == again["tasks"] == []
    assert run(ecs, clientToken="r1-2")["failures"] == []


def test_a_refused_launch_is_forgotten_after_an_hour(fake, ecs):
    fake.plan("RunTask", faults.refusal())
    run(ecs, clientToken="r1-1")
    fake.advance(HOUR_S)

    assert len(run(ecs, clientToken="r1-1")["tasks"]) == 1


def test_an_error_does_not_use_up_a_token(fake, ecs):
    fake.plan("RunTask", faults.server_error())
    refused(run, ecs, clientToken="r1-1")

    assert run_one(ecs, clientToken="r1-1")


def test_without_a_token_botocore_makes_one_and_each_call_is_new(ecs):
    assert run_one(ecs) != run_one(ecs)


@pytest.mark.parametrize("token", ["x" * 65, "with space", "é"])
def test_a_token_that_is_none_is_refused(ecs, token):
    assert refused(run, ecs, clientToken=token)[0] == "InvalidParameterException"


def padded(characters):
    """Return overrides of exactly so many characters as compact JSON."""
    overrides = {"containerOverrides": [{"name": "main", "command": [""]}]}
    room = characters - len(json.dumps(overrides, separators=(",", ":")))
    overrides["containerOverrides"][0]["command"] = ["x" * room]
    return overrides


def test_overrides_may_have_8192_characters(ecs):
    assert run_one(ecs, overrides=padded(8192))


def test_overrides_of_more_characters_are_refused(ecs):
    assert refused(run, ecs, overrides=padded(8193)) == (
        "InvalidParameterException",
        "Container Overrides length must be at most 8192",
    )


def test_overrides_name_a_container_of_the_definition(ecs):
    overrides = {"containerOverrides": [{"name": "other"}]}

    assert refused(run, ecs, overrides=overrides) == (
        "InvalidParameterException",
        "Override for container named other is not a container in the TaskDefinition.",
    )


def test_ten_tasks_may_be_started_at_once(ecs):
    assert len({task["taskArn"] for task in run(ecs, count=10)["tasks"]}) == 10


@pytest.mark.parametrize("count", [0, 11])
def test_no_other_number_of_tasks_may(ecs, count):
    assert refused(run, ecs, count=count)[0] == "InvalidParameterException"


@pytest.mark.parametrize("mark", ["a:b", "a b", "x" * 129])
def test_started_by_has_few_letters(ecs, mark):
    assert refused(run, ecs, startedBy=mark)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [("256", "512"), ("1024", "8192"), ("8192", "20480"), ("16384", "122880"), ("32768", "249856")],
)
def test_sizes_that_fargate_has_are_taken(ecs, cpu, memory):
    arn = run_one(ecs, overrides={"cpu": cpu, "memory": memory})

    assert [describe(ecs, arn)[name] for name in ("cpu", "memory")] == [cpu, memory]


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [("256", "4096"), ("1024", "1024"), ("8192", "17408"), ("32768", "131072"), ("300", "512")],
)
def test_other_sizes_are_not(ecs, cpu, memory):
    code, message = refused(run, ecs, overrides={"cpu": cpu, "memory": memory})

    assert code == "InvalidParameterException"
    assert f"No Fargate configuration exists for given values: {cpu} CPU, {memory}" in message


@pytest.mark.parametrize(("gib", "is_taken"), [(20, False), (21, True), (200, True), (201, False)])
def test_disks_have_21_to_200_gib(ecs, gib, is_taken):
    overrides = {"ephemeralStorage": {"sizeInGiB": gib}}
    if is_taken:
        assert describe(ecs, run_one(ecs, overrides=overrides))["ephemeralStorage"] == {
            "sizeInGiB": gib
        }
    else:
        assert refused(run, ecs, overrides=overrides)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"cluster": "nowhere"}, "ClusterNotFoundException", "Cluster not found."),
        (
            {"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/default"},
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
        ({"taskDefinition": "nothing"}, "ClientException", "TaskDefinition not found."),
        ({"taskDefinition": "job:7"}, "ClientException", "TaskDefinition not found."),
        (
            {"networkConfiguration": None},
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "mine"}]},
            "InvalidParameterException",
            "The specified capacity provider strategy cannot contain a capacity provider that is "
            "not associated with the cluster.",
        ),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            "InvalidParameterException",
            "Specifying both a launch type and capacity provider strategy is not supported. "
            "Remove one and try again.",
        ),
    ],
    ids=["cluster", "region", "family", "revision", "network", "provider", "both"],
)
def test_a_wrong_request_is_refused_in_ecs_own_words(ecs, fields, code, message):
    assert refused(run, ecs, **fields) == (code, message)


def test_a_strategy_says_what_capacity_it_is(ecs):
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]

    task = describe(ecs, run_one(ecs, launchType=None, capacityProviderStrategy=strategy))

    assert (task["capacityProviderName"], task["launchType"]) == ("FARGATE_SPOT", "FARGATE")


def test_an_ec2_provider_runs_on_ec2(fake, ecs):
    fake.add_cluster("gpu", ec2_providers=("machines",))
    register(ecs, family="big", requiresCompatibilities=["EC2"], networkMode="bridge")

    [task] = run(
        ecs, cluster="gpu", taskDefinition="big", launchType=None, networkConfiguration=None,
        capacityProviderStrategy=[{"capacityProvider": "machines"}],
    )["tasks"]  # fmt: skip

    assert (task["capacityProviderName"], task["launchType"]) == ("machines", "EC2")


def test_a_launch_over_the_vcpu_quota_is_refused_where_that_is_set():
    fake = FakeEcs(settings=Settings(on_demand_vcpu=1, enforces_vcpu=True))
    ecs = fake.client("ecs")
    register(ecs, cpu="1024", memory="2048")
    arn = run_one(ecs)

    [failure] = run(ecs)["failures"]
    fake.end(arn, endings.exited(0))
    fake.advance(60)

    assert "limit on the number of vCPUs" in failure["reason"]
    assert run_one(ecs)


def test_a_family_has_revisions(ecs):
    arn = register(ecs, memory="1024")

    assert arn.endswith("task-definition/job:2")
    assert describe(ecs, run_one(ecs))["taskDefinitionArn"] == arn
    assert ecs.list_task_definitions(familyPrefix="job")["taskDefinitionArns"] == [
        arn.removesuffix("2") + "1",
        arn,
    ]


def test_an_inactive_definition_is_shown_and_not_run(ecs):
    ecs.deregister_task_definition(taskDefinition="job:1")

    shown = ecs.describe_task_definition(taskDefinition="job:1")["taskDefinition"]
    assert shown["status"] == "INACTIVE"
    assert refused(run, ecs, taskDefinition="job:1") == (
        "InvalidParameterException",
        "TaskDefinition is inactive",
    )
    assert refused(ecs.describe_task_definition, taskDefinition="job") == (
        "ClientException",
        "Unable to describe task definition.",
    )
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_an_inactive_definition_may_run_for_a_while_after():
    fake = FakeEcs(settings=Settings(inactive_grace_s=600))
    ecs = fake.client("ecs")
    register(ecs)
    ecs.deregister_task_definition(taskDefinition="job:1")

    assert run_one(ecs, taskDefinition="job:1")
    fake.advance(600)
    assert refused(run, ecs, taskDefinition="job:1")[1] == "TaskDefinition is inactive"


def test_only_inactive_definitions_are_deleted_and_numbers_are_not_used_again(ecs):
    register(ecs)
    ecs.deregister_task_definition(taskDefinition="job:1")

    answer = ecs.delete_task_definitions(taskDefinitions=["job:1", "job:2", "job:9"])

    assert [one["status"] for one in answer["taskDefinitions"]] == ["DELETE_IN_PROGRESS"]
    assert len(answer["failures"]) == 2
    assert register(ecs).endswith(":3")
    names = [f"job:{number}" for number in range(1, 12)]
    assert refused(ecs.delete_task_definitions, taskDefinitions=names)[0] == (
        "InvalidParameterException"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cpu": "1024", "memory": "1024"}, "No Fargate configuration exists"),
        ({"networkMode": "bridge"}, "awsvpc"),
        (
            {
                "containerDefinitions": [
                    {"name": "main", "image": "x", "secrets": [{"name": "A", "valueFrom": "arn:x"}]}
                ]
            },
            "executionRoleArn",
        ),
        ({"containerDefinitions": []}, "Container list cannot be empty."),
    ],
    ids=["size", "network", "secrets", "containers"],
)
def test_a_definition_that_fargate_cannot_run_is_refused(ecs, fields, words):
    code, message = refused(register, ecs, **fields)

    assert code == "ClientException"
    assert words in message


def test_the_request_is_what_the_container_sees(fake, ecs):
    environment = [{"name": "FLOTILLA_RUN", "value": "r1"}]
    override = {"name": "main", "environment": environment, "command": ["go"]}

    arn = run_one(ecs, overrides={"containerOverrides": [override]})

    task = fake.task(arn)
    assert (task.environment, task.command) == ({"FLOTILLA_RUN": "r1"}, ["go"])
    assert describe(ecs, arn)["overrides"]["containerOverrides"][0]["environment"] == environment


def test_the_same_seed_gives_the_same_names():
    names = []
    for _ in range(2):
        ecs = FakeEcs(seed=7).client("ecs")
        register(ecs)
        names.append(run_one(ecs))

    assert names[0] == names[1]
