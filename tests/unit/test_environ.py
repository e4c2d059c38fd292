"""`environ`: what goes along, and what never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla import environ as module
from jupyter_flotilla.environ import OWN_MARK, dispatcher_environment, job_environment


def own_environment(environ):
    """Return what is selected for Flotilla's own processes, besides the mark they all get."""
    selected = module.own_environment(environ)
    assert selected.pop(OWN_MARK[0]) == OWN_MARK[1]
    return selected


ENVIRONMENTS = st.dictionaries(
    st.sampled_from(["PATH", "HOME", "LC_ALL", "FLOTILLA_HOME", "AWS_PROFILE", "http_proxy"])
    | st.text(st.characters(min_codepoint=65, max_codepoint=95), min_size=1, max_size=8),
    st.text("abc/@:é'\n ", max_size=12),
)
SECRETS = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GITHUB_TOKEN",
    "OPENAI_API_KEY",
    "PGPASSWORD",
    "JUPYTER_TOKEN",
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
]


@pytest.mark.parametrize("select", [job_environment, own_environment])
@pytest.mark.parametrize("name", SECRETS)
def test_secrets_do_not_go_along(select, name):
    assert select({name: "hunter2"}) == {}


@pytest.mark.parametrize("select", [job_environment, own_environment])
@given(environ=ENVIRONMENTS)
def test_what_goes_along_is_a_part_of_what_there_is_unchanged(select, environ):
    assert select(environ).items() <= environ.items()


@pytest.mark.parametrize("select", [job_environment, own_environment])
@given(environ=ENVIRONMENTS)
def test_choosing_again_changes_nothing(select, environ):
    assert select(select(environ)) == select(environ)


@pytest.mark.parametrize("select", [job_environment, own_environment])
@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "XDG_DATA_HOME", "TMPDIR"]
)
def test_what_every_program_needs_goes_along(select, name):
    assert select({name: "/a b/é\n'"}) == {name: "/a b/é\n'"}


@pytest.mark.parametrize(
    "name", ["CONDA_PREFIX", "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES", "AWS_PROFILE", "PYTHONPATH"]
)
def test_a_job_gets_names_of_places_and_profiles(name):
    assert job_environment({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("select", [job_environment, own_environment])
@pytest.mark.parametrize("name", ["FLOTILLA_HOME", "FLOTILLA_CONFIG"])
def test_everybody_finds_the_users_store_and_settings(select, name):
    assert select({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("name", ["DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"])
def test_only_flotillas_own_processes_reach_the_keyring(name):
    assert own_environment({name: "x"}) == {name: "x"}
    assert job_environment({name: "x"}) == {}


@pytest.mark.parametrize("name", ["FLOTILLA_RUN_ID", "FLOTILLA_LAUNCH_KEY", "FLOTILLA_SAID"])
def test_a_job_inside_a_job_is_not_taken_for_the_outer_one(name):
    assert job_environment({name: "x"}) == {}


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "All_Proxy", "NO_PROXY"])
def test_proxy_goes_along_in_any_case_of_letters(name):
    assert job_environment({name: "http://proxy:3128"}) == {name: "http://proxy:3128"}


@pytest.mark.parametrize(
    "proxy",
    [
        "http://ana:hunter2@proxy:3128",
        "ana:hunter2@proxy:3128",
        "//ana:hunter2@proxy",
        "socks5h://ana@proxy:1080",
        "http://ana:h%40nter@proxy/",
        "http://ana:p@ss@proxy:3128",
    ],
)
@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_proxy_with_a_password_stays_behind(name, proxy):
    assert job_environment({name: proxy}) == {}


def test_proxies_are_not_for_flotillas_own_processes():
    assert own_environment({"http_proxy": "http://proxy:3128"}) == {}


def test_a_look_alike_name_does_not_go_along():
    assert job_environment({"path": "x", "MYPATH": "x", "PATHX": "x", "LC": "x"}) == {}


def test_a_job_is_never_marked_as_flotillas_own():
    assert job_environment(dict([OWN_MARK])) == {}


@pytest.mark.parametrize("name", [name for name in SECRETS if not name.startswith("AWS_")])
def test_a_dispatcher_gets_no_secret_but_the_users_own_keys_for_aws(name):
    environ = {name: "hunter2", "AWS_SECRET_ACCESS_KEY": "key", "AWS_PROFILE": "dev"}

    chosen = dispatcher_environment(environ)

    assert chosen == {**module.own_environment({}), "AWS_SECRET_ACCESS_KEY": "key",
                      "AWS_PROFILE": "dev"}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_ENDPOINT_URL_S3", "FLOTILLA_ECS_CLUSTER",
     "FLOTILLA_ARTIFACTS"],
)  # fmt: skip
def test_a_dispatcher_finds_the_keys_and_the_cluster_that_whoever_starts_it_finds(name):
    assert dispatcher_environment({name: "x"})[name] == "x"
    assert own_environment({name: "x"})[name] == "x"
    assert name not in job_environment({name: "x"})


def test_a_token_for_keys_goes_to_the_dispatcher_alone():
    given = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "hunter2"}

    assert dispatcher_environment(given).items() >= given.items()
    assert own_environment(given) == {}
