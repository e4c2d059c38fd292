"""The process engine: starts supervisors and reads what they write."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_flotilla import machine, protocol
from jupyter_flotilla.engines.base import Check, Engine, LaunchOrder, too_much_memory
from jupyter_flotilla.engines.ecs.prices import PriceList, fargate_rate, load_prices
from jupyter_flotilla.engines.job_file import Layout, job_file
from jupyter_flotilla.engines.records import ask_to_stop, ended, given_up, going_on
from jupyter_flotilla.engines.runner_app import runner_app
from jupyter_flotilla.environ import own_environment
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.locks import is_held, start_holder
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import FailureKind, Handle, Observation, Phase
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.settings import Settings

#: A supervisor that dies is started again this often; then the attempt is given up.
_MAX_STARTS = 20


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
        lacks = too_much_memory(resources, machine.total_memory_mib(), "this machine")
        if lacks is not None:
            return lacks
        return Check(ok=True, message=f"jobs run as processes of {self.place}")

    def rate(self, resources: Resources) -> Rate | None:
        return fargate_rate(
            resources, self._settings.region, is_hypothetical=True, prices=self._prices
        )

    @cached_property
    def _prices(self) -> PriceList:
        return load_prices(self._settings.home)

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
        ask_to_stop(Path(handle.ref), grace_s)

    def _start(self, order: LaunchOrder) -> dict[str, Any] | None:
        """Start a supervisor and return what names it; None if somebody else has just done so."""
        folder = order.attempt_folder
        layout = Layout(
            input=str(order.input_folder),
            attempt=str(folder),
            runner=str(runner_app(self._settings.home / "runner")),
            interpreter=order.spec.interpreter,
            cwd=order.spec.cwd,
            earlier=None if order.restore is None else str(order.restore.path.parent),
        )
        job = job_file(order, layout, self._settings.checkpoint_every_s)
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
            return given_up(f"How it ended, in {folder}, cannot be read: {error!r}"[:500])
        return _unconfirmed(folder)


def _observe(folder: Path) -> Observation:
    # Whether the supervisor lives is read before what it wrote: it may end in between.
    lives = is_held(folder / protocol.SUPERVISOR_LOCK)
    if (seen := ended(folder)) is not None:
        return seen
    if lives:
        return going_on(folder)
    if (folder / protocol.EXIT).exists():
        # it may have come just now
        return ended(folder) or given_up(f"How it ended, in {folder}, is no JSON.")
    return _unconfirmed(folder)


def _unconfirmed(folder: Path) -> Observation:
    if not (folder / protocol.JOB).exists():
        # Never launched again: without its folder nothing would tell that it has begun before.
        return given_up(f"Its folder {folder} is gone.", FailureKind.LOST)
    counted = folder / protocol.SUPERVISOR_STARTS
    starts = counted.stat().st_size if counted.exists() else 0
    if starts < _MAX_STARTS or is_held(folder / protocol.RUNNER_LOCK):
        return Observation(state="unconfirmed", phase=Phase.UNCONFIRMED)
    log = folder / protocol.SUPERVISOR_LOG
    with contextlib.suppress(OSError):
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        return given_up(f"Its supervisor died {starts} times; the last words in {log}: {tail}")
    return given_up(f"Its supervisor died {starts} times.")
