"""A lock is held by whoever holds it, and by nobody else."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_flotilla.locks import FileLock, is_held


@pytest.mark.timeout(120, method="thread")  # the timer of the other method is used here
def test_an_interrupted_look_at_a_lock_never_keeps_it(
    home: Path, interrupt: Callable[[Callable[[], object]], Counter[str]]
) -> None:
    lock = FileLock(home / "a.lock")
    lock.acquire()
    lock.release()

    raised = interrupt(lambda: is_held(lock.path))

    assert raised.keys() == {"KeyboardInterrupt"}
    assert lock.acquire()
    lock.release()
