"""A real Jupyter kernel, driven as a frontend drives it."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from jupyter_client.manager import start_new_kernel

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(slots=True)
class Said:
    """What a cell has said, as a frontend shows it at the end."""

    stdout: str = ""
    stderr: str = ""
    #: Bundles by display id, in order; without one under a number.
    displays: dict[Any, dict[str, Any]] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    ename: str = ""
    evalue: str = ""
    traceback: str = ""

    @property
    def text(self) -> str:
        """The result as text."""
        return str(self.result["text/plain"]) if self.result else ""


class RealKernel:
    """A kernel in a process of its own, as long as the ``with`` block."""

    def __init__(self, cwd: Path) -> None:
        self._manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(cwd))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, *code: str, cell_id: str | None = None) -> Said:
        """Run cells and return what the last one has said."""
        for cell in code[:-1]:
            said = self.run(cell)
            assert not said.ename, said.traceback
        return self.wait(self.start(code[-1], cell_id=cell_id))

    def start(self, code: str, *, cell_id: str | None = None, asks: bool = False) -> str:
        """Send a cell and return the message's id; with ``asks``, from where it can ask."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": asks, "stop_on_error": True}  # fmt: skip
        msg = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(msg)
        return str(msg["header"]["msg_id"])

    def wait(self, msg_id: str, *, until: str | None = None, timeout: float = 60) -> Said:
        """Return what a cell has said by its end, or as soon as its stdout holds a text."""
        said, deadline = Said(), time.monotonic() + timeout
        while time.monotonic() < deadline:
            msg = self.client.get_iopub_msg(timeout=timeout)
            if msg["parent_header"].get("msg_id") != msg_id:
                continue
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                return said
            _take(said, msg["msg_type"], msg["content"])
            if until is not None and until in said.stdout:
                return said
        raise AssertionError(f"no end after {timeout} s: {said}")

    def answer(self, text: str, timeout: float = 60) -> str:
        """Answer the question of a cell and return it."""
        question = self.client.get_stdin_msg(timeout=timeout)["content"]["prompt"]
        self.client.input(text)
        return str(question)

    def interrupt(self) -> None:
        """Press ■."""
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        """Restart it, as a user does from a menu."""
        self._manager.restart_kernel()
        self.client.wait_for_ready(timeout=60)

    def kill(self) -> None:
        """Kill the kernel as nothing else does."""
        self._manager.shutdown_kernel(now=True)


def _take(said: Said, kind: str, content: dict[str, Any]) -> None:
    if kind == "stream":
        setattr(said, content["name"], getattr(said, content["name"]) + content["text"])
    elif kind in ("display_data", "update_display_data"):
        own = (content.get("transient") or {}).get("display_id", len(said.displays))
        said.displays[own] = content["data"]
    elif kind == "execute_result":
        said.result = content["data"]
    elif kind == "error":
        said.ename, said.evalue = content["ename"], content["evalue"]
        said.traceback = _COLOURS.sub("", "\n".join(content["traceback"]))
