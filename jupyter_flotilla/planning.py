"""What submitting would do and cost, before anything is done."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_flotilla.capture.draft import Draft, secret_notes
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.ecs.gpu import IDLE_MINUTES
from jupyter_flotilla.engines.ecs.neighbours import neighbour
from jupyter_flotilla.engines.ecs.prices import load_prices
from jupyter_flotilla.errors import EngineUnavailable, InvalidOption, Refused
from jupyter_flotilla.model.cost import Rate, affordable_s, charge_usd
from jupyter_flotilla.model.grid_options import GridOptions
from jupyter_flotilla.model.guard import Expectation, expectation, month_start, reasons_to_ask
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.publish import check_publish
from jupyter_flotilla.model.recommend import Recommendation, recommendation
from jupyter_flotilla.model.resources import fargate_size, is_rounded_up
from jupyter_flotilla.model.retry import ceiling_rates, run_ceiling_usd
from jupyter_flotilla.model.units import format_size
from jupyter_flotilla.notify import check_targets
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store import costs
from jupyter_flotilla.store.connection import Store


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
    #: A size that would do by those; None where there are too few, or it saves nothing.
    recommended: Recommendation | None = None

    def check_consent(self, *, confirm: bool) -> None:
        """Raise Refused if there is something to agree to and nobody has been asked."""
        if confirm and self.asks:
            raise Refused("; ".join(self.asks), next_step="confirm=False, if that is meant")


@dataclass(frozen=True, kw_only=True, slots=True)
class GridPlan(Plan):
    """What submitting a grid would do and cost; ``draft`` is its first run's."""

    options: GridOptions
    #: How many runs it has, and how many of them can go on at a time here.
    size: int
    parallel: int
    #: US dollars that its runs could cost together if there were no budget; None: no limit.
    all_ceilings_usd: float | None


def plan_job(draft: Draft, engine: Engine, store: Store, settings: Settings) -> Plan:
    """Return what submitting a draft would do and cost.

    Raises
    ------
    EngineUnavailable
        If the engine cannot be used here, or not for a job of this size.
    InvalidOption
        If a cost cap buys not even the shortest time that is billed.
    """
    spec = draft.spec
    check = engine.check(spec.resources)
    if not check.ok:
        raise EngineUnavailable(f"{engine.name}: {check.message}", next_step=check.next_step)
    engine.check_job(spec)
    check_targets(spec.notify, dict(settings.notify))
    check_publish(spec.publish, spec.kind)
    rate = engine.rate(spec.resources)
    _check_cap(rate, spec.max_cost_usd)
    ceiling = job_ceiling_usd(spec, engine)
    with store.read() as tx:
        past = costs.history(tx, spec)
    return Plan(
        draft=draft,
        rate=rate,
        ceiling_usd=ceiling,
        expected=expectation([one.duration_s for one in past], rate),
        recommended=recommendation(
            [one.peak_memory_mib for one in past if one.peak_memory_mib],
            spec.resources,
            engine.rate,
        ),
        asks=tuple(_asks(spec, ceiling, engine, store, settings)),
        notes=(
            *draft.notes,
            *engine.notes,
            *secret_notes(spec.secrets),
            *_price_notes(draft, engine, settings, rate),
        ),
    )


def plan_grid(
    drafts: Sequence[Draft],
    options: GridOptions,
    engine: Engine,
    store: Store,
    settings: Settings,
) -> GridPlan:
    """Return what submitting a grid would do and cost; its jobs differ in parameters only.

    Raises
    ------
    EngineUnavailable
        As `plan_job`.
    InvalidOption
        As `plan_job`; for a budget where nothing limits what a run may cost, and for one that
        buys not even the first run.
    """
    first = plan_job(drafts[0], engine, store, settings)
    together = None if first.ceiling_usd is None else first.ceiling_usd * len(drafts)
    budget = options.budget_usd
    if budget is not None:
        _check_budget(budget, first)
    ceiling = together if budget is None else min(budget, together or budget)
    return GridPlan(
        draft=first.draft,
        rate=first.rate,
        ceiling_usd=ceiling,
        all_ceilings_usd=together,
        expected=first.expected,
        recommended=first.recommended,
        asks=tuple(_asks(first.draft.spec, ceiling, engine, store, settings, options)),
        notes=first.notes,
        options=options,
        size=len(drafts),
        parallel=min(len(drafts), options.max_parallel, engine.most_running(settings.max_running)),
    )


def job_ceiling_usd(spec: JobSpec, engine: Engine) -> float | None:
    """Return what a run cannot exceed over every attempt that could be made, in US dollars."""
    rates = ceiling_rates(spec, engine.retry_policy, engine.rate)
    return run_ceiling_usd(rates, spec.timeout_s, spec.max_cost_usd)


def _asks(
    spec: JobSpec,
    ceiling_usd: float | None,
    engine: Engine,
    store: Store,
    settings: Settings,
    grid: GridOptions | None = None,
) -> list[str]:
    with store.read() as tx:
        month_usd = costs.total_usd(tx, engine.name, month_start(utc_now()))
    return reasons_to_ask(
        bills=engine.bills,
        ceiling_usd=ceiling_usd,
        timeout_s=spec.timeout_s,
        confirm_above_usd=settings.confirm_above,
        monthly_budget_usd=settings.monthly_budget,
        month_usd=month_usd,
        parallel=1 if grid is None else grid.max_parallel,
    )


def _check_budget(budget_usd: float, first: Plan) -> None:
    if first.ceiling_usd is None:
        raise InvalidOption(
            "--budget needs to know what each run may cost at most, and nothing limits it",
            next_step="add --timeout 1h or --max-cost 2",
        )
    if first.ceiling_usd > budget_usd:
        raise InvalidOption(
            f"--budget {budget_usd:g} is less than the ${first.ceiling_usd:.4f} that one run may "
            "cost: nothing would be launched",
            next_step="a larger --budget, or a shorter --timeout or smaller --max-cost",
        )


def _check_cap(rate: Rate | None, max_cost_usd: float | None) -> None:
    if rate is None or max_cost_usd is None or affordable_s(rate, max_cost_usd) > 0:
        return
    raise InvalidOption(
        f"--max-cost {max_cost_usd:g} buys less than the shortest time that Fargate bills",
        next_step=f"at least --max-cost {math.ceil(charge_usd(rate, 1) * 10_000) / 10_000:g}",
    )


def _price_notes(draft: Draft, engine: Engine, settings: Settings, rate: Rate | None) -> list[str]:
    resources = draft.spec.resources
    if resources.gpu:
        return [_machine_note(draft, rate)]
    size = fargate_size(resources)
    if size is None:
        return ["no Fargate task is that large (32 vCPU, 244 G): its price is unknown"]
    if rate is None:
        return [_unknown_price(draft, engine, settings)]
    notes = []
    if is_rounded_up(resources, size):
        what = "priced as" if rate.is_hypothetical else "it gets"
        notes.append(
            f"Fargate has no such size: {what} {size.cpu:g} vCPU, {size.memory_mib / 1024:g} G"
        )
    if (close := neighbour(resources, rate.region, load_prices(settings.home))) is not None:
        notes.append(close.text)
    if rate.is_floating:
        read = rate.source.partition(", read ")[2][:10]
        notes.append(
            f"Spot's price floats, this one is of {read}; the ceiling is reckoned on demand"
        )
    return notes


def _machine_note(draft: Draft, rate: Rate | None) -> str:
    """Return what is paid for a job with GPUs."""
    if rate is None or rate.machine is None:
        cap = "" if draft.spec.max_cost_usd is None else ", and so --max-cost cannot be enforced"
        return f"Fargate has no GPUs: what its machine costs is unknown{cap}"
    return (
        f"it is charged a whole {rate.machine}, {rate.cpu:g} vCPU and "
        f"{format_size(rate.memory_mib)}; not charged, but paid for: the machine's start, some "
        f"minutes, and about {IDLE_MINUTES} minutes after its last job"
    )


def _unknown_price(draft: Draft, engine: Engine, settings: Settings) -> str:
    prices = load_prices(settings.home)
    what = prices.unknown(draft.spec.resources, settings.region)
    cap = "" if draft.spec.max_cost_usd is None else ", and so --max-cost cannot be enforced"
    mend = "" if engine.bills else "; FLOTILLA_REGION chooses another"
    return (
        f"the price in this region is unknown ({what}, {settings.region}){cap}; 'jupyter flotilla "
        f"cost --refresh-prices' asks AWS{mend}"
    )
