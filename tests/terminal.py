"""A terminal for the command line: what its user sees, and what was sent to it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Self

import witness

_TOKENS = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\x00-\x1f])|([^\x00-\x1f]+)", re.DOTALL)


class Terminal:
    """``jupyter flotilla`` in a terminal of its own.

    Parameters
    ----------
    stdout
        Goes there instead of to the terminal.
    """

    def __init__(
        self,
        *words: str | Path,
        columns: int = 80,
        stdout: IO[bytes] | int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._sent = bytearray()
        self._columns = columns
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        dropped = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
        given = {name: value for name, value in os.environ.items() if name not in dropped}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_flotilla", *map(str, words)],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env={**given, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def sent(self) -> str:
        """All that was sent to the terminal."""
        return self._sent.decode("utf-8", "ignore")  # the last letter may be on its way

    def until(self, is_so: Callable[[list[str]], object]) -> list[str]:
        """Return the rows of the screen once they are as expected."""
        deadline = time.monotonic() + witness.PATIENCE_S
        while not is_so(rows := self.rows()):
            assert time.monotonic() < deadline, f"never so: {rows}"
            assert self._read() or is_so(self.rows()), f"not so at the end: {self.rows()}"
        return rows

    def end(self) -> int:
        """Return the exit code, once there is one."""
        while self._read():
            pass
        return self.process.wait(timeout=witness.PATIENCE_S)

    def rows(self) -> list[str]:
        """Return what the terminal shows now, what has scrolled by included."""
        return shown(self.sent, self._columns)

    def _read(self) -> bool:
        """Take what was sent; False at the end."""
        ready, _, _ = select.select([self._master], [], [], witness.PATIENCE_S)
        assert ready, f"nothing comes any more: {self.rows()}"
        try:
            content = os.read(self._master, 1 << 16)
        except OSError:  # EIO: the last who had the other side open has left
            return False
        self._sent += content
        return bool(content)


def shown(sent: str, columns: int) -> list[str]:
    """Return the rows that a terminal without a last row shows; letters are one cell wide."""
    rows: list[list[str]] = [[]]
    row = column = 0
    for numbers, command, control, text in _TOKENS.findall(sent):
        if command == "A":
            row = max(0, row - int(numbers or 1))
        elif command == "J":
            del rows[row + 1 :], rows[row][column:]
        elif control == "\r":
            column = 0
        elif control == "\n":
            row += 1
        for letter in text:
            if column == columns:
                row, column = row + 1, 0
            rows += [[] for _ in range(row + 1 - len(rows))]
            cells = rows[row]
            cells += " " * (column + 1 - len(cells))
            cells[column] = letter
            column += 1
        rows += [[] for _ in range(row + 1 - len(rows))]
    return ["".join(cells).rstrip() for cells in rows]
