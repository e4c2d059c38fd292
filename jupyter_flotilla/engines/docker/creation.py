"""What a container is made with: its mounts, limits, user and labels."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.boot import boot
from jupyter_flotilla.engines.docker.daemon import FOLDER_LABEL, HOME_LABEL
from jupyter_flotilla.engines.job_file import in_container

#: Where a job's container has what is its own, and nothing else of this machine.
LAYOUT = in_container("/flotilla", runner="runner.pyz", earlier="earlier")
#: What `docker stop` waits before it kills: longer than our own way to stop takes, to the last
#: upload.
_STOP_S = 60
#: Processes and threads that one job may have at least, and for each CPU.
_PIDS = 4096
_PIDS_A_CPU = 256
_LOG = {"max-size": "1m", "max-file": "1"}


def container_name(launch_key: str) -> str:
    """Return the name of an attempt's container: two of one name cannot exist."""
    return f"flotilla-{launch_key}"


def body(
    order: LaunchOrder,
    runner: Path,
    home: str,
    daemon: Mapping[str, Any],
    program: str | None = None,
) -> dict[str, Any]:
    """Return a container as ``POST /containers/create`` of Docker's API 1.41 takes it.

    Parameters
    ----------
    runner
        The runner's zipapp.
    home
        What marks the containers of this home.
    daemon
        `Daemon.info`.
    program
        Gets the job from S3; None: its folders are mounted.
    """
    spec = order.spec
    has_input = bool(spec.secrets) or program is not None
    start = (LAYOUT.runner, "--container", LAYOUT.attempt)
    return {
        "Image": spec.image or "",
        "Entrypoint": boot(*start) if program is None else boot("-c", program),
        "Cmd": [],
        "WorkingDir": "/",
        "User": _user(daemon),
        "Env": ["LANG=C.UTF-8"],
        "Labels": {
            HOME_LABEL: home,
            FOLDER_LABEL: str(order.attempt_folder),
            "flotilla.run": order.run_id,
            "flotilla.job": spec.name,
        },
        "StopSignal": "SIGTERM",
        "StopTimeout": _STOP_S,
        # the image's own, of another program, would run beside the job
        "Healthcheck": {"Test": ["NONE"]},
        "OpenStdin": has_input,
        "StdinOnce": has_input,
        "HostConfig": {
            "Mounts": _mounts(order, runner) if program is None else [],
            "NetworkMode": spec.network or "default",
            "PidsLimit": _most_processes(daemon),
            "ShmSize": _shared_memory(order, daemon),
            "LogConfig": {"Type": "json-file", "Config": _LOG},
            **_memory(order),
            **_cpus(order, daemon),
            **_gpus(order),
            **_users(daemon),
            **_cgroup(daemon),
        },
    }


def _mounts(order: LaunchOrder, runner: Path) -> list[dict[str, Any]]:
    read_only = {LAYOUT.input: order.input_folder, LAYOUT.runner: runner}
    if order.layer is not None and LAYOUT.layer is not None:
        read_only[LAYOUT.layer] = order.layer
    if order.restore is not None and LAYOUT.earlier is not None:
        # the whole attempt: in it the job could have put a link where its checkpoint was
        read_only[LAYOUT.earlier] = order.restore.path.parent
    mounts = [{"Type": "bind", "Source": str(order.attempt_folder), "Target": LAYOUT.attempt}]
    return mounts + [
        {"Type": "bind", "Source": str(source), "Target": target, "ReadOnly": True}
        for target, source in read_only.items()
    ]


def _most_processes(daemon: Mapping[str, Any]) -> int:
    """Return how many processes and threads a job may have.

    A job that forks without end must not take the machine with it, and one of a pool a CPU, with
    a pool of threads each, must not be hindered.
    """
    return max(_PIDS, _PIDS_A_CPU * int(daemon.get("NCPU") or 1))


def _shared_memory(order: LaunchOrder, daemon: Mapping[str, Any]) -> int:
    """Return the size of ``/dev/shm`` in bytes: half of the memory, as on any Linux.

    Docker's own 64 MB are too few for the data loaders of PyTorch. What is used counts as memory.
    """
    memory = int(daemon.get("MemTotal") or 0)
    if order.resources.memory_mib is not None:
        memory = order.resources.memory_mib * 2**20
    return max(64 * 2**20, memory // 2)


def _memory(order: LaunchOrder) -> dict[str, Any]:
    if order.resources.memory_mib is None:
        return {}
    limit = order.resources.memory_mib * 2**20
    return {"Memory": limit, "MemorySwap": limit}  # the same: no swap on top of it


def _cpus(order: LaunchOrder, daemon: Mapping[str, Any]) -> dict[str, Any]:
    """Return a limit of CPU; none where nobody asked for one. More than there is is refused."""
    if not order.spec.has_cpu_hint:
        return {}
    return {"NanoCpus": int(min(order.resources.cpu, float(daemon.get("NCPU") or 1)) * 1e9)}


def _gpus(order: LaunchOrder) -> dict[str, Any]:
    count = order.resources.gpu
    return {"DeviceRequests": [{"Count": count, "Capabilities": [["gpu"]]}]} if count else {}


def _users(daemon: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a daemon needs that gives other user ids to containers: the job's files."""
    return {"UsernsMode": "host"} if _has(daemon, "userns") else {}


def _cgroup(daemon: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lets a job's first process read what the job uses, and nothing else."""
    return {"CgroupnsMode": "private"} if str(daemon.get("CgroupVersion")) == "2" else {}


def _user(daemon: Mapping[str, Any]) -> str:
    """Return who the job is: on this side its files must be the user's own."""
    if _has(daemon, "rootless"):
        return "0:0"  # which is the user here
    return f"{os.getuid()}:{os.getgid()}"


def _has(daemon: Mapping[str, Any], option: str) -> bool:
    return any(f"name={option}" in str(one) for one in daemon.get("SecurityOptions") or ())
