from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_flotilla.server.viewers import Viewers


class _Sessions:
    """Sessions of notebooks, as the server lists them."""

    def __init__(self, **connections: int) -> None:
        self._connections = connections

    async def list_sessions(self) -> list[dict[str, Any]]:
        return [
            {"path": f"{name}.ipynb", "kernel": {"connections": count}}
            for name, count in self._connections.items()
        ]


async def test_a_notebook_whose_kernel_somebody_is_connected_to_is_open():
    viewers = Viewers(_Sessions(a=1, b=0))

    assert await viewers.has("a.ipynb")
    assert not await viewers.has("b.ipynb")
    assert not await viewers.has("c.ipynb")


async def test_what_a_window_says_holds_until_it_says_something_else_or_leaves():
    viewers, one, two = Viewers(_Sessions()), object(), object()
    viewers.say(one, '{"type": "open", "notebooks": ["a.ipynb", "b.ipynb"]}')
    viewers.say(two, b'{"type": "open", "notebooks": ["a.ipynb"]}')
    viewers.say(one, '{"type": "open", "notebooks": ["c.ipynb"]}')
    viewers.say(one, '{"type": "open", "notebooks": "d.ipynb"}')
    viewers.say(one, "[" * 100_000)

    held = [await viewers.has(f"{name}.ipynb") for name in "abcd"]
    viewers.leave(two)
    viewers.leave(two)

    assert held == [True, False, True, False]
    assert not await viewers.has("a.ipynb")


async def test_a_window_that_was_lost_counts_for_a_while(monkeypatch: pytest.MonkeyPatch):
    viewers, window, now = Viewers(_Sessions()), object(), 1000.0
    # the clock of that module alone: the loop has its own
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("jupyter_flotilla.server.viewers.time", clock)
    viewers.say(window, '{"type": "open", "notebooks": ["a.ipynb"]}')
    viewers.leave(window, is_lost=True)

    at_once = await viewers.has("a.ipynb")
    now += 601

    assert at_once
    assert not await viewers.has("a.ipynb")
