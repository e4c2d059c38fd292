"""Options of how large a machine a job gets, and of which kind."""

import math
import re
from collections.abc import Callable
from typing import Any, get_args

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.option import Option
from jupyter_flotilla.model.resources import INCLUDED_DISK_GIB, MAX_DISK_GIB, Arch
from jupyter_flotilla.model.units import parse_size

#: What people call an architecture, as AWS, Docker or ``uname -m`` do → what it is here.
_ARCHS: dict[str, Arch] = {
    **{arch: arch for arch in get_args(Arch)},
    "amd64": "x86_64",
    "aarch64": "arm64",
}
_CLAIMS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _cpu(value: Any) -> float:
    try:
        cpu = float(value)
    except (TypeError, ValueError):
        cpu = 0.0
    if not 0 < cpu <= 1024:
        raise InvalidOption(f"cpu {value!r} is not a number of vCPU", next_step="--cpu 4 or 0.5")
    return cpu


def _gpu(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,2}\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 64:
        raise InvalidOption(f"{value!r} is not a number of GPUs", next_step="--gpu 1")
    return value


def _spot(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    claim = _CLAIMS.get(str(value).strip().lower())
    if claim is None:
        raise InvalidOption(
            f"spot {str(value)[:60]!r} is neither true nor false", next_step="--spot or --no-spot"
        )
    return claim


def _arch(value: Any) -> Arch:
    arch = _ARCHS.get(str(value).strip().lower())
    if arch is None:
        raise InvalidOption(
            f"--arch {str(value)[:60]!r} is neither x86_64 nor arm64", next_step="--arch arm64"
        )
    return arch


def _disk(value: str) -> int:
    """Return GiB, rounded up; what is included is the least."""
    gib = max(INCLUDED_DISK_GIB, math.ceil(parse_size(value) / 1024))
    if gib > MAX_DISK_GIB:
        raise InvalidOption(
            f"--disk {value}: a Fargate task has {MAX_DISK_GIB}G at most",
            next_step=f"--disk {MAX_DISK_GIB}G, or read the data from a bucket",
        )
    return gib


def with_unit(parse: Callable[[str], Any], example: str) -> Callable[[Any], Any]:
    """Return what reads a value that must be written with its unit."""

    def check(value: Any) -> Any:
        if isinstance(value, str):
            return parse(value)
        raise InvalidOption(f"{value!r} has no unit", next_step=f"write it with one: {example}")

    return check


#: The table's first part.
SIZE_OPTIONS: tuple[Option, ...] = (
    Option(
        name="cpu", py="cpu", rest="cpu", form="vCPU", alias="c", metavar="N", parse=_cpu,
        group="resources",
        help="vCPU, e.g. 4 or 0.5. A hint to thread pools on the process engine. [default: 1]",
    ),
    Option(
        name="memory", py="memory", rest="memory_mib", form="Memory", alias="m", metavar="SIZE",
        parse=with_unit(parse_size, "memory='16G'"), group="resources",
        help="Memory limit with its unit, e.g. 16G. [default: none here, priced as 4G]",
    ),
    Option(
        name="gpu", py="gpu", rest="gpu", form="GPU", alias="g", metavar="N", parse=_gpu,
        group="resources", is_of_some=True,
        help="GPUs. [default: none]",
    ),
    Option(
        name="spot", py="spot", rest="spot", form="Spot", metavar="", parse=_spot,
        group="resources", is_flag=True, is_of_some=True, engine_hint="ecs",
        help="Spare capacity, up to 70 % cheaper; AWS may take it back, then the job is tried "
        "again from its last checkpoint: once more on Spot, then on demand. [default: on demand]",
    ),
    Option(
        name="arch", py="arch", rest="arch", form="Architecture", metavar="ARCH", parse=_arch,
        group="resources", is_of_some=True, engine_hint="ecs",
        help="x86_64 or arm64. [default: x86_64]",
    ),
    Option(
        name="disk", py="disk", rest="disk_gib", form="Disk", metavar="SIZE",
        parse=with_unit(_disk, "disk='50G'"), group="resources", is_of_some=True,
        engine_hint="ecs",
        help="Temporary storage for image and files, 200G at most. [default: 20G, included]",
    ),
)  # fmt: skip
