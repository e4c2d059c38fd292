"""What IPython's own syntax reads and binds: ``!ls {folder}``, ``%time y = f(x)``, ``%%capture``.

IPython turns it into calls of its shell whose arguments are text. Some of that text is Python
(IPython 9: `IPython.core.magics.execution`); in the rest, ``{expression}`` and ``$name`` are
replaced where they mean something, and left as they are where not
(`IPython.utils.text.DollarFormatter`), as in ``!echo $HOME``.
"""

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

#: Magics whose text is Python, with those of their options that take a value.
_PYTHON = {"time": "", "timeit": "nr", "prun": "lsDT"}
_PYTHON_CELLS = {**_PYTHON, "capture": ""}
_DOLLAR = re.compile(r"(?<!\$)\$([^\W\d]\w*)")
_OPTION = re.compile(r"\s*(?:--[\w-]+|-([A-Za-z])(\S*))(?=\s|$)")
_WORD = re.compile(r"\s*\S+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShellCall:
    """A call that IPython has put where its own syntax stood."""

    #: Python that runs in the cell's namespace; empty: none.
    source: str = ""
    #: Python that names are read from where they exist, and need not.
    shown: tuple[str, ...] = ()
    #: Names that it binds besides.
    binds: tuple[str, ...] = ()


def shell_call(node: ast.AST) -> ShellCall | None:
    """Return what a call of IPython's shell does to names; None for any other code."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method),
            args=args,
        ):
            texts = [a.value for a in args if isinstance(a, ast.Constant)]
            return _call(method, [text for text in texts if isinstance(text, str)])
    return None


def cell_inside(source: str) -> str:
    """Return the Python of a cell that is one magic around it, line for line; else the source."""
    match ast.parse(source).body:
        case [ast.Expr(value=value)] if (call := shell_call(value)) is not None and call.source:
            return f"\n{call.source}"
    return source


def _call(method: str, texts: list[str]) -> ShellCall | None:
    match method, texts:
        case (("system" | "getoutput"), [command]):
            return ShellCall(shown=tuple(_shown(command)))
        case "run_line_magic", [name, line] if name in _PYTHON:
            return ShellCall(source=_python(_after_options(line, _PYTHON[name])))
        case "run_cell_magic", [name, line, body] if name in _PYTHON_CELLS:
            rest = _after_options(line, _PYTHON_CELLS[name]).strip()
            if name == "capture":
                return ShellCall(source=_python(body), binds=(rest,) if rest else ())
            return ShellCall(source=_python(f"{rest}\n{body}"))  # %%timeit has its set-up there
        case (("run_line_magic" | "run_cell_magic"), [_, line, *_]):
            return ShellCall(shown=tuple(_shown(line)))
    return None


def _after_options(line: str, with_value: str) -> str:
    """Return what follows a magic's options: ``x + 1`` of ``-n 10 -q x + 1``."""
    while found := _OPTION.match(line):
        line = line[found.end() :]
        if found[1] and found[1] in with_value and not found[2]:
            value = _WORD.match(line)
            line = line[value.end() :] if value else line
    return line


def _python(text: str) -> str:
    """Return text as plain Python; nothing where it is none, as its run will tell."""
    try:
        ast.parse(text := text.strip("\n"))
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            ast.parse(text := TransformerManager().transform_cell(text))
        except (SyntaxError, ValueError):
            return ""
    return text


def _shown(text: str) -> Iterator[str]:
    """Yield the expressions that are replaced in a text."""
    yield from _DOLLAR.findall(text)
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(text) if field]
    except ValueError:  # one bracket alone: IPython leaves all of the text as it is
        return
    for field in fields:
        try:
            ast.parse(field, mode="eval")
        except (SyntaxError, ValueError):
            continue
        yield field
