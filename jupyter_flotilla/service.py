"""The façade over store, engines and artifacts: it composes, it decides nothing."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from jupyter_flotilla import machine
from jupyter_flotilla.artifacts.mirrored import MirroredArtifacts
from jupyter_flotilla.artifacts.reserve import Reserve
from jupyter_flotilla.capture.defaults import Defaults
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.canceller import Canceller
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.sweeper import Sweeper
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.drafting import Drafting
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.registry import open_engine
from jupyter_flotilla.errors import EnvironmentProblem, FlotillaError
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Cost
from jupyter_flotilla.model.grid import Grid, new_grid_id
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, GridOptions
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.planning import GridPlan, Plan, job_ceiling_usd, plan_grid, plan_job
from jupyter_flotilla.provision import Provision
from jupyter_flotilla.settings import Settings, load_settings
from jupyter_flotilla.store import attempts, costs, events, grids, leases, runs
from jupyter_flotilla.store.backend import ChangeWatch
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.migration import HEAD

#: How often a waiter looks for changes, and whether a dispatcher lives, in seconds.
_LOOK_S = 0.02
_WAKE_EVERY_S = 1.0
_DETACH = "detach-requested"


class Flotilla(Drafting):
    """Everything that a face can ask for.

    Parameters
    ----------
    say
        Takes a sentence for the user, where things work but not as usual.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.settings = settings or load_settings()
        self.artifacts = MirroredArtifacts(self.settings.home)
        self.provision = Provision(self.settings.home, self.artifacts.layers)
        self.wake = Wake(self.settings.home)
        self._say = say
        self._reserve = Reserve(self.settings.home)
        self._opening = Lock()
        self._store: Store | None = None
        self._engines: dict[str, Engine] = {}

    @property
    def store(self) -> Store:
        """The store, opened (and created) at the first use; raises as `Store`.

        One that was deleted or replaced is opened again: what is in the old file, nobody sees.
        """
        if (opened := self._store) is not None and not opened.is_gone():
            return opened
        with self._opening:  # a server's threads want it all at once
            if self._store is None or self._store.is_gone():
                self.close()
                where = self.settings.store or self.settings.home / "flotilla.db"
                self._store = self._reserve.lend(lambda: Store(where, self._say))
                self._reserve.keep()
            return self._store

    def close(self) -> None:
        """Close what was opened."""
        opened, self._store = self._store, None
        if opened is not None:
            opened.close()

    def engine(self, name: str) -> Engine:
        """Return an engine; ``auto`` is the configured one. Raises UnknownEngine."""
        name = self.settings.engine if name == "auto" else name
        if name not in self._engines:
            self._engines[name] = open_engine(name, self.settings)
        return self._engines[name]

    @property
    def defaults(self) -> Defaults:
        """Where options come from that nobody gives."""
        return Defaults(
            self.settings.home,
            (*OPTIONS, *GRID_OPTIONS),
            bills=lambda engine: self.engine(engine).bills,
        )

    def plan(self, draft: Draft) -> Plan:
        """Return what submitting would do and cost, without doing it; raises as `plan_job`."""
        return plan_job(draft, self.engine(draft.spec.engine), self.store, self.settings)

    def plan_grid(self, drafts: Sequence[Draft], options: GridOptions) -> GridPlan:
        """Return what submitting a grid would do and cost; raises as `planning.plan_grid`."""
        engine = self.engine(drafts[0].spec.engine)
        return plan_grid(drafts, options, engine, self.store, self.settings)

    def ceiling_usd(self, spec: JobSpec) -> float | None:
        """Return what a run cannot exceed over every attempt that could be made, in US dollars."""
        return job_ceiling_usd(spec, self.engine(spec.engine))

    def changes(self, given: Mapping[str, Any]) -> JobOptions:
        """Return what is to change of a job that was frozen, profiles taken in."""
        resolution = self.defaults.resolve_changes(given, folder=self.settings.home)
        return JobOptions(**resolution.values(OPTIONS))

    def submit(self, draft: Draft, *, retry_of: str | None = None) -> Run:
        """Freeze a job into the store and wake whoever launches it; returns in milliseconds.

        Raises
        ------
        EnvironmentProblem
            If its folder or row cannot be written. Nothing of the run is left then.
        """
        run = self.new_run(draft).model_copy(update={"retry_of": retry_of})
        self._insert([(run, draft)])
        return run

    def submit_grid(
        self,
        drafts: Sequence[Draft],
        options: GridOptions,
        retry_of: Sequence[str | None] | None = None,
    ) -> tuple[Grid, list[Run]]:
        """Freeze a job at many points into the store, all or none of them; raises as `submit`."""
        grid = Grid(
            id=new_grid_id(),
            name=drafts[0].spec.name,
            owner=machine.user_name(),
            created_at=utc_now(),
            size=len(drafts),
            max_parallel=options.max_parallel,
            budget_usd=options.budget_usd,
        )
        repeats = retry_of or [None] * len(drafts)
        made = [
            self.new_run(draft).model_copy(
                update={"grid_id": grid.id, "grid_index": index, "created_at": grid.created_at,
                        "retry_of": repeats[index]}
            )
            for index, draft in enumerate(drafts)
        ]  # fmt: skip
        self._insert([*zip(made, drafts, strict=True)], grid)
        return grid, made

    def new_run(self, draft: Draft) -> Run:
        """Return a run of a job, queued; it is in no store yet."""
        return Run(
            id=new_run_id(),
            spec=draft.spec,
            owner=machine.user_name(),
            created_at=utc_now(),
            ceiling_usd=self.ceiling_usd(draft.spec),
        )

    def _insert(self, made: Sequence[tuple[Run, Draft]], grid: Grid | None = None) -> None:
        store = self.store  # first: where it cannot be opened, nothing is written at all
        for draft in {draft.spec.layer: draft for _, draft in made}.values():
            self.provision.build(draft)
        is_in = False
        try:
            for run, draft in made:
                self.freeze(run.id, draft)
            self._reserve.demand()
            with store.write() as tx:
                if grid is not None:
                    grids.insert(tx, grid)
                for run, _ in made:
                    runs.insert(tx, run)
            is_in = True
        finally:
            if not is_in:
                for run, _ in made:
                    self.artifacts.delete(run.id)
        with suppress(FlotillaError, OSError):
            # The runs are in, and that is what was asked for: the dispatcher tries again.
            self.launch_here(made[0][0].spec.engine)
        self.see_to_dispatcher()

    def freeze(self, run_id: str, draft: Draft) -> None:
        """Write what a job is made of into a folder; raises as `submit`.

        Whoever puts no row into the store, or finds that this fails, deletes the folder.
        """
        self.artifacts.create(run_id)
        for name, content in draft.parts().items():
            self.artifacts.write_input(run_id, name, content)
        self.artifacts.copy_files(run_id, draft.files)
        for path in sorted(draft.values.iterdir()) if draft.values is not None else ():
            self.artifacts.copy_input(run_id, f"values/{path.name}", path)
        if draft.spec.bucket is not None:
            self.artifacts.note_bucket(run_id, draft.spec.bucket)

    def ensure_dispatcher(self) -> None:
        """Start a dispatcher where none lives; ask one that is older than the store to leave.

        Raises
        ------
        EnvironmentProblem
            If none can be started.
        """
        try:
            if self.wake.is_inside_job() or self.wake.ensure():
                return
        except OSError as error:
            raise EnvironmentProblem(
                f"no dispatcher can be started: {error}",
                next_step="see 'jupyter flotilla doctor'; what is queued waits until one lives",
            ) from error
        with self.store.read() as tx:
            older = [
                lease
                for lease in leases.all_of(tx)
                if lease.holder.get("host") == machine.host() and lease.revision < HEAD
            ]
        if not older:
            return
        with self.store.write() as tx:
            for lease in older:
                leases.request_leave(tx, lease.engine, lease.place, utc_now())
        self.wake.replace()

    def see_to_dispatcher(self) -> None:
        """As `ensure_dispatcher`, where something else was asked for: a problem is only said."""
        try:
            self.ensure_dispatcher()
        except EnvironmentProblem as problem:
            self._say(str(problem))

    def find(self, reference: str) -> Run:
        """Return the run of an id, unique prefix, name, ``last`` or ``-1``."""
        with self.store.read() as tx:
            run = runs.find(tx, reference)
        if not run.status.is_final:
            self.see_to_dispatcher()
        return run

    def get(self, run_id: str) -> Run:
        """Return a run by its whole id, as it is now."""
        with self.store.read() as tx:
            return runs.get(tx, run_id)

    def latest(
        self,
        *,
        statuses: Sequence[RunStatus] = (),
        tag: tuple[str, str | None] | None = None,
        name: str | None = None,
        limit: int = 50,
    ) -> list[tuple[Run, Attempt | None]]:
        """Return runs, newest first, each with its latest attempt."""
        with self.store.read() as tx:
            found = runs.latest(tx, statuses=statuses, tag=tag, name=name, limit=limit)
            latest = attempts.latest_of(tx, [run.id for run in found])
        if any(not run.status.is_final for run in found):
            self.see_to_dispatcher()  # else nobody may be left who moves them
        return [(run, latest.get(run.id)) for run in found]

    def find_grid(self, reference: str) -> Grid | None:
        """Return the grid of an id or unique prefix of one; None: no grid is meant."""
        with self.store.read() as tx:
            return grids.find(tx, reference)

    def grid_runs(self, grid_id: str) -> list[Run]:
        """Return the runs of a grid, in the order of its points."""
        with self.store.read() as tx:
            return runs.of_grid(tx, grid_id)

    def get_all(self, run_ids: Sequence[str]) -> dict[str, tuple[Run, list[Attempt]]]:
        """Return runs by their whole ids, each with its attempts, as they are now."""
        with self.store.read() as tx:
            found = runs.get_all(tx, run_ids)
            made = attempts.of_runs(tx, list(found))
        return {run_id: (run, made.get(run_id, [])) for run_id, run in found.items()}

    def attempts(self, run_id: str) -> list[Attempt]:
        """Return the attempts of a run, first to last."""
        with self.store.read() as tx:
            return attempts.of_run(tx, run_id)

    def events(self, run_id: str) -> list[events.Event]:
        """Return what happened to a run, oldest first."""
        with self.store.read() as tx:
            return events.of_run(tx, run_id)

    def queue_position(self, run: Run) -> int:
        """Return how many runs come before a queued one."""
        with self.store.read() as tx:
            return runs.queue_position(tx, run)

    def short_id(self, run_id: str) -> str:
        """Return the shortest unique prefix of an id."""
        with self.store.read() as tx:
            return runs.short_id(tx, run_id)

    def cancel(self, run_id: str, grace_s: float = 10.0) -> Run:
        """Ask for a run to end: politely for ``grace_s`` seconds, then by force (`Canceller`)."""
        canceller = Canceller(self.store, self.engine, self._reserve.give_up, self._say)
        run = canceller.cancel(run_id, utc_now(), grace_s)
        if not run.status.is_final:
            self.see_to_dispatcher()
        return run

    def cost(self, run: Run, made: Sequence[Attempt]) -> Cost:
        """Return what a run has cost so far, over all its attempts."""
        engine = self.engine(run.spec.engine)
        latest = made[-1].rate if made else None
        rate = latest or engine.rate(run.spec.resources)
        spent = [attempt.spent_usd(utc_now(), rate) for attempt in made]
        known = [usd for usd in spent if usd is not None]
        return Cost(
            usd=None if len(known) < len(spent) or rate is None else sum(known),
            ceiling_usd=self.ceiling_usd(run.spec),
            rate=rate,
            is_billed=engine.bills,
        )

    def costs(self, by: costs.By, since: datetime | None = None) -> list[costs.CostRow]:
        """Return what attempts have cost, summed by something, the most expensive first."""
        with self.store.read() as tx:
            return costs.grouped(tx, by, since)

    def detach(self, run_id: str) -> None:
        """Let whoever waits for a run in a cell go on without it."""
        self.artifacts.note(run_id, _DETACH)

    def detached_at(self, run_id: str) -> float:
        """Return when that was asked for last, in seconds as of files; 0: never."""
        return self.artifacts.noted_at(run_id, _DETACH)

    def keep(self, run_id: str, *, is_kept: bool = True) -> None:
        """Keep a run whatever its age and size, or no longer; what it has in a bucket as well.

        Raises ArtifactsUnavailable where that fails: what is here is kept, a repeat does the rest.
        """
        now = utc_now()
        with self.store.write() as tx:
            runs.keep(tx, run_id, now if is_kept else None)
        if not is_kept:
            self.artifacts.release_in_bucket(run_id, now)
        elif self.get(run_id).status.is_final:
            self.artifacts.keep_in_bucket(run_id, now)

    def sweeper(self, *, keep_days: float | None, keep_bytes: int | None) -> Sweeper:
        """Return what deletes finished runs beyond these limits."""
        return Sweeper(self.store, self.artifacts, keep_days=keep_days, keep_bytes=keep_bytes)

    def attempt_folder(self, run_id: str, number: int) -> Path:
        """Return the folder of an attempt's stream, notebook and records."""
        return self.artifacts.attempt_folder(run_id, number)

    def looks(self, every_s: float) -> Generator[None, None, None]:
        """Yield at every change by others, and at least so often, for ever.

        Sees to it meanwhile that a dispatcher lives. Whoever has seen enough closes it.
        """
        with closing(self.watch()) as watch:
            wake_at = 0.0
            while True:
                if time.monotonic() >= wake_at:
                    self.ensure_dispatcher()
                    wake_at = time.monotonic() + _WAKE_EVERY_S
                yield
                until = time.monotonic() + every_s
                while not watch.has_changed() and time.monotonic() < until:
                    time.sleep(_LOOK_S)

    def watch(self) -> ChangeWatch:
        """Return what tells of changes by other processes; the caller closes it."""
        return self.store.watch()

    def launch_here(self, engine_name: str) -> None:
        """Launch what is queued from this process, where that takes milliseconds."""
        engine = self.engine(engine_name)
        # Inside a job a launch would make a process of that job; the dispatcher does it then.
        if engine.launches_at_submit and not self.wake.is_inside_job():
            limit = engine.most_running(self.settings.max_running)
            Launcher(self.store, self.artifacts, engine, limit, self.wake).step(utc_now())
