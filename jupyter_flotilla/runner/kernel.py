"""Starts the job's kernel with the standard library alone, so that it boots while nbclient loads.

Importing nbclient and booting a kernel take about as long; side by side they cost a quarter less
than one after the other.
"""

import json
import os
import shutil
import socket
import string
import subprocess
import sys
import tempfile
import uuid
from typing import Any, Dict, List, Mapping

#: jupyter_client: names of Python that mean "the one that starts the kernel".
_PYTHONS = {"python", "python%d" % sys.version_info[0], "python%d.%d" % sys.version_info[:2]}
_CHANNELS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")


class StartedKernel:
    """A kernel that was started and may still be booting.

    Parameters
    ----------
    kernel
        The frozen kernelspec of ``job.json``.
    environment
        What the kernel gets besides this process's own environment.

    Raises
    ------
    OSError
        If its command cannot be started.
    """

    def __init__(self, kernel: Dict[str, Any], environment: Mapping[str, str]) -> None:
        self.spec = kernel
        # Sockets: a short path (the limit is about 100 characters), the user's alone.
        self.folder = tempfile.mkdtemp(prefix="flotilla-")
        self.connection_file = os.path.join(self.folder, "kernel.json")
        self._write_connection_file()
        env = dict(os.environ)
        for name, value in kernel["env"].items():
            env[name] = string.Template(value).safe_substitute(os.environ)  # as jupyter_client does
        env.update(environment)
        env["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel ends when this process does
        try:
            self.process = subprocess.Popen(
                self._command(), env=env, stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError:
            self.forget()
            raise

    def kill(self) -> None:
        """Kill the kernel, if it still lives, and forget its sockets."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.forget()

    def forget(self) -> None:
        """Delete the sockets and the connection file."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self) -> List[str]:
        argv = [
            word.replace("{connection_file}", self.connection_file).replace("{prefix}", sys.prefix)
            for word in self.spec["argv"]
        ]
        return [sys.executable, *argv[1:]] if argv[0] in _PYTHONS else argv

    def _write_connection_file(self) -> None:
        info: Dict[str, Any] = {
            "key": uuid.uuid4().hex,
            "signature_scheme": "hmac-sha256",
            "kernel_name": self.spec["name"],
        }
        if self.spec["language"] == "python":
            # No port that another kernel, or another user, could take meanwhile.
            info.update(transport="ipc", ip=os.path.join(self.folder, "k"))
            info.update({channel: number for number, channel in enumerate(_CHANNELS, 1)})
        else:
            info.update(transport="tcp", ip="127.0.0.1", **_free_ports())
        fd = os.open(self.connection_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump(info, file)


def _free_ports() -> Dict[str, int]:
    sockets = {channel: socket.socket() for channel in _CHANNELS}
    for one in sockets.values():
        one.bind(("127.0.0.1", 0))
    ports = {channel: one.getsockname()[1] for channel, one in sockets.items()}
    for one in sockets.values():
        one.close()
    return ports
