"""Knows whether a dispatcher lives here, and starts one where none does."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from jupyter_flotilla import machine
from jupyter_flotilla.engines.base import Keeper
from jupyter_flotilla.environ import own_environment
from jupyter_flotilla.locks import is_held, start_holder
from jupyter_flotilla.protocol import ENV_RUN_ID

#: A dispatcher that was asked to leave ends its step first, in seconds.
_LEAVES_WITHIN_S = 3.0


class Wake:
    """The dispatcher of one home on this host."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def lock(self) -> Path:
        """Lock that the dispatcher of this host holds; hosts may share the home."""
        return self._home / "locks" / f"dispatch-{machine.host()}.lock"

    @property
    def log(self) -> Path:
        """Where dispatchers say what went wrong."""
        return self._home / "logs" / "dispatch.log"

    def keeper(self) -> Keeper:
        """Return what a job's supervisor needs to start a dispatcher."""
        return Keeper(lock=self.lock, argv=tuple(_command()))

    def is_awake(self) -> bool:
        """Say whether a dispatcher lives on this host."""
        return is_held(self.lock)

    @staticmethod
    def is_inside_job() -> bool:
        """Say whether this process belongs to a job, and so must start nothing lasting."""
        return ENV_RUN_ID in os.environ

    def replace(self) -> bool:
        """Start a dispatcher once the one that was asked to leave has left.

        False if it stays for some seconds, or another was started meanwhile.
        """
        deadline = time.monotonic() + _LEAVES_WITHIN_S
        while self.is_awake() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.ensure()

    def ensure(self) -> bool:
        """Start a dispatcher, detached, unless one lives; say whether it was started.

        Inside a job nothing is started: it would be a process of the job and end with it. The
        job's own supervisor sees to it there.
        """
        if self.is_inside_job() or self.is_awake():
            return False
        environment = own_environment(os.environ) | {"FLOTILLA_HOME": str(self._home)}
        process = start_holder(
            self.lock,
            _command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._home,
            env=environment,
            start_new_session=True,
        )
        if process is None:
            return False
        threading.Thread(target=process.wait, daemon=True).start()
        return True


def _command() -> list[str]:
    # -P: a file in the working directory must not stand in for a module of ours
    return [sys.executable, "-P", "-m", "jupyter_flotilla", "dispatch", "--until-idle", "--lock-fd"]
