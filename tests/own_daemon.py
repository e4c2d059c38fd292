"""A Docker daemon of a test's own, to be stopped, killed and frozen: others use the usual one.

It lives in namespaces of its own: without a bridge, dockerd removes the machine's ``docker0``; and
whatever becomes of a test, its containers, mounts and shims go with the namespaces. What it stores
is on a disk of its own, in memory, which can be filled.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import tiny_registry
import witness

#: Room for a base image and what is made of it.
_DISK_MIB = 1024
#: In a network of its own.
_REGISTRY_PORT = 5000


class OwnDaemon:
    """The daemon; it does not run until it is started."""

    def __init__(self, folder: Path, machine: int) -> None:
        self._folder = folder
        self._machine = machine
        self._is_live_restoring = False
        self._starter: subprocess.Popen[bytes] | None = None
        #: For ``DOCKER_HOST``.
        self.host = f"unix://{folder}/docker.sock"
        (folder / "daemon.json").write_text("{}")  # not the machine's own
        (folder / "data").mkdir()
        self._inside("mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "tmpfs", self._data)

    def start(self, *, live_restore: bool | None = None) -> None:
        """Start it, and return when it answers.

        Parameters
        ----------
        live_restore
            Whether containers outlive it; None: as before.
        """
        if live_restore is not None:
            self._is_live_restoring = live_restore
        with (self._folder / "log").open("ab") as log:
            self._starter = subprocess.Popen(
                [
                    "nsenter", f"--target={self._machine}", "--net", "--mount", "--pid",
                    "dockerd",
                    f"--config-file={self._folder}/daemon.json",
                    f"--data-root={self._data}",
                    f"--exec-root={self._folder}/exec",
                    f"--pidfile={self._folder}/pid",
                    f"--host={self.host}",
                    "--bridge=none", "--iptables=false", "--ip-forward=false",
                    "--containerd-namespace=flotilla", "--containerd-plugins-namespace=flotilla-p",
                    *(["--live-restore"] if self._is_live_restoring else []),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                # what is of a test's home is killed at the end of the test
                env={"PATH": os.environ["PATH"]},
            )  # fmt: skip
        witness.until(self.answers, f"a daemon of its own, see {self._folder}/log")

    def answers(self) -> bool:
        """Say whether it can be used."""
        return self.docker("version", check=False).returncode == 0

    def docker(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a docker command on it."""
        return subprocess.run(
            ["docker", "--host", self.host, *words], capture_output=True, text=True, check=check
        )

    def load(self, image: str) -> None:
        """Copy an image from the usual daemon."""
        saved = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
        assert saved.stdout is not None
        with saved.stdout:
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"],
                stdin=saved.stdout, stdout=subprocess.DEVNULL, check=True,
            )  # fmt: skip
        saved.wait()

    @contextlib.contextmanager
    def full_disk(self, free_kib: int = 0) -> Iterator[None]:
        """Leave so much room on its disk, until the end."""
        # not "df": what is to be free must be free in pages
        used = self._inside("stat", "--file-system", "--format=%b %f", self._data)
        pages, free = map(int, used.split())
        self._resize(f"{(pages - free) * 4 + free_kib}k")
        try:
            yield
        finally:
            self._resize(f"{_DISK_MIB}m")

    def _resize(self, size: str) -> None:
        self._inside("mount", "-o", f"remount,size={size}", self._data)

    @property
    def _data(self) -> str:
        return f"{self._folder}/data"

    def _inside(self, *words: str) -> str:
        """Run a program in its namespaces; return what it says."""
        where = [f"--target={self._machine}", "--net", "--mount", "--pid"]
        return subprocess.run(
            ["nsenter", *where, *words], check=True, capture_output=True, text=True
        ).stdout

    @contextlib.contextmanager
    def registry(self, layer: bytes) -> Iterator[str]:
        """Serve an image of this layer to the daemon alone; yields the image's name."""
        file = self._folder / "layer.tar"
        file.write_bytes(layer)
        self._inside("ip", "link", "set", "lo", "up")
        program = [sys.executable, str(tiny_registry.PROGRAM), str(_REGISTRY_PORT), str(file)]
        with subprocess.Popen(
            ["nsenter", f"--target={self._machine}", "--net", *program], stdout=subprocess.PIPE
        ) as server:
            assert server.stdout is not None
            server.stdout.readline()  # it is ready
            try:
                yield f"127.0.0.1:{_REGISTRY_PORT}/{tiny_registry.IMAGE}"
            finally:
                server.kill()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the daemon, if it runs."""
        for process in self._processes():
            process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        self.send(number)
        witness.until(lambda: not self._processes(), "the daemon is gone")
        if self._starter is not None:
            self._starter.send_signal(signal.SIGCONT)  # it stops with what it has started
            self._starter.wait()

    def _processes(self) -> list[psutil.Process]:
        mark, found = f"--pidfile={self._folder}/pid", []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_dead = process.status() == psutil.STATUS_ZOMBIE
                if process.name() == "dockerd" and mark in process.cmdline() and not is_dead:
                    found.append(process)
        return found


@contextlib.contextmanager
def on_its_own() -> Iterator[OwnDaemon]:
    """A daemon of one's own; skips where there cannot be one."""
    lacking = [
        name for name in ("dockerd", "setpriv", "unshare", "nsenter") if shutil.which(name) is None
    ]
    if os.geteuid() != 0 or lacking:
        why = f"{lacking[0]} is not here" if lacking else "not root"
        pytest.skip(f"no Docker daemon of one's own: {why}")
    # its socket's path must be short
    folder = Path(tempfile.mkdtemp(prefix="flotilla-dockerd-"))
    machine = subprocess.Popen(
        # whatever kills the test kills it too
        ["setpriv", "--pdeathsig", "KILL",
         "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         # a shell takes the status of orphans: dockerd takes a dead containerd for a living one
         "sh", "-c", "while :; do sleep 1; done"],
    )  # fmt: skip
    try:
        [init] = witness.until(lambda: psutil.Process(machine.pid).children(), "a machine")
        yield OwnDaemon(folder, init.pid)
    finally:
        machine.kill()
        machine.wait()
        shutil.rmtree(folder, ignore_errors=True)
