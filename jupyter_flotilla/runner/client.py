"""nbclient that also writes what the kernel says into the stream."""

import re
from typing import Any, Dict, Optional

import nbclient.client
from nbclient import NotebookClient
from nbformat import NotebookNode

from jupyter_flotilla.runner.attempt import Attempt
from jupyter_flotilla.runner.cell import CellJob

# What nbclient 0.10 drops before a carriage return is the same, and found in linear time: its own
# expression begins anew at each character of a line, and three megabytes without a line break,
# which a progress bar may be, held a job that had ended for minutes.
_BEFORE_RETURN = re.compile(r"^.*\r(?=[^\n])", re.MULTILINE)
if hasattr(nbclient.client, "_RGX_CARRIAGERETURN"):
    nbclient.client._RGX_CARRIAGERETURN = _BEFORE_RETURN

#: More text of one cell than this stays in the stream only, in characters.
MAX_CELL_TEXT = 10 * 2**20
#: How `sys.exit()`, `sys.exit(0)` and `sys.exit(None)` arrive.
_CLEAN_EXITS = ("", "0", "None")
_DISPLAYS = {"display_data": "display", "update_display_data": "update", "execute_result": "result"}


class Client(NotebookClient):
    """Executes the cells of a job."""

    def __init__(
        self, nb: NotebookNode, attempt: Attempt, cell_job: Optional[CellJob], **options: Any
    ) -> None:
        super().__init__(nb, **options)
        self._attempt = attempt
        self._cell_job = cell_job
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
            content["data"] = legal_data(content["data"])
            body = {
                "data": content["data"],
                "metadata": content.get("metadata", {}),
                "display_id": (content.get("transient") or {}).get("display_id"),
            }
            stream.write(_DISPLAYS[kind], body, cell_index)
        elif kind == "error":
            if is_clean_exit(content["ename"], content["evalue"]):
                return None
            if self._cell_job is not None:
                content["traceback"] = [
                    self._cell_job.renumber(line) for line in content["traceback"]
                ]
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


def legal_data(data: Dict[str, Any]) -> Dict[str, Any]:
    """Return a MIME bundle as a notebook may have it: text or JSON; the rest as its text.

    nbformat refuses other values with an error, as if all of the notebook could not be run.
    """
    return {
        mime: value if mime.endswith("json") or _is_text(value) else str(value)
        for mime, value in data.items()
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(line, str) for line in value)
    )


def is_clean_exit(ename: str, evalue: str) -> bool:
    """Say whether an error is no error: ``sys.exit()`` and the like."""
    return ename == "SystemExit" and evalue in _CLEAN_EXITS
