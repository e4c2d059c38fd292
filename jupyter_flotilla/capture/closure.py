"""What a cell needs of its namespace: imports as imports, functions and classes as source, values.

Never as bytecode: a function pickled by one minor version of Python can crash another. What was
defined in cells travels as the text of the last cell that defined it, with whatever that text
needs in turn.
"""

import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_flotilla.capture.names import names_of
from jupyter_flotilla.errors import UnsendableInput
from jupyter_flotilla.protocol.values import NotSaveable, save, type_name

#: Names that the job's own shell has.
_OF_SHELL = frozenset(
    {"get_ipython", "display", "exit", "quit", "In", "Out", "__name__", "__doc__"}
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A cell that was executed before, as plain Python."""

    #: Number in ``In[…]``.
    number: int
    source: str


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
    #: Entries of `protocol.values.save`.
    values: list[dict[str, Any]] = field(default_factory=list)
    pieces: dict[str, Piece] = field(default_factory=dict)
    #: Modules that were imported by name, to see which are local.
    modules: set[str] = field(default_factory=set)

    def content(self) -> dict[str, Any]:
        """Return it as JSON values, as the runner makes it again."""
        pieces = [
            {"name": piece.name, "source": piece.source, "cell": piece.cell}
            for piece in self.pieces.values()
        ]
        return {"imports": list(self.imports), "values": self.values, "pieces": pieces}

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
        self._trees = [(cell, tree) for cell in cells if (tree := _parsed(cell.source))]
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
        is_definition = isinstance(value, type) or (callable(value) and hasattr(value, "__code__"))
        wrapped = getattr(value, "__wrapped__", None)
        is_wrapped = wrapped is not None and hasattr(wrapped, "__code__")
        return (is_definition or is_wrapped) and getattr(value, "__module__", "") == "__main__"

    def _definition(self, name: str, value: Any) -> None:
        own = getattr(value, "__name__", name)
        found = self._find(own) or self._find(name)
        if found is None and (text := _lambda_text(value)) is not None:
            self._text(name, text)
            return
        if found is None:
            raise UnsendableInput(
                f"input {name!r}: its source is in no cell that was run here",
                next_step="define it in a cell, or import it from a module",
            )
        cell, node = found
        defined = getattr(node, "name", name)
        self._piece(defined, cell, node)
        if defined != name:
            alias = Piece(name=name, source=f"{name} = {defined}", cell=cell.number)
            self.closure.pieces[name] = alias

    def _find(self, name: str) -> tuple[Cell, ast.stmt] | None:
        """Return the last top-level statement that defined a name."""
        for cell, tree in reversed(self._trees):
            for node in reversed(tree.body):
                if isinstance(node, _DEFINITIONS) and node.name == name:
                    return cell, node
                targets = node.targets if isinstance(node, ast.Assign) else []
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    return cell, node
        return None

    def _piece(self, name: str, cell: Cell, node: ast.stmt) -> None:
        if name in self.closure.pieces:
            return
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        text = "\n".join(cell.source.split("\n")[first - 1 : node.end_lineno])
        self._done.add(name)
        needs = names_of(text)
        self.names(needs.free, needs.required - {name})
        self.closure.modules |= imported_modules(text)
        # after what it needs: decorators and defaults are evaluated where it is defined
        source = "#\n" * (first - 1) + text
        self.closure.pieces[name] = Piece(name=name, source=source, cell=cell.number)

    def _text(self, name: str, text: str) -> None:
        """Gather an expression, and what it needs, under a name."""
        needs = names_of(text)
        self.names(needs.free, needs.required)
        self.closure.modules |= imported_modules(text)
        self.closure.pieces[name] = Piece(name=name, source=f"{name} = {text}", cell=0)

    def _value(self, name: str, value: Any) -> None:
        try:
            entry = save(value, str(self._folder), name)
        except NotSaveable as error:
            raise UnsendableInput(
                f"input {name!r} is a {type_name(value)}, which cannot be sent: {error}"[:500],
                next_step=f"create it inside the cell, or leave it out: -i with other names, "
                f"or del {name}",
            ) from error
        self.closure.modules |= set(entry.get("modules", ()))
        for needed in entry.get("main", ()):
            if needed in self._namespace:
                self._name(needed)
        self.closure.values.append(entry)


def imported_modules(source: str) -> set[str]:
    """Return the modules that source imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def executed_cells(history: Sequence[str], to_python: Callable[[str], str]) -> list[Cell]:
    """Return cells from ``In``, magics turned into Python; number 0 is never one."""
    cells = []
    for number, raw in enumerate(history):
        if not number or not raw.strip():
            continue
        try:
            source = to_python(raw)
        except SyntaxError:
            continue
        cells.append(Cell(number=number, source=source))
    return cells


def _lambda_text(value: Any) -> str | None:
    """Return the text of a lambda without a name; None where it is not sure, or holds a closure."""
    code = getattr(value, "__code__", None)
    if code is None or code.co_name != "<lambda>" or code.co_freevars:
        return None
    try:
        lines, _ = inspect.findsource(value)
    except (OSError, TypeError):
        return None
    source = "".join(lines)
    tree = _parsed(source)
    found = [
        node
        for node in ast.walk(tree or ast.Module([], []))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
    ]
    text = ast.get_source_segment(source, found[0]) if len(found) == 1 else None
    return None if text is None else f"({text})"  # in brackets it may be of several lines


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


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
