"""Functions as jobs: one call a job, many items as a grid of jobs, and a decorator."""

import functools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, Literal, ParamSpec, TypeVar, Unpack

from jupyter_flotilla import api
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.grid import Grid
from jupyter_flotilla.model.grid_options import DEFAULT_PARALLEL, GRID_OPTIONS, GridOptions
from jupyter_flotilla.model.options import OPTIONS, JobOptions, OptionKeywords
from jupyter_flotilla.run_set import RunSet
from jupyter_flotilla.service import Flotilla

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: Jobs for each that may go on at a time, where nobody says how many items a job takes: the last
#: ones do not hold up everything, and a job's start is shared by several items.
_ROUNDS = 4


class MapSet(RunSet):
    """The runs of a map: each calls the function with some of the items."""

    def __init__(
        self, flotilla: Flotilla, grid: Grid, runs: Sequence[RunHandle], sizes: Sequence[int]
    ) -> None:
        super().__init__(flotilla, grid, runs)
        self._sizes = list(sizes)
        self._size_of = {run.id: size for run, size in zip(runs, sizes, strict=True)}

    def _subset(self, runs: Sequence[RunHandle]) -> "MapSet":
        sizes = [self._size_of[run.id] for run in runs]
        return MapSet(self._flotilla, self._grid, runs, sizes)

    def results(self, errors: Literal["raise", "return", "skip"] = "raise") -> list[Any]:
        """Wait for all, and return what the function gave for each item, in order.

        Parameters
        ----------
        errors
            Of a run that did not succeed: ``raise`` its error, ``return`` it in the place of each
            of its items, or ``skip`` those.
        """
        given: list[Any] = []
        for run, size, result in zip(self, self._sizes, super().results("return"), strict=True):
            if run.exception() is None:
                given += result
            elif errors == "raise":
                raise result
            elif errors == "return":
                given += [result] * size
        return given

    def __repr__(self) -> str:
        return f"<MapSet {self.id[:7]} {self.name} {sum(self._sizes):,} items in {self.summary()}>"


def map(
    function: Callable[..., Any],
    items: Iterable[Any],
    *,
    chunksize: int | Literal["auto"] = "auto",
    max_parallel: int = DEFAULT_PARALLEL,
    budget: float | None = None,
    wait: bool = False,
    confirm: bool = True,
    **options: Unpack[OptionKeywords],
) -> MapSet:
    """Call a function with each item, several items a job; return the runs.

    >>> fl.map(fit, range(100), max_parallel=8).results()        # doctest: +SKIP

    Parameters
    ----------
    chunksize
        Items of one job; ``auto``: as many as make four rounds of ``max_parallel`` jobs.
    max_parallel, budget
        As of a grid: jobs at a time, US dollars over all of them.
    """
    chunks = _chunks(list(items), chunksize, max_parallel)
    facade = api.flotilla()
    limits_given = {"max_parallel": max_parallel, "budget": budget}
    resolution = api.resolve(facade, {**options, **limits_given})
    resolution.check_consent()
    job_options = JobOptions(**resolution.values(OPTIONS))
    limits = GridOptions(**resolution.values(GRID_OPTIONS))
    with tempfile.TemporaryDirectory(prefix="flotilla-") as top:
        drafts = facade.draft_map(function, chunks, job_options, Path(top))
        facade.plan_grid(drafts, limits).check_consent(confirm=confirm)
        grid, runs = facade.submit_grid(drafts, limits)
    handles = [RunHandle(facade, run) for run in runs]
    found = MapSet(facade, grid, handles, [len(chunk) for chunk in chunks])
    if wait:
        found.wait()
    return found


def _chunks(
    items: list[Any], chunksize: int | Literal["auto"], max_parallel: int
) -> list[list[Any]]:
    if not items:
        raise InvalidOption("there are no items to map over")
    size = -(-len(items) // (max_parallel * _ROUNDS)) if chunksize == "auto" else chunksize
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidOption(f"chunksize={chunksize!r} is no number of items", next_step="'auto'")
    return [items[start : start + size] for start in range(0, len(items), size)]


class RemoteFunction(Generic[_P, _R]):
    """A function that runs as a job when it is called."""

    def __init__(self, function: Callable[_P, _R], options: OptionKeywords) -> None:
        functools.update_wrapper(self, function)
        #: The function itself: call it to run here.
        self.local = function
        self._options = options

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run as a job, wait, and return what the function returns."""
        result: _R = self.submit(*args, **kwargs).result()
        return result

    def submit(self, *args: _P.args, **kwargs: _P.kwargs) -> RunHandle:
        """Run as a job and return its run."""
        call = functools.partial(self.local, **kwargs) if kwargs else self.local
        return api.submit(call, *args, **self._options)

    def map(self, items: Iterable[Any], **limits: Any) -> MapSet:
        """Run with each item; ``limits`` as of `map`."""
        return map(self.local, items, **limits, **self._options)

    def with_options(self, **options: Unpack[OptionKeywords]) -> "RemoteFunction[_P, _R]":
        """Return the same function with other options."""
        return RemoteFunction(self.local, OptionKeywords(**{**self._options, **options}))


def remote(
    **options: Unpack[OptionKeywords],
) -> Callable[[Callable[_P, _R]], RemoteFunction[_P, _R]]:
    """Let a function run as a job of its own wherever it is called.

    >>> @fl.remote(memory="16G")                                 # doctest: +SKIP
    ... def fit(frame): ...
    >>> fit(frame); fit.submit(frame); fit.map(frames); fit.local(frame)  # doctest: +SKIP
    """
    return lambda function: RemoteFunction(function, options)
