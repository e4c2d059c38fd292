"""`setup.settings_file`: what is written into the user's file, and taken out again."""

import tomllib

import pytest

from jupyter_flotilla.errors import EnvironmentProblem, InvalidSettings
from jupyter_flotilla.setup.settings_file import changes, merge, unset

VALUES = {
    "region": "eu-west-1", "artifacts": "s3://b/ada", "ecs.cluster": "flotilla",
    "ecs.subnets": ["subnet-a", "subnet-b"], "ecs.assign_public_ip": True,
}  # fmt: skip
MINE = """\
# where I live
idle_s = 60   # soon enough

[defaults]
timeout = "2h"  # never longer

[ecs.networks.private]
subnets = ["subnet-p"]
"""


@pytest.fixture
def path(weird_path):
    """Return the path of a settings file that is not there yet."""
    return weird_path / "folder" / "flotilla.toml"


@pytest.fixture
def mine(path):
    """Return the path of a file that somebody has written."""
    path.parent.mkdir()
    path.write_text(MINE, encoding="utf-8")
    return path


def read(path):
    """Return what a file says."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_a_file_that_is_not_there_is_made(path):
    assert merge(path, VALUES, "setup-aws flotilla") == list(VALUES)
    assert read(path) == {
        "region": "eu-west-1", "artifacts": "s3://b/ada",
        "ecs": {"cluster": "flotilla", "subnets": ["subnet-a", "subnet-b"],
                "assign_public_ip": True},
    }  # fmt: skip


def test_what_people_wrote_stays_with_its_comments(mine):
    merge(mine, VALUES, "setup-aws flotilla")

    text = mine.read_text(encoding="utf-8")

    for line in MINE.splitlines():
        assert line in text
    assert read(mine)["ecs"]["networks"] == {"private": {"subnets": ["subnet-p"]}}
    assert (read(mine)["region"], read(mine)["defaults"]) == ("eu-west-1", {"timeout": "2h"})


def test_what_was_written_and_nothing_else_is_taken_out(mine):
    merge(mine, VALUES, "setup-aws flotilla")

    assert set(unset(mine, "setup-aws flotilla")) == set(VALUES)
    assert read(mine) == tomllib.loads(MINE)
    assert "never longer" in mine.read_text(encoding="utf-8")


def test_what_another_stack_has_written_stays(mine):
    merge(mine, VALUES, "setup-aws flotilla")

    assert unset(mine, "setup-aws flotilla-2") == []
    assert read(mine)["region"] == "eu-west-1"


def test_a_value_that_the_user_had_already_stays_the_users(path):
    path.parent.mkdir()
    path.write_text('region = "eu-west-1"\n[ecs]\ncluster = "old"\n', encoding="utf-8")

    assert "region" not in merge(path, VALUES, "setup-aws flotilla")
    unset(path, "setup-aws flotilla")

    assert read(path) == {"region": "eu-west-1", "ecs": {}} or read(path) == {"region": "eu-west-1"}


def test_writing_twice_writes_once(mine):
    merge(mine, VALUES, "setup-aws flotilla")
    text = mine.read_text(encoding="utf-8")

    assert merge(mine, VALUES, "setup-aws flotilla") == []
    assert mine.read_text(encoding="utf-8") == text


def test_a_changed_value_is_written_over_the_last_one(mine):
    merge(mine, VALUES, "setup-aws flotilla")

    assert merge(mine, {**VALUES, "ecs.cluster": "other"}, "setup-aws flotilla") == ["ecs.cluster"]
    assert read(mine)["ecs"]["cluster"] == "other"


@pytest.mark.parametrize(
    "text",
    [
        "ecs = {cluster = 'x'}\n",
        "ecs.cluster = 'x'\n",
        "ecs.cluster = 'x'\necs.capacity = 'ec2'\nidle_s = 5\n",
        "[ecs]\n",
        "[ecs]\n[ecs.networks.a]\nsubnets = ['s']\n",
        "[ecs.networks.a]\nsubnets = ['s']\n[defaults]\nmemory = '1G'\n[ecs]\ncluster = 'x'\n",
    ],
    ids=repr,
)
def test_every_way_to_write_a_table_is_understood(path, text):
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")

    merge(path, VALUES, "setup-aws flotilla")

    assert read(path)["ecs"]["subnets"] == ["subnet-a", "subnet-b"]
    assert read(path)["region"] == "eu-west-1"
    unset(path, "setup-aws flotilla")
    after = tomllib.loads(text)
    after.get("ecs", {}).pop("cluster", None)  # was written over
    assert {k: v for k, v in read(path).items() if v} == {k: v for k, v in after.items() if v}


def test_changes_are_told_with_the_old_value_and_nothing_is_written(mine):
    found = changes(mine, {"idle_s": 60, "region": "eu-west-1", "ecs.cluster": "c"})

    assert found == [("region", None, "eu-west-1"), ("ecs.cluster", None, "c")]
    assert mine.read_text(encoding="utf-8") == MINE


def test_a_link_stays_a_link_and_the_permissions_stay(mine, weird_path):
    real = weird_path / "dotfiles.toml"
    mine.rename(real)
    mine.symlink_to(real)
    real.chmod(0o600)

    merge(mine, VALUES, "setup-aws flotilla")

    assert mine.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert read(real)["region"] == "eu-west-1"


def test_a_file_that_is_no_toml_is_left_as_it_is(path):
    path.parent.mkdir()
    path.write_text("a = \n", encoding="utf-8")

    with pytest.raises(InvalidSettings, match="cannot be read as TOML"):
        merge(path, VALUES, "setup-aws flotilla")
    assert path.read_text(encoding="utf-8") == "a = \n"


def test_a_place_that_cannot_be_written_into_is_named(weird_path):
    (weird_path / "file").write_text("")

    with pytest.raises(EnvironmentProblem, match=r"cannot be (written|read)"):
        merge(weird_path / "file" / "flotilla.toml", VALUES, "setup-aws flotilla")
