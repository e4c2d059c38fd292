"""Execute a notebook, or one cell, with nbclient in a fresh kernel."""

import asyncio
import copy
import json
import os
import signal
import sys
import time
from typing import Any, Dict, List, Optional

# jsonschema builds a grammar of 1 s at import where this optional package is installed
# (jsonschema#1428); notebooks need none of it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import nbformat  # noqa: E402
from jupyter_client.kernelspec import KernelSpec  # noqa: E402
from jupyter_client.manager import AsyncKernelManager  # noqa: E402
from jupyter_client.provisioning.local_provisioner import LocalProvisioner  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError, DeadKernelError  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

from jupyter_flotilla import protocol  # noqa: E402
from jupyter_flotilla.runner.attempt import Attempt, Outcome, exit_words  # noqa: E402
from jupyter_flotilla.runner.banner import with_banner  # noqa: E402
from jupyter_flotilla.runner.kernel import StartedKernel  # noqa: E402

#: The notebook on disk is at most this old while cells end, in seconds.
SAVE_EVERY_S = 10.0
#: More text of one cell than this stays in the stream only, in characters.
MAX_CELL_TEXT = 10 * 2**20
_KERNEL_START_S = 120

#: What the executed file of a job in Python can import of ours where our package is missing.
_APPEND_PATH = (
    "import sys as _s, warnings as _w; _s.path.append({path!r}); "
    # said to people at a prompt, whenever anything calls sys.exit
    "_w.filterwarnings('ignore', message='To exit: use'); del _s, _w"
)
#: A Python file finds itself and its (empty) arguments where it would, run by itself.
_AS_FILE = "import sys as _s; _s.argv = [{path!r}]; del _s; __file__ = {path!r}"
#: How `sys.exit()`, `sys.exit(0)` and `sys.exit(None)` arrive.
_CLEAN_EXITS = ("", "0", "None")


def run_notebook(attempt: Attempt, kernel: StartedKernel) -> Outcome:
    """Execute the job's notebook (or its one cell); the executed notebook is saved in any case."""
    return asyncio.run(_Execution(attempt, kernel).run())


class _Client(NotebookClient):
    """nbclient that also writes what the kernel says into the stream."""

    def __init__(self, nb: NotebookNode, attempt: Attempt, **options: Any) -> None:
        super().__init__(nb, **options)
        self._attempt = attempt
        self._cell_text = 0

    def begin_cell(self, cell_index: int) -> None:
        self._cell_text = 0
        self._attempt.stream.write("cell", {"total": len(self.nb.cells)}, cell_index)
        self._attempt.note_progress(cell=cell_index, cells=len(self.nb.cells))

    def process_message(self, msg: Dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        kind, stream = msg["msg_type"], self._attempt.stream
        if kind == "stream":
            text = stream.text(msg["content"]["name"], msg["content"]["text"], cell_index)
            content = {"name": msg["content"]["name"], "text": text}
            return self._keep_text(dict(msg, content=content), cell, cell_index)
        msg = self._without_secrets(msg)
        content = msg["content"]
        if kind in _DISPLAYS:
            body = {
                "data": content["data"],
                "metadata": content.get("metadata", {}),
                "display_id": (content.get("transient") or {}).get("display_id"),
            }
            stream.write(_DISPLAYS[kind], body, cell_index)
        elif kind == "error":
            if _is_clean_exit(content["ename"], content["evalue"]):
                return None
            body = {key: content[key] for key in ("ename", "evalue", "traceback")}
            stream.write("error", body, cell_index)
        elif kind == "clear_output":
            stream.write("clear", {"wait": bool(content.get("wait"))}, cell_index)
        return super().process_message(msg, cell, cell_index)

    def end_cell(self, cell: NotebookNode, cell_index: int) -> None:
        """Say what was held back because it might have been the beginning of a secret."""
        for name, text in self._attempt.stream.settle():
            content = {"name": name, "text": text}
            msg = {"msg_type": "stream", "parent_header": {}, "content": content}
            self._keep_text(msg, cell, cell_index)

    def _keep_text(self, msg: Dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        if not msg["content"]["text"] or not self._fits_notebook(msg["content"]):
            return None
        return super().process_message(msg, cell, cell_index)

    def _without_secrets(self, msg: Dict[str, Any]) -> Dict[str, Any]:
        if not self._attempt.secrets:
            return msg
        content = {key: self._attempt.stream.mask(item) for key, item in msg["content"].items()}
        return dict(msg, content=content)

    def _fits_notebook(self, content: Dict[str, Any]) -> bool:
        had, self._cell_text = self._cell_text, self._cell_text + len(content["text"])
        if self._cell_text <= MAX_CELL_TEXT:
            return True
        if had > MAX_CELL_TEXT:
            return False
        content["text"] = "\n… more than %d MB of text: the rest is in the run's logs\n" % (
            MAX_CELL_TEXT // 2**20
        )
        return True


_DISPLAYS = {"display_data": "display", "update_display_data": "update", "execute_result": "result"}


class _Execution:
    def __init__(self, attempt: Attempt, kernel: StartedKernel) -> None:
        self.attempt = attempt
        self.kernel = kernel
        self.nb = _read(attempt)
        self.client = self._client()
        self.failed_cell: Optional[int] = None
        self._saved_at = 0.0
        self._is_stopping = False
        self._interrupting: Optional[asyncio.Future[None]] = None

    async def run(self) -> Outcome:
        loop = asyncio.get_running_loop()
        body = asyncio.ensure_future(self._execute())
        loop.add_signal_handler(signal.SIGINT, self._interrupt, body)
        try:
            outcome = await body
        except asyncio.CancelledError:
            outcome = Outcome("stopped")
        except DeadKernelError:
            outcome = _kernel_died(self.failed_cell, self.kernel.process.poll())
        except CellExecutionError as error:
            if _is_clean_exit(error.ename, error.evalue):
                self.failed_cell = None
                outcome = Outcome("succeeded")
            else:
                outcome = _cell_failed(error, self.failed_cell)
        finally:
            self._stop_kernel()
        stop = self.attempt.stop_reason()
        if stop is not None and outcome.outcome != "succeeded":
            outcome.outcome = "stopped"
            outcome.message = stop["message"]
        self.save(outcome)
        return outcome

    async def _execute(self) -> Outcome:
        try:
            await self._start_kernel()
        except RuntimeError as error:
            # jupyter_client: the kernel died, or said nothing, before it was ready
            return Outcome("failed", failure_kind="environment", message=_no_start(self, error))
        for index, cell in enumerate(self.nb.cells):
            if self._is_stopping:
                return Outcome("stopped")
            self.failed_cell = index
            self.client.begin_cell(index)
            try:
                await self.client.async_execute_cell(cell, index)
            finally:
                self.client.end_cell(cell, index)
                self._save_sometimes()
        self.failed_cell = None
        self.client.set_widgets_metadata()
        return Outcome("succeeded")

    def _client(self) -> _Client:
        manager = AsyncKernelManager(
            kernel_name=self.kernel.spec["name"], connection_file=self.kernel.connection_file
        )
        manager.load_connection_file()
        spec = KernelSpec(
            argv=self.kernel.spec["argv"], interrupt_mode=self.kernel.spec["interrupt_mode"]
        )
        manager._kernel_spec = spec
        # What `start_kernel` would have made, had it not been started already.
        process = LocalProvisioner(kernel_id="job", kernel_spec=spec, parent=manager)
        process.process = self.kernel.process
        process.pid = process.pgid = self.kernel.process.pid
        manager.provisioner = process
        return _Client(
            self.nb, self.attempt, km=manager, timeout=None, startup_timeout=_KERNEL_START_S,
            coalesce_streams=True, record_timing=True,
        )  # fmt: skip

    async def _start_kernel(self) -> None:
        client: Any = self.client  # nbclient's types know only its synchronous half
        await client.async_start_new_kernel_client()
        if self.kernel.spec["language"] == "python":
            code = _APPEND_PATH.format(path=os.path.abspath(sys.path[0]))
            path = self.attempt.script_path()
            if path is not None:
                code += "; " + _AS_FILE.format(path=path)
            client.kc.execute(code, silent=True, store_history=False)
        info = await self._language_info(client)
        self.nb.metadata["language_info"] = info["content"]["language_info"]

    async def _language_info(self, client: Any) -> Any:
        asked = client.kc.kernel_info(reply=True, timeout=_KERNEL_START_S)
        reply = asyncio.ensure_future(asked)
        while not (await asyncio.wait({reply}, timeout=0.5))[0]:
            if not await client.km.is_alive():
                reply.cancel()
                raise RuntimeError("Kernel died before replying to kernel_info")
        return reply.result()

    def _stop_kernel(self) -> None:
        try:
            if self.client.kc is not None:
                self.client.kc.stop_channels()
        except Exception as error:
            # The job is over and its supervisor kills what is left; the outcome matters more.
            protocol.note("while leaving the kernel: %r" % error)
        self.kernel.kill()

    def _interrupt(self, body: "asyncio.Future[Outcome]") -> None:
        self._is_stopping = True
        if self.failed_cell is None:
            body.cancel()  # no cell is running: the kernel is still starting
        else:
            manager: Any = self.client.km
            self._interrupting = asyncio.ensure_future(manager.interrupt_kernel())

    def _save_sometimes(self) -> None:
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self.save(None)

    def save(self, outcome: Optional[Outcome]) -> None:
        """Write the executed notebook, with a banner if it did not succeed."""
        nb = self.nb
        if outcome is not None and outcome.outcome != "succeeded":
            nb = with_banner(nb, self.failed_cell, outcome)
        path = self.attempt.path(protocol.NOTEBOOK)
        try:
            with protocol.open_private(path + ".part", "w", encoding="utf-8") as file:
                file.write(nbformat.v4.writes(nb) + "\n")
            os.replace(path + ".part", path)
        except OSError as error:
            sentence = "The executed notebook could not be saved: %s" % error
            protocol.note(sentence)
            if outcome is not None:
                outcome.message = "%s\n%s" % (outcome.message or "", sentence)
        self._saved_at = time.monotonic()


def _read(attempt: Attempt) -> NotebookNode:
    with open(attempt.job["source"], encoding="utf-8") as file:
        text = file.read()
    if attempt.job["kind"] == "cell":
        cells = [nbformat.v4.new_code_cell(text)]
        one: NotebookNode = nbformat.v4.new_notebook(cells=cells)
        return one
    nb: NotebookNode = nbformat.from_dict(copy.deepcopy(json.loads(text)))
    for cell in nb.cells:
        source = cell.get("source", "")
        cell.source = "".join(source) if isinstance(source, list) else source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def _is_clean_exit(ename: str, evalue: str) -> bool:
    return ename == "SystemExit" and evalue in _CLEAN_EXITS


def _cell_failed(error: CellExecutionError, cell: Optional[int]) -> Outcome:
    lines: List[str] = str(error.traceback).splitlines()
    is_exit = error.ename == "SystemExit" and error.evalue.isdigit()
    return Outcome(
        "failed",
        exit_code=int(error.evalue) if is_exit else None,
        failure_kind="user-error",
        message="Cell %s failed: %s: %s" % (_number(cell), error.ename, error.evalue),
        error={"ename": error.ename, "evalue": error.evalue, "traceback": lines, "cell": cell},
    )


def _kernel_died(cell: Optional[int], returncode: Optional[int]) -> Outcome:
    how = ""
    if returncode is not None:
        is_signal = returncode < 0
        how = " (%s)" % exit_words(
            None if is_signal else returncode, -returncode if is_signal else None
        )
    return Outcome(
        "failed",
        failure_kind="user-error",
        message="The kernel died%s while cell %s was running." % (how, _number(cell)),
        error={"ename": "DeadKernelError", "evalue": "Kernel died", "traceback": [], "cell": cell},
    )


def _no_start(execution: _Execution, error: RuntimeError) -> str:
    kernel = execution.kernel.spec
    return "Kernel %r (%s) did not start: %s" % (kernel["name"], " ".join(kernel["argv"]), error)


def _number(cell: Optional[int]) -> str:
    """Cells are counted from 1 for people."""
    return "?" if cell is None else str(cell + 1)
