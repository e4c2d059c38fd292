"""Run notebooks, cells and commands as batch jobs: here, in containers, on AWS ECS.

>>> import jupyter_flotilla as fl
>>> run = fl.run_notebook("train.ipynb", params={"alpha": 0.1})   # doctest: +SKIP
>>> run.wait().cost                                               # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

__all__ = [
    "FlotillaError",
    "RunCancelled",
    "RunFailed",
    "RunHandle",
    "RunSet",
    "RunStatus",
    "ScheduleHandle",
    "__version__",
    "costs",
    "get",
    "get_grid",
    "get_schedule",
    "job",
    "map",
    "panel",
    "published",
    "remote",
    "run_grid",
    "run_notebook",
    "run_source",
    "runs",
    "schedule",
    "schedules",
    "submit",
]

if TYPE_CHECKING:
    from jupyter_flotilla import job
    from jupyter_flotilla.api import (
        costs,
        get,
        get_grid,
        published,
        run_grid,
        run_notebook,
        run_source,
        runs,
        submit,
    )
    from jupyter_flotilla.calls import map, remote
    from jupyter_flotilla.errors import FlotillaError, RunCancelled, RunFailed
    from jupyter_flotilla.handle import RunHandle
    from jupyter_flotilla.model.run import RunStatus
    from jupyter_flotilla.recurring import get_schedule, schedule, schedules
    from jupyter_flotilla.run_set import RunSet
    from jupyter_flotilla.schedule_handle import ScheduleHandle
    from jupyter_flotilla.widget.opening import panel

_HOMES = {
    "FlotillaError": "errors",
    "RunCancelled": "errors",
    "RunFailed": "errors",
    "RunHandle": "handle",
    "RunSet": "run_set",
    "RunStatus": "model.run",
    "ScheduleHandle": "schedule_handle",
    "costs": "api",
    "map": "calls",
    "panel": "widget.opening",
    "remote": "calls",
    "get": "api",
    "published": "api",
    "get_grid": "api",
    "run_grid": "api",
    "run_notebook": "api",
    "run_source": "api",
    "runs": "api",
    "get_schedule": "recurring",
    "schedule": "recurring",
    "schedules": "recurring",
    "submit": "api",
}


def __getattr__(name: str) -> Any:
    # Imported at first use: ``import jupyter_flotilla`` must cost next to nothing.
    if name == "job":
        return import_module("jupyter_flotilla.job")
    if name in _HOMES:
        return getattr(import_module(f"jupyter_flotilla.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext jupyter_flotilla``: register ``%%flotilla_run``, ``%flotilla``, completion."""
    import_module("jupyter_flotilla.magics").register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext jupyter_flotilla``."""
    import_module("jupyter_flotilla.magics").unregister(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-flotilla"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": import_module("jupyter_flotilla.server.app").FlotillaApp}]


def __dir__() -> list[str]:
    return sorted(__all__)
