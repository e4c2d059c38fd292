"""The kernel that the panel is in: which cell it executes, and whether it is busy with one."""

import sys
from typing import Any

from jupyter_flotilla.capture.origin import find_origin
from jupyter_flotilla.model.job import Origin


def current_shell() -> Any:
    """Return the shell of a kernel with a frontend; None elsewhere: a terminal, a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def current_origin() -> Origin:
    """Return where the code that runs now stands, as far as frontends tell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return Origin() if shell is None else find_origin(shell)


def request_id(shell: Any) -> str:
    """Return the id of the request that is being executed: another one each time a cell runs."""
    parent = shell.kernel.get_parent() if hasattr(shell.kernel, "get_parent") else {}
    return str((parent.get("header") or {}).get("msg_id") or "")


class Busy:
    """Whether a cell is being executed: as long as one is, frontends may not be heard."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._is_busy = True  # with the cell that shows the panel
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def __call__(self) -> bool:
        """Say whether it is."""
        return self._is_busy

    def close(self) -> None:
        """Hear of cells no longer."""
        self._shell.events.unregister("pre_run_cell", self._begin)
        self._shell.events.unregister("post_run_cell", self._end)

    def _begin(self, info: Any = None) -> None:
        self._is_busy = True

    def _end(self, result: Any = None) -> None:
        self._is_busy = False
