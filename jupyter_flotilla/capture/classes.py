"""Whether a class is still what its definition made of it."""

import abc
import ast
import dis
import inspect
from collections.abc import Iterable, Iterator
from types import CodeType, MemberDescriptorType
from typing import Any

from jupyter_flotilla.capture.definitions import codes_in, is_same_code

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_class_of(node: ast.ClassDef, value: type) -> bool:
    """Say whether a class is what its definition makes: nothing in it was added or replaced.

    What decorators, metaclasses and ``__init_subclass__`` do to a class cannot be told from what
    was done to it later: there, its methods alone are compared.
    """
    body = _body_code(node)
    if body is None:
        return False
    own, codes = vars(value), list(codes_in(body))
    for statement in node.body:
        if isinstance(statement, _Function) and statement.name in own:
            made = [code for code in codes if code.co_name == statement.name]
            if not _is_method(statement, own[statement.name], made):
                return False
    if not _is_plain(node, value):
        return True
    bound = {i.argval for i in dis.get_instructions(body) if i.opname == "STORE_NAME"}
    is_added = any(name not in bound and not _is_pythons(name, own[name]) for name in own)
    return not is_added and all(own.get(name) == literal for name, literal in _literals(node))


def _body_code(node: ast.ClassDef) -> CodeType | None:
    try:
        whole = compile(ast.Module([node], []), "<cell>", "exec")
    except (SyntaxError, ValueError):
        return None
    return next((code for code in codes_in(whole) if code.co_name == node.name), None)


def _is_method(statement: _Function, value: Any, made: Iterable[CodeType]) -> bool:
    """Say whether a method is its definition's, as far as its decorators let it be seen."""
    for inner in ("__func__", "fget", "func"):  # of class and static methods, properties
        value = getattr(value, inner, None) or value
    code = getattr(inspect.unwrap(value) if callable(value) else None, "__code__", None)
    if code is None or code.co_name != statement.name:
        return bool(statement.decorator_list)
    return any(is_same_code(one, code) for one in made)


def _is_plain(node: ast.ClassDef, value: type) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return (
        type(value) in (type, abc.ABCMeta)
        and not issubclass(value, tuple)  # NamedTuple has a class of its own made
        and all("dataclass" in decorator for decorator in decorators)
        and not hasattr(value.__init_subclass__, "__func__")
    )


def _is_pythons(name: str, value: Any) -> bool:
    is_special = name.startswith("__") and name.endswith("__")
    return is_special or name.startswith("_abc_") or isinstance(value, MemberDescriptorType)


def _literals(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """Yield the names that a body gives a literal, last; a decorator may take them away again."""
    last: dict[str, ast.expr] = {}
    for statement in [] if node.decorator_list else node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                last[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                last[name] = value
    for name, value in last.items():
        try:
            literal = ast.literal_eval(value)
        except (ValueError, TypeError):
            continue
        if not name.startswith("__"):  # Python gives those another name, or a meaning
            yield name, literal
