"""The process engine: starts supervisors and reads what they write."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_flotilla import machine, protocol
from jupyter_flotilla.engines.base import Check, Engine, LaunchOrder
from jupyter_flotilla.engines.ecs.prices import fargate_rate
from jupyter_flotilla.engines.job_file import Layout, job_file
from jupyter_flotilla.engines.runner_app import runner_app
from jupyter_flotilla.environ import own_environment
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.locks import is_held, start_holder
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import (
    Ending,
    FailureKind,
    Handle,
    Observation,
    Phase,
    Progress,
    Usage,
)
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.text import plain
from jupyter_flotilla.model.units import format_size
from jupyter_flotilla.settings import Settings

#: A supervisor that dies is started again this often; then the attempt is given up.
_MAX_STARTS = 20
#: Lines that are kept with a failure, and characters of each.
_LAST_LINES = 5
_LAST_LINE = 300
_LONG_LINE = 2_000
_READ_AT_MOST = 2**20


class ProcessEngine(Engine):
    """Runs each job under a supervisor of its own, detached from whoever launched it."""

    name = "process"
    bills = False
    launches_at_submit = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        return machine.host()

    def check(self, resources: Resources | None = None) -> Check:
        if not machine.is_supported():
            return Check(ok=False, message="needs Linux or macOS", next_step="on Windows, use WSL")
        there_is = machine.total_memory_mib()
        asked = (resources.memory_mib if resources else None) or 0
        if asked > there_is:
            return Check(
                ok=False,
                message=f"--memory {format_size(asked)} is more than this machine has "
                f"({format_size(there_is)})",
                next_step=f"--memory {there_is * 9 // 10}M at most, or a larger machine",
            )
        return Check(ok=True, message=f"jobs run as processes of {self.place}")

    def rate(self, resources: Resources) -> Rate | None:
        return fargate_rate(resources, self._settings.region, is_hypothetical=True)

    def launch(self, order: LaunchOrder) -> Handle:
        folder = order.attempt_folder
        detail = protocol.read_json(str(folder / protocol.SUPERVISOR)) or {}
        if not (folder / protocol.EXIT).exists() and not is_held(folder / protocol.SUPERVISOR_LOCK):
            try:
                detail = self._start(order) or detail
            except OSError as error:
                raise LaunchError(
                    f"{order.launch_key}: the supervisor cannot be started: {error}",
                    retryable=True,
                    next_step="see whether processes, memory or disk are used up",
                ) from error
        return Handle(
            engine=self.name,
            place=self.place,
            ref=str(folder),
            detail=detail,
        )

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        return [_observe_safely(Path(handle.ref)) for handle in handles]

    def stop(self, handle: Handle, grace_s: float) -> None:
        request = {"reason": "cancel", "grace_s": grace_s, "monotonic": time.monotonic()}
        protocol.write_json(str(Path(handle.ref) / protocol.STOP_REQUEST), request)

    def _start(self, order: LaunchOrder) -> dict[str, Any] | None:
        """Start a supervisor and return what names it; None if somebody else has just done so."""
        folder = order.attempt_folder
        layout = Layout(
            input=str(order.input_folder),
            attempt=str(folder),
            runner=str(runner_app(self._settings.home / "runner")),
            interpreter=order.spec.interpreter,
            cwd=order.spec.cwd,
        )
        job = job_file(order, layout)
        protocol.write_json(str(folder / protocol.JOB), job, exclusive=True)
        module = "jupyter_flotilla.engines.process.supervisor"
        with protocol.open_private(str(folder / protocol.SUPERVISOR_LOG), "ab") as log:
            process = start_holder(
                folder / protocol.SUPERVISOR_LOCK,
                [sys.executable, "-P", "-m", module, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=own_environment(os.environ) | {"FLOTILLA_HOME": str(self._settings.home)},
                start_new_session=True,
            )
        if process is None:
            return None
        _count_start(folder)
        # Somebody must take its exit status while we live, or it stays as a zombie.
        threading.Thread(target=process.wait, daemon=True).start()
        return machine.process_name(process.pid)


def _count_start(folder: Path) -> None:
    with (
        contextlib.suppress(OSError),
        protocol.open_private(str(folder / protocol.SUPERVISOR_STARTS), "ab") as file,
    ):
        file.write(b".")


def _observe_safely(folder: Path) -> Observation:
    """Observe a folder that the job itself may have written garbage into."""
    try:
        return _observe(folder)
    except (KeyError, TypeError, ValueError, OSError) as error:
        # It runs on, whatever its records say; its supervisor writes better ones, or another one.
        if is_held(folder / protocol.SUPERVISOR_LOCK):
            return Observation(state="running", phase=Phase.UNCONFIRMED)
        if (folder / protocol.EXIT).exists():
            return _given_up(f"How it ended, in {folder}, cannot be read: {error!r}"[:500])
        return _unconfirmed(folder)


def _observe(folder: Path) -> Observation:
    # Whether the supervisor lives is read before what it wrote: it may end in between.
    lives = is_held(folder / protocol.SUPERVISOR_LOCK)
    exit_record = protocol.read_json(str(folder / protocol.EXIT))
    usage = protocol.read_json(str(folder / protocol.USAGE))
    if exit_record is not None:
        return Observation(
            state="ended",
            started_at=_started_at(folder),
            usage=_usage(usage),
            progress=_progress(folder),
            ending=_ending(folder, exit_record),
        )
    if not lives and (folder / protocol.EXIT).exists():
        return _given_up(f"How it ended, in {folder}, is no JSON.")
    if not lives:
        return _unconfirmed(folder)
    started_at = _started_at(folder)
    if started_at is None:
        return Observation(state="pending", phase=Phase.SETTING_UP)
    return Observation(
        state="running",
        phase=Phase.RUNNING,
        started_at=started_at,
        usage=_usage(usage),
        progress=_progress(folder),
    )


def _ending(folder: Path, record: dict[str, Any]) -> Ending:
    ending = Ending.model_validate(record)
    if ending.outcome != "failed":
        return ending
    lines: list[str] = []
    with contextlib.suppress(OSError):  # the end counts, whatever became of its last words
        lines = protocol.StreamReader(str(folder)).tail(_LAST_LINES, _READ_AT_MOST).split("\n")
    shown = [text[:_LAST_LINE] for line in lines if (text := plain(line[-_LONG_LINE:]).rstrip())]
    return ending.model_copy(update={"last_lines": tuple(shown[-_LAST_LINES:])})


def _unconfirmed(folder: Path) -> Observation:
    if not (folder / protocol.JOB).exists():
        # Never launched again: without its folder nothing would tell that it has begun before.
        return _given_up(f"Its folder {folder} is gone.", FailureKind.LOST)
    counted = folder / protocol.SUPERVISOR_STARTS
    starts = counted.stat().st_size if counted.exists() else 0
    if starts < _MAX_STARTS or is_held(folder / protocol.RUNNER_LOCK):
        return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
    log = folder / protocol.SUPERVISOR_LOG
    with contextlib.suppress(OSError):
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        return _given_up(f"Its supervisor died {starts} times; the last words in {log}: {tail}")
    return _given_up(f"Its supervisor died {starts} times.")


def _given_up(message: str, kind: FailureKind = FailureKind.ENVIRONMENT) -> Observation:
    ending = Ending(
        outcome="failed",
        failure_kind=kind,
        message=message,
        ended_at=datetime.now(UTC),
        duration_s=0,
    )
    return Observation(state="ended", ending=ending)


def _started_at(folder: Path) -> datetime | None:
    started = protocol.read_json(str(folder / protocol.STARTED))
    return None if started is None else datetime.fromtimestamp(started["at"], UTC)


def _usage(record: dict[str, Any] | None) -> Usage | None:
    with contextlib.suppress(ValidationError):
        return None if record is None else Usage.model_validate(record)
    return None


def _progress(folder: Path) -> Progress | None:
    said = protocol.read_json(str(folder / protocol.PROGRESS))
    with contextlib.suppress(ValidationError):  # the job can write there as well
        return None if said is None else Progress.model_validate(said)
    return None
