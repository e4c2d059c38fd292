"""What a cell needs of its namespace: imports as imports, functions and classes as source, values.

Never as bytecode: a function pickled by one minor version of Python can crash another. What was
defined in cells travels as the text of the last cell that defined it, with whatever that text
needs in turn.
"""

import ast
import builtins
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from jupyter_flotilla.capture.classes import is_class_of
from jupyter_flotilla.capture.definitions import (
    Cell,
    code_of,
    is_same_code,
    lambda_text,
    parsed,
    text_of,
)
from jupyter_flotilla.capture.modules import imported_modules
from jupyter_flotilla.capture.names import names_of
from jupyter_flotilla.capture.shell_syntax import cell_inside
from jupyter_flotilla.errors import UnsendableInput
from jupyter_flotilla.protocol.values import NotSaveable, save, type_name

#: Names that the job's own shell has.
_OF_SHELL = frozenset(
    {"get_ipython", "display", "exit", "quit", "In", "Out", "__name__", "__doc__"}
)
#: Format → modules that load it, besides what the kind of a table is of.
_LOADERS = {"parquet": {"pyarrow"}, "npy": {"numpy"}}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A definition that travels as source."""

    name: str
    #: Text, with as many comment lines before it as make its line numbers those of its cell.
    source: str
    #: Number of the cell it comes from.
    cell: int


@dataclass(slots=True)
class Closure:
    """Everything that travels with a cell, in the order in which a job makes it again."""

    imports: dict[str, None] = field(default_factory=dict)
    #: Entries of `protocol.values.save`, and definitions, each after what it needs.
    steps: list[dict[str, Any] | Piece] = field(default_factory=list)
    #: Modules that were imported by name, to see which are local.
    modules: set[str] = field(default_factory=set)

    @property
    def values(self) -> list[dict[str, Any]]:
        """What travels as a value."""
        return [step for step in self.steps if isinstance(step, dict)]

    @property
    def pieces(self) -> list[Piece]:
        """What travels as source."""
        return [step for step in self.steps if isinstance(step, Piece)]

    def content(self) -> dict[str, Any]:
        """Return it as JSON values, as the runner makes it again."""
        steps = [
            {"value": step}
            if isinstance(step, dict)
            else {"piece": {"name": step.name, "source": step.source, "cell": step.cell}}
            for step in self.steps
        ]
        return {"imports": list(self.imports), "steps": steps}

    @property
    def value_modules(self) -> set[str]:
        """Modules that load the values."""
        found: set[str] = set()
        for entry in self.values:
            found |= _LOADERS.get(entry["format"], set())
            if entry["format"] == "parquet":
                found.add(entry["kind"].partition(".")[0])
        return found

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(entry["size"] for entry in self.values)


class Gatherer:
    """Gathers what names need.

    Parameters
    ----------
    namespace
        The user's.
    cells
        What was executed before, first to last.
    folder
        Where values are written.
    """

    def __init__(self, namespace: Mapping[str, Any], cells: Sequence[Cell], folder: Path) -> None:
        self._namespace = namespace
        self._trees = [(cell, tree) for cell in cells if (tree := parsed(cell.source))]
        self._folder = folder
        self._done: set[str] = set()
        self.closure = Closure()

    def names(self, names: Iterable[str], required: Iterable[str] = ()) -> None:
        """Gather names; those that are required must be there.

        Raises
        ------
        UnsendableInput
            For a required name that is unknown, with the closest ones, and for a value that
            cannot be sent, with what to do.
        """
        missing = [name for name in required if not self._is_known(name)]
        if missing:
            raise UnsendableInput(
                f"the cell reads {missing[0]!r}, which is not defined",
                next_step=self._suggest(missing[0]),
            )
        for name in names:
            self._name(name)

    def value(self, name: str, value: Any) -> None:
        """Gather a value under a name of its own (``-i name=expression``)."""
        self._done.add(name)
        self._value(name, value)

    def is_value(self, name: str) -> bool:
        """Say whether a name would travel as a value, not as an import or as source."""
        value = self._namespace.get(name)
        return (
            name in self._namespace
            and getattr(builtins, name, self) is not value
            and name not in _OF_SHELL
            and not isinstance(value, ModuleType)
            and not self._is_of_cells(value)
            and _import_line(name, value) is None
        )

    def _is_known(self, name: str) -> bool:
        return name in self._namespace or hasattr(builtins, name) or name in _OF_SHELL

    def _suggest(self, name: str) -> str:
        known = [n for n in self._namespace if not n.startswith("_")]
        close = get_close_matches(name, known, n=3)
        return f"did you mean {' or '.join(close)}?" if close else "run the cell that defines it"

    def _name(self, name: str) -> None:
        if name in self._done or name in _OF_SHELL or name not in self._namespace:
            return
        self._done.add(name)
        value = self._namespace[name]
        if getattr(builtins, name, self) is value:
            return
        if isinstance(value, ModuleType):
            self._module(name, value)
        elif self._is_of_cells(value):
            self._definition(name, value)
        elif (line := _import_line(name, value)) is not None:
            self.closure.imports[line] = None
            self.closure.modules.add(value.__module__)
        else:
            self._value(name, value)

    def _module(self, name: str, module: ModuleType) -> None:
        written = list(self._imports_of(name, module))
        plain = module.__name__ if module.__name__ == name else f"{module.__name__} as {name}"
        for line in written or [f"import {plain}"]:
            self.closure.imports[line] = None
        self.closure.modules.add(module.__name__)

    def _imports_of(self, name: str, module: ModuleType) -> Iterator[str]:
        """Yield the imports by which cells have bound a module: ``import a.b`` also loads ``b``."""
        if module.__name__ != name:
            return
        nodes = (node for _, tree in self._trees for node in ast.walk(tree))
        for node in nodes:
            aliases = node.names if isinstance(node, ast.Import) else []
            for alias in aliases:
                is_loaded = alias.name in sys.modules  # that of a cell that failed is not
                if is_loaded and alias.asname is None and alias.name.partition(".")[0] == name:
                    yield f"import {alias.name}"

    @staticmethod
    def _is_of_cells(value: Any) -> bool:
        if isinstance(value, MethodType):
            return False  # of an instance, which is a value
        is_definition = isinstance(value, (type, FunctionType)) or hasattr(value, "__wrapped__")
        return is_definition and getattr(value, "__module__", "") == "__main__"

    def _definition(self, name: str, value: Any) -> None:
        if (text := lambda_text(value)) is not None:
            self._text(name, text)
            return
        found = self._find_class(value) if isinstance(value, type) else self._find_function(value)
        if found is None:
            self._by_value(name, value)
            return
        cell, node = found
        defined = node.name
        if self._namespace.get(defined, value) is value or defined == name:
            self._piece(defined, cell, node)
            if defined != name:
                alias = f"{name} = {defined}"
                self.closure.steps.append(Piece(name=name, source=alias, cell=cell.number))
        else:  # an older definition under another name: its own name means something else by now
            inside = textwrap.indent(text_of(cell, node)[1], "    ")
            text = f"def _{name}():\n{inside}\n    return {defined}\n{name} = _{name}()"
            self._source(name, text, text, cell.number)

    def _find_function(self, value: Any) -> tuple[Cell, _Definition] | None:
        """Return the top-level statement that made this very function; None: it is not sure."""
        target = inspect.unwrap(value)
        code = getattr(target, "__code__", None)
        if code is None or code.co_freevars or "<locals>" in target.__qualname__:
            return None
        if isinstance(value, FunctionType) and set(vars(value)) - {"__wrapped__"}:
            return None  # something was added to it afterwards
        for cell, node in self._statements():
            if isinstance(node, _FUNCTIONS) and node.name == code.co_name:
                made = code_of(node)
                if made is not None and is_same_code(made, code):
                    return cell, node
        return None

    def _find_class(self, value: type) -> tuple[Cell, _Definition] | None:
        if "<locals>" in value.__qualname__:
            return None
        for cell, node in self._statements():
            is_class = isinstance(node, ast.ClassDef) and node.name == value.__name__
            if isinstance(node, ast.ClassDef) and is_class and is_class_of(node, value):
                return cell, node
        return None

    def _find_assignment(self, name: str) -> tuple[Cell, ast.Assign] | None:
        for cell, node in self._statements():
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if isinstance(node, ast.Assign) and name in names:
                return cell, node
        return None

    def _statements(self) -> Iterator[tuple[Cell, ast.stmt]]:
        """Yield the statements of all cells, the last first."""
        for cell, tree in reversed(self._trees):
            for node in reversed(tree.body):
                yield cell, node

    def _piece(self, name: str, cell: Cell, node: ast.stmt) -> None:
        if any(piece.name == name for piece in self.closure.pieces):
            return
        first, text = text_of(cell, node)
        # as many lines before it as make its line numbers those of its cell
        self._source(name, text, "#\n" * (first - 1) + text, cell.number)

    def _source(self, name: str, text: str, source: str, cell: int) -> None:
        """Gather source after what it needs while it is executed, before what it needs later."""
        self._done.add(name)
        needs = names_of(text)
        required = needs.required - {name}
        now = [needed for needed in needs.free if needed in needs.immediate]
        self.names(now, required & needs.immediate)
        self.closure.modules |= imported_modules(text)
        self.closure.steps.append(Piece(name=name, source=source, cell=cell))
        self.names(needs.free, required)

    def _text(self, name: str, text: str) -> None:
        """Gather an expression, and what it needs, under a name."""
        self._source(name, text, f"{name} = {text}", 0)

    def _value(self, name: str, value: Any) -> None:
        try:
            entry = save(value, str(self._folder), name)
        except NotSaveable as error:
            if isinstance(value, FunctionType):
                self._by_value(name, value)
                return
            raise UnsendableInput(
                f"input {name!r} is a {type_name(value)}, which cannot be sent: {error}"[:500],
                next_step=f"create it inside the cell, or leave it out: -i with other names, "
                f"or del {name}",
            ) from error
        if name in entry.get("main", ()) and (made := self._find_assignment(name)) is not None:
            self._piece(name, *made)  # known by its own name only: TypeVar, NewType
            return
        self.closure.modules |= set(entry.get("modules", ()))
        for needed in entry.get("main", ()):
            if needed in self._namespace:
                self._name(needed)
        self.closure.steps.append(entry)

    def _by_value(self, name: str, value: Any) -> None:
        """Take a definition whose source is not sure by cloudpickle.

        It runs in the same minor version of Python, since the interpreter is frozen with the job.
        """
        shown = getattr(value, "__qualname__", name)
        try:
            import cloudpickle
        except ImportError:
            raise UnsendableInput(
                f"input {name!r} ({shown}): no cell that was run here surely defined it as it is",
                next_step="define it at the top of a cell or module, or pip install cloudpickle",
            ) from None
        try:
            content = cloudpickle.dumps(value)
        except Exception as error:  # what a closure holds may raise anything
            raise UnsendableInput(
                f"{shown} holds what cannot be sent: {type(error).__name__}: {error}"[:500],
                next_step="pass it as an argument, or create it inside the function",
            ) from error
        file = f"{name}.pickle"
        (self._folder / file).write_bytes(content)
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        self.closure.steps.append(
            {"name": name, "format": "pickle", "kind": "", "file": file, "size": len(content),
             "type": shown, "main": [], "python": python}
        )  # fmt: skip


def executed_cells(history: Sequence[str], to_python: Callable[[str], str]) -> list[Cell]:
    """Return cells from ``In``, magics turned into Python; number 0 is never one."""
    cells = []
    for number, raw in enumerate(history):
        if not number or not raw.strip():
            continue
        try:
            source = cell_inside(to_python(raw))
        except (SyntaxError, ValueError):
            continue
        cells.append(Cell(number=number, source=source))
    return cells


def _import_line(name: str, value: Any) -> str | None:
    """Return the import of a function, class or the like by its own name; None: it has none."""
    module, own = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(own, str) or not own.isidentifier():
        return None
    if module in ("__main__", "builtins"):
        return None
    if getattr(sys.modules.get(module), own, None) is not value:
        return None
    return f"from {module} import {own}" + ("" if own == name else f" as {name}")
