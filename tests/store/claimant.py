"""A process of the claim race: launches and follows until every run is final."""

import sys
from pathlib import Path

from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.poller import Poller
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine


def main() -> None:
    """Run with: home, store (path or URL), limit, seconds that each task runs."""
    home, where, limit, runs_s = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    store = Store(where if "://" in where else Path(where))
    engine = FakeEngine(home / "fake", runs_s=float(runs_s))
    launcher = Launcher(store, LocalArtifacts(home), engine, limit)
    poller = Poller(store, engine, launcher, retry_base_s=0)
    while True:
        launcher.step(utc_now())
        poller.step(utc_now())
        with store.read() as tx:
            if not runs.count_open(tx, engine.name, engine.place):
                return


if __name__ == "__main__":
    main()
