"""A cell that came with what it needs: made again before it, and what it gives back after it."""

import json
import os
import re
from typing import Any, Dict, List, Optional, Tuple

from jupyter_flotilla import protocol

#: In a traceback of IPython: "Cell In[3], line 2", with colours in between.
_IN = re.compile(r"(Cell(?:\x1b\[[0-9;]*m| )*In\[)(\d+)(\])")

#: The codec is executed from the runner's own file: the kernel may have another version of us, or
#: none. Nothing of it stays in the cell's namespace.
_WITH_VALUES = """
def _flotilla(space):
    # nothing of the cell's own names: it may have given `open` or `Out` another meaning
    from builtins import RuntimeError, __import__, exec, getattr, open, type, Exception
    import json, os, zipimport
    codec = {{"__name__": "flotilla_values"}}
    exec(zipimport.zipimporter({app!r}).get_data("jupyter_flotilla/protocol/values.py"), codec)
    {body}
_flotilla(__import__("sys").modules["__main__"].__dict__); del _flotilla
"""
_LOAD = """for entry in json.loads({entries!r}):
        try:
            space[entry["name"]] = codec["load"](entry, {folder!r})
        except Exception as error:
            raise RuntimeError("input %r (%s) cannot be loaded: %s: %s" % (
                entry["name"], entry["type"], type(error).__name__, error)) from None"""
_SAVE = """from IPython import get_ipython
    os.makedirs({folder!r}, mode=0o700, exist_ok=True)
    entries, last = [], get_ipython().history_manager.output_hist.get({count})
    for name in {names!r}:
        if name not in space:
            raise RuntimeError("output %r was never assigned" % name)
        try:
            entries.append(codec["save"](space[name], {folder!r}, name))
        except codec["NotSaveable"] as error:
            raise RuntimeError("output %r is a %s, which cannot be sent back: %s" % (
                name, codec["type_name"](space[name]), error)) from None
    if last is not None:
        try:
            entry = codec["save"](last, {folder!r}, {result!r})
            if entry["format"] != "pickle" and entry["size"] <= {largest}:
                entries.append(entry)
        except Exception:
            pass  # what was displayed is in the stream
    with open({path!r} + ".part", "w") as file:
        json.dump(entries, file)
    os.replace({path!r} + ".part", {path!r})"""
#: A larger result is only what was displayed of it, in bytes.
_LARGEST_RESULT = 2**20


class CellJob:
    """What ``cell.json`` says: imports, values and pieces of source, the cell itself, its outputs.

    Parameters
    ----------
    path
        Of ``cell.json``.
    values
        Folder of the values' files.
    app
        The runner's own file.
    modules
        Folder of local modules; None: there are none.
    """

    def __init__(self, path: str, values: str, app: str, modules: Optional[str]) -> None:
        with open(path, encoding="utf-8") as file:
            self._job: Dict[str, Any] = json.load(file)
        self._values = values
        self._app = app
        self._modules = modules
        #: Execution count in this kernel → number of the cell at its owner's.
        self._numbers: Dict[int, Optional[int]] = {}

    @property
    def source(self) -> str:
        """Source of the cell itself."""
        return str(self._job["source"])

    def prelude(self) -> List[Tuple[str, Optional[int]]]:
        """Return code to run before the cell, in order, each with its cell's number or None."""
        steps: List[Tuple[str, Optional[int]]] = []
        if self._modules is not None:
            steps.append(("import sys as _s; _s.path.insert(0, %r); del _s" % self._modules, None))
        if self._job["imports"]:
            steps.append(("\n".join(self._job["imports"]), None))
        values: List[Dict[str, Any]] = []  # those that follow each other are loaded together
        for step in self._job["steps"]:
            if "value" in step:
                values.append(step["value"])
                continue
            if values:
                steps.append((self._load(values), None))
                values = []
            steps.append((step["piece"]["source"], step["piece"]["cell"]))
        if values:
            steps.append((self._load(values), None))
        return steps

    def ran(self, execution_count: int, cell: Optional[int]) -> None:
        """Note under which count of this kernel a piece of a cell was executed."""
        self._numbers[execution_count] = cell

    def begins(self) -> None:
        """Note that the cell itself comes next."""
        self._numbers[max(self._numbers, default=0) + 1] = self._job["cell"]

    def finale(self, execution_count: int, folder: str) -> str:
        """Return code that saves the outputs, and the cell's result, into an attempt's folder."""
        body = _SAVE.format(
            folder=os.path.join(folder, protocol.VALUES), names=self._job["outputs"],
            count=execution_count, result=protocol.RESULT, largest=_LARGEST_RESULT,
            path=os.path.join(folder, protocol.OUTPUTS),
        )  # fmt: skip
        return _WITH_VALUES.format(app=self._app, body=body)

    def renumber(self, text: str) -> str:
        """Return a traceback with the numbers of cells that its reader knows."""

        def known(found: "re.Match[str]") -> str:
            number = self._numbers.get(int(found[2]))
            return found[0] if number is None else "%s%d%s" % (found[1], number, found[3])

        return _IN.sub(known, text)

    def _load(self, entries: List[Dict[str, Any]]) -> str:
        body = _LOAD.format(entries=json.dumps(entries), folder=self._values)
        return _WITH_VALUES.format(app=self._app, body=body)
