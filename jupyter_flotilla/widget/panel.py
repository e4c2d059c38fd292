"""What ``fl.panel()`` returns: shown as a live panel where there are widgets, else as a table."""

from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from jupyter_flotilla import api
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.listing import Listing
from jupyter_flotilla.store.listing import RunFilter
from jupyter_flotilla.widget import kernel, still
from jupyter_flotilla.widget.wish import STATUSES, Wish

if TYPE_CHECKING:
    from jupyter_flotilla.widget.tree import Tree

_VIEW = "application/vnd.jupyter.widget-view+json"
_NEEDED = ("anywidget", "ipywidgets")
_INSTALL = "pip install 'jupyter_flotilla[panel]', then restart the kernel, makes it live"
_STILL = "This is how it was when the cell ran; run it again for a live panel."
_LIVE = "(the live panel, in its own kernel only)"
_TERMINAL = "In a notebook, %flotilla panel shows this live."
#: So many panels keep their widgets; beyond that, those that nobody sees lose them.
_MOST_OPEN = 20


class Panel:
    """A live list of runs in a cell's output; it can be displayed any number of times."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._tree: Tree | None = None
        #: The cells that show it, and of which request of each.
        self._shown_in: dict[str, str] = {}

    def close(self) -> None:
        """Take it out of every page and end its thread; displayed again, it is there again."""
        tree, self._tree = self._tree, None
        self._shown_in.clear()
        _displayed().forget(self)
        if tree is not None:
            tree.close()

    @property
    def is_watched(self) -> bool:
        """Whether somebody sees it."""
        return self._tree is not None and self._tree.is_watched

    def leaves(self, cell_id: str, request: str) -> bool:
        """Note that a cell is executed again; say whether no cell shows the panel any longer."""
        if self._shown_in.get(cell_id, request) == request:
            return False
        del self._shown_in[cell_id]
        return not self._shown_in

    def _ipython_display_(self) -> None:
        shell = kernel.current_shell()
        if shell is None:
            raise NotImplementedError  # IPython shows the text then
        from IPython.display import publish_display_data

        found, trouble = self._rows()
        note = trouble or (_STILL if has_widgets() else _INSTALL)
        # A display of its own, which the live panel hides: JupyterLab shows a widget without its
        # kernel as an error, whatever else is in the same bundle.
        publish_display_data(
            {"text/html": still.as_html(found, note), "text/plain": still.as_text(found, note)}
        )
        if has_widgets():
            model_id = self._opened(shell).show(found or [])
            view = {"version_major": 2, "version_minor": 0, "model_id": model_id}
            publish_display_data({_VIEW: view, "text/plain": _LIVE})

    def _opened(self, shell: Any) -> "Tree":
        from jupyter_flotilla.widget.tree import Tree

        if self._tree is None:
            self._tree = Tree(self._wish, shell)
        cell_id = kernel.current_origin().cell_id
        _displayed().note(self, cell_id, kernel.request_id(shell))
        return self._tree

    def _rows(self) -> tuple[list[dict[str, Any]] | None, str]:
        """Return the latest rows; where they cannot be read None, and why."""
        which = RunFilter(
            statuses=STATUSES[self._wish.status],
            tag=api.read_tag(self._wish.tag or None),
            path=self._wish.notebook if self._wish.only_this_notebook else None,
        )
        try:
            return Listing(api.flotilla()).page(which, limit=still.SHOWN).runs, ""
        except FlotillaError as error:
            return None, str(error)

    def __repr__(self) -> str:
        found, trouble = self._rows()
        return still.as_text(found, trouble or _TERMINAL)


class _Displayed:
    """The panels of this kernel that have widgets.

    A cell that is executed again takes its earlier output out of the page; nobody tells the
    kernel, so the panel that was in it is closed here.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._panels: list[Panel] = []

    def note(self, panel: Panel, cell_id: str | None, request: str) -> None:
        """Note that a cell shows a panel; close those that no cell shows any longer."""
        with self._lock:
            others = [other for other in self._panels if other is not panel]
            self._panels = [*others, panel]
        over = []
        if cell_id is not None:
            panel._shown_in[cell_id] = request
            over = [other for other in others if other.leaves(cell_id, request)]
        unseen = [other for other in others if other not in over and not other.is_watched]
        too_many = len(others) - len(over) + 1 - _MOST_OPEN
        for other in [*over, *unseen[: max(0, too_many)]]:
            other.close()

    def forget(self, panel: Panel) -> None:
        """Note that a panel has none any longer."""
        with self._lock:
            self._panels = [other for other in self._panels if other is not panel]


@cache
def _displayed() -> _Displayed:
    return _Displayed()


def has_widgets() -> bool:
    """Say whether what the live panel needs is installed here."""
    return all(find_spec(name) is not None for name in _NEEDED)
