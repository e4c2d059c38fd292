"""Runs that nobody launches, for tests of the notebook panel, and what they become."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from witness import NOW

from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import runs, schema

#: Names as other programs may have written them into a store.
HOSTILE = "<script>window.hit=1</script>'\"&\n\t$x$ \u202egnp.exe 🚀 " + "x" * 300


class Runs:
    """Puts runs into a store and moves them."""

    def __init__(self, facade: Flotilla) -> None:
        self.facade = facade
        self._made = 0

    def make(self, name: str = "job", *, at: datetime | None = None, **fields: Any) -> Run:
        """Insert a queued run, a second after the one before; keywords are of its JobSpec."""
        self._made += 1
        given = {
            "kind": "command", "name": name, "command": ("true",), "cwd": "/",
            "interpreter": "python", "engine": "process", "place": "elsewhere", **fields,
        }  # fmt: skip
        run = Run(
            id=new_run_id(),
            spec=JobSpec.model_validate(given),
            owner="me",
            created_at=at or NOW + timedelta(seconds=self._made),
        )
        with self.facade.store.write() as tx:
            runs.insert(tx, run)
        return run

    def move(self, run: Run, *statuses: RunStatus) -> Run:
        """Take a run along these statuses."""
        for status in statuses:
            moved = run.advance(status, NOW + timedelta(minutes=1))
            with self.facade.store.write() as tx:
                assert runs.apply(tx, run, moved, NOW + timedelta(minutes=1))
            run = moved
        return run

    def rename(self, run: Run, name: str) -> None:
        """Give a run a name that no job could have."""
        with self.facade.store.write() as tx:
            tx.execute(sa.update(schema.runs).where(schema.runs.c.id == run.id).values(name=name))

    def delete(self, run: Run) -> None:
        """Delete a run, as the sweeper does."""
        with self.facade.store.write() as tx:
            runs.delete(tx, run.id)


class Said:
    """What was sent to the views of a panel."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def __call__(self, message: dict[str, Any], buffers: Any = None) -> None:
        self.messages.append(message)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of a kind."""
        return [message for message in list(self.messages) if message["kind"] == kind]


class FakeEvents:
    """The events of a shell."""

    def __init__(self) -> None:
        self.callbacks: dict[str, list[Any]] = {"pre_run_cell": [], "post_run_cell": []}

    def register(self, name: str, callback: Any) -> None:
        """As IPython's."""
        self.callbacks[name].append(callback)

    def unregister(self, name: str, callback: Any) -> None:
        """As IPython's."""
        self.callbacks[name].remove(callback)


class FakeShell:
    """A shell of a kernel, as far as the panel looks at it."""

    def __init__(self) -> None:
        self.events = FakeEvents()
        self.kernel = self
        self.request = 1
        self.cell_id: str | None = "cell-1"
        self.user_ns: dict[str, Any] = {"In": [""]}

    @property
    def parent_header(self) -> dict[str, Any]:
        """The request that is being executed."""
        return self.get_parent()

    def get_parent(self, channel: str = "shell") -> dict[str, Any]:
        """As a kernel's."""
        metadata = {} if self.cell_id is None else {"cellId": self.cell_id}
        return {"header": {"msg_id": f"request-{self.request}"}, "metadata": metadata}

    @contextmanager
    def running_a_cell(self) -> Iterator[None]:
        """Execute a cell meanwhile."""
        for callback in self.events.callbacks["pre_run_cell"]:
            callback(None)
        yield
        for callback in self.events.callbacks["post_run_cell"]:
            callback(None)
