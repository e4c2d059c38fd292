"""Which names a piece of source reads from outside of itself, and which it binds.

Two answers from one walk in the order of execution. *Free*: read where nothing of the source has
surely bound it. *Bound*: assigned by the source itself. `symtable` alone would not do: it counts
``total += 1`` as no read, and a name that is read first and bound later as no global.
"""

import ast
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from jupyter_flotilla.capture.shell_syntax import ShellCall, shell_call


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
    functions = [_Functions(source, tree), *(_Functions(s, ast.parse(s)) for s in walk.sources)]
    inside = [name for one in functions for name in one.read]
    shown = [*walk.shown, *(name for one in functions for name in one.shown)]
    bound = walk.bound.union(*(one.bound for one in functions))
    # When a function runs is not known: what was bound before the first of them is sure.
    sure = walk.bound if walk.before_functions is None else walk.before_functions
    later = (name for name in [*inside, *shown] if name not in sure)
    free = dict.fromkeys([*walk.read, *walk.shown, *later])
    required = {name for name in [*walk.read, *inside] if name in free and name not in bound}
    return Names(
        free=tuple(free),
        required=frozenset(required),
        immediate=frozenset([*walk.read, *walk.shown]),
        bound=frozenset(bound),
        has_star=walk.has_star,
    )


#: Names of scopes that are walked where they stand.
_COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class _Functions:
    """What the functions in a source, at any depth, read and bind of the top level.

    A class is a function here if it stands in one: its body runs when that does.
    """

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.read: list[str] = []
        self.bound: set[str] = set()
        #: Read where they exist: by what IPython puts into its own syntax.
        self.shown: list[str] = []
        self._added = {
            node.target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
        }
        self._look(symtable.symtable(source, "<cell>", "exec"), is_inside=False)
        for function in (n for n in ast.walk(tree) if isinstance(n, _DEFINITIONS)):
            self._look_at_shell(function)

    def _look(self, table: symtable.SymbolTable, *, is_inside: bool) -> None:
        for child in table.get_children():
            kind, is_own = child.get_type(), child.get_name() not in _COMPREHENSIONS
            is_in_function = is_inside or (kind == "function" and is_own)
            if is_in_function and kind in ("function", "class"):
                self._take(child)
            self._look(child, is_inside=is_in_function)

    def _take(self, table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            name = symbol.get_name()
            # `total += 1` is no reference to symtable
            is_added = symbol.is_declared_global() and name in self._added
            if symbol.is_global() and (symbol.is_referenced() or is_added):
                self.read.append(name)
            if symbol.is_declared_global() and symbol.is_assigned():
                self.bound.add(name)

    def _look_at_shell(self, function: "ast.FunctionDef | ast.AsyncFunctionDef") -> None:
        own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)} | {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        calls = [call for node in ast.walk(function) if (call := shell_call(node)) is not None]
        for text in [text for call in calls for text in (call.source, *call.shown)]:
            self.shown += [name for name in names_of(text).free if name not in own]


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
        #: Read where they exist.
        self.shown: dict[str, None] = {}
        self.bound: set[str] = set()
        self.has_star = False
        #: Python inside of IPython's own syntax, that was walked where it stands.
        self.sources: list[str] = []
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
            case ast.Call() if (call := shell_call(node)) is not None:
                self._shell(call, scope)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._expression(child, scope)

    def _shell(self, call: ShellCall, scope: _Scope) -> None:
        for text in call.shown:
            read = names_of(text).free
            self.shown.update(dict.fromkeys(name for name in read if name not in scope.bound))
        if call.source:
            self.sources.append(call.source)
            self.run(ast.parse(call.source).body, scope)
        for name in call.binds:
            self._binds(name, scope)

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
