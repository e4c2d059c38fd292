"""uv as a program: where it is, and what environment it gets."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_flotilla.environment.indexes import index_environment, masked
from jupyter_flotilla.errors import EnvironmentProblem

#: Seconds until uv is given up: a large stack over a slow line takes minutes.
_PATIENCE_S = 1_800
#: What would make uv do something else than it is told here.
_NOT_INHERITED = (
    "UV_PYTHON", "UV_TARGET", "UV_PREFIX", "UV_NO_BUILD", "UV_NO_BINARY", "UV_SYSTEM_PYTHON",
    "UV_CUSTOM_COMPILE_COMMAND", "UV_PROJECT", "UV_WORKING_DIR", "VIRTUAL_ENV", "CONDA_PREFIX",
    "PYTHONPATH", "RUST_LOG",
)  # fmt: skip
_OWN = {
    "NO_COLOR": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    # ten seconds for what saves three, on a machine whose Python may be another
    "UV_COMPILE_BYTECODE": "0",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a run of uv left; no password is in it."""

    returncode: int
    stdout: str
    stderr: str


def run_uv(
    args: Sequence[str],
    *,
    cwd: Path,
    text: str = "",
    extra: Mapping[str, str] | None = None,
) -> Done:
    """Run uv with the user's own settings.

    Parameters
    ----------
    cwd
        Where uv looks for a project's settings.
    text
        Standard input.
    extra
        Variables besides; ``UV_FIND_LINKS`` is added to the user's.

    Raises
    ------
    EnvironmentProblem
        If there is no uv, or it does not end in half an hour.
    """
    environ = _environment(extra or {})
    try:
        done = subprocess.run(
            [find_uv(), *args], cwd=cwd, env=environ, input=text, capture_output=True,
            encoding="utf-8", errors="replace", timeout=_PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"uv has not ended after {_PATIENCE_S // 60} minutes", next_step="look at the network"
        ) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"uv cannot be started: {error.strerror}: {error.filename}", next_step=_INSTALL
        ) from error
    return Done(
        returncode=done.returncode,
        stdout=done.stdout,
        stderr=masked(done.stderr, environ),
    )


_INSTALL = "pip install 'jupyter_flotilla[docker]', or uv by itself: pip install uv"


def find_uv() -> str:
    """Return the path of uv: this environment's own, else the one on PATH.

    Raises
    ------
    EnvironmentProblem
    """
    # Not by `uv.find_uv_bin`, which other versions of its package spell differently.
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if found is None:
        raise EnvironmentProblem(
            "packages for the job cannot be brought: there is no uv here", next_step=_INSTALL
        )
    return found


def first_lines(stderr: str, most: int = 6) -> str:
    """Return the beginning of what uv said, without its marks."""
    lines = [line.strip().removeprefix("error: ") for line in stderr.splitlines()]
    return "\n  ".join([line for line in lines if line and not line.startswith("Using ")][:most])


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    environ |= index_environment(environ)
    links = [environ.get("UV_FIND_LINKS"), extra.get("UV_FIND_LINKS")]
    environ |= _OWN | dict(extra)
    if any(links):
        environ["UV_FIND_LINKS"] = ",".join(link for link in links if link)
    return environ
