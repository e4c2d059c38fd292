"""Whether a class is still what its definition made."""

import ast
from collections.abc import Callable

import pytest

from jupyter_flotilla.capture.classes import is_class_of

_DEFINITIONS = {
    "plain": """class C:
    '''words'''
    limit: int = 3
    items = [1, 2]
    __own = 4
    made = len("abc")
    def __init__(self, x): super().__init__(); self.x = x
    def f(self, y=1): return [z for z in range(y) if z is not __class__]
    @property
    def p(self): return 1
    @p.setter
    def p(self, value): pass
    @staticmethod
    def s(): return lambda: 1
    @classmethod
    def c(cls): pass
    if limit:
        def g(self): pass
    class Inner:
        a = 1
    import os
""",
    "slots": "class C:\n    __slots__ = ('a', 'b')\n    def f(self): pass",
    "abstract": "import abc\nclass C(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...",
    "child": "class B:\n    x = 1\nclass C(B):\n    def f(self): return super().x",
    "dataclass": "import dataclasses as d\n@d.dataclass(slots=True)\nclass C:\n    x: int = 3\n"
    "    y: list = d.field(default_factory=list)\n    def f(self): return self.x",
    "enum": "import enum\nclass C(enum.Enum):\n    RED = 1\n    def f(self): return 2",
    "named tuple": "import typing as t\nclass C(t.NamedTuple):\n    x: int\n    def f(self): pass",
    "decorated": "def d(c):\n    c.extra = 1\n    return c\n@d\nclass C:\n    def f(self): pass",
    "wrapped method": "import functools as t\nclass C:\n    @t.lru_cache\n    def f(self): pass\n"
    "    @t.cached_property\n    def h(self): return 1",
}


def _made(source: str) -> tuple[ast.ClassDef, type]:
    space: dict[str, object] = {"__name__": "__main__"}
    exec(source, space)
    node = ast.parse(source).body[-1]
    made = space["C"]
    assert isinstance(node, ast.ClassDef)
    assert isinstance(made, type)
    return node, made


@pytest.mark.parametrize("source", _DEFINITIONS.values(), ids=_DEFINITIONS)
def test_a_class_is_its_definitions(source: str) -> None:
    assert is_class_of(*_made(source))


@pytest.mark.parametrize("source", _DEFINITIONS.values(), ids=_DEFINITIONS)
def test_a_class_whose_method_was_replaced_is_not(source: str) -> None:
    node, made = _made(source)

    made.f = lambda self: 42  # type: ignore[attr-defined]

    # a decorator may make anything of a method
    is_hidden = "lru_cache" in source or "abstractmethod" in source
    assert is_class_of(node, made) is is_hidden


def _add(made: type) -> None:
    made.added = 1  # type: ignore[attr-defined]


def _replace(made: type) -> None:
    made.limit = 4  # type: ignore[attr-defined]


def _append(made: type) -> None:
    made.items.append(3)  # type: ignore[attr-defined]


@pytest.mark.parametrize("change", [_add, _replace, _append])
def test_a_class_that_was_changed_is_not(change: Callable[[type], None]) -> None:
    node, made = _made(_DEFINITIONS["plain"])

    change(made)

    assert not is_class_of(node, made)


def test_a_class_of_another_definition_is_not() -> None:
    _, made = _made("class C:\n    def f(self): return 1")
    node, _ = _made("class C:\n    def f(self): return 2")

    assert not is_class_of(node, made)
