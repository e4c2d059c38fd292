"""What the user can do about a failure: a command to paste, and what it would cost. Pure."""

import re
import shlex
from collections.abc import Callable
from typing import Any

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.resources import Resources, doubled
from jupyter_flotilla.model.retry import FREE_KINDS
from jupyter_flotilla.model.units import format_money, format_size, size_option

#: Where one asks for more vCPU of Fargate on demand (quota L-3032A538).
QUOTA_URL = "https://console.aws.amazon.com/servicequotas/home/services/fargate/quotas/L-3032A538"
#: Identifiers only: the message is the job's own text, and the advice is to be pasted.
_NO_MODULE = re.compile(r"No module named '([^\W\d]\w*(?:\.[^\W\d]\w*)*)'")
#: Of a relative path in ordinary characters.
_NO_FILE = re.compile(r"No such file or directory: '([\w][\w./-]*)'")


def next_step(
    spec: JobSpec,
    attempt: Attempt,
    rate_of: Callable[[Resources], Rate | None],
    larger: Callable[[Resources, int | None], Resources | None] = doubled,
) -> str | None:
    """Return what to do about the failure of an attempt; None where its message says it.

    Parameters
    ----------
    larger
        The size after out of memory: `RetryPolicy.larger` of the engine.
    """
    if attempt.next_step is not None:
        return attempt.next_step  # the engine has seen more of it than its kind
    retry = f"jupyter flotilla retry {attempt.run_id}"
    kind = attempt.failure_kind
    if kind is FailureKind.OUT_OF_MEMORY:
        return _more_memory(retry, spec, larger(attempt.resources, None), attempt, rate_of)
    if kind is FailureKind.TIMEOUT and spec.timeout_s is not None:
        return f"{retry} --timeout {_duration_flag(spec.timeout_s * 2)}"
    if kind is FailureKind.COST_CAP and spec.max_cost_usd is not None:
        return f"{retry} --max-cost {spec.max_cost_usd * 2:g}"
    if kind is FailureKind.USER_ERROR:
        return _mend(retry, spec, attempt)
    if kind is FailureKind.IMAGE:
        return f"{retry} --image NAME:TAG, one that exists and has Python 3.8 or later in it"
    if kind is FailureKind.QUOTA:
        return f"{retry} once others have ended, or ask AWS for more vCPU: {QUOTA_URL}"
    if kind is FailureKind.SPOT_RECLAIMED and spec.resources.spot:
        demand = attempt.resources.model_copy(update={"spot": False})
        return f"{retry} --no-spot{_price(rate_of(demand))}"
    if kind in FREE_KINDS:
        return retry
    return None


def suggestion(
    spec: JobSpec,
    attempt: Attempt,
    larger: Callable[[Resources, int | None], Resources | None] = doubled,
) -> tuple[str, dict[str, Any]] | None:
    """Return a retry that may do better: its words, and keywords of `RunHandle.retry`.

    None where nothing but a change of the code will do.
    """
    kind = attempt.failure_kind
    if kind is FailureKind.OUT_OF_MEMORY:
        size = larger(attempt.resources, None)
        if size is None or size.memory_mib is None:
            return None
        options: dict[str, Any] = {"memory": size_option(size.memory_mib)}
        if size.cpu != attempt.resources.cpu:
            options["cpu"] = size.cpu
        return f"Retry with {format_size(size.memory_mib)}", options
    if kind is FailureKind.TIMEOUT and spec.timeout_s is not None:
        timeout = _duration_flag(spec.timeout_s * 2)
        return f"Retry with a timeout of {timeout}", {"timeout": timeout}
    if kind is FailureKind.COST_CAP and spec.max_cost_usd is not None:
        cap = spec.max_cost_usd * 2
        return f"Retry with a cap of {format_money(cap)}", {"max_cost": cap}
    if kind is FailureKind.SPOT_RECLAIMED and spec.resources.spot:
        return "Retry on demand", {"spot": False}
    missing = _NO_MODULE.search(attempt.message or "") if spec.image is not None else None
    if kind is FailureKind.USER_ERROR and missing is not None:
        top = missing[1].partition(".")[0]
        return f"Retry with {top}", {"with_": [top]}
    return ("Retry", {}) if kind in FREE_KINDS else None


def _more_memory(
    retry: str,
    spec: JobSpec,
    larger: Resources | None,
    attempt: Attempt,
    rate_of: Callable[[Resources], Rate | None],
) -> str:
    if larger is None and attempt.resources.memory_mib is not None:
        there_is = format_size(attempt.resources.memory_mib)
        return f"let it do less at a time: there is no size above {there_is}"
    if larger is None or larger.memory_mib is None:
        return f"{retry} --memory SIZE, or a machine with more memory"
    also = "" if spec.on_oom is not None else "; or --on-oom double does so by itself"
    return f"{retry} --memory {size_option(larger.memory_mib)}{_price(rate_of(larger))}{also}"


def _price(rate: Rate | None) -> str:
    return "" if rate is None else f" (≈ {format_money(rate.usd_per_h)} an hour)"


def _mend(retry: str, spec: JobSpec, attempt: Attempt) -> str | None:
    missing = _NO_MODULE.search(attempt.message or "")
    if missing is not None:
        name, top = missing[1], missing[1].partition(".")[0]
        install = f"{shlex.quote(spec.interpreter)} -m pip install {top}"
        if spec.image is not None:
            install = f"{retry} --with {top}"
        return f"{install}; if {name} is yours, keep it beside the notebook or add it with --files"
    no_file = _NO_FILE.search(attempt.message or "")
    if no_file is not None and (spec.image is not None or spec.own_cwd):
        return f"--files {shlex.quote(no_file[1])}: the job sees no file but those that it is given"
    if spec.path is None or spec.origin is not None:
        return None  # a cell that was sent: its caller has it before them
    where = "" if attempt.failed_cell is None else f" cell {attempt.failed_cell + 1} of"
    return f"mend{where} {spec.path}, then run it again"


def _duration_flag(seconds: int) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
