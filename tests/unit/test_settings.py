"""`settings`: environment over file over defaults."""

from pathlib import Path

import pytest

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.errors import InvalidSettings
from jupyter_flotilla.settings import Settings, load_settings, settings_file, sourced_settings


@pytest.fixture
def toml(weird_path):
    """Return the path of a settings file that is not there yet."""
    return weird_path / "flotilla.toml"


@pytest.fixture
def environ(toml):
    """Return an environment that names only that file."""
    return {"FLOTILLA_CONFIG": str(toml)}


def test_missing_file_gives_the_defaults(environ):
    settings = load_settings(environ)

    assert (settings.engine, settings.region, settings.idle_s) == ("process", "us-east-1", 120)
    assert settings.retry_delay_s == 5
    assert settings.max_running >= 2


def test_settings_are_these(environ):
    names = [one.name for one in sourced_settings(environ)]

    assert names == [
        "home",
        "store",
        "engine",
        "image",
        "artifacts",
        "region",
        "max_running",
        "confirm_above",
        "monthly_budget",
        "retry_delay_s",
        "checkpoint_every_s",
        "keep_days",
        "keep_gib",
        "idle_s",
        "notify",
        *(f"ecs.{name}" for name in EcsSettings.model_fields),
    ]


def test_file_is_stronger_than_defaults(toml, environ):
    toml.write_text('region = "eu-west-1"\nidle_s = 0.5\n', encoding="utf-8")

    settings = load_settings(environ)

    assert (settings.region, settings.idle_s, settings.engine) == ("eu-west-1", 0.5, "process")


def test_environment_is_stronger_than_the_file(toml, environ):
    toml.write_text("max_running = 3\n", encoding="utf-8")

    settings = load_settings(environ | {"FLOTILLA_MAX_RUNNING": "7"})

    assert settings.max_running == 7


def test_empty_variable_is_not_set(toml, environ):
    toml.write_text("max_running = 3\n", encoding="utf-8")

    settings = load_settings(environ | {"FLOTILLA_MAX_RUNNING": ""})

    assert settings.max_running == 3


def test_other_flotilla_variables_are_no_settings(environ):
    given = environ | {"FLOTILLA_RUN_ID": "r1", "FLOTILLA_LAUNCH_KEY": "r1-1"}

    assert load_settings(given) == load_settings(environ)


def test_each_setting_says_where_it_came_from(toml, environ):
    toml.write_text('engine = "ecs"\nregion = "eu-west-1"\n', encoding="utf-8")

    sourced = sourced_settings(environ | {"FLOTILLA_REGION": "sa-east-1"})

    assert {one.name: one.source for one in sourced} == {
        **dict.fromkeys((one.name for one in sourced_settings(environ)), "default"),
        "engine": str(toml),
        "region": "FLOTILLA_REGION",
    }
    assert {one.name: one.value for one in sourced}["region"] == "sa-east-1"


@pytest.mark.parametrize("home", ["fl é", "./x", "~nosuchuser/x"])
def test_home_that_is_no_whole_path_is_refused_with_its_source(environ, home):
    with pytest.raises(InvalidSettings, match=r"FLOTILLA_HOME: home = .* is no absolute path"):
        load_settings(environ | {"FLOTILLA_HOME": home})


def test_tilde_in_home_is_the_users_folder(environ, weird_path, monkeypatch):
    monkeypatch.setenv("HOME", str(weird_path))

    assert load_settings(environ | {"FLOTILLA_HOME": "~/fl"}).home == weird_path / "fl"


def test_default_home_is_where_the_desktop_says(environ, weird_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(weird_path))
    monkeypatch.setenv("HOME", str(weird_path))

    home = load_settings(environ).home

    assert home.is_relative_to(weird_path)
    assert home.name == "flotilla"


def test_settings_file_without_a_variable_is_the_users_own():
    assert settings_file({}).name == "flotilla.toml"


def test_settings_file_is_the_one_that_the_variable_names(toml, environ):
    assert settings_file(environ) == toml


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(b"max_running = 0\n", "max_running = 0", id="too small"),
        pytest.param(b"max_running = 10001\n", "max_running = 10001", id="too large"),
        pytest.param(b"max_running = 2.5\n", "max_running = 2.5", id="no whole number"),
        pytest.param(b'idle_s = "soon"\n', "idle_s = 'soon'", id="no number"),
        pytest.param(b"idle_s = nan\n", "idle_s = nan", id="nan"),
        pytest.param(b"idle_s = -1\n", "idle_s = -1", id="negative"),
        pytest.param(b"retry_delay_s = -1\n", "retry_delay_s = -1", id="negative pause"),
        pytest.param(b"retry_delay_s = 301\n", "retry_delay_s = 301", id="endless pause"),
        pytest.param(b"retry_delay_s = nan\n", "retry_delay_s = nan", id="nan as a pause"),
        pytest.param(b"regoin = 'x'\n", "regoin = 'x'", id="unknown name"),
        pytest.param(b"[engine]\nname = 'ecs'\n", "engine = {'name': 'ecs'}", id="a table"),
    ],
)
def test_wrong_setting_is_named_with_its_file_and_value(toml, environ, content, named):
    toml.write_bytes(content)

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)

    assert f"{toml}: {named}" in caught.value.message
    known = ", ".join(Settings.model_fields)
    assert caught.value.next_step == (
        f"the settings are {known}; 'jupyter flotilla config' explains them"
    )


def test_wrong_variable_is_named(toml, environ):
    toml.write_text("max_running = 3\n", encoding="utf-8")

    with pytest.raises(InvalidSettings, match="FLOTILLA_MAX_RUNNING: max_running = 'many'"):
        load_settings(environ | {"FLOTILLA_MAX_RUNNING": "many"})


@pytest.mark.parametrize(
    "content", [b"engine = \n", b"\xff\xfe", b"a = 1\na = 2\n", b"\0"], ids=repr
)
def test_file_that_is_no_toml_is_refused_by_name(toml, environ, content):
    toml.write_bytes(content)

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)

    assert f"{toml} cannot be read as TOML" in caught.value.message


def test_folder_in_place_of_the_file_is_refused(toml, environ):
    toml.mkdir()

    with pytest.raises(InvalidSettings, match="cannot be read as TOML"):
        load_settings(environ)


def test_equal_settings_are_one_key(environ):
    assert hash(load_settings(environ)) == hash(load_settings(environ))


def test_loading_writes_nothing(environ, weird_path):
    load_settings(environ | {"FLOTILLA_HOME": str(weird_path / "home")})

    assert list(Path(weird_path).iterdir()) == []


def test_of_targets_only_their_names_are_shown(toml, environ):
    toml.write_text('[notify]\nteam = "json://ana:s3cr3t@example.com"\nboss = "file:/x"\n')

    settings = load_settings(environ)
    [shown] = [one for one in sourced_settings(environ) if one.name == "notify"]

    assert shown.value == "team, boss"
    assert "s3cr3t" not in repr(settings)
    assert dict(settings.notify)["team"].get_secret_value() == "json://ana:s3cr3t@example.com"


@pytest.mark.parametrize("text", ['notify = "json://s3cr3t"', '[notify]\nteam = ["json://s3cr3t"]'])
def test_of_a_target_that_is_wrong_the_address_is_not_repeated(toml, environ, text):
    toml.write_text(text)

    with pytest.raises(InvalidSettings) as refused:
        load_settings(environ)

    assert "notify" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
