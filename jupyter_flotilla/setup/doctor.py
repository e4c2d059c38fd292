"""Checks of this machine and installation, each with what to do if it fails."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jupyter_flotilla import machine
from jupyter_flotilla.artifacts.local import what_is_wrong
from jupyter_flotilla.engines.base import Check
from jupyter_flotilla.engines.registry import engine_names, open_engine
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.model.units import format_size
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.setup.finding import Finding
from jupyter_flotilla.store.connection import Store

#: Folders of a home that are written into.
_FOLDERS = ("runs", "locks", "logs")
#: The engine that everybody has; another need be there only where it is the one of --engine auto.
_ALWAYS = "process"
#: Below this much free room a run of some size may fail, in MiB.
_LOW_DISK_MIB = 1024


def examine(settings: Settings) -> list[Finding]:
    """Return what every check finds, in the order in which to mend things."""
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _python, _packages, _kernel, _home, _store, _engines,
    ]  # fmt: skip
    return [finding for check in checks for finding in check(settings)]


def _python(settings: Settings) -> Iterator[Finding]:
    words = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding(
        name="python", ok=machine.is_supported(), message=f"{words} ({sys.executable})",
        next_step="Linux or macOS; on Windows use WSL",
    )  # fmt: skip


def _packages(settings: Settings) -> Iterator[Finding]:
    for package in ("nbclient", "ipykernel"):
        try:
            yield Finding(name=package, ok=True, message=version(package))
        except PackageNotFoundError:
            yield Finding(
                name=package, ok=False, message="not installed",
                next_step=f"{sys.executable} -m pip install {package}",
            )  # fmt: skip


def _kernel(settings: Settings) -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    try:
        found = KernelSpecManager().find_kernel_specs()
    except RuntimeError as error:  # jupyter_core.paths, of a user without a home folder
        yield Finding(
            name="kernels", ok=False, message=f"Jupyter cannot look for them: {error}",
            next_step="set HOME to a folder of yours; commands can run without",
        )  # fmt: skip
        return
    yield Finding(
        name="kernels", ok=bool(found), message=", ".join(sorted(found)) or "none",
        next_step=f"{sys.executable} -m ipykernel install --user",
    )  # fmt: skip


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    for folder in (home, *(home / name for name in _FOLDERS)):
        problem = _cannot_be_used(folder)
        if problem is not None:
            yield Finding(
                name="home", ok=False, message=problem,
                next_step="mend its permissions, or set FLOTILLA_HOME to a folder of yours",
            )  # fmt: skip
            return
    free_mib = shutil.disk_usage(home).free / 2**20
    kind = machine.file_system(home) or "unknown file system"
    yield Finding(
        name="home", ok=free_mib > _LOW_DISK_MIB,
        message=f"{home} on {kind}, {format_size(free_mib)} free",
        next_step="free some space, or set FLOTILLA_HOME to another disk",
    )  # fmt: skip


def _cannot_be_used(folder: Path) -> str | None:
    """Return why nothing can be written into a folder of ours; None: it can."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # modes do not tell all: there are read-only mounts, lists of access, quotas
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return what_is_wrong(folder, error)
    return None


def _store(settings: Settings) -> Iterator[Finding]:
    try:
        store = Store(settings.store or settings.home / "flotilla.db")
    except FlotillaError as error:
        yield Finding(name="store", ok=False, message=error.message, next_step=error.next_step)
        return
    yield Finding(name="store", ok=True, message=store.name)
    store.close()


def _engines(settings: Settings) -> Iterator[Finding]:
    for name in engine_names():
        try:
            check = open_engine(name, settings).check()
        except FlotillaError as error:
            check = Check(ok=False, message=error.message, next_step=error.next_step)
        yield Finding(
            name=f"engine {name}", ok=check.ok, message=check.message, next_step=check.next_step,
            is_optional=name not in (settings.engine, _ALWAYS),
        )  # fmt: skip
