"""The functions of ``import jupyter_flotilla as fl`` for what runs again and again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Unpack, get_type_hints

from jupyter_flotilla.api import current_folder, flotilla, resolve, show_options
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.schedule_options import (
    SCHEDULE_OPTIONS,
    read_repository,
    read_schedule_options,
)
from jupyter_flotilla.schedule_handle import EditKeywords, ScheduleHandle
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.jobs import Asked

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _with_options(function: Callable[_P, _R]) -> Callable[_P, _R]:
    annotations = get_type_hints(EditKeywords)
    return show_options(function, (*SCHEDULE_OPTIONS, *OPTIONS), annotations)


@_with_options
def schedule(
    what: str | Path | Sequence[str],
    *,
    paused: bool = False,
    confirm: bool = True,
    **options: Unpack[EditKeywords],
) -> ScheduleHandle:
    """Run a notebook, a Python file or a command again and again; return its schedule.

    >>> fl.schedule("report.ipynb", when="weekdays 07:00 Europe/Berlin")      # doctest: +SKIP
    >>> fl.schedule(["make", "all"], when="every 15 minutes", name="make")    # doctest: +SKIP
    >>> fl.schedule("report.ipynb", after="load", missed="all")               # doctest: +SKIP

    Parameters
    ----------
    what
        Path of a notebook or Python file; a list of words is a command.
    paused
        True: nothing runs until it is resumed.
    confirm
        False: agree to what it may cost.

    Raises
    ------
    UsageError, EnvironmentProblem
        For what could not be run, and for times that mean nothing: nothing is saved.
    """
    facade = flotilla()
    scheduling = Scheduling(facade)
    given: dict[str, Any] = dict(options)
    timed = {o.py: given.pop(o.py) for o in SCHEDULE_OPTIONS if o.py in given}
    asked_options = read_schedule_options(timed)
    file = Path(what) if isinstance(what, (str, Path)) else None
    is_of_git = read_repository(asked_options.source or "") is not None
    resolution = resolve(facade, given, None if is_of_git else file)
    resolution.check_consent()
    asked = Asked(
        file=file,
        command=None if isinstance(what, (str, Path)) else [str(word) for word in what],
        source=asked_options.source,
        folder=current_folder(),
    )
    job = JobOptions(**resolution.values(OPTIONS))
    prepared = scheduling.prepare(asked_options, job, asked)
    prepared.plan.check_consent(confirm=confirm)
    return ScheduleHandle(facade, scheduling.save(prepared, is_paused=paused))


def schedules() -> list[ScheduleHandle]:
    """Return all schedules, by name."""
    facade = flotilla()
    return [ScheduleHandle(facade, found) for found, _ in Scheduling(facade).all()]


def get_schedule(reference: str) -> ScheduleHandle:
    """Return a schedule by its name, id or a unique prefix of it; raises ScheduleNotFound."""
    facade = flotilla()
    return ScheduleHandle(facade, Scheduling(facade).find(reference))
