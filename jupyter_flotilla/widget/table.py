"""The list of runs in the browser: one anywidget. Its data travel as messages, not as its state."""

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_FRONT = Path(__file__).parent / "front"
#: The parts of its one module, in order: no bundler, and nothing is fetched from anywhere.
PARTS = ("words.js", "list.js", "detail.js", "messages.js", "view.js")


@cache
def module_text() -> str:
    """Return the JavaScript of the browser's side."""
    return "\n".join((_FRONT / part).read_text(encoding="utf-8") for part in PARTS)


@cache
def style_text() -> str:
    """Return its style sheet."""
    return (_FRONT / "panel.css").read_text(encoding="utf-8")


class RunsTable(anywidget.AnyWidget):
    """Shows runs, and says what is asked of them.

    Its state is small and does not change: a notebook that is saved stays small. The browser keeps
    the latest rows in it for a notebook that is opened again without its kernel.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    #: The latest rows at the last display; the browser renews its own copy, and sends it to nobody.
    kept: Any = traitlets.List().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(_esm=module_text(), _css=style_text())
