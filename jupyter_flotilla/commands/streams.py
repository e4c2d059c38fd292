"""stdout as a program's user expects it: it takes any text, and says once why it takes none."""

import errno
import io
import os
import sys
from typing import NoReturn

from jupyter_flotilla.errors import EnvironmentProblem

#: What a shell reports of a program that SIGPIPE has ended.
_CLOSED = 141


class StdoutClosed(SystemExit):
    """Whoever read stdout has read enough, as ``| head`` does: no error, nothing to say."""


def guard() -> None:
    """Let stdout and stderr take text of any language, and failures of stdout be ours.

    Afterwards writing to stdout raises `StdoutClosed` or `EnvironmentProblem`, whoever writes:
    commands, click and rich alike.
    """
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="replace")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _Stdout(
            sys.stdout.buffer,
            encoding=sys.stdout.encoding,
            errors="backslashreplace",  # a job's text: nothing of it may be lost
            line_buffering=sys.stdout.line_buffering,
            write_through=sys.stdout.write_through,
        )


def flush() -> None:
    """Write what is left in stdout; raises as it does. At exit Python could only complain."""
    if sys.stdout is not None:
        sys.stdout.flush()


def write_bytes(content: bytes) -> None:
    """Write bytes to stdout, whatever its encoding; raises as it does."""
    if not isinstance(sys.stdout, io.TextIOWrapper):  # a notebook's, which shows text alone
        sys.stdout.write(content.decode("utf-8", "replace"))
        return
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        _give_up(sys.stdout.fileno(), error)


class _Stdout(io.TextIOWrapper):
    """stdout whose failures are told once."""

    def write(self, text: str, /) -> int:
        if text == "":  # click finds out with it what kind of stream this is, and swallows errors
            return 0
        try:
            return super().write(text)
        except OSError as error:
            _give_up(self.fileno(), error)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            _give_up(self.fileno(), error)


def _give_up(fd: int, error: OSError) -> NoReturn:
    # What is left in the buffer goes nowhere, and does not fail again at exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, fd)
    os.close(nowhere)
    if error.errno == errno.EPIPE:
        raise StdoutClosed(_CLOSED) from error
    raise EnvironmentProblem(
        f"stdout cannot be written: {error.strerror}", next_step="write it to another place"
    ) from error
