"""The functions of ``import jupyter_flotilla as fl``."""

import inspect
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Unpack

from jupyter_flotilla import machine
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.points import read_points
from jupyter_flotilla.errors import InvalidOption, RunNotFound, UnsupportedPlatform
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, GridKeywords, GridOptions
from jupyter_flotilla.model.option import Option
from jupyter_flotilla.model.options import (
    OPTIONS,
    JobOptions,
    OptionKeywords,
)
from jupyter_flotilla.model.precedence import Resolution
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.publishing import Published, all_published
from jupyter_flotilla.run_set import RunSet, open_grid, submit_grid
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import Settings, load_settings
from jupyter_flotilla.store.costs import By as costs_by
from jupyter_flotilla.store.costs import CostRow


class _GridOptions(GridKeywords, OptionKeywords, total=False):
    """Keywords of a grid and of its jobs."""


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _with_options(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Show each option of the table as a keyword of its own, in help and completion."""
    takes_grid = function.__name__ == "run_grid"
    table = (*GRID_OPTIONS, *OPTIONS) if takes_grid else OPTIONS
    return show_options(function, table, _GridOptions.__annotations__)


def show_options(
    function: Callable[_P, _R], table: Sequence[Option], annotations: Mapping[str, Any]
) -> Callable[_P, _R]:
    """Show options that a function takes as keywords of its own, in help and completion."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    keywords = [
        inspect.Parameter(
            o.py, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotations[o.py]
        )
        for o in table
    ]
    lines = "\n".join(f"    {option.py}: {option.help}" for option in table)

    @wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        return function(*args, **kwargs)

    wrapper.__signature__ = signature.replace(parameters=[*own, *keywords])  # type: ignore[attr-defined]
    wrapper.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nOptions\n-------\n{lines}"
    return wrapper


def flotilla() -> Flotilla:
    """Return the façade over the user's own store; the same one for the same settings."""
    if not machine.is_supported():
        raise UnsupportedPlatform("Flotilla needs Linux or macOS; on Windows, use WSL")
    return _opened(load_settings())


@lru_cache(maxsize=2)  # of settings that change in a process that goes on, only the latest
def _opened(settings: Settings) -> Flotilla:
    return Flotilla(settings)


@_with_options
def submit(
    what: Sequence[str] | Callable[..., Any],
    *args: Any,
    wait: bool = False,
    confirm: bool = True,
    **options: Unpack[OptionKeywords],
) -> RunHandle:
    """Run a command or a function, in the current folder; return its run.

    A command is a list of words. A function is called with the arguments; what it returns is
    ``run.result()``. Keywords of its own are bound with `functools.partial`.

    >>> run = fl.submit(["python", "train.py"], memory="8G")     # doctest: +SKIP
    >>> fl.submit(fit, frame, memory="8G").result()              # doctest: +SKIP
    """
    if callable(what):
        with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
            return _submit(
                lambda facade, o: facade.draft_call(what, args, o, Path(folder)),
                options,
                wait=wait,
                confirm=confirm,
            )
    if isinstance(what, str) or args:
        words = what.split() if isinstance(what, str) else [str(word) for word in what]
        raise InvalidOption(
            f"a command is one list of words, not {what!r}",
            next_step=f"submit({[*words, *map(str, args)]!r})",
        )
    return _submit(
        lambda facade, o: facade.draft_command([str(word) for word in what], o, current_folder()),
        options,
        wait=wait,
        confirm=confirm,
    )


@_with_options
def run_notebook(
    path: str | Path, *, wait: bool = False, confirm: bool = True, **options: Unpack[OptionKeywords]
) -> RunHandle:
    """Run a notebook file as a job, in the file's folder; return its run.

    The file is only read; the executed notebook is ``run.notebook``.

    >>> run = fl.run_notebook("train.ipynb", params={"alpha": 0.1}, memory="8G")  # doctest: +SKIP
    """
    return _submit(
        lambda facade, o: facade.draft_file(Path(path), o),
        options,
        wait=wait,
        confirm=confirm,
        file=Path(path),
    )


@_with_options
def run_source(
    source: str, *, wait: bool = False, confirm: bool = True, **options: Unpack[OptionKeywords]
) -> RunHandle:
    """Run source text as one cell of a fresh kernel, in the current folder; return its run.

    >>> fl.run_source("1 + 1", wait=True).result()               # doctest: +SKIP
    {'text/plain': '2'}
    """
    return _submit(
        lambda facade, o: facade.draft_source(source, o, current_folder()),
        options,
        wait=wait,
        confirm=confirm,
    )


@_with_options
def run_grid(
    path: str | Path, *, wait: bool = False, confirm: bool = True, **options: Unpack[_GridOptions]
) -> RunSet:
    """Run a notebook at each point of a grid of its parameters; return all the runs.

    >>> runs = fl.run_grid("train.ipynb", grid={"lr": [0.1, 0.01]}, budget=5)  # doctest: +SKIP
    >>> runs.wait().df                                                        # doctest: +SKIP
    """
    given: dict[str, Any] = dict(options)
    points = given.get("points")
    if isinstance(points, (str, Path)):
        given["points"] = read_points(Path(points))
    facade = flotilla()
    resolution = resolve(facade, given, Path(path))
    resolution.check_consent()
    limits = GridOptions(**resolution.values(GRID_OPTIONS))
    job_options = JobOptions(**resolution.values(OPTIONS))
    drafts = facade.draft_points(Path(path), job_options, limits.expand())
    facade.plan_grid(drafts, limits).check_consent(confirm=confirm)
    runs = submit_grid(facade, drafts, limits)
    return runs.wait() if wait else runs


def get_grid(reference: str) -> RunSet:
    """Return the runs of a grid by its id or a unique prefix of it; raises RunNotFound."""
    facade = flotilla()
    grid = facade.find_grid(reference)
    if grid is None:
        raise RunNotFound(
            f"no grid has the id or id prefix {reference[:100]!r}",
            next_step="jupyter flotilla ls shows the ids of grids",
        )
    return open_grid(facade, grid)


def current_folder() -> Path:
    """Return the current folder; raises InvalidOption where it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise InvalidOption(
            "the current folder was deleted", next_step="cd to one that exists"
        ) from error


def get(reference: str) -> RunHandle:
    """Return a run by its id, a unique prefix of it, ``last``, ``-1`` or its name.

    Raises
    ------
    RunNotFound, AmbiguousRun
    """
    facade = flotilla()
    return RunHandle(facade, facade.find(reference))


def runs(
    *,
    status: str | Sequence[str] | None = None,
    tag: str | None = None,
    name: str | None = None,
    limit: int = 50,
) -> list[RunHandle]:
    """Return runs, newest first.

    Parameters
    ----------
    status
        One status or several, in any case: ``'running'``.
    tag
        ``'team'`` or ``'team=forecast'``.
    """
    facade = flotilla()
    found = facade.latest(statuses=read_statuses(status), tag=read_tag(tag), name=name, limit=limit)
    return [RunHandle(facade, run) for run, _ in found]


def read_statuses(status: str | Sequence[str] | None) -> tuple[RunStatus, ...]:
    """Return statuses from what people write; raises InvalidOption."""
    words = [status] if isinstance(status, str) else list(status or ())
    known = {member.value for member in RunStatus}
    for word in words:
        if word.upper() not in known:
            raise InvalidOption(
                f"there is no status {word!r}", next_step=f"use {', '.join(RunStatus)}"
            )
    return tuple(RunStatus(word.upper()) for word in words)


def read_tag(tag: str | None) -> tuple[str, str | None] | None:
    """Return key and value of ``k=v``; the value of a bare key is None: any."""
    if tag is None:
        return None
    key, equals, value = tag.partition("=")
    return key, value if equals else None


def costs(by: costs_by = "name", *, since: datetime | None = None) -> list[CostRow]:
    """Return what attempts have cost, summed by something, the most expensive first.

    Parameters
    ----------
    by
        ``tag``, ``owner``, ``notebook``, ``day``, ``name`` or ``engine``.
    since
        Only attempts that ended since then; None: all.
    """
    return flotilla().costs(by, since)


def published() -> list[Published]:
    """Return what is published (``publish=…``) under names that stay, by name."""
    return all_published(flotilla())


def resolve(facade: Flotilla, given: Mapping[str, Any], file: Path | None = None) -> Resolution:
    """Return what a job gets that is asked for so: of a file, or in the current folder.

    Raises as `Defaults.resolve`.
    """
    folder = current_folder() if file is None else file.expanduser().absolute().parent
    read = file if file is not None and file.suffix in (".ipynb", ".py") else None
    return facade.defaults.resolve(given, file=read, folder=folder)


def _submit(
    draft: Callable[[Flotilla, JobOptions], Draft],
    options: Mapping[str, Any],
    *,
    wait: bool,
    confirm: bool,
    file: Path | None = None,
) -> RunHandle:
    facade = flotilla()
    resolution = resolve(facade, options, file)
    resolution.check_consent()
    drafted = draft(facade, JobOptions(**resolution.values(OPTIONS)))
    facade.plan(drafted).check_consent(confirm=confirm)
    handle = RunHandle(facade, facade.submit(drafted))
    return handle.wait() if wait else handle
