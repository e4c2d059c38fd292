"""`ecs_settings`: the table ``[ecs]``, its variables and its aliases."""

import pytest

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.errors import InvalidSettings
from jupyter_flotilla.settings import load_settings, sourced_settings

ROLE = "arn:aws:iam::123456789012:role/flotilla-task-{owner}"
WHOLE = f"""
region = "eu-west-1"
[ecs]
cluster = "flotilla"
subnets = ["subnet-a", "subnet-b", "subnet-a"]
security_groups = ["sg-1"]
task_role = "{ROLE}"
execution_role = "arn:aws:iam::123456789012:role/flotilla-execution"
[ecs.networks.private]
subnets = ["subnet-p"]
assign_public_ip = false
[ecs.networks.other]
subnets = "subnet-q"
security_groups = ["sg-2"]
[ecs.roles.reader]
task_role = "arn:aws:iam::123456789012:role/team/reader"
"""


@pytest.fixture
def toml(weird_path):
    """Return the path of a settings file that is not there yet."""
    return weird_path / "flotilla.toml"


@pytest.fixture
def environ(toml):
    """Return an environment that names only that file."""
    return {"FLOTILLA_CONFIG": str(toml)}


@pytest.fixture
def ecs(toml, environ):
    """Return the settings of a file that says everything."""
    toml.write_text(WHOLE, encoding="utf-8")
    return load_settings(environ).ecs


def test_nothing_is_set_up_by_default(environ):
    ecs = load_settings(environ).ecs

    assert (ecs.cluster, ecs.subnets, ecs.queue_url, ecs.capacity) == (None, (), None, "fargate")
    assert (ecs.max_running, ecs.api_share) == (100, 0.5)
    assert (ecs.scheduler_role, ecs.schedule_group, ecs.dropped_queue, ecs.alerts) == (None,) * 4


def test_variable_is_stronger_than_the_file_and_leaves_the_rest(ecs, environ):
    given = {"FLOTILLA_ECS_CLUSTER": "other", "FLOTILLA_ECS_SUBNETS": "subnet-x, subnet-y"}

    both = load_settings(environ | given).ecs

    assert (both.cluster, both.subnets) == ("other", ("subnet-x", "subnet-y"))
    assert both.security_groups == ecs.security_groups == ("sg-1",)


def test_each_says_where_it_came_from(ecs, environ, toml):
    sourced = sourced_settings(environ | {"FLOTILLA_ECS_API_SHARE": "0.2"})

    assert {one.name: one.source for one in sourced if one.source != "default"} == {
        "region": str(toml),
        "ecs.api_share": "FLOTILLA_ECS_API_SHARE",
        **dict.fromkeys(
            ("ecs.cluster", "ecs.subnets", "ecs.security_groups", "ecs.task_role",
             "ecs.execution_role", "ecs.networks", "ecs.roles"),
            str(toml),
        ),
    }  # fmt: skip
    assert all(one.description for one in sourced)


def test_equal_settings_are_one_key(ecs, environ):
    assert hash(load_settings(environ)) == hash(load_settings(environ))


def test_network_without_a_name_is_the_one_for_all(ecs):
    network = ecs.network()

    assert (network.subnets, network.security_groups) == (("subnet-a", "subnet-b"), ("sg-1",))
    assert network.assign_public_ip is True


def test_alias_of_a_network_takes_what_it_does_not_say_from_the_one_for_all(ecs):
    private, other = ecs.network("private"), ecs.network("other")

    assert (private.subnets, private.security_groups) == (("subnet-p",), ("sg-1",))
    assert private.assign_public_ip is False
    assert (other.security_groups, other.assign_public_ip) == (("sg-2",), True)


def test_role_of_an_owner_has_the_owner_in_it(ecs):
    role = ecs.role(owner="ada")

    assert role.task_role == "arn:aws:iam::123456789012:role/flotilla-task-ada"
    assert role.execution_role == "arn:aws:iam::123456789012:role/flotilla-execution"


def test_owner_that_is_set_is_stronger_than_the_users_name(ecs):
    ecs = ecs.model_copy(update={"owner": "team"})

    assert ecs.role(owner="ada").task_role.endswith("-team")


def test_alias_of_a_role_keeps_the_execution_role(ecs):
    role = ecs.role("reader", owner="ada")

    assert role.task_role == "arn:aws:iam::123456789012:role/team/reader"
    assert role.execution_role == "arn:aws:iam::123456789012:role/flotilla-execution"


@pytest.mark.parametrize("ask", [EcsSettings.network, lambda e, n: e.role(n, owner="ada")])
def test_unknown_alias_is_refused_with_those_there_are(ecs, ask):
    with pytest.raises(InvalidSettings, match=r"there is no \[ecs\..*\.nope\]") as caught:
        ask(ecs, "nope")

    assert "private" in caught.value.message or "reader" in caught.value.message


def test_network_of_nothing_names_the_set_up():
    with pytest.raises(InvalidSettings, match=r"ecs\.subnets is not set") as caught:
        EcsSettings().network()

    assert caught.value.next_step == "jupyter flotilla setup-aws"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("[ecs]\nclutser = 'x'\n", "ecs.clutser = 'x'", id="unknown name"),
        pytest.param("ecs = 'x'\n", "ecs = 'x'", id="no table"),
        pytest.param("[ecs]\napi_share = 1.5\n", "ecs.api_share = 1.5", id="too large"),
        pytest.param("[ecs]\napi_share = nan\n", "ecs.api_share = nan", id="nan"),
        pytest.param("[ecs]\nmax_running = 0\n", "ecs.max_running = 0", id="too small"),
        pytest.param("[ecs]\ntask_role = 'x'\n", "ecs.task_role = 'x'", id="no ARN"),
        pytest.param("[ecs]\nscheduler_role = 'x'\n", "ecs.scheduler_role", id="no ARN of a role"),
        pytest.param("[ecs]\nschedule_group = 'a b'\n", "ecs.schedule_group", id="group, a space"),
        pytest.param("[ecs]\nalerts = 'ada@example.org'\n", "ecs.alerts", id="no topic"),
        pytest.param("[ecs]\nowner = 'a/b'\n", "ecs.owner = 'a/b'", id="owner with a slash"),
        pytest.param("[ecs]\nsubnets = [1]\n", "ecs.subnets.0 = 1", id="no text in a list"),
        pytest.param("[ecs.networks.a]\nsubnets = []\n", "ecs.networks.0.subnets", id="no subnet"),
        pytest.param("[ecs.networks]\na = 1\n", "ecs.networks.0 = 1", id="alias is no table"),
    ],
)  # fmt: skip
def test_wrong_setting_is_named_with_its_file_and_value(toml, environ, content, named):
    toml.write_text(content, encoding="utf-8")

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)

    assert f"{toml}: {named}" in caught.value.message


def test_wrong_variable_is_named(environ):
    with pytest.raises(InvalidSettings, match=r"FLOTILLA_ECS_MAX_RUNNING: ecs\.max_running = 'x'"):
        load_settings(environ | {"FLOTILLA_ECS_MAX_RUNNING": "x"})
