"""What the user holds of a grid: several runs, seen and steered together."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Literal, Unpack

from jupyter_flotilla import render
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.errors import WaitTimeout
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.grid import Grid
from jupyter_flotilla.model.grid_options import GridKeywords, GridOptions, read_grid_options
from jupyter_flotilla.model.options import JobOptions, OptionKeywords
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.units import format_duration, parse_duration
from jupyter_flotilla.service import Flotilla


class RunSet(Sequence[RunHandle]):
    """Runs in the order of their points; iterate, index and slice it as a list.

    >>> runs = fl.run_grid("train.ipynb", grid={"lr": [0.1, 0.01]})    # doctest: +SKIP
    >>> runs.wait().df                                                # doctest: +SKIP
    """

    def __init__(self, flotilla: Flotilla, grid: Grid, runs: Sequence[RunHandle]) -> None:
        self._flotilla = flotilla
        self._grid = grid
        self._runs = list(runs)
        self._attempts: dict[str, list[Attempt]] = {}

    @property
    def id(self) -> str:
        """The grid's id, ``g`` and 12 characters."""
        return self._grid.id

    @property
    def name(self) -> str:
        """The job's name."""
        return self._grid.name

    @property
    def grid(self) -> Grid:
        """Limits that the runs share."""
        return self._grid

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._subset(self._runs[index])
        return self._runs[index]

    def __iter__(self) -> Iterator[RunHandle]:
        return iter(self._runs)

    def refresh(self) -> "RunSet":
        """Read all runs again, in one go, and return this set."""
        found = self._flotilla.get_all([run.id for run in self._runs])
        for run in self._runs:
            if run.id in found:
                snapshot, self._attempts[run.id] = found[run.id]
                run.renew(snapshot)
        return self

    @property
    def progress(self) -> dict[str, int]:
        """How many runs there are of each status; those that there are none of are left out."""
        return self.refresh().counts()

    def counts(self) -> dict[str, int]:
        """Return `progress` as it was at the last refresh."""
        counts = Counter(run.snapshot.status for run in self._runs)
        return {status.value: counts[status] for status in RunStatus if counts[status]}

    @property
    def cost_usd(self) -> float | None:
        """What all runs have cost so far, or would have; None where a price is unknown."""
        costs = [self._cost_usd(run) for run in self.refresh()]
        known = [usd for usd in costs if usd is not None]
        return sum(known) if len(known) == len(costs) else None

    @property
    def failed(self) -> "RunSet":
        """The runs that have FAILED."""
        return self._with(RunStatus.FAILED)

    @property
    def succeeded(self) -> "RunSet":
        """The runs that have SUCCEEDED."""
        return self._with(RunStatus.SUCCEEDED)

    def _with(self, status: RunStatus) -> "RunSet":
        found = [run for run in self.refresh() if run.snapshot.status is status]
        return self._subset(found)

    def _subset(self, runs: Sequence[RunHandle]) -> "RunSet":
        return RunSet(self._flotilla, self._grid, runs)

    def changes(self, every_s: float = 1.0) -> Iterator["RunSet"]:
        """Yield this set, renewed, at every change and at least so often, until all are final.

        Sees to it meanwhile that a dispatcher lives.
        """
        with closing(self._flotilla.looks(every_s)) as looks:
            for _ in looks:
                yield self.refresh()
                if all(run.snapshot.status.is_final for run in self._runs):
                    return

    def wait(self, timeout: float | str | None = None) -> "RunSet":
        """Return once all runs are final.

        Parameters
        ----------
        timeout
            Seconds, or text such as ``'2h'``; None: as long as it takes.

        Raises
        ------
        WaitTimeout
            If they are not by then; the runs go on.
        """
        for _ in self.as_completed(timeout):
            pass
        return self

    def as_completed(self, timeout: float | str | None = None) -> Iterator[RunHandle]:
        """Yield each run as soon as it is final; raises as `wait`."""
        limit = parse_duration(timeout) if isinstance(timeout, str) else timeout
        deadline = None if limit is None else time.monotonic() + limit
        told: set[str] = set()
        for _ in self.changes():
            for run in self._runs:
                if run.snapshot.status.is_final and run.id not in told:
                    told.add(run.id)
                    yield run
            if deadline is not None and time.monotonic() > deadline and len(told) < len(self):
                after = format_duration(limit or 0)
                raise WaitTimeout(
                    f"{len(self) - len(told)} of {len(self)} runs are not final after {after}",
                    next_step="they go on; wait() again, or cancel()",
                )

    def results(self, errors: Literal["raise", "return", "skip"] = "raise") -> list[Any]:
        """Wait for all, and return what each gave, in order; see `RunHandle.result`.

        Parameters
        ----------
        errors
            Of a run that did not succeed: ``raise`` its error, ``return`` it in its place, or
            ``skip`` it.

        Raises
        ------
        RunFailed, RunCancelled
            The first error in the order of the runs, under ``raise``.
        """
        if errors not in ("raise", "return", "skip"):
            raise ValueError(f"errors={errors!r}: use 'raise', 'return' or 'skip'")
        self.wait()
        given = []
        for run in self._runs:
            error = run.exception()
            if error is None:
                given.append(run.result())
            elif errors == "raise":
                raise error
            elif errors == "return":
                given.append(error)
        return given

    def cancel(self, grace: float | str = 10.0) -> "RunSet":
        """Ask for all runs to end and return at once; see `RunHandle.cancel`."""
        # The last first: what waits must not start because an earlier one has made room.
        for run in reversed(self._runs):
            run.cancel(grace)
        return self

    def retry(
        self,
        *,
        confirm: bool = True,
        max_parallel: int | None = None,
        budget: float | str | None = None,
        **options: Unpack[OptionKeywords],
    ) -> "RunSet":
        """Submit what was frozen for these runs again, with changes, as a new grid.

        >>> runs.failed.retry(memory="32G")                      # doctest: +SKIP

        Parameters
        ----------
        max_parallel, budget
            Of the new grid; None: those of this one.

        Raises
        ------
        InvalidOption, EngineUnavailable
        Refused
            If there is something to agree to, and ``confirm`` is not False.
        """
        if not self._runs:
            return self
        keywords: GridKeywords = {"max_parallel": max_parallel, "budget": budget}
        drafts, limits = self.drafts_again(self._flotilla.changes(options), keywords)
        self._flotilla.plan_grid(drafts, limits).check_consent(confirm=confirm)
        repeats = [run.id for run in self._runs]
        return submit_grid(self._flotilla, drafts, limits, repeats)

    def drafts_again(
        self, changes: JobOptions, limits: GridKeywords | None = None
    ) -> tuple[list[Draft], GridOptions]:
        """Return the jobs that repeat these runs, and the limits of their grid: this one's, or new.

        Raises
        ------
        InvalidOption
            For what cannot be changed.
        """
        given = {name: value for name, value in (limits or {}).items() if value is not None}
        same = {"max_parallel": self._grid.max_parallel, "budget": self._grid.budget_usd}
        drafts = [self._flotilla.draft_retry(run.snapshot, changes) for run in self._runs]
        return drafts, read_grid_options(same | given)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a run: its id and status, parameters, metrics, cost, duration.

        A metric with the name of a parameter is called ``metric.NAME``; costs are None where the
        price is unknown, durations before the end.
        """
        self.refresh()
        return [self._row(run) for run in self._runs]

    def _row(self, handle: RunHandle) -> dict[str, Any]:
        run, attempt = handle.snapshot, self.latest(handle)
        row: dict[str, Any] = {"id": run.id, "status": run.status.value, **run.spec.params}
        for name, value in (attempt.metrics if attempt else {}).items():
            row[f"metric.{name}" if name in row else name] = value
        row["cost_usd"] = self._cost_usd(handle)
        row["duration_s"] = None if attempt is None else attempt.duration_s
        row["failure_kind"] = None if run.failure_kind is None else run.failure_kind.value
        return row

    @property
    def df(self) -> Any:
        """The rows as a pandas DataFrame: parameters × metrics × cost."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def latest(self, run: RunHandle) -> Attempt | None:
        """Return the latest attempt of a run as it was at the last refresh."""
        made = self._attempts.get(run.id)
        return made[-1] if made else None

    def _cost_usd(self, run: RunHandle) -> float | None:
        return self._flotilla.cost(run.snapshot, self._attempts.get(run.id, [])).usd

    def summary(self) -> str:
        """Return how many runs there are of each status, on one line."""
        return render.counts_text(self.progress, len(self))

    def __repr__(self) -> str:
        return f"<RunSet {self.id[:7]} {self.name} {self.summary()}>"

    def _repr_html_(self) -> str:
        return render.table_html(self.rows())


def submit_grid(
    flotilla: Flotilla,
    drafts: Sequence[Draft],
    options: GridOptions,
    retry_of: Sequence[str | None] | None = None,
) -> RunSet:
    """Submit drafts as a grid and return its runs."""
    grid, runs = flotilla.submit_grid(drafts, options, retry_of)
    return RunSet(flotilla, grid, [RunHandle(flotilla, run) for run in runs])


def open_grid(flotilla: Flotilla, grid: Grid, runs: Sequence[Run] | None = None) -> RunSet:
    """Return the runs of a grid that was submitted before."""
    found = flotilla.grid_runs(grid.id) if runs is None else runs
    return RunSet(flotilla, grid, [RunHandle(flotilla, run) for run in found])
