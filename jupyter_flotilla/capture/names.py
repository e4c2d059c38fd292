"""Which names a piece of source reads from outside of itself, and which it binds.

Two answers from one walk in the order of execution. *Free*: read where nothing of the source has
surely bound it. *Bound*: assigned by the source itself. `symtable` alone would not do: it counts
``total += 1`` as no read, and a name that is read first and bound later as no global.
"""

import ast
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Names of one piece of source."""

    #: Read before they are surely bound, in the order of the first read.
    free: tuple[str, ...]
    #: Of these, read where they are not even bound on some way: they must come from outside.
    required: frozenset[str]
    #: Of ``free``, read while the source itself is executed; the others when functions run.
    immediate: frozenset[str]
    #: Bound at the top level.
    bound: frozenset[str]
    #: True where ``from x import *`` may bind anything.
    has_star: bool = False


def names_of(source: str) -> Names:
    """Return the names of Python source; raises SyntaxError."""
    tree = ast.parse(source)
    walk = _Walk()
    walk.run(tree.body, _Scope())
    inside = _read_inside(symtable.symtable(source, "<cell>", "exec"))
    # When a function runs is not known: what was bound before the first of them is sure.
    sure = walk.bound if walk.before_functions is None else walk.before_functions
    free = dict.fromkeys([*walk.read, *(name for name in inside if name not in sure)])
    required = {name for name in free if name not in walk.bound}
    return Names(
        free=tuple(free),
        required=frozenset(required),
        immediate=frozenset(walk.read),
        bound=frozenset(walk.bound),
        has_star=walk.has_star,
    )


#: Names of scopes that are walked where they stand.
_COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")


def _read_inside(table: symtable.SymbolTable, *, in_function: bool = False) -> list[str]:
    """Return the globals that functions, at any depth, read."""
    found: list[str] = []
    for child in table.get_children():
        is_function = child.get_type() == "function"
        is_inside = in_function or (is_function and child.get_name() not in _COMPREHENSIONS)
        if is_function and is_inside:
            found += [
                symbol.get_name()
                for symbol in child.get_symbols()
                if symbol.is_referenced() and symbol.is_global()
            ]
        found += _read_inside(child, in_function=is_inside)
    return found


@dataclass(slots=True)
class _Scope:
    """What is surely bound at a point of the walk."""

    bound: set[str] = field(default_factory=set)

    def copy(self) -> "_Scope":
        return _Scope(set(self.bound))


class _Walk:
    """Walks statements in the order in which they are executed."""

    def __init__(self) -> None:
        self.read: dict[str, None] = {}
        self.bound: set[str] = set()
        self.has_star = False
        #: What was surely bound when the first function was defined; None: there is none.
        self.before_functions: set[str] | None = None

    def run(self, body: Iterable[ast.stmt], scope: _Scope) -> None:
        for statement in body:
            self._statement(statement, scope)

    def _statement(self, node: ast.stmt, scope: _Scope) -> None:
        how = getattr(self, f"_{type(node).__name__}", self._expression)
        how(node, scope)

    def _If(self, node: ast.If, scope: _Scope) -> None:
        self._expression(node.test, scope)
        self._branches([node.body, node.orelse], scope)

    def _For(self, node: ast.For | ast.AsyncFor, scope: _Scope) -> None:
        self._expression(node.iter, scope)
        inside = scope.copy()
        self._bind(node.target, inside)
        self.run(node.body, inside)  # perhaps never: nothing in it is sure afterwards
        self.run(node.orelse, scope.copy())

    _AsyncFor = _For

    def _While(self, node: ast.While, scope: _Scope) -> None:
        self._expression(node.test, scope)
        self.run(node.body, scope.copy())
        self.run(node.orelse, scope.copy())

    def _With(self, node: ast.With | ast.AsyncWith, scope: _Scope) -> None:
        for item in node.items:
            self._expression(item.context_expr, scope)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, scope)
        before = set(scope.bound)
        self.run(node.body, scope)
        if _leaves(node.body):
            scope.bound = before  # a context may swallow what its body raises

    _AsyncWith = _With

    def _Assign(self, node: ast.Assign, scope: _Scope) -> None:
        self._expression(node.value, scope)
        for target in node.targets:
            self._bind(target, scope)

    def _AugAssign(self, node: ast.AugAssign, scope: _Scope) -> None:
        if isinstance(node.target, ast.Name):
            self._reads(node.target.id, scope)
        self._expression(node.value, scope)
        self._bind(node.target, scope)

    def _AnnAssign(self, node: ast.AnnAssign, scope: _Scope) -> None:
        if node.value is not None:
            self._expression(node.value, scope)
            self._bind(node.target, scope)
        self._expression(node.annotation, scope)

    def _Delete(self, node: ast.Delete, scope: _Scope) -> None:
        for target in node.targets:
            self._expression(target, scope)
            if isinstance(target, ast.Name):
                scope.bound.discard(target.id)

    def _branches(self, bodies: Iterable[list[ast.stmt]], scope: _Scope) -> None:
        ends = []
        for body in bodies:
            inside = scope.copy()
            self.run(body, inside)
            if not _leaves(body):
                ends.append(inside.bound)
        if ends:
            scope.bound |= set.intersection(*ends)

    def _Match(self, node: ast.Match, scope: _Scope) -> None:
        self._expression(node.subject, scope)
        for case in node.cases:
            inside = scope.copy()
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    self._binds(name, inside)
                if isinstance(part, ast.expr):
                    self._expression(part, inside)
            if case.guard is not None:
                self._expression(case.guard, inside)
            self.run(case.body, inside)

    def _Try(self, node: "ast.Try | ast.TryStar", scope: _Scope) -> None:
        tried = scope.copy()
        self.run(node.body, tried)
        self.run(node.orelse, tried)
        ends = [tried.bound]
        for handler in node.handlers:
            inside = scope.copy()
            if handler.type is not None:
                self._expression(handler.type, inside)
            if handler.name is not None:
                self._binds(handler.name, inside)
            self.run(handler.body, inside)
            if not _leaves(handler.body):
                ends.append(inside.bound - {handler.name or ""})
        scope.bound |= set.intersection(*ends)
        self.run(node.finalbody, scope)

    _TryStar = _Try

    def _FunctionDef(self, node: "ast.FunctionDef | ast.AsyncFunctionDef", scope: _Scope) -> None:
        for part in (*node.decorator_list, *_signature(node.args)):
            self._expression(part, scope)
        if node.returns is not None:
            self._expression(node.returns, scope)
        self._defines(scope)
        self._binds(node.name, scope)

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, node: ast.ClassDef, scope: _Scope) -> None:
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self._expression(part, scope)
        # The body is executed now, and what it binds is the class's own.
        before = set(self.bound)
        self.run(node.body, scope.copy())
        self.bound = before
        self._binds(node.name, scope)

    def _Import(self, node: "ast.Import | ast.ImportFrom", scope: _Scope) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.has_star = True
                continue
            name = alias.asname or alias.name
            self._binds(name if alias.asname else name.partition(".")[0], scope)

    _ImportFrom = _Import

    def _expression(self, node: ast.AST, scope: _Scope) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Load() | ast.Del()):
                self._reads(name, scope)
            case ast.NamedExpr():
                self._expression(node.value, scope)
                self._bind(node.target, scope)
            case ast.Lambda():
                for part in _signature(node.args):
                    self._expression(part, scope)
                self._defines(scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, scope)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._expression(child, scope)

    def _comprehension(self, node: ast.expr, scope: _Scope) -> None:
        inside = scope.copy()
        generators: list[ast.comprehension] = getattr(node, "generators", [])
        before = set(self.bound)
        for generator in generators:
            self._expression(generator.iter, inside)
            self._bind(generator.target, inside)
            for test in generator.ifs:
                self._expression(test, inside)
        for part in ("key", "value", "elt"):
            if (child := getattr(node, part, None)) is not None:
                self._expression(child, inside)
        walruses = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        self.bound = before | walruses

    def _bind(self, target: ast.expr, scope: _Scope) -> None:
        """Bind what a target names; ``x[i]`` and ``x.a`` read ``x``."""
        match target:
            case ast.Name():
                self._binds(target.id, scope)
            case ast.Tuple() | ast.List():
                for part in target.elts:
                    self._bind(part, scope)
            case ast.Starred():
                self._bind(target.value, scope)
            case _:
                self._expression(target, scope)

    def _defines(self, scope: _Scope) -> None:
        if self.before_functions is None:
            self.before_functions = set(scope.bound)

    def _binds(self, name: str, scope: _Scope) -> None:
        scope.bound.add(name)
        self.bound.add(name)

    def _reads(self, name: str, scope: _Scope) -> None:
        if name not in scope.bound:
            self.read.setdefault(name)


def _signature(arguments: ast.arguments) -> Iterator[ast.expr]:
    """Yield what of a signature is evaluated where the function is defined."""
    yield from arguments.defaults
    yield from (default for default in arguments.kw_defaults if default is not None)
    everything = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    for argument in (*everything, arguments.vararg, arguments.kwarg):
        if argument is not None and argument.annotation is not None:
            yield argument.annotation


def _leaves(body: list[ast.stmt]) -> bool:
    """Say whether what comes after a branch is not reached through it."""
    return bool(body) and isinstance(body[-1], (ast.Raise, ast.Return, ast.Continue, ast.Break))
