"""A stack of this session's own in a real account: tasks in it, and what they have cost."""

import base64
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import witness

import jupyter_flotilla
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs.account import FOLDER, Account, AwsError
from jupyter_flotilla.engines.ecs.billing import billed
from jupyter_flotilla.engines.ecs.definition import CONTAINER, Definitions, definition
from jupyter_flotilla.engines.ecs.install import STARTED_BY, install_of
from jupyter_flotilla.engines.ecs.logs import last_lines
from jupyter_flotilla.engines.ecs.prices import load_prices
from jupyter_flotilla.engines.runner_app import zipapp
from jupyter_flotilla.model.cost import charge_usd
from jupyter_flotilla.settings import Settings

OWNER, OTHER_OWNER = "ada", "bob"
#: What a task of 0.25 vCPU that does not end in time may cost, with its address: 10 minutes.
_MOST_USD = 0.005
_TASK_S = 600.0
#: The longest that a command of ours may take: a stack is made in some minutes.
COMMAND_S = 1200
#: Of a task whose price is not known here, in US dollars an hour: more than any small one's.
_UNKNOWN_USD_PER_H = 0.10
#: In front of a task's program: our own S3 client, which needs nothing but Python.
_WITH_S3 = """\
import base64, os, sys, tempfile
path = os.path.join(tempfile.mkdtemp(), "s3.pyz")
open(path, "wb").write(base64.b64decode("{app}"))
sys.path.insert(0, path)
from bootstrap.s3 import Bucket, Credentials, S3Error
"""


class Purse:
    """What may be spent, by list price; the session ends before it is more."""

    def __init__(self, cap_usd: float) -> None:
        self.cap_usd, self.spent_usd = cap_usd, 0.0

    def reserve(self, usd: float = _MOST_USD) -> None:
        """End the session if this much more could be too much."""
        if self.spent_usd + usd > self.cap_usd:
            pytest.exit(
                f"--spend-cap {self.cap_usd:g}: ${self.spent_usd:.4f} are spent, and the next task "
                f"may cost ${usd:g}",
                returncode=1,
            )

    def spend(self, usd: float) -> None:
        """Count what was spent."""
        self.spent_usd += usd


@dataclass(kw_only=True)
class Live:
    """The stack. Everything in it is gone at the end of the session."""

    stack: str
    settings: Settings
    image: str
    purse: Purse
    #: Variables of processes that use it.
    environ: Mapping[str, str]
    #: True where it is no account but an emulator.
    is_emulated: bool
    #: What AWS has really said, by what it is about: for whoever brings the documentation up to it.
    seen: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = Account(self.settings)
        number = self.account.identity().account
        self._definitions = Definitions(self.account, self.settings.home / FOLDER, number)
        self._billed: set[str] = set()

    def need_aws(self, why: str) -> None:
        """Skip the test on an emulator."""
        if self.is_emulated:
            pytest.skip(f"not on an emulator: {why}")

    @property
    def cluster(self) -> str:
        """Its name."""
        return str(self.settings.ecs.cluster)

    @property
    def bucket(self) -> str:
        """Its name."""
        return str(self.settings.artifacts).split("/")[2]

    @property
    def started_by(self) -> str:
        """The beginning of ``startedBy`` by which this home's events are known."""
        return STARTED_BY.format(install=install_of(self.settings.home))

    def request(
        self,
        program: str,
        *,
        image: str | None = None,
        with_s3: bool = False,
        spot: bool = False,
        disk_gib: int | None = None,
        started_by: str | None = None,
    ) -> dict[str, Any]:
        """Return the request of a small task that runs a Python program as its owner's job."""
        ecs, role = self.settings.ecs, self.settings.ecs.role(owner=OWNER)
        wanted = definition(
            image=image or self.image, region=self.settings.region, log_group=ecs.log_group,
            execution_role=role.execution_role, task_role=role.task_role,
            program=(s3_client() if with_s3 else "") + program,
        )  # fmt: skip
        network = ecs.network()
        overrides: dict[str, Any] = {"containerOverrides": [{"name": CONTAINER}]}
        if disk_gib is not None:
            overrides["ephemeralStorage"] = {"sizeInGiB": disk_gib}
        provider = "FARGATE_SPOT" if spot else "FARGATE"
        return {
            "cluster": self.cluster,
            "taskDefinition": self._definitions.ensure(wanted, utc_now()),
            "count": 1,
            "clientToken": uuid.uuid4().hex,
            "startedBy": started_by or f"{self.started_by}{uuid.uuid4().hex[:12]}",
            "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(network.subnets),
                    "securityGroups": list(network.security_groups),
                    "assignPublicIp": "ENABLED" if network.assign_public_ip else "DISABLED",
                }
            },
            "overrides": overrides,
        }

    def launch(self, request: Mapping[str, Any]) -> str:
        """Start a task, and return its ARN."""
        self.purse.reserve()
        answer = self.account.call("ecs", "RunTask", **request)
        assert answer["tasks"], answer["failures"]
        return str(answer["tasks"][0]["taskArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        """Return a task as ECS describes it."""
        answer = self.account.call("ecs", "DescribeTasks", cluster=self.cluster, tasks=[arn])
        return dict((answer["tasks"] or [{}])[0])

    def wait(self, arn: str, status: str = "STOPPED") -> dict[str, Any]:
        """Return a task once it has a status, or has stopped; its cost is counted."""
        deadline = time.monotonic() + _TASK_S
        while True:
            task = self.describe(arn)
            if task.get("lastStatus") in (status, "STOPPED"):
                break
            if time.monotonic() > deadline:
                self.stop(arn, "not within ten minutes")
                self.purse.spend(_MOST_USD)
                pytest.fail(f"{arn} is {task.get('lastStatus')} after {_TASK_S:g} s")
            time.sleep(0.5 if self.is_emulated else 5)
        self._count(arn, task)
        return task

    def run(self, program: str, **options: Any) -> dict[str, Any]:
        """Run a task to its end, and return what it was."""
        return self.wait(self.launch(self.request(program, **options)))

    def stop(self, arn: str, reason: str) -> None:
        """Stop a task."""
        self.account.call("ecs", "StopTask", cluster=self.cluster, task=arn, reason=reason)

    def said(self, arn: str) -> Any:
        """Return the last line that a task has printed, which is JSON."""

        def line() -> str:
            found = last_lines(self.account, str(self.settings.ecs.log_group), arn, 1)
            return found[-1].text if found else ""

        return json.loads(witness.until(line, f"a line of {arn}"))

    def flotilla(self, *words: str, **env: str) -> Any:
        """Run ``jupyter flotilla`` with this stack's settings."""
        return witness.flotilla(*words, env={**self.environ, **env}, timeout=COMMAND_S)

    def count_runs(self) -> None:
        """Count what the runs of this stack's home have cost."""
        for row in json.loads(self.flotilla("ls", "--all", "--json").stdout):
            attempt = row["latest_attempt"] or {}
            if row["id"] not in self._billed and attempt.get("charge_usd") is not None:
                self._billed.add(row["id"])
                self.purse.spend(attempt["charge_usd"])

    def end(self) -> None:
        """Stop all that runs, and delete the stack."""
        for process in witness.processes_of_home(self.settings.home):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        _patiently(self._stop_all)
        removed = self.flotilla("setup-aws", "--remove", "--yes", "--stack-name", self.stack)
        print(removed.stderr)
        assert removed.returncode == 0, f"REMOVE IT BY HAND: stack {self.stack}"
        self._delete_definitions()

    def _stop_all(self) -> bool:
        arns = self.account.call("ecs", "ListTasks", cluster=self.cluster)["taskArns"]
        for arn in arns:
            self.stop(arn, "the session is over")
        return not arns

    def _delete_definitions(self) -> None:
        """Delete the definitions of this home, which outlive the stack; they cost nothing."""
        path = self.settings.home / FOLDER / "definitions.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        arns = sorted(arn for arn in _arns(kept) if ":task-definition/" in arn)
        for arn in arns:
            with suppress(AwsError):
                self.account.call("ecs", "DeregisterTaskDefinition", taskDefinition=arn)
        for start in range(0, len(arns), 10):
            with suppress(AwsError):
                ten = arns[start : start + 10]
                self.account.call("ecs", "DeleteTaskDefinitions", taskDefinitions=ten)

    def _count(self, arn: str, task: Mapping[str, Any]) -> None:
        if task.get("lastStatus") != "STOPPED" or arn in self._billed:
            return
        self._billed.add(arn)
        bill = billed(task, utc_now(), load_prices(self.settings.home), has_public_ipv4=True)
        seconds = 60.0 if bill is None else bill.billed_s
        rate = None if bill is None else bill.rate
        usd = seconds / 3600 * _UNKNOWN_USD_PER_H if rate is None else charge_usd(rate, seconds)
        self.purse.spend(usd)


def s3_client() -> str:
    """Return a program's first lines that bring our client of S3."""
    folder = Path(jupyter_flotilla.__file__).parent / "bootstrap"
    files = {f"bootstrap/{path.name}": path.read_text() for path in sorted(folder.glob("*.py"))}
    app = zipapp({**files, "__main__.py": ""}, 8)  # ZIP_DEFLATED
    return _WITH_S3.format(app=base64.b64encode(app).decode())


def _arns(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if value.startswith("arn:") else set()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {arn for one in inner for arn in _arns(one)}


def _patiently(is_done: Callable[[], bool]) -> None:
    """Try something for some minutes, whatever AWS says meanwhile."""
    for _ in range(60):
        with suppress(AwsError):
            if is_done():
                return
        time.sleep(5)
