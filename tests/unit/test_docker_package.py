"""The Docker engine where its package is not installed."""

import sys
from collections.abc import Callable

import pytest

from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.image_store import ImageStore
from jupyter_flotilla.errors import EngineUnavailable


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Daemon().info(),
        lambda: Daemon().image_id("a"),
        lambda: Daemon().pull("a"),
        lambda: Daemon().run("a", ["b"]),
        lambda: ImageStore().find("a"),
        lambda: ImageStore().labelled("a"),
    ],
    ids=["info", "image_id", "pull", "run", "find", "labelled"],
)
def test_what_is_to_be_installed_is_said(
    ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("docker", "docker.errors"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(EngineUnavailable, match="docker package is not installed") as told:
        ask()

    assert "jupyter_flotilla[docker]" in str(told.value.next_step)
