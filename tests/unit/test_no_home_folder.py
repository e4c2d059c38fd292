"""`settings` of a user whom the system does not know, as in many containers, with no HOME."""

import json

import pytest

from jupyter_flotilla.errors import InvalidSettings
from jupyter_flotilla.settings import load_job_defaults, load_settings, sourced_settings


@pytest.fixture(autouse=True)
def no_home_folder(monkeypatch):
    """Let this process be a user that is not in the system's list, and has no HOME."""

    def unknown(uid):
        raise KeyError(uid)

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.parametrize("load", [load_settings, sourced_settings, load_job_defaults])
def test_missing_home_folder_is_an_error_that_names_the_variable_to_set(load):
    with pytest.raises(InvalidSettings, match="no home folder: HOME is not set") as caught:
        load({})

    assert "FLOTILLA_HOME" in caught.value.next_step


def test_variable_is_all_that_is_needed(weird_path):
    (weird_path / "flotilla.toml").write_text("max_running = 3\n", encoding="utf-8")

    settings = load_settings({"FLOTILLA_HOME": str(weird_path)})

    assert (settings.home, settings.max_running) == (weird_path, 3)


def test_home_in_a_settings_file_is_enough(weird_path):
    toml = weird_path / "flotilla.toml"
    toml.write_text(f"home = {json.dumps(str(weird_path / 'fl'))}\n", encoding="utf-8")

    assert load_settings({"FLOTILLA_CONFIG": str(toml)}).home == weird_path / "fl"


def test_settings_file_without_a_home_is_not_enough(weird_path):
    with pytest.raises(InvalidSettings, match="no home folder"):
        load_settings({"FLOTILLA_CONFIG": str(weird_path / "flotilla.toml")})


def test_tilde_is_refused(weird_path):
    given = {"FLOTILLA_HOME": "~/x", "FLOTILLA_CONFIG": str(weird_path / "flotilla.toml")}

    with pytest.raises(InvalidSettings, match="FLOTILLA_HOME: home = '~/x' is no absolute path"):
        load_settings(given)


def test_home_that_is_a_file_is_not_blamed_on_the_settings_in_it(weird_path):
    (weird_path / "file").touch()

    assert load_settings({"FLOTILLA_HOME": str(weird_path / "file")}).engine == "process"
