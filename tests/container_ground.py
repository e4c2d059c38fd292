"""What tests with containers and S3 stand on: Docker, images and an emulator, by ``ground/up.sh``.

Use it through the fixtures in ``conftest.py``. Nothing is brought up until a test asks.
"""

import functools
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

UP = Path(__file__).parent / "ground" / "up.sh"

#: What the run was started with: tests change the environment, the ground is shared by all.
ENVIRON = dict(os.environ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What there is here, and why something is not."""

    #: Variable to value, as up.sh printed them; a part that cannot be had here has none.
    environment: Mapping[str, str]
    #: Why a part cannot be had; None when everything is there.
    reason: str | None

    def need(self, variable: str) -> str:
        """Return the value of a variable; skip the test where there is none, fail it in CI."""
        if variable in self.environment:
            return self.environment[variable]
        if ENVIRON.get("CI"):
            pytest.fail(f"CI must have this: {self.reason}")
        pytest.skip(self.reason or f"{UP.name} did not set {variable}")


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Endpoint:
    """An S3 that tests, their processes and their containers reach at one URL."""

    #: Where it answers, as ``http://host:port``.
    url: str
    #: A bucket of this test session; its other tests use it too, so prefix your keys.
    bucket: str
    #: Every AWS variable that a process or a container needs to use it, by name.
    environment: Mapping[str, str]

    def client(self) -> Any:
        """Return a boto3 client that knows nothing of the user's own AWS settings."""
        import boto3

        with pytest.MonkeyPatch.context() as patch:
            use_only(self.environment, patch)
            return boto3.session.Session().client("s3")


@functools.cache
def bring_up() -> Ground:
    """Bring up what is missing; from nothing that takes half a minute."""
    ran = subprocess.run(
        ["bash", UP], capture_output=True, text=True, check=False, env=ENVIRON, cwd="/"
    )
    said = ran.stderr.strip().splitlines()
    if ran.returncode not in (0, 3):
        raise RuntimeError(f"{UP} ended with {ran.returncode}: {ran.stderr}")
    words = shlex.split(ran.stdout)
    return Ground(
        environment=dict(word.split("=", 1) for word in words if "=" in word),
        reason=said[-1] if ran.returncode else None,
    )


def aws_variables(ground: Ground) -> dict[str, str]:
    """Return the AWS variables for the emulator, and for nothing but it."""
    ground.need("AWS_ENDPOINT_URL")
    return {
        **{name: value for name, value in ground.environment.items() if name.startswith("AWS_")},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def use_only(variables: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
    """Set these AWS variables and unset all others: no test may reach a real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in variables.items():
        patch.setenv(name, value)
