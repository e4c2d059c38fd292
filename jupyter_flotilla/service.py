"""The façade over store, engines and artifacts: it composes, it decides nothing."""

import getpass
import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from jupyter_flotilla import machine
from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.capture.again import draft_again
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.notebook import draft_notebook
from jupyter_flotilla.capture.source import draft_cell, draft_command, draft_file
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.dispatch.sweeper import Sweeper
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.registry import open_engine
from jupyter_flotilla.errors import (
    EngineUnavailable,
    FlotillaError,
    InvalidNotebook,
    InvalidOption,
    Refused,
)
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Cost, Rate, affordable_s, charge_usd
from jupyter_flotilla.model.guard import Expectation, expectation, month_start, reasons_to_ask
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.resources import fargate_size, is_rounded_up
from jupyter_flotilla.model.retry import possible_attempts, run_ceiling_usd
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.settings import Settings, load_settings
from jupyter_flotilla.store import attempts, costs, events, leases, runs
from jupyter_flotilla.store.backend import ChangeWatch
from jupyter_flotilla.store.connection import Store
from jupyter_flotilla.store.migration import HEAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What submitting a draft would do and cost."""

    draft: Draft
    #: None where the price is unknown.
    rate: Rate | None
    #: US dollars that it cannot exceed; None where nothing limits it.
    ceiling_usd: float | None
    #: Sentences that the user should read before the launch.
    notes: tuple[str, ...]
    #: What to expect by earlier runs of the same job; None where there are too few.
    expected: Expectation | None
    #: What the user must agree to first; empty: nothing.
    asks: tuple[str, ...]

    def check_consent(self, *, confirm: bool) -> None:
        """Raise Refused if there is something to agree to and nobody has been asked."""
        if confirm and self.asks:
            raise Refused("; ".join(self.asks), next_step="confirm=False, if that is meant")


class Flotilla:
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
        self.artifacts = LocalArtifacts(self.settings.home)
        self.wake = Wake(self.settings.home)
        self._say = say
        self._engines: dict[str, Engine] = {}

    @cached_property
    def store(self) -> Store:
        """The store, opened (and created) at the first use; raises as `Store`."""
        return Store(self.settings.store or self.settings.home / "flotilla.db", self._say)

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()

    def engine(self, name: str) -> Engine:
        """Return an engine; ``auto`` is the configured one. Raises UnknownEngine."""
        name = self.settings.engine if name == "auto" else name
        if name not in self._engines:
            self._engines[name] = open_engine(name, self.settings)
        return self._engines[name]

    def draft_file(self, path: Path, options: JobOptions) -> Draft:
        """Return the job that runs a notebook (``.ipynb``) or Python file (``.py``)."""
        engine = self.engine(options.engine)
        if path.suffix == ".py":
            return draft_file(path, options, engine=engine.name, place=engine.place)
        if path.suffix == ".ipynb" or not path.is_file():
            return draft_notebook(path, options, engine=engine.name, place=engine.place)
        raise InvalidNotebook(
            f"{path} is neither a notebook (.ipynb) nor a Python file (.py)",
            next_step=f"run it as a command: jupyter flotilla run -- PROGRAM {path}",
        )

    def draft_source(self, text: str, options: JobOptions, cwd: Path) -> Draft:
        """Return the job that runs source text as one cell."""
        engine = self.engine(options.engine)
        return draft_cell(text, options, cwd=cwd, engine=engine.name, place=engine.place)

    def draft_command(self, argv: Sequence[str], options: JobOptions, cwd: Path) -> Draft:
        """Return the job that runs a command."""
        engine = self.engine(options.engine)
        return draft_command(argv, options, cwd=cwd, engine=engine.name, place=engine.place)

    def plan(self, draft: Draft) -> Plan:
        """Return what submitting would do and cost, without doing it.

        Raises
        ------
        EngineUnavailable
            If the engine cannot be used here, or not for a job of this size.
        InvalidOption
            If a cost cap buys not even the shortest time that is billed.
        """
        spec = draft.spec
        engine = self.engine(spec.engine)
        check = engine.check(spec.resources)
        if not check.ok:
            raise EngineUnavailable(f"{engine.name}: {check.message}", next_step=check.next_step)
        rate = engine.rate(spec.resources)
        _check_cap(rate, spec.max_cost_usd)
        ceiling = self.ceiling_usd(spec)
        with self.store.read() as tx:
            durations = costs.durations_s(tx, spec)
            month_usd = costs.total_usd(tx, engine.name, month_start(utc_now()))
        asks = reasons_to_ask(
            bills=engine.bills,
            ceiling_usd=ceiling,
            timeout_s=spec.timeout_s,
            confirm_above_usd=self.settings.confirm_above,
            monthly_budget_usd=self.settings.monthly_budget,
            month_usd=month_usd,
        )
        return Plan(
            draft=draft,
            rate=rate,
            ceiling_usd=ceiling,
            expected=expectation(durations, rate),
            asks=tuple(asks),
            notes=(*draft.notes, *_price_notes(draft, rate)),
        )

    def ceiling_usd(self, spec: JobSpec) -> float | None:
        """Return what a run cannot exceed over every attempt that could be made, in US dollars."""
        rates = [self.engine(spec.engine).rate(size) for size in possible_attempts(spec)]
        return run_ceiling_usd(rates, spec.timeout_s, spec.max_cost_usd)

    def draft_retry(self, run: Run, options: JobOptions) -> Draft:
        """Return the job of an earlier run, with changes."""
        return draft_again(run.spec, self.artifacts.input_folder(run.id), options)

    def submit(self, draft: Draft, *, retry_of: str | None = None) -> Run:
        """Freeze a job into the store and wake whoever launches it; returns in milliseconds.

        Raises
        ------
        DiskFull, StoreUnreadable, StoreTooNew
            Nothing of the run is left then.
        """
        store = self.store  # first: where it cannot be opened, nothing is written at all
        run = Run(
            id=new_run_id(),
            spec=draft.spec,
            owner=_user(),
            created_at=utc_now(),
            retry_of=retry_of,
        )
        is_in = False
        try:
            if draft.spec.source is not None and draft.source is not None:
                self.artifacts.write_input(run.id, draft.spec.source, draft.source)
            for name, path in draft.files.items():
                self.artifacts.copy_input(run.id, f"files/{name}", path)
            with store.write() as tx:
                runs.insert(tx, run)
            is_in = True
        finally:
            if not is_in:
                self.artifacts.delete(run.id)
        with suppress(FlotillaError, OSError):
            # The run is in, and that is what was asked for: the dispatcher tries again.
            self._launch_here(draft.spec.engine)
        self.ensure_dispatcher()
        return run

    def ensure_dispatcher(self) -> None:
        """Start a dispatcher where none lives; ask one that is older than the store to leave."""
        if self.wake.is_inside_job() or self.wake.ensure():
            return
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

    def find(self, reference: str) -> Run:
        """Return the run of an id, unique prefix, name, ``last`` or ``-1``."""
        with self.store.read() as tx:
            run = runs.find(tx, reference)
        if not run.status.is_final:
            self.ensure_dispatcher()
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
            self.ensure_dispatcher()  # else nobody may be left who moves them
        return [(run, latest.get(run.id)) for run in found]

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
        """Ask for a run to end: politely for ``grace_s`` seconds, then by force."""
        with self.store.write() as tx:
            run = runs.request_cancel(tx, run_id, utc_now(), grace_s)
        if not run.status.is_final:
            self.wake.ensure()
        return run

    def cost(self, run: Run) -> Cost:
        """Return what a run has cost so far, over all its attempts."""
        engine = self.engine(run.spec.engine)
        rate = engine.rate(run.spec.resources)
        spent = [_spent_usd(attempt, rate) for attempt in self.attempts(run.id)]
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

    def keep(self, run_id: str, *, is_kept: bool = True) -> None:
        """Keep a run whatever its age and size, or no longer."""
        with self.store.write() as tx:
            runs.keep(tx, run_id, utc_now() if is_kept else None)

    def sweeper(self, *, keep_days: float | None, keep_bytes: int | None) -> Sweeper:
        """Return what deletes finished runs beyond these limits."""
        return Sweeper(self.store, self.artifacts, keep_days=keep_days, keep_bytes=keep_bytes)

    def attempt_folder(self, run_id: str, number: int) -> Path:
        """Return the folder of an attempt's stream, notebook and records."""
        return self.artifacts.attempt_folder(run_id, number)

    def watch(self) -> ChangeWatch:
        """Return what tells of changes by other processes; the caller closes it."""
        return self.store.watch()

    def _launch_here(self, engine_name: str) -> None:
        engine = self.engine(engine_name)
        # Inside a job a launch would make a process of that job; the dispatcher does it then.
        if engine.launches_at_submit and not self.wake.is_inside_job():
            limit = self.settings.max_running
            Launcher(self.store, self.artifacts, engine, limit, self.wake).step(utc_now())


def _spent_usd(attempt: Attempt, rate: Rate | None) -> float | None:
    if not attempt.is_open:
        return attempt.charge_usd
    if attempt.started_at is None:
        return 0.0
    rate = attempt.rate or rate
    elapsed_s = (utc_now() - attempt.started_at).total_seconds()
    return None if rate is None else charge_usd(rate, elapsed_s)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user that has no name


def _check_cap(rate: Rate | None, max_cost_usd: float | None) -> None:
    if rate is None or max_cost_usd is None or affordable_s(rate, max_cost_usd) > 0:
        return
    raise InvalidOption(
        f"--max-cost {max_cost_usd:g} buys less than the shortest time that Fargate bills",
        next_step=f"at least --max-cost {math.ceil(charge_usd(rate, 1) * 10_000) / 10_000:g}",
    )


def _price_notes(draft: Draft, rate: Rate | None) -> list[str]:
    resources = draft.spec.resources
    size = fargate_size(resources)
    if size is None:
        return ["no Fargate task is that large (32 vCPU, 244 G): its price is unknown"]
    if rate is None:
        cap = "" if draft.spec.max_cost_usd is None else ", and so --max-cost cannot be enforced"
        return [f"the price in this region is unknown{cap}; FLOTILLA_REGION chooses another"]
    if is_rounded_up(resources, size):
        return [
            f"Fargate has no such size: priced as {size.cpu:g} vCPU, {size.memory_mib / 1024:g} G"
        ]
    return []
