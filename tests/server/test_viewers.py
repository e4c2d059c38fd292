from typing import Any

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
