"""Knows whether a dispatcher lives here, and starts one where none does."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from jupyter_flotilla import machine
from jupyter_flotilla.engines.base import Keeper
from jupyter_flotilla.environ import dispatcher_environment
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.locks import is_held, start_holder
from jupyter_flotilla.protocol import ENV_RUN_ID, open_private

#: A dispatcher that was asked to leave ends its step first, in seconds.
_LEAVES_WITHIN_S = 3.0
#: So many dispatchers in a row that fail at their start are no accident.
_PATIENCE = 3


class Wake:
    """The dispatcher of one home on this host."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._started: subprocess.Popen[bytes] | None = None
        self._failures = 0

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

        Raises
        ------
        EnvironmentProblem
            If those that were started have all failed at once: nothing would ever move.
        """
        if self.is_inside_job():
            return False
        if self.is_awake():
            self._failures = 0
            return False
        self._count_failure()
        environment = dispatcher_environment(os.environ) | {"FLOTILLA_HOME": str(self._home)}
        with self._errors() as errors:
            process = start_holder(
                self.lock,
                _command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self._home,
                env=environment,
                start_new_session=True,
            )
        if process is None:
            return False
        self._started = process
        threading.Thread(target=process.wait, daemon=True).start()
        return True

    def _errors(self) -> BinaryIO:
        """Open the file for what a dispatcher says before it has a log of its own."""
        try:
            self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file: BinaryIO = open_private(str(self._birth_cries), "wb")
        except OSError:
            return Path(os.devnull).open("wb")
        return file

    @property
    def _birth_cries(self) -> Path:
        return self.log.with_name("dispatch-start.log")

    def _count_failure(self) -> None:
        # a signal is somebody's wish, and 0 means that another was first
        if self._started is None or (self._started.poll() or 0) <= 0:
            return
        self._started = None
        self._failures += 1
        if self._failures < _PATIENCE:
            return
        cries = self._birth_cries.read_text(errors="replace").strip().splitlines()
        raise EnvironmentProblem(
            f"no dispatcher can be started, and so nothing moves: {(cries or ['no word'])[-1]}",
            next_step=f"see {self._birth_cries} and 'jupyter flotilla doctor'",
        )


def _command() -> list[str]:
    # -P: a file in the working directory must not stand in for a module of ours
    return [sys.executable, "-P", "-m", "jupyter_flotilla", "dispatch", "--until-idle", "--lock-fd"]
