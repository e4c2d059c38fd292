"""A real PostgreSQL server for tests: a folder of its own, a socket, no port."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self


class PostgresqlServer:
    """A server that lives as long as the ``with`` block."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        # PostgreSQL refuses to run as root; Debian's package brings a user for it.
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as_user:
            shutil.chown(self._folder, "postgres")

    @staticmethod
    def is_installed() -> bool:
        """Say whether there are server programs here."""
        return bool(_programs())

    def __enter__(self) -> Self:
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-A", "trust", "-U", "flotilla", "--no-sync", "-E", "UTF8")
        settings = f"-c listen_addresses='' -k {self._folder} -c fsync=off"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", data, "-w", "-l", log, "-o", settings, "start")
        return self

    def __exit__(self, *error: object) -> None:
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def new_database(self, name: str) -> str:
        """Create a database and return its URL."""
        self._run("createdb", "-h", self._folder, "-U", "flotilla", name)
        return f"postgresql://flotilla@/{name}?host={self._folder}"

    def _run(self, program: str, *words: str | Path) -> None:
        command = [*self._as_user, _programs() / program, *words]
        env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
        }  # nothing of the test that starts it
        for _ in range(3):
            ran = subprocess.run(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                check=False,
                env=env,
            )
            if ran.returncode == 0:
                return
            time.sleep(0.5)
        raise RuntimeError(f"{command}: {ran.stderr.decode()}")


def _programs() -> Path | None:
    """Return the folder of the newest server's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path is not None else None
