"""What the panel's buttons do: in threads, so that no answer of an engine holds up the kernel.

Nothing is printed: it would land in whatever cell is being executed. Errors are handed on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Any

from jupyter_flotilla import api, render
from jupyter_flotilla.errors import FlotillaError, UnknownEngine
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.advice import suggestion
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.units import format_duration, size_option
from jupyter_flotilla.service import Flotilla

#: Keywords of `RunHandle.retry` that the panel has fields for.
FIELDS = ("memory", "cpu", "timeout", "spot")


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """A run that may be launched again, as the fields show it at first."""

    run_id: str
    #: ``r7f3a train-rf``.
    title: str
    #: As it was: texts of the fields, and whether on spare capacity.
    before: Mapping[str, Any]
    #: What to change of that, where something is known that may do better.
    advice: Mapping[str, Any]
    #: Which of the fields its engine honours.
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a retry would cost, and what must be agreed to first."""

    price: str
    asks: tuple[str, ...]


def in_thread(work: Callable[[], None]) -> None:
    """Do work beside the kernel; a kernel that ends does not wait for it."""
    Thread(target=work, name="flotilla-action", daemon=True).start()


def cancel(run_id: str, *, at_once: bool) -> str:
    """Ask for a run to end, politely or by force; return what has been done, in words."""
    handle = RunHandle(api.flotilla(), api.flotilla().get(run_id))
    if handle.snapshot.status.is_final:
        return f"{handle.short_id} is {handle.snapshot.status} already"
    after = handle.cancel(0.0 if at_once else 10.0).snapshot
    if after.status.is_final:
        return f"{handle.short_id} cancelled"
    return f"{handle.short_id}: killing it" if at_once else f"{handle.short_id}: stopping it"


def again(run_id: str) -> Again:
    """Return a run as it may be launched again; raises RunNotFound."""
    facade = api.flotilla()
    handle = RunHandle(facade, facade.get(run_id))
    run = handle.snapshot
    engine = facade.engine(run.spec.engine)
    honoured = tuple(name for name in FIELDS if name != "spot" or name in engine.honours)
    return Again(
        run_id=run.id,
        title=f"{handle.short_id} {run.name}",
        before=_before(run),
        advice=_advice(facade, run, handle),
        fields=honoured,
    )


def offer(run_id: str, changes: Mapping[str, Any]) -> Offer:
    """Return what a retry with changes would cost; raises as `RunHandle.retry`."""
    facade = api.flotilla()
    plan = facade.plan(facade.draft_retry(facade.get(run_id), facade.changes(changes)))
    return Offer(price=render.price_line(plan.rate, plan.ceiling_usd), asks=plan.asks)


def retry(run_id: str, changes: Mapping[str, Any], *, confirm: bool) -> str:
    """Launch a run again, with changes; return what was done; raises as `RunHandle.retry`."""
    facade = api.flotilla()
    handle = RunHandle(facade, facade.get(run_id))
    return f"launched {handle.retry(confirm=confirm, **changes).short_id}"


def trouble_text(error: Exception) -> str:
    """Return an error for people: what was wrong, and what to do next."""
    return str(error) if isinstance(error, FlotillaError) else f"{type(error).__name__}: {error}"


def _before(run: Run) -> dict[str, Any]:
    resources, timeout = run.spec.resources, run.spec.timeout_s
    return {
        "memory": size_option(resources.memory_mib) if resources.memory_mib else "",
        "cpu": f"{resources.cpu:g}",
        "timeout": format_duration(timeout) if timeout else "",
        "spot": resources.spot,
    }


def _advice(facade: Flotilla, run: Run, handle: RunHandle) -> dict[str, Any]:
    attempts = handle.attempts
    if run.status is not RunStatus.FAILED or not attempts:
        return {}
    try:
        larger = facade.engine(run.spec.engine).retry_policy.larger
    except UnknownEngine:  # it was uninstalled since
        return {}
    found = suggestion(run.spec, attempts[-1], larger)
    return {} if found is None else {k: v for k, v in found[1].items() if k in FIELDS}
