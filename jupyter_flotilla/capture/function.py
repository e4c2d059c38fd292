"""A function with its arguments → a draft of a cell that calls it."""

import ast
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.closure import Gatherer, executed_cells
from jupyter_flotilla.capture.definitions import Cell
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.sent_cell import pack
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import Origin
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.protocol import RETURNED

_FUNCTION, _ARGUMENT, _ITEMS = "_flotilla_function", "_flotilla_argument", "_flotilla_items"


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """Calls of a function as source, with the values in it."""

    function: Callable[..., Any]
    #: Name → value.
    arguments: Mapping[str, Any]
    #: An expression.
    source: str


def one_call(function: Callable[..., Any], args: Sequence[Any]) -> Calls:
    """Return a call with some arguments."""
    arguments = {f"{_ARGUMENT}_{number}": value for number, value in enumerate(args)}
    source = f"{_FUNCTION}({', '.join(arguments)})"
    return Calls(function=function, arguments=arguments, source=source)


def call_each(function: Callable[..., Any], items: Sequence[Any]) -> Calls:
    """Return calls with each of some items, which give a list."""
    source = f"[{_FUNCTION}(item) for item in {_ITEMS}]"
    return Calls(function=function, arguments={_ITEMS: list(items)}, source=source)


def draft_calls(
    calls: Calls, options: JobOptions, *, folder: Path, cwd: Path, engine: Engine
) -> Draft:
    """Return the job that makes calls and gives back what they gave.

    Parameters
    ----------
    folder
        An empty folder, for values.

    Raises
    ------
    UnsendableInput
        For a function whose source is nowhere, and for an argument that cannot be sent.
    """
    if not callable(calls.function):
        raise InvalidOption(
            f"{calls.function!r} cannot be called", next_step="submit(function, argument)"
        )
    namespace, cells = _surroundings()
    function, bound = _unwrapped(calls.function)
    gatherer = Gatherer({**namespace, _FUNCTION: function}, cells, folder)
    gatherer.names([_FUNCTION], [_FUNCTION])
    for name, value in {**calls.arguments, **bound}.items():
        gatherer.value(name, value)
    return pack(
        gatherer.closure,
        source=f"{RETURNED} = {_with_bound(calls.source, bound)}",
        outputs=[RETURNED],
        origin=Origin(),
        name=getattr(function, "__name__", "call"),
        options=options,
        folder=folder,
        cwd=cwd,
        engine=engine,
    ).draft


def _surroundings() -> tuple[Mapping[str, Any], list[Cell]]:
    """Return the main namespace, and what has filled it: a shell's cells, or the main script."""
    main = sys.modules["__main__"]
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        return shell.user_ns, executed_cells(shell.user_ns["In"], shell.transform_cell)
    file = getattr(main, "__file__", None)
    if file is None or not Path(file).is_file():
        return vars(main), []
    source = Path(file).read_text(encoding="utf-8", errors="replace")
    return vars(main), [Cell(number=1, source=source)]


def _unwrapped(
    function: Callable[..., Any],
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return what a partial calls, and what it has bound, as values of their own."""
    bound: dict[str, Any] = {}
    if isinstance(function, functools.partial):
        bound = {f"_flotilla_bound_{n}": value for n, value in enumerate(function.args)}
        bound |= {f"_flotilla_keyword_{name}": v for name, v in function.keywords.items()}
        function = function.func
    return function, bound


def _with_bound(call: str, bound: Mapping[str, Any]) -> str:
    """Return a call with what a partial has bound put into it."""
    if not bound:
        return call
    tree = ast.parse(call, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first = [ast.Name(id=n) for n in bound if n.startswith("_flotilla_bound_")]
            node.args[:0] = first
            node.keywords += [
                ast.keyword(arg=n.removeprefix("_flotilla_keyword_"), value=ast.Name(id=n))
                for n in bound
                if n.startswith("_flotilla_keyword_")
            ]
    return ast.unparse(tree)
