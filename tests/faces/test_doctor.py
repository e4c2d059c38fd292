"""What ``doctor`` says of what is not there."""

import os
import sys
from pathlib import Path

import pytest
import witness

_NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


def test_a_machine_without_docker_is_well() -> None:
    said = witness.flotilla("doctor", env={**os.environ, **_NOWHERE})

    [line] = [line for line in said.stdout.splitlines() if "engine docker" in line]
    assert said.returncode == 0, said.stdout
    assert line.startswith("– engine docker")
    assert "start it (systemctl start docker" in said.stdout


def test_an_engine_that_is_the_default_must_be_there() -> None:
    env = {**os.environ, **_NOWHERE, "FLOTILLA_ENGINE": "docker"}

    said = witness.flotilla("doctor", env=env)

    assert said.returncode == 1
    assert "✖ engine docker" in said.stdout


def test_the_command_line_starts_without_the_docker_package() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from jupyter_flotilla.commands import "
        "flotilla; assert CliRunner().invoke(flotilla, ['--help']).exit_code == 0; "
        "print([name for name in ('docker', 'boto3', 'requests') if name in sys.modules])"
    )

    assert witness.program(sys.executable, "-c", program).stdout == "[]\n"


_NOBODY = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
           "AWS_SHARED_CREDENTIALS_FILE": os.devnull}  # fmt: skip


def _without_keys() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **_NOWHERE, **_NOBODY}


def test_ecs_without_credentials_is_a_fault_where_it_was_asked_about() -> None:
    said = witness.flotilla("doctor", "--engine", "ecs", env=_without_keys())

    assert said.returncode == 1
    assert "✖ aws credentials  there are no AWS credentials" in said.stdout


def test_ecs_without_credentials_is_none_for_who_works_elsewhere_today() -> None:
    env = {**_without_keys(), "FLOTILLA_ECS_CLUSTER": "flotilla"}

    said = witness.flotilla("doctor", env=env)

    assert said.returncode == 0, said.stdout
    assert "– aws credentials" in said.stdout


def test_nothing_is_said_of_aws_where_nobody_uses_it() -> None:
    assert "aws credentials" not in witness.flotilla("doctor", env=_without_keys()).stdout


def test_an_engine_that_does_not_exist_is_refused_with_those_that_do() -> None:
    said = witness.flotilla("doctor", "--engine", "ecz", env=_without_keys())

    assert said.returncode == 2
    assert "there is no engine 'ecz'" in said.stderr
    assert "ecs or" in said.stderr
