"""Writes ``job.json``: what the runner, and whoever supervises it, must know of the job."""

import math
from dataclasses import dataclass
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.model.cost import affordable_s
from jupyter_flotilla.model.stop import SAVE_S, TERM_S, deadlines

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where things are, as the job sees them."""

    #: Folder of what was frozen at submit.
    input: str
    #: The attempt's folder.
    attempt: str
    #: The runner's zipapp.
    runner: str
    #: Python that runs it.
    interpreter: str
    #: Working directory of a job that has no folder of its own; None: every job has one.
    cwd: str | None
    #: Layer of packages; None: where there is none, and where jobs have none.
    layer: str | None = None
    #: Folder of the attempt whose checkpoint is restored; None: jobs see none.
    earlier: str | None = None
    #: Where the save is brought that is restored; None: it is in ``earlier``.
    restored: str | None = None
    #: Program and arguments of the kernel; empty: as they are in the spec.
    kernel_argv: tuple[str, ...] = ()


def in_container(room: str, *, runner: str, earlier: str | None = None) -> Layout:
    """Return where things are in a container whose job has a room of its own."""
    return Layout(
        input=f"{room}/input",
        attempt=f"{room}/attempt",
        runner=f"{room}/{runner}",
        interpreter="python3",
        cwd=None,
        layer=f"{room}/layer",
        earlier=None if earlier is None else f"{room}/{earlier}",
        # the runner puts its own interpreter there
        kernel_argv=("python", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
    )


def job_file(
    order: LaunchOrder, layout: Layout, checkpoint_every_s: float = 60.0
) -> dict[str, Any]:
    """Return the content of ``job.json``: JSON values only, no secret."""
    spec = order.spec
    kernel = None if spec.kernel is None else spec.kernel.model_dump()
    if kernel is not None and layout.kernel_argv:
        kernel["argv"] = list(layout.kernel_argv)
    return {
        "protocol": protocol.PROTOCOL_VERSION,
        "run_id": order.run_id,
        "launch_key": order.launch_key,
        "name": spec.name,
        "kind": spec.kind,
        "path": spec.path,
        "source": f"{layout.input}/{spec.source}" if spec.source else None,
        "modules": f"{layout.input}/modules.zip",
        "values_folder": f"{layout.input}/values",
        "command": list(spec.command),
        "kernel": kernel,
        "cwd": layout.cwd,
        "own_cwd": spec.own_cwd or layout.cwd is None,
        "fetch": list(spec.fetch),
        "files_folder": f"{layout.input}/files",
        "checkpoint_every_s": checkpoint_every_s,
        "restore": _restore(order, layout),
        "interpreter": layout.interpreter,
        "runner": layout.runner,
        "layer": None if order.layer is None else layout.layer,
        "env": _environment(order, layout),
        "umask": spec.umask,
        "secrets": [ref.model_dump() for ref in spec.secrets],
        "memory_mib": order.resources.memory_mib,
        "deadlines": deadlines(spec.timeout_s, order.max_cost_usd, _cost_limit_s(order)),
        "stop": {"term_s": TERM_S, "save_s": SAVE_S},
        "keeper": None
        if order.keeper is None
        else {"lock": str(order.keeper.lock), "argv": list(order.keeper.argv)},
    }


def _environment(order: LaunchOrder, layout: Layout) -> dict[str, str]:
    threads = str(max(1, math.ceil(order.resources.cpu)))
    hints = dict.fromkeys(_THREAD_POOLS, threads) if order.spec.has_cpu_hint else {}
    return {
        **hints,
        **order.spec.env,
        protocol.ENV_RUN_ID: order.run_id,
        protocol.ENV_LAUNCH_KEY: order.launch_key,
        protocol.ENV_SAID: f"{layout.attempt}/{protocol.SAID}",
        protocol.ENV_CHECKPOINT: f"{layout.attempt}/{protocol.CHECKPOINT}",
    }


def _restore(order: LaunchOrder, layout: Layout) -> str | None:
    """Return where the job sees the checkpoint that it goes on from."""
    if order.restore is None:
        return None
    if layout.restored is not None:
        return layout.restored
    return None if layout.earlier is None else f"{layout.earlier}/{order.restore.path.name}"


def _cost_limit_s(order: LaunchOrder) -> float | None:
    if order.max_cost_usd is None or order.rate is None:
        return None
    return affordable_s(order.rate, order.max_cost_usd)
