"""Dispatches runs of the fake engine that never end: HOME ACTIVE. Says so when all are on."""

import sys
from pathlib import Path

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.loop import Dispatcher
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import Run, new_run_id
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine


class _Announced(FakeEngine):
    """Says once that all tasks were launched."""

    def __init__(self, folder: Path, active: int) -> None:
        super().__init__(folder)
        self._left = active

    def launch(self, order):  # type: ignore[no-untyped-def]
        self._left -= 1
        if self._left == 0:
            print("all are on", flush=True)
        return super().launch(order)


def main() -> None:
    home, active = Path(sys.argv[1]), int(sys.argv[2])
    store = Store(home / "flotilla.db")
    spec = JobSpec(
        kind="command", name="job", command=("true",), cwd="/", interpreter="python",
        engine="fake", place="nowhere",
    )  # fmt: skip
    with store.write() as tx:
        for _ in range(active):
            run = Run(id=new_run_id(), spec=spec, owner="me", created_at=utc_now())
            runs.insert(tx, run)
    settings = Settings(home=home, max_running=10_000)
    engine = _Announced(home / "fake", active)
    Dispatcher(settings, store, [engine], idle_s=None, version="benchmark").run()


if __name__ == "__main__":
    main()
