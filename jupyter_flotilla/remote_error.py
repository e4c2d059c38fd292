"""The error of a job's cell, as its caller's own: built from text, never unpickled."""

import builtins
from typing import Any

from jupyter_flotilla.errors import RunFailed


class RemoteError(RunFailed):
    """A cell failed in its job.

    Where the error's type is a builtin, the instance is also one of that type, so that ``except
    ZeroDivisionError`` catches it.
    """

    code = "remote-error"

    def __init__(self, message: str, *, record: dict[str, Any]) -> None:
        super().__init__(message)
        #: Name of the error's type, its text, and its lines with colours.
        self.ename: str = record["ename"]
        self.evalue: str = record["evalue"]
        self.traceback: list[str] = list(record["traceback"])

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the job's own frames, then why and what to do."""
        lines = self.traceback or [f"{self.ename}: {self.evalue}"]
        return [*lines, "", self.message]


def remote_error(message: str, record: dict[str, Any]) -> RemoteError:
    """Return the error of a stream's ``error`` record, of its builtin type too where it has one.

    Parameters
    ----------
    message
        Cause, evidence and what to do next.
    """
    builtin = getattr(builtins, record["ename"], None)
    if not isinstance(builtin, type) or not issubclass(builtin, Exception):
        return RemoteError(message, record=record)
    try:
        kind: type[RemoteError] = type(
            record["ename"], (RemoteError, builtin), {"__str__": _evalue}
        )
        return kind(message, record=record)
    except TypeError:  # its layout cannot be mixed in: OSError and its kin
        return RemoteError(message, record=record)


def _evalue(error: RemoteError) -> str:
    return error.evalue
