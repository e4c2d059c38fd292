"""The dispatcher's steps have their turn, whatever becomes of one of them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla.dispatch.loop import Dispatcher
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.testing.fake_engine import FakeEngine


class _BrokenTicker:
    """Fails at each step."""

    stays = False
    next_at = None

    def step(self, now: datetime) -> int:
        raise OSError("the disk is away")


def test_a_ticker_that_fails_keeps_nothing_from_being_launched(
    store: Store, home: Path, tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    ticker: Any = _BrokenTicker()
    engine = FakeEngine(tmp_path / "engine")
    run = make_run(engine=engine.name, place=engine.place)
    dispatcher = Dispatcher(
        Settings(home=home), store, [engine], idle_s=None, version="test", ticker=ticker
    )

    for _ in range(3):
        with pytest.raises(OSError, match="the disk is away"):
            dispatcher._step()

    with store.read() as tx:
        assert runs.get(tx, run.id).status is not RunStatus.QUEUED
