"""What a container is made with: its mounts, limits, user and labels."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.docker.daemon import FOLDER_LABEL, HOME_LABEL
from jupyter_flotilla.engines.job_file import Layout

_ROOM = "/flotilla"
#: Where a job's container has what is its own, and nothing else of this machine.
LAYOUT = Layout(
    input=f"{_ROOM}/input",
    attempt=f"{_ROOM}/attempt",
    runner=f"{_ROOM}/runner.pyz",
    interpreter="python3",
    cwd=None,
    layer=f"{_ROOM}/layer",
    # the runner puts its own interpreter there
    kernel_argv=("python", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
)
#: Finds a Python of at least 3.8 and becomes it, as the container's first process.
_BOOT = """\
for name in python3 python; do
  if command -v "$name" >/dev/null 2>&1; then
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))'; then exec "$name" "$@"; fi
    echo "flotilla: this image's Python is too old, 3.8 is needed: $("$name" -V 2>&1)"; exit 127
  fi
done
echo 'flotilla: this image has no Python; jobs need Python 3.8 or later in it'
exit 127
"""
#: What `docker stop` waits before it kills: longer than our own way to stop takes.
_STOP_S = 40
#: Processes and threads that one job may have: a fork bomb must not take the machine with it.
_PIDS = 32_768
_LOG = {"max-size": "1m", "max-file": "1"}


def boot(*arguments: str) -> list[str]:
    """Return the program and arguments that start an image's own Python with some arguments."""
    return ["/bin/sh", "-c", _BOOT, "sh", *arguments]


def container_name(launch_key: str) -> str:
    """Return the name of an attempt's container: two of one name cannot exist."""
    return f"flotilla-{launch_key}"


def options(
    order: LaunchOrder, name: str, runner: Path, home: str, daemon: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the keywords of `Daemon.create`.

    Parameters
    ----------
    runner
        The runner's zipapp.
    home
        What marks the containers of this home.
    daemon
        `Daemon.info`.
    """
    from docker.types import LogConfig, Mount

    spec = order.spec
    mounts = [
        Mount(LAYOUT.attempt, str(order.attempt_folder), type="bind"),
        Mount(LAYOUT.input, str(order.input_folder), type="bind", read_only=True),
        Mount(LAYOUT.runner, str(runner), type="bind", read_only=True),
    ]
    if order.layer is not None:
        mounts.append(Mount(LAYOUT.layer, str(order.layer), type="bind", read_only=True))
    return {
        "name": name,
        "entrypoint": boot(LAYOUT.runner, "--container", LAYOUT.attempt),
        "command": [],
        "mounts": mounts,
        "working_dir": "/",
        "user": _user(daemon),
        "environment": {"LANG": "C.UTF-8"},
        "labels": {
            HOME_LABEL: home,
            FOLDER_LABEL: str(order.attempt_folder),
            "flotilla.run": order.run_id,
            "flotilla.job": spec.name,
        },
        "nano_cpus": _nano_cpus(order, daemon),
        "pids_limit": _PIDS,
        "stop_signal": "SIGTERM",
        "log_config": LogConfig(type="json-file", config=_LOG),
        "network": spec.network,
        "stdin_open": bool(spec.secrets),
        **_memory(order),
        **_gpus(order),
    }


def _memory(order: LaunchOrder) -> dict[str, Any]:
    if order.resources.memory_mib is None:
        return {}
    limit = order.resources.memory_mib * 2**20
    return {"mem_limit": limit, "memswap_limit": limit}  # the same: no swap on top of it


def _nano_cpus(order: LaunchOrder, daemon: Mapping[str, Any]) -> int | None:
    """Return a limit of CPU; None where nobody asked for one. More than there is is refused."""
    if not order.spec.has_cpu_hint:
        return None
    return int(min(order.resources.cpu, float(daemon.get("NCPU") or 1)) * 1e9)


def _gpus(order: LaunchOrder) -> dict[str, Any]:
    from docker.types import DeviceRequest

    count = order.resources.gpu
    if not count:
        return {}
    return {"device_requests": [DeviceRequest(count=count, capabilities=[["gpu"]])]}


def _user(daemon: Mapping[str, Any]) -> str:
    """Return who the job is: on this side its files must be the user's own."""
    if any("rootless" in str(option) for option in daemon.get("SecurityOptions") or ()):
        return "0:0"  # which is the user here
    return f"{os.getuid()}:{os.getgid()}"
