"""Where a cell is executed, as far as frontends tell.

========== ============================================= ==============================
frontend   notebook                                      cell
========== ============================================= ==============================
JupyterLab ``JPY_SESSION_NAME``, set by the server       ``cellId`` with each request
Notebook 7 the same                                      the same
VS Code    ``__vsc_ipynb_file__`` in the namespace       ``cellId`` with each request
Colab      nobody says                                   nobody says
terminal   none                                          none
========== ============================================= ==============================

Where nothing is known, runs are found by id, name and ``last``, and no run is taken for an earlier
one of the same cell.
"""

import os
import re
from pathlib import Path
from typing import Any

from jupyter_flotilla.model.job import VS_CODE, Origin

_VS_CODE_FILE = "__vsc_ipynb_file__"
_KERNEL_FILE = re.compile(r"kernel-(.+)\.json")


def find_origin(shell: Any) -> Origin:
    """Return where the cell that is being executed stands."""
    return Origin(
        notebook=_notebook(shell),
        cell_id=_cell_id(shell),
        kernel_id=_kernel_id(shell),
        # not `execution_count`, which is that of the next cell in newer versions
        number=len(shell.user_ns["In"]) - 1 if "In" in shell.user_ns else None,
        frontend=VS_CODE if shell.user_ns.get(_VS_CODE_FILE) else None,
    )


def _notebook(shell: Any) -> str | None:
    told = shell.user_ns.get(_VS_CODE_FILE) or os.environ.get("JPY_SESSION_NAME")
    # a console's session has a name that is no file
    return str(Path(told).absolute()) if told and str(told).endswith(".ipynb") else None


def _cell_id(shell: Any) -> str | None:
    parent = getattr(shell, "parent_header", None) or {}
    kernel = getattr(shell, "kernel", None)
    if not parent and kernel is not None and hasattr(kernel, "get_parent"):
        parent = kernel.get_parent("shell") or {}
    cell_id = (parent.get("metadata") or {}).get("cellId")
    return str(cell_id) if cell_id else None


def _kernel_id(shell: Any) -> str | None:
    file = getattr(getattr(shell, "config", {}).get("IPKernelApp", {}), "connection_file", "")
    if not file:
        kernel = getattr(shell, "kernel", None)
        file = getattr(getattr(kernel, "parent", None), "connection_file", "")
    found = _KERNEL_FILE.search(str(file))
    return found[1] if found else None
