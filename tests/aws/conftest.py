"""What only a real account can show. Never collected by itself; it costs some cents.

    pytest tests/aws --aws-profile NAME --spend-cap 0.50
    pytest tests/aws --aws-endpoint URL --spend-cap 0.50 --aws-image NAME     # on an emulator

A stack of the session's own is made by ``setup-aws`` and removed at the end, also after Ctrl-C.
What AWS has really said is printed at the end, and written to ``--aws-report``.
"""

import json
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import container_ground
import pytest
import witness
from live import COMMAND_S, OTHER_OWNER, OWNER, Live, Purse

from jupyter_flotilla.settings import load_settings

_IMAGE = "public.ecr.aws/docker/library/python:3.11-slim"
#: A stack takes minutes to be made, and a task minutes to start and stop.
_TEST_S = 1800


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say who pays, and how much at most."""
    group = parser.getgroup("a real account of AWS")
    group.addoption("--aws-profile", help="AWS profile of an account for tests; may make roles")
    group.addoption("--spend-cap", type=float, help="US dollars at most, by list price")
    group.addoption("--aws-region", default="us-east-1")
    group.addoption("--aws-vpc", help="VPC of the tasks [default: the default one]")
    group.addoption("--aws-endpoint", help="URL of an emulator, in place of a profile")
    group.addoption("--aws-image", default=_IMAGE, help="image of the tasks, with Python")
    group.addoption("--aws-report", type=Path, help="file for what AWS has said, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to begin where nobody has agreed to pay; let SIGTERM clear up as Ctrl-C does."""
    if config.getoption("--spend-cap", None) is None or not (
        config.getoption("--aws-profile") or config.getoption("--aws-endpoint")
    ):
        raise pytest.UsageError(
            "tests/aws makes things in an AWS account, and pays for them: name it and the most "
            "that it may cost, as in --aws-profile NAME --spend-cap 0.50"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the time that AWS takes."""
    for item in items:
        item.add_marker(pytest.mark.timeout(_TEST_S))


@pytest.fixture(scope="session")
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A stack for two owners in the account, for as long as the session lasts."""
    option, folder = request.config.getoption, tmp_path_factory.mktemp("aws")
    stack = f"fltest-{uuid.uuid4().hex[:6]}"
    with pytest.MonkeyPatch.context() as patch:
        _use(option("--aws-endpoint"), option("--aws-region"), patch)
        patch.setenv("FLOTILLA_HOME", str(folder / "home"))
        patch.setenv("FLOTILLA_CONFIG", str(folder / "flotilla.toml"))
        patch.setenv("FLOTILLA_IMAGE", option("--aws-image"))
        print(f"\nin case of need: jupyter flotilla setup-aws --remove --stack-name {stack}")
        made = None
        try:
            _apply(stack, OWNER, request.config, {})
            made = Live(
                stack=stack, settings=load_settings(), image=option("--aws-image"),
                purse=Purse(option("--spend-cap")), environ=dict(os.environ),
                is_emulated=bool(option("--aws-endpoint")),
            )  # fmt: skip
            other = {name: str(folder / f"other-{name}") for name in _OF_HOME}
            _apply(stack, OTHER_OWNER, request.config, other)
            yield made
        finally:
            if made is not None:
                request.config.stash[_REPORT] = (made.purse, made.seen)
                try:
                    made.count_runs()
                finally:
                    made.end()
            else:
                witness.flotilla(
                    "setup-aws", "--remove", "--yes", "--stack-name", stack, timeout=COMMAND_S
                )


_OF_HOME = ("FLOTILLA_HOME", "FLOTILLA_CONFIG")
_REPORT = pytest.StashKey[tuple[Purse, dict[str, object]]]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was spent, and what AWS has really said."""
    purse, seen = config.stash.get(_REPORT, (None, {}))
    if purse is None:
        return
    terminalreporter.section("what AWS has said")
    for name, value in seen.items():
        terminalreporter.line(f"{name}: {json.dumps(value, default=str)}")
    terminalreporter.line(f"spent ${purse.spent_usd:.4f} of ${purse.cap_usd:g}, by list price")
    if (path := config.getoption("--aws-report")) is not None:
        path.write_text(json.dumps(seen, default=str, indent=2))


def _use(endpoint: str | None, region: str, patch: pytest.MonkeyPatch) -> None:
    """Set the variables of an emulator and no others; of a real account the user's own stay."""
    if endpoint is not None:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
        container_ground.use_only(keys, patch)
    else:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
    patch.setenv("AWS_REGION", region)
    patch.setenv("AWS_DEFAULT_REGION", region)


def _apply(stack: str, owner: str, config: pytest.Config, env: dict[str, str]) -> None:
    words = ["--apply", "--yes", "--stack-name", stack, "--owner", owner, "--expire-days", "1",
             "--region", config.getoption("--aws-region"), "--tags", "purpose=test"]  # fmt: skip
    for option, given in (("--profile", "--aws-profile"), ("--vpc", "--aws-vpc")):
        if value := config.getoption(given):
            words += [option, value]
    said = witness.flotilla("setup-aws", *words, env={**os.environ, **env}, timeout=COMMAND_S)
    assert said.returncode == 0, said.stderr
