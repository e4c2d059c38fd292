"""Checks parameters against the notebook's own, and injects them as papermill does."""

import ast
import json
import logging
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jupyter_flotilla.errors import UnknownParameter
from jupyter_flotilla.model.job import Kernel

#: Types that papermill names, in the words of annotations and of inferred defaults.
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (float, int), "str": (str,), "bool": (bool,), "list": (list,),
    "dict": (dict,), "List": (list,), "Dict": (dict,), "tuple": (list,), "Tuple": (list,),
}  # fmt: skip


def inject(
    notebook: dict[str, Any], params: dict[str, Any], *, path: Path, kernel: Kernel
) -> dict[str, Any]:
    """Return the notebook with a cell that sets the parameters, after its ``parameters`` cell.

    Raises
    ------
    UnknownParameter
        For a name that the ``parameters`` cell does not have, with the closest that it has; for
        a value of another type; and where there is no such cell.
    """
    from papermill.parameterize import parameterize_notebook

    node = _for_papermill(notebook)
    typed = _checked(node, params, path=path, kernel=kernel)
    node.metadata.setdefault("papermill", {})
    injected = parameterize_notebook(
        node, typed, kernel_name=kernel.name, language=kernel.language, comment="Parameters"
    )
    for cell in injected.cells:
        if not cell.metadata.tags:
            del cell.metadata["tags"]
    plain: dict[str, Any] = injected
    return plain


def _for_papermill(notebook: dict[str, Any]) -> Any:
    """Return a copy as papermill takes it, which changes what it is given; have it say nothing."""
    import nbformat

    logging.getLogger("papermill").setLevel(logging.ERROR)
    node = nbformat.from_dict(notebook)
    for cell in node.cells:
        cell.source = "".join(cell.get("source", ""))
        cell.metadata.setdefault("tags", [])  # it counts on them
    return node


def _checked(node: Any, params: dict[str, Any], *, path: Path, kernel: Kernel) -> dict[str, Any]:
    from papermill.inspection import _infer_parameters
    from papermill.utils import find_first_tagged_cell_index

    if find_first_tagged_cell_index(node, "parameters") < 0:
        raise UnknownParameter(
            f"{path.name} takes no parameters: no cell of it has the tag 'parameters'",
            next_step="tag the cell that sets them (Jupyter: property inspector, Cell Tags)",
        )
    inferred = _infer_parameters(node, name=kernel.name, language=kernel.language)
    known = {parameter.name: parameter for parameter in inferred}
    if not known and kernel.language != "python":
        return params  # papermill cannot read this language's parameters
    return {name: _fit(name, value, known, path) for name, value in params.items()}


def _fit(name: str, value: Any, known: dict[str, Any], path: Path) -> Any:
    if name not in known:
        close = get_close_matches(name, known, n=3)
        names = ", ".join(known) or "none"
        raise UnknownParameter(
            f"{path.name} has no parameter {name!r} (it has: {names})",
            next_step=f"did you mean {' or '.join(close)}?" if close else "use one of these names",
        )
    expected = _expected_type(known[name])
    types = _TYPES.get(expected or "")
    if types is None or value is None:
        return value
    if types == (str,) and isinstance(value, (int, float, bool)):
        return json.dumps(value)  # a command line cannot tell '3' from 3
    is_bool_for_number = isinstance(value, bool) and bool not in types
    if not isinstance(value, types) or is_bool_for_number:
        raise UnknownParameter(
            f"parameter {name!r} of {path.name} is of type {expected}, not "
            f"{type(value).__name__}: {json.dumps(value)[:100]}",
            next_step=f"-p {name}={known[name].default}",
        )
    return float(value) if types[0] is float and isinstance(value, int) else value


def _expected_type(parameter: Any) -> str | None:
    """Return the annotated type's outer word, else the default's; None where neither is plain."""
    annotated = str(parameter.inferred_type_name or "None")
    if annotated != "None":
        return annotated.partition("[")[0].strip()
    try:
        default = ast.literal_eval(parameter.default)
    except (ValueError, SyntaxError, TypeError):
        return None
    return None if default is None else type(default).__name__


def describe(notebook: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the parameters of a notebook, in its order; None where no cell is tagged so.

    Returns
    -------
    Mappings of ``name``, ``type`` (a word of annotations, or None), ``default`` (a JSON value, or
    None where it is no plain literal), ``default_text`` (as it is written) and ``help``.
    """
    from papermill.exceptions import PapermillException
    from papermill.inspection import _infer_parameters
    from papermill.utils import find_first_tagged_cell_index

    node = _for_papermill(notebook)
    if find_first_tagged_cell_index(node, "parameters") < 0:
        return None
    wanted, info = (node.metadata.get(name) for name in ("kernelspec", "language_info"))
    wanted, info = (one if isinstance(one, dict) else {} for one in (wanted, info))
    language = wanted.get("language") or info.get("name") or "python"
    try:
        inferred = _infer_parameters(node, name=wanted.get("name") or language, language=language)
    except (PapermillException, ValueError, AttributeError, TypeError, RecursionError):
        return []  # there is such a cell; what is in it, this language's reader cannot tell
    return [_described(parameter) for parameter in inferred]


def _described(parameter: Any) -> dict[str, Any]:
    default = None
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        # no NaN and no Infinity: they are no JSON
        default = json.loads(json.dumps(ast.literal_eval(parameter.default), allow_nan=False))
    return {
        "name": str(parameter.name),
        "type": _expected_type(parameter),
        "default": default,
        "default_text": str(parameter.default),
        "help": str(parameter.help or ""),
    }
