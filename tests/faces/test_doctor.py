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
