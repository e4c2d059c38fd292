"""Execute a notebook, or one cell, with nbclient in a fresh kernel."""

import asyncio
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
from nbclient.exceptions import CellExecutionError, DeadKernelError  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

from jupyter_flotilla import protocol  # noqa: E402
from jupyter_flotilla.runner.attempt import Attempt, Outcome, exit_words  # noqa: E402
from jupyter_flotilla.runner.banner import with_banner  # noqa: E402
from jupyter_flotilla.runner.cell import CellJob  # noqa: E402
from jupyter_flotilla.runner.client import Client, is_clean_exit  # noqa: E402
from jupyter_flotilla.runner.kernel import StartedKernel  # noqa: E402

#: The notebook on disk is at most this old while cells end, in seconds.
SAVE_EVERY_S = 10.0
_KERNEL_START_S = 120

#: What the executed file of a job in Python can import of ours where our package is missing.
_APPEND_PATH = (
    "import sys as _s, warnings as _w; _s.path.append({path!r}); "
    # said to people at a prompt, whenever anything calls sys.exit
    "_w.filterwarnings('ignore', message='To exit: use'); del _s, _w"
)
#: A Python file finds itself and its (empty) arguments where it would, run by itself.
_AS_FILE = "import sys as _s; _s.argv = [{path!r}]; del _s; __file__ = {path!r}"


def run_notebook(attempt: Attempt, kernel: StartedKernel) -> Outcome:
    """Execute the job's notebook (or its one cell); the executed notebook is saved in any case."""
    return asyncio.run(_Execution(attempt, kernel).run())


class _Execution:
    def __init__(self, attempt: Attempt, kernel: StartedKernel) -> None:
        self.attempt = attempt
        self.kernel = kernel
        self.cell_job = _cell_job(attempt)
        self.nb = _read(attempt, self.cell_job)
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
        except _StepFailed as failed:
            outcome = failed.outcome
            self.attempt.stream.write("error", outcome.error or {}, 0)
        except DeadKernelError:
            outcome = _kernel_died(self.failed_cell, self.kernel.process.poll())
        except CellExecutionError as error:
            if is_clean_exit(error.ename, error.evalue):
                outcome = await self._left_well()
            else:
                outcome = _cell_failed(error, self.failed_cell, self.cell_job)
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
        if self.cell_job is not None:
            await self._make_again(self.cell_job)
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
        if self.cell_job is not None:
            await self._give_back(self.cell_job)
        self.client.set_widgets_metadata()
        return Outcome("succeeded")

    async def _make_again(self, cell_job: CellJob) -> None:
        """Run what the cell needs before it: imports, values, definitions."""
        for code, cell in cell_job.prelude():
            reply = await self._ask(code, store_history=cell is not None)
            if cell is not None:
                cell_job.ran(reply["execution_count"], cell)
            if reply["status"] == "error":
                raise _StepFailed(reply, cell_job)
        cell_job.begins()

    async def _give_back(self, cell_job: CellJob) -> None:
        count = self.nb.cells[0].get("execution_count") or 0
        reply = await self._ask(cell_job.finale(count, self.attempt.folder), store_history=False)
        if reply["status"] == "error":
            raise _StepFailed(reply, cell_job)

    async def _left_well(self) -> Outcome:
        """Return how a job ended that has called ``sys.exit()``: it gives back what it has."""
        self.failed_cell = None
        try:
            if self.cell_job is not None:
                await self._give_back(self.cell_job)
        except _StepFailed as failed:
            return failed.outcome
        return Outcome("succeeded")

    async def _ask(self, code: str, store_history: bool) -> Dict[str, Any]:
        client: Any = self.client
        asked = client.kc.execute(
            code, silent=False, store_history=store_history, allow_stdin=False, reply=True,
            timeout=None,
        )  # fmt: skip
        reply: Dict[str, Any] = (await self._reply(asked))["content"]
        return reply

    def _client(self) -> Client:
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
        return Client(
            self.nb, self.attempt, self.cell_job, km=manager, timeout=None,
            startup_timeout=_KERNEL_START_S, coalesce_streams=True, record_timing=True,
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
        info = await self._reply(client.kc.kernel_info(reply=True, timeout=_KERNEL_START_S))
        self.nb.metadata["language_info"] = info["content"]["language_info"]

    async def _reply(self, asked: Any) -> Any:
        reply = asyncio.ensure_future(asked)
        while not (await asyncio.wait({reply}, timeout=0.5))[0]:
            manager: Any = self.client.km
            if not await manager.is_alive():
                reply.cancel()
                raise RuntimeError("Kernel died before replying")
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
            # nbclient takes an error from the kernel's reply, which nobody has masked yet
            outcome.message = self.attempt.stream.mask(outcome.message)
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


class _StepFailed(Exception):
    """What comes with a cell, or goes back from it, has failed."""

    def __init__(self, reply: Dict[str, Any], cell_job: CellJob) -> None:
        lines = [cell_job.renumber(line) for line in reply["traceback"]]
        message = reply["evalue"]
        if reply["ename"] != "RuntimeError":
            message = "What the cell needs failed: %s: %s" % (reply["ename"], message)
        error = {"ename": reply["ename"], "evalue": reply["evalue"], "traceback": lines, "cell": 0}
        self.outcome = Outcome("failed", failure_kind="user-error", message=message, error=error)


def _cell_job(attempt: Attempt) -> Optional[CellJob]:
    source = attempt.job["source"]
    if attempt.job["kind"] != "cell" or not source.endswith(".json"):
        return None
    app = os.path.abspath(sys.path[0])
    return CellJob(source, attempt.job["values_folder"], app, attempt.unpack_modules())


def _read(attempt: Attempt, cell_job: Optional[CellJob]) -> NotebookNode:
    if cell_job is not None:
        return _one_cell(cell_job.source)
    with open(attempt.job["source"], encoding="utf-8") as file:
        text = file.read()
    if attempt.job["kind"] == "cell":
        return _one_cell(text)
    nb: NotebookNode = nbformat.from_dict(json.loads(text))
    for cell in nb.cells:
        source = cell.get("source", "")
        cell.source = "".join(source) if isinstance(source, list) else source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def _one_cell(source: str) -> NotebookNode:
    nb: NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    return nb


def _cell_failed(
    error: CellExecutionError, cell: Optional[int], cell_job: Optional[CellJob]
) -> Outcome:
    traceback = str(error.traceback)
    lines: List[str] = (cell_job.renumber(traceback) if cell_job else traceback).splitlines()
    is_exit = error.ename == "SystemExit" and error.evalue.isdigit()
    return Outcome(
        "failed",
        exit_code=int(error.evalue) if is_exit else None,
        failure_kind="user-error",
        message="%s failed: %s: %s"
        % (
            "Cell %s" % _number(cell) if cell_job is None else "The cell",
            error.ename,
            error.evalue,
        ),
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
