"""A function with its arguments → a draft of a cell that calls it."""

import ast
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.closure import Gatherer, executed_cells
from jupyter_flotilla.capture.definitions import Cell
from jupyter_flotilla.capture.draft import Draft, common_fields
from jupyter_flotilla.capture.files import find_files
from jupyter_flotilla.capture.kernels import DEFAULT_KERNEL, find_kernel
from jupyter_flotilla.capture.modules import local_modules, zipped
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import JobSpec, Origin, slug
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.protocol import RETURNED

_SOURCE = "cell.json"
_FUNCTION, _ARGUMENT, _ITEMS = "_flotilla_function", "_flotilla_argument", "_flotilla_items"


def draft_call(
    function: Callable[..., Any],
    args: Sequence[Any],
    options: JobOptions,
    *,
    folder: Path,
    cwd: Path,
    engine: str,
    place: str,
) -> Draft:
    """Return the job that calls a function once; raises as `draft_map`."""
    arguments = {f"{_ARGUMENT}_{number}": value for number, value in enumerate(args)}
    call = f"{_FUNCTION}({', '.join(arguments)})"
    return _draft(function, arguments, call, options, folder, cwd, engine, place)


def draft_map(
    function: Callable[..., Any],
    items: Sequence[Any],
    options: JobOptions,
    *,
    folder: Path,
    cwd: Path,
    engine: str,
    place: str,
) -> Draft:
    """Return the job that calls a function with each of some items, and gives back a list.

    Parameters
    ----------
    folder
        An empty folder, for values.

    Raises
    ------
    UnsendableInput
        For a function whose source is nowhere, and for an argument that cannot be sent.
    """
    call = f"[{_FUNCTION}(item) for item in {_ITEMS}]"
    return _draft(function, {_ITEMS: list(items)}, call, options, folder, cwd, engine, place)


def _draft(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    call: str,
    options: JobOptions,
    folder: Path,
    cwd: Path,
    engine: str,
    place: str,
) -> Draft:
    if not callable(function):
        raise InvalidOption(
            f"{function!r} cannot be called", next_step="submit(function, argument)"
        )
    namespace, cells = _surroundings()
    function, bound = _unwrapped(function)
    gatherer = Gatherer({**namespace, _FUNCTION: function}, cells, folder)
    gatherer.names([_FUNCTION], [_FUNCTION])
    for name, value in {**arguments, **bound}.items():
        gatherer.value(name, value)
    closure = gatherer.closure
    kernel, _ = find_kernel(DEFAULT_KERNEL, "python")
    files = find_files(options.files, cwd)
    spec = JobSpec(
        kind="cell",
        name=options.name or slug(getattr(function, "__name__", "call"), "call"),
        source=_SOURCE,
        outputs=(RETURNED,),
        origin=Origin(),
        kernel=kernel,
        files=tuple(files),
        **common_fields(options, cwd=cwd, engine=engine, place=place),
    )
    content = {
        **closure.content(),
        "source": f"{RETURNED} = {_with_bound(call, bound)}",
        "cell": None,
        "outputs": [RETURNED],
    }
    modules = local_modules(closure.modules)
    return Draft(
        spec=spec,
        source=json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"),
        files=files,
        values=folder,
        modules=zipped(modules) if modules else None,
    )


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
