"""Writes ``job.json``: what the supervisor and the runner of this machine must know."""

import math
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.model.cost import affordable_s

#: Read by BLAS, OpenMP, numexpr, polars, rayon, joblib and Go at their start.
_THREAD_POOLS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "GOMAXPROCS",
)


def job_file(order: LaunchOrder, runner: Path) -> dict[str, Any]:
    """Return the content of ``job.json``: JSON values only, no secret."""
    spec = order.spec
    return {
        "protocol": protocol.PROTOCOL_VERSION,
        "run_id": order.run_id,
        "launch_key": order.launch_key,
        "name": spec.name,
        "kind": spec.kind,
        "path": spec.path,
        "source": str(order.input_folder / spec.source) if spec.source else None,
        "modules": str(order.input_folder / "modules.zip"),
        "values_folder": str(order.input_folder / "values"),
        "command": list(spec.command),
        "kernel": None if spec.kernel is None else spec.kernel.model_dump(),
        "cwd": spec.cwd,
        "own_cwd": spec.own_cwd,
        "files_folder": str(order.input_folder / "files"),
        "interpreter": spec.interpreter,
        "runner": str(runner),
        "env": _environment(order),
        "umask": spec.umask,
        "secrets": [ref.model_dump() for ref in spec.secrets],
        "memory_mib": order.resources.memory_mib,
        "timeout_s": spec.timeout_s,
        "max_cost_usd": order.max_cost_usd,
        "max_cost_s": _cost_limit_s(order),
        "keeper": None
        if order.keeper is None
        else {"lock": str(order.keeper.lock), "argv": list(order.keeper.argv)},
    }


def _environment(order: LaunchOrder) -> dict[str, str]:
    threads = str(max(1, math.ceil(order.resources.cpu)))
    hints = dict.fromkeys(_THREAD_POOLS, threads) if order.spec.has_cpu_hint else {}
    return {
        **hints,
        **order.spec.env,
        protocol.ENV_RUN_ID: order.run_id,
        protocol.ENV_LAUNCH_KEY: order.launch_key,
        protocol.ENV_SAID: str(order.attempt_folder / protocol.SAID),
    }


def _cost_limit_s(order: LaunchOrder) -> float | None:
    if order.max_cost_usd is None or order.rate is None:
        return None
    return affordable_s(order.rate, order.max_cost_usd)
