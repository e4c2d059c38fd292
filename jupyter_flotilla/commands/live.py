"""Lines at the bottom of a terminal that change, while text goes by above them."""

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from jupyter_flotilla.commands.lines import start_of_line

#: Cells that stay free at the right: a terminal echoes ``^C`` where the last line ends.
_FREE = 4


class Live:
    """The lines at the bottom; they are gone at the end.

    Text and lines are written in one go: a terminal shows no state in between, and text of a
    million lines costs no more than writing it.

    Parameters
    ----------
    console
        Of a terminal: see `is_possible`.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: list[str] = []

    @staticmethod
    def is_possible(console: Console) -> bool:
        """Say whether a console is a terminal whose lines can be drawn anew."""
        return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal

    @property
    def cells(self) -> int:
        """How wide a line may be."""
        return max(8, self._console.width - _FREE)

    def draw(
        self,
        lines: Sequence[str],
        *,
        style: str = "",
        above: str = "",
        growing: Sequence[str] = (),
    ) -> None:
        """Write text above, whole lines of it, and draw the lines at the bottom anew.

        Where there is no room, lines lose their end.

        Parameters
        ----------
        style
            Of the lines.
        growing
            Lines before them, in no style.
        """
        shown = [start_of_line(line, self.cells) for line in (*growing, *lines)]
        if shown == self._shown and not above:
            return
        reset = "\x1b[0m" if "\x1b" in above else ""  # a job may leave its colour behind
        styles = [""] * len(growing) + [style] * len(lines)
        text = Text("\n").join(map(Text, shown, styles))
        self._write(f"{self._erase()}{above}{reset}{self._rendered(text)}")
        self._shown = shown

    def __enter__(self) -> "Live":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._write(self._erase())

    def _erase(self) -> str:
        if not self._shown:
            return ""
        width = max(1, self._console.width)  # which may have become narrower since they were drawn
        rows = sum(max(1, -(-cell_len(line) // width)) for line in self._shown)
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        return f"\r{up}\x1b[J"

    def _rendered(self, text: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(text, end="")
        return captured.get()

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a terminal that is gone must not end what is being followed
            self._console.file.write(text)
            self._console.file.flush()
