"""What a panel shows while it is displayed: ipywidgets around the list of runs, and their wires."""

from typing import Any

import ipywidgets

from jupyter_flotilla.api import read_tag
from jupyter_flotilla.store.listing import RunFilter
from jupyter_flotilla.widget import actions, rows
from jupyter_flotilla.widget.feed import Feed
from jupyter_flotilla.widget.kernel import Busy
from jupyter_flotilla.widget.retry_form import RetryForm
from jupyter_flotilla.widget.table import RunsTable
from jupyter_flotilla.widget.wish import STATUSES, Wish

Message = dict[str, Any]


class Tree:
    """The widgets; closed, they and the feed's thread are gone for good."""

    def __init__(self, wish: Wish, shell: Any) -> None:
        self._notebook = wish.notebook
        self._busy = Busy(shell)
        self._table = RunsTable()
        self._feed = Feed(self._table.send, self._busy)
        self._form = RetryForm(self._on_form)
        #: The view that has asked for the form.
        self._asker = ""
        self._text = ipywidgets.Text(
            description="Filter", placeholder="name, id, message, …"
        ).add_class("flotilla-filter")
        self._status = ipywidgets.Dropdown(
            description="Status", options=list(STATUSES), value=wish.status
        )
        self._tag = ipywidgets.Text(description="Tag", placeholder="team=forecast", value=wish.tag)
        self._here = ipywidgets.Checkbox(
            description="Only this notebook",
            indent=False,
            value=wish.only_this_notebook,
            disabled=wish.notebook is None,
            tooltip="" if wish.notebook else "this frontend does not say which notebook it is",
        )
        self._pause = ipywidgets.ToggleButton(description="Pause")
        self._pause.layout.width = "auto"
        filters = [self._text, self._status, self._tag, self._here, self._pause]
        self.box = ipywidgets.VBox(
            [
                ipywidgets.HBox(filters).add_class("flotilla-filters"),
                self._table,
                self._form.box,
            ]
        ).add_class("flotilla-panel")
        for field in filters[:-1]:
            field.observe(self._on_filter, "value")
        self._pause.observe(self._on_pause, "value")
        self._table.on_msg(self._on_message)
        self._on_filter(None)

    def show(self, found: list[dict[str, Any]]) -> str:
        """Take rows of `Listing` to begin with; return the id of the widget to display."""
        self._table.kept = [rows.whole(rows.shown(row)) for row in found]
        self._feed.expect()
        return str(self.box.model_id)

    @property
    def is_watched(self) -> bool:
        """Whether somebody sees it, or may."""
        return self._feed.is_watched

    def close(self) -> None:
        """End the thread and take the widgets out of every page."""
        self._feed.close()
        self._form.close()
        self._busy.close()
        _close(self.box)

    def _on_filter(self, change: Any) -> None:
        self._feed.narrow(
            RunFilter(
                text=self._text.value.strip() or None,
                statuses=STATUSES[self._status.value],
                tag=read_tag(self._tag.value.strip() or None),
                path=self._notebook if self._here.value else None,
            )
        )

    def _on_pause(self, change: Any) -> None:
        self._pause.description = "Go on" if self._pause.value else "Pause"
        self._feed.pause(is_paused=self._pause.value)
        self._table.send({"kind": "paused", "is_paused": self._pause.value})

    def _on_message(self, widget: Any, message: Message, buffers: Any) -> None:
        """Hear a view; the answer to what takes time comes later, in a thread of its own."""
        if not isinstance(message, dict):
            return
        ask, view = message.get("ask"), str(message.get("view", ""))[:64]
        if ask is not None:
            self._table.send({"kind": "heard", "to": view, "ask": ask})
        kind, run_id = message.get("kind"), str(message.get("run", ""))[:64]
        if kind == "cancel":
            at_once = bool(message.get("at_once"))
            actions.in_thread(lambda: self._cancel(view, ask, run_id, at_once=at_once))
        elif kind == "again":
            actions.in_thread(lambda: self._again(view, ask, run_id))
        elif kind == "close-form":
            self._form.close()
        elif kind != "ping":
            self._feed.hear(message)

    def _cancel(self, view: str, ask: Any, run_id: str, *, at_once: bool) -> None:
        try:
            self._answer(view, ask, actions.cancel(run_id, at_once=at_once))
        except Exception as error:  # whatever it is, it is shown: a thread tells nobody
            self._answer(view, ask, actions.trouble_text(error), is_trouble=True)
        self._feed.look()

    def _again(self, view: str, ask: Any, run_id: str) -> None:
        try:
            self._form.open(actions.again(run_id))
            self._asker = view
            self._answer(view, ask, "")
            first = self._form.first
            self._table.send({"kind": "form", "to": view, "is_open": True, "first": first})
        except Exception as error:  # whatever it is, it is shown: a thread tells nobody
            self._answer(view, ask, actions.trouble_text(error), is_trouble=True)

    def _answer(self, view: str, ask: Any, text: str, *, is_trouble: bool = False) -> None:
        self._table.send(
            {"kind": "answer", "to": view, "ask": ask, "text": text, "is_trouble": is_trouble}
        )

    def _on_form(self, text: str, is_done: bool) -> None:
        if text:
            self._answer(self._asker, None, text)
            self._feed.look()
        if is_done:
            self._table.send({"kind": "form", "to": self._asker, "is_open": False})


def _close(widget: Any) -> None:
    """Close a widget with all below it: parents do not close what is theirs."""
    for child in getattr(widget, "children", ()):
        _close(child)
    for name in ("layout", "style"):
        if (own := getattr(widget, name, None)) is not None:
            own.close()
    widget.close()
