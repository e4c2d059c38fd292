"""Fields to launch a run again with changes; its price is there before its button is pressed."""

import html
from collections.abc import Callable
from threading import Lock, Timer
from typing import Any

import ipywidgets

from jupyter_flotilla.errors import Refused
from jupyter_flotilla.widget import actions

#: After the last change of a field its price is asked for, in seconds.
_PAUSE_S = 0.4

#: Takes a sentence, and whether the form is done.
Said = Callable[[str, bool], None]


class RetryForm:
    """The fields, hidden while no run is chosen.

    Parameters
    ----------
    said
        Is told of what was done, and that the form was closed.
    """

    def __init__(self, said: Said) -> None:
        self._said = said
        self._lock = Lock()
        #: What is answered is shown only if nothing was changed since it was asked.
        self._asked = 0
        self._chosen: actions.Again | None = None
        self._timer: Timer | None = None
        self._title = ipywidgets.HTML()
        self._fields: dict[str, Any] = {
            "memory": _text("Memory", "16G"),
            "cpu": _text("CPU", "4"),
            "timeout": _text("Timeout", "1h"),
            "spot": ipywidgets.Checkbox(description="Spot", indent=False),
        }
        self._price = ipywidgets.HTML().add_class("flotilla-price")
        self._launch = _button("Retry", self._on_launch, style="primary")
        self._anyway = _button("Launch anyway", self._on_anyway, style="warning")
        self._close = _button("Close", self._on_close)
        self.box = ipywidgets.VBox(
            [
                self._title,
                ipywidgets.HBox([*self._fields.values()]).add_class("flotilla-fields"),
                self._price,
                ipywidgets.HBox([self._launch, self._anyway, self._close]),
            ]
        ).add_class("flotilla-retry")
        self.box.layout.display = "none"
        for field in self._fields.values():
            field.observe(self._on_change, "value")

    def open(self, chosen: actions.Again) -> None:
        """Show the fields of a run, with what may do better filled in."""
        self._chosen = None  # nothing is asked for while the fields are filled
        values = {**chosen.before, **chosen.advice}
        for name, field in self._fields.items():
            field.value = bool(values[name]) if name == "spot" else _shown(values[name])
            field.layout.display = None if name in chosen.fields else "none"
        # <code>: elsewhere frontends take what stands between two dollars for a formula
        title = f'<code class="flotilla-title">{html.escape(chosen.title)}</code>'
        self._title.value = f"Retry {title}, with changes:"
        self._chosen = chosen
        self._show_asks(())
        self.box.layout.display = None
        self._ask_price(0.0)

    @property
    def first(self) -> str:
        """What the first field shows."""
        return str(self._fields["memory"].value)

    def close(self) -> None:
        """Hide the fields."""
        self._chosen = None
        self._stop_timer()
        self.box.layout.display = "none"

    def _changes(self) -> dict[str, Any]:
        """Return what differs from how the run was."""
        assert self._chosen is not None
        given = {name: field.value for name, field in self._fields.items()}
        return {
            name: value.strip() if isinstance(value, str) else value
            for name, value in given.items()
            if value != self._chosen.before[name] and name in self._chosen.fields and value != ""
        }

    def _on_change(self, change: Any) -> None:
        if self._chosen is not None:
            self._show_asks(())
            self._ask_price(_PAUSE_S)

    def _ask_price(self, pause_s: float) -> None:
        self._stop_timer()
        with self._lock:
            self._asked += 1
            self._timer = Timer(pause_s, self._show_price, (self._asked,))
            self._timer.daemon = True
            self._timer.start()
        self._say_price("…")

    def _show_price(self, asked: int) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        try:
            found = actions.offer(chosen.run_id, self._changes())
            text, is_trouble = found.price, False
        except Exception as error:  # whatever it is, it is shown here: a thread tells nobody
            text, is_trouble = actions.trouble_text(error), True
        with self._lock:
            if asked == self._asked and self._chosen is chosen:
                self._say_price(text, is_trouble=is_trouble)

    def _on_launch(self, button: Any) -> None:
        self._start(confirm=True)

    def _on_anyway(self, button: Any) -> None:
        self._start(confirm=False)

    def _start(self, *, confirm: bool) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        changes = self._changes()
        self._stop_timer()
        with self._lock:
            self._asked += 1  # a price that comes now would hide what is asked
        self._launch.disabled = self._anyway.disabled = True
        actions.in_thread(lambda: self._retry(chosen, changes, confirm=confirm))

    def _retry(self, chosen: actions.Again, changes: dict[str, Any], *, confirm: bool) -> None:
        try:
            text = actions.retry(chosen.run_id, changes, confirm=confirm)
        except Refused as refused:
            self._show_asks(refused.message.split("; "))
        except Exception as error:  # whatever it is, it is shown here: a thread tells nobody
            self._say_price(actions.trouble_text(error), is_trouble=True)
        else:
            self.close()
            self._said(text, True)
        finally:
            self._launch.disabled = self._anyway.disabled = False

    def _on_close(self, button: Any) -> None:
        self.close()
        self._said("", True)

    def _show_asks(self, asks: list[str] | tuple[str, ...]) -> None:
        """Ask for consent, or no longer."""
        self._launch.layout.display = "none" if asks else None
        self._anyway.layout.display = None if asks else "none"
        if asks:
            self._say_price("; ".join(asks), is_trouble=True)

    def _say_price(self, text: str, *, is_trouble: bool = False) -> None:
        kind = "flotilla-trouble" if is_trouble else "flotilla-said"
        self._price.value = f'<code class="{kind}" role="status">{html.escape(text)}</code>'

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(label: str, example: str) -> Any:
    return ipywidgets.Text(description=label, placeholder=example, continuous_update=True)


def _button(label: str, pressed: Callable[[Any], None], style: str = "") -> Any:
    button = ipywidgets.Button(description=label, button_style=style)
    button.layout.width = "auto"
    button.on_click(pressed)
    return button
