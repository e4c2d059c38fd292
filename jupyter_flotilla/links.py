"""Where a run is to be seen in JupyterLab, from a kernel or a terminal."""

import os
import sys
from typing import Any
from urllib.parse import urlencode

from jupyter_flotilla.errors import NoServer

#: The front end opens a run's tab where a kernel opens this comm.
TARGET = "flotilla.open"
#: The front end opens a run's tab where the page's address asks for it.
QUERY = "flotilla-run"


def run_link(run_id: str) -> str | None:
    """Return the address of a run's tab; None where no Jupyter server of the user's runs.

    It has no token in it: whoever opens it logs in as always.
    """
    server = _server_url()
    return None if server is None else f"{server.rstrip('/')}/lab?{urlencode({QUERY: run_id})}"


def open_run(run_id: str) -> None:
    """Open a run's tab: from a notebook in JupyterLab beside it, else in a browser.

    Raises NoServer where no Jupyter server of the user's runs.
    """
    if _is_in_kernel():
        from comm import create_comm

        # a frontend that does not know the target closes it again; nothing is shown then
        create_comm(target_name=TARGET, data={"run_id": run_id}).close()
        return
    link = run_link(run_id)
    if link is None:
        raise NoServer("no Jupyter server of yours is running", next_step="jupyter lab")
    import webbrowser

    webbrowser.open(link)


def _is_in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _server_url() -> str | None:
    """Return the address of the server that started this kernel, else of one of the user's."""
    if prefix := os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        # what the hub is called outside, only newer hubs say; within its page a path is enough
        return os.environ.get("JUPYTERHUB_PUBLIC_URL") or prefix
    from jupyter_server.serverapp import list_running_servers

    servers: list[dict[str, Any]] = list(list_running_servers())
    parent = os.environ.get("JPY_PARENT_PID")
    mine = [server for server in servers if str(server.get("pid")) == parent]
    return next((str(server["url"]) for server in [*mine, *servers]), None)
