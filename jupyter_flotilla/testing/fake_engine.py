"""An engine that runs nothing, but keeps count outside of the store."""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jupyter_flotilla.engines.base import Check, Engine, LaunchOrder
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.observation import (
    Ending,
    FailureKind,
    Handle,
    Observation,
    Phase,
    Usage,
)
from jupyter_flotilla.model.resources import Resources


class FakeEngine(Engine):
    """Tasks that "run" for a while, shared by all processes that use the same folder.

    Parameters
    ----------
    folder
        Where tasks are kept, a file each, and ``oracle.txt``: a line ``start KEY`` or
        ``end KEY`` for each real start and end, in the order in which they happened.
    runs_s
        How long each task runs, in seconds by the wall clock.
    """

    name = "fake"

    def __init__(self, folder: Path, *, runs_s: float = 0.0) -> None:
        self._folder = folder
        self._runs_s = runs_s
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def place(self) -> str:
        return "nowhere"

    @property
    def oracle(self) -> Path:
        """Where starts and ends are written, by appends that do not mix."""
        return self._folder / "oracle.txt"

    def check(self, resources: Resources | None = None) -> Check:
        return Check(ok=True, message="always")

    def rate(self, resources: Resources) -> Rate | None:
        return Rate(
            usd_per_h=3.6, cpu=1, memory_mib=1024, region="nowhere", source="made up",
            is_hypothetical=True,
        )  # fmt: skip

    def launch(self, order: LaunchOrder) -> Handle:
        task = self._folder / f"{order.launch_key}.task"
        try:
            task.touch(exist_ok=False)
        except FileExistsError:
            pass  # the same key again: the same task
        else:
            self._write("start", order.launch_key)
        return Handle(engine=self.name, place=self.place, ref=order.launch_key)

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        return [self._observe(handle.ref) for handle in handles]

    def stop(self, handle: Handle, grace_s: float) -> None:
        self._end(handle.ref, "cancelled")

    def end(self, launch_key: str, failure_kind: FailureKind | None = None) -> None:
        """End a task by hand: with success, or with a failure of this kind."""
        self._end(launch_key, "succeeded" if failure_kind is None else f"failed {failure_kind}")

    def _observe(self, key: str) -> Observation:
        began = datetime.fromtimestamp((self._folder / f"{key}.task").stat().st_mtime, UTC)
        usage = Usage(memory_mib=100, peak_memory_mib=200, cpu_s=1)
        if time.time() - began.timestamp() >= self._runs_s > 0:
            self._end(key, "succeeded")
        try:
            outcome, _, kind = (self._folder / f"{key}.end").read_text().partition(" ")
        except FileNotFoundError:
            return Observation(state="running", phase=Phase.RUNNING, started_at=began, usage=usage)
        ending = Ending(
            outcome=outcome,
            failure_kind=FailureKind(kind) if kind else None,
            message="made up" if kind else None,
            ended_at=datetime.now(UTC),
            duration_s=self._runs_s,
        )
        return Observation(state="ended", started_at=began, usage=usage, ending=ending)

    def _end(self, key: str, outcome: str) -> None:
        path = self._folder / f"{key}.end"
        mine = path.with_suffix(f".{os.getpid()}")
        mine.write_text(outcome)
        try:
            os.link(mine, path)  # the first end counts, and appears with its word in it
        except FileExistsError:
            return
        finally:
            mine.unlink()
        self._write("end", key)

    def _write(self, what: str, key: str) -> None:
        fd = os.open(self.oracle, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, f"{what} {key}\n".encode())
        os.close(fd)
