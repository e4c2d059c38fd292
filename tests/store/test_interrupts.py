"""Ctrl-C, or ■ in a notebook, lands anywhere: also in the middle of a transaction."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from witness import NOW

from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import events, runs
from jupyter_flotilla.store.connection import Store

MakeRun = Callable[..., Run]
Interrupt = Callable[[Callable[[], object]], Counter[str]]

pytestmark = [
    # what psycopg says of connections that were interrupted while they were being opened
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.timeout(120, method="thread"),  # the timer of the other method is used here
]


def test_an_interrupt_of_a_read_stays_an_interrupt(
    store: Store, make_run: MakeRun, interrupt: Interrupt
) -> None:
    made = {make_run().id for _ in range(20)}

    def read() -> set[str]:
        with store.read() as tx:
            return {run.id for run in runs.latest(tx)}

    raised = interrupt(read)

    assert raised.keys() == {"KeyboardInterrupt"}
    assert read() == made


def test_interrupted_writes_are_done_or_undone_and_hold_up_nobody(
    store: Store, where: Path | str, make_run: MakeRun, interrupt: Interrupt
) -> None:
    run = make_run()

    def write() -> None:
        with store.write() as tx:
            old = runs.get(tx, run.id)
            later = old.model_copy(update={"not_before": (old.not_before or NOW) + timedelta(1)})
            assert runs.apply(tx, old, later, NOW)

    raised = interrupt(write)

    assert raised.keys() == {"KeyboardInterrupt"}
    with closing(Store(where)) as other, other.write() as tx:
        runs.keep(tx, run.id, NOW)
    write()
    with store.read() as tx:
        moved = runs.get(tx, run.id)
        assert moved.status is RunStatus.QUEUED
        written = len(events.of_run(tx, run.id)) - 1
        assert moved.not_before == NOW + timedelta(days=written)
