"""The text of a definition, and whether it is that of the object in hand."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A cell that was executed before, as plain Python."""

    #: Number in ``In[…]``.
    number: int
    source: str


def text_of(cell: Cell, node: ast.stmt) -> tuple[int, str]:
    """Return the first line of a statement, its decorators included, and its text."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first, "\n".join(cell.source.split("\n")[first - 1 : node.end_lineno])


def code_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> CodeType | None:
    """Return the code that a definition makes."""
    module = ast.Module([node], [])
    try:
        whole = compile(module, "<cell>", "exec")
    except (SyntaxError, ValueError):
        return None
    return next((code for code in codes_in(whole) if code.co_name == node.name), None)


def codes_in(whole: CodeType) -> Iterator[CodeType]:
    """Yield the code of what is defined in some code, at any depth, outer before inner."""
    inside = [const for const in whole.co_consts if isinstance(const, CodeType)]
    yield from inside
    for code in inside:
        yield from codes_in(code)


def is_same_code(one: CodeType, other: CodeType) -> bool:
    """Say whether two pieces of code do the same, wherever they stand."""
    names = ("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_flags")
    if any(getattr(one, name) != getattr(other, name) for name in names):
        return False
    if len(one.co_consts) != len(other.co_consts):
        return False
    pairs = zip(one.co_consts, other.co_consts, strict=True)
    return all(
        is_same_code(a, b)
        if isinstance(a, CodeType) and isinstance(b, CodeType)
        else (type(a), a) == (type(b), b)
        for a, b in pairs
    )


def lambda_text(value: Any) -> str | None:
    """Return the text of a lambda without a name; None where it is not sure, or holds a closure."""
    code = getattr(value, "__code__", None)
    if code is None or code.co_name != "<lambda>" or code.co_freevars:
        return None
    try:
        lines, _ = inspect.findsource(value)
    except (OSError, TypeError):
        return None
    source = "".join(lines)
    tree = parsed(source)
    found = [
        node
        for node in ast.walk(tree or ast.Module([], []))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
    ]
    text = ast.get_source_segment(source, found[0]) if len(found) == 1 else None
    return None if text is None else f"({text})"  # in brackets it may be of several lines


def parsed(source: str) -> ast.Module | None:
    """Return the tree of source; None where it is no Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None
