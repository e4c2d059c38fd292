"""A job's text as lines for a terminal: whole ones, and the last one while it still grows."""

import re

from rich.cells import cell_len, set_cell_size

from jupyter_flotilla.model.text import colours_only, plain

#: What must not reach a terminal of lines, once sequences other than colours are gone.
_CONTROLS = re.compile(r"\x1b(?!\[[0-9;:]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
#: What is overwritten: a line up to the last return to its start that something follows.
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)
_SPECIAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Lines:
    """Takes text as it comes; ``\\r`` returns to the start of a line, as progress bars do.

    Parameters
    ----------
    colours
        Whether colours are kept; all other control sequences go.

    >>> lines = Lines()
    >>> lines.take("a\\n 10%"), lines.growing(20), lines.take("\\r 20%"), lines.growing(20)
    ('a\\n', ' 10%', '', ' 20%')
    """

    def __init__(self, *, colours: bool = True) -> None:
        self._clean = colours_only if colours else plain_lines
        self._rest: list[str] = []

    def take(self, text: str) -> str:
        """Return the lines that this text ends, with their line breaks; keep what is none yet."""
        ended, newline, rest = text.rpartition("\n")
        if not newline:
            self._grow(rest)
            return ""
        whole = "".join([*self._rest, ended, newline])
        self._rest = []
        self._grow(rest)
        return self._shown(whole)

    def growing(self, cells: int) -> str:
        """Return the end of the line that is not yet whole, without colours, so wide at most."""
        last: list[str] = []
        while len(last) < len(self._rest) and sum(map(len, last)) < 8 * cells:
            last.append(self._rest[-1 - len(last)])
        return end_of_line(plain(self._shown("".join(reversed(last)))).expandtabs(), cells)

    def end(self) -> str:
        """Return what came without a line break at the end, with one."""
        rest, self._rest = "".join(self._rest), []
        return f"{self._shown(rest)}\n" if rest else ""

    def _grow(self, text: str) -> None:
        # A bar that is drawn for hours must not be kept from its first state on.
        if text.strip("\r") and self._rest and self._rest[-1].endswith("\r"):
            self._rest = []
        kept = _OVERWRITTEN.sub("", text)
        if kept != text:
            self._rest = []
        if kept:
            self._rest.append(kept)

    def _shown(self, text: str) -> str:
        if _SPECIAL.search(text) is None:
            return text  # nearly all there is, and it may be millions of lines
        text = _CONTROLS.sub("", self._clean(text))
        return _OVERWRITTEN.sub("", text).replace("\r", "")


def plain_lines(text: str) -> str:
    """Return text without control sequences, but with its returns to the start of a line."""
    return "\r".join(plain(part) for part in text.split("\r"))


def start_of_line(line: str, cells: int) -> str:
    """Return a line of at most so many cells, cut at its end.

    >>> start_of_line("abcdef", 4)
    'abc…'
    """
    return line if cell_len(line) <= cells else f"{set_cell_size(line, cells - 1)}…"


def end_of_line(line: str, cells: int) -> str:
    """Return a line of at most so many cells, cut at its start.

    >>> end_of_line("abcdef", 4)
    '…def'
    """
    if cell_len(line) <= cells:
        return line
    line = line[-cells:]
    while cell_len(line) >= cells:
        line = line[1:]
    return f"…{line}"
