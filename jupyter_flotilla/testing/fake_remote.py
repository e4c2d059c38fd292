"""A bucket that is a folder of nobody's: for tests of engines whose jobs get files through one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.remote import Remote
from jupyter_flotilla.model.observation import Handle, Observation


class FakeRemote(Remote):
    """Everything is there at once, and what a task leaves is in the attempt's folder already."""

    def __init__(self) -> None:
        #: (run, attempt) → lease of the container that has begun it.
        self.leases: dict[tuple[str, int], dict[str, Any]] = {}
        #: Launch keys of which it was said that they are to stop.
        self.stopped: list[str] = []

    def check(self) -> None:
        """All is well."""

    def send(self, order: LaunchOrder, runner: Path) -> dict[str, Any]:
        """Return what a container would be told."""
        return {"bucket": "fake", "prefix": order.run_id, "attempt": order.launch_key}

    def when_sent(self, order: LaunchOrder, runner: Path, then: Callable[[], object]) -> None:
        """Call somebody at once: all is sent."""
        then()

    def follow(self, handle: Handle, *, lives: bool, was_started: bool) -> Observation | None:
        """Say that all is here."""
        return None

    def tell_of_stop(self, handle: Handle) -> None:
        """Remember that it is to stop."""
        self.stopped.append(handle.detail["launch_key"])

    def lease(self, run_id: str, number: int) -> dict[str, Any] | None:
        """Return what a test has put there."""
        return self.leases.get((run_id, number))
