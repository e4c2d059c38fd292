"""Threads that make runs: one that hangs holds up no other."""

import threading

import pytest
from witness import until

from jupyter_flotilla.dispatch import workers as workers_module
from jupyter_flotilla.dispatch.workers import Workers


def test_what_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    workers, go, done = Workers(), threading.Event(), list[str]()
    for number in range(10):
        workers.submit(f"hangs {number}", go.wait)
    workers.submit("good", lambda: done.append("good"))
    monkeypatch.setattr(workers_module, "_PATIENCE_S", 0.0)

    def is_done() -> bool:
        workers.tend()  # as each step does
        return bool(done)

    until(is_done, "the one that does not hang")

    assert {key for key in workers.keys if key.startswith("hangs")} == {
        f"hangs {number}" for number in range(10)
    }
    go.set()
    until(lambda: not workers.keys, "all done")


def test_a_key_is_known_from_being_asked_for_until_it_is_done() -> None:
    workers, go = Workers(), threading.Event()

    workers.submit("one", go.wait)
    was_known = "one" in workers.keys
    go.set()
    until(lambda: not workers.keys, "it is done")

    assert was_known
