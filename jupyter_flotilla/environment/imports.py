"""Which modules the text of a job imports, and what it says besides of packages (PEP 723)."""

import ast
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from jupyter_flotilla.environment.entries import checked
from jupyter_flotilla.errors import InvalidOption

#: PEP 723, "Reference implementation" (packaging.python.org, Inline script metadata).
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_IMPORT = re.compile(r"(?m)^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))")
_EXTENSION = re.compile(r"(?m)^[ \t]*%(?:load_ext|reload_ext)[ \t]+([\w.]+)")
_MAGIC = re.compile(r"(?m)^([ \t]*)[%!?].*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A ``# /// script`` block."""

    requirements: tuple[str, ...]
    #: A specifier as ``>=3.11``; None: any.
    requires_python: str | None


def imported_by(texts: Iterable[str]) -> set[str]:
    """Return modules that texts import anywhere, ``from a import b`` as both ``a`` and ``a.b``.

    Magics of IPython may be among the lines; text that is no Python is read line by line.
    """
    return {name for text in texts for name in _imported(text)}


def script_block(texts: Iterable[str]) -> Script | None:
    """Return the block of the first text; None where there is none.

    Raises
    ------
    InvalidOption
        If it is no TOML, stands there twice, or names what is no requirement.
    """
    first = next(iter(texts), "").replace("\r\n", "\n")
    blocks = [m["content"] for m in _BLOCK.finditer(first.rstrip() + "\n") if m["type"] == "script"]
    if not blocks:
        return None
    lines = blocks[0].splitlines(keepends=True)
    try:
        if len(blocks) > 1:
            raise ValueError("it stands there twice")
        content = tomllib.loads("".join(re.sub("^# ?", "", line) for line in lines))
        listed, python = content.get("dependencies", []), content.get("requires-python")
        if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
            raise ValueError("dependencies is no list of texts")
        SpecifierSet(python or "")
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidOption(
            f"the '# /// script' block cannot be read: {error}",
            next_step='# dependencies = ["pandas>=2"]',
        ) from error
    entries = tuple(checked(entry, "the '# /// script' block") for entry in listed)
    return Script(requirements=entries, requires_python=python)


def _imported(text: str) -> set[str]:
    extensions = set(_EXTENSION.findall(text))
    for candidate in (text, _MAGIC.sub(r"\1pass", text)):
        try:
            return extensions | _by_tree(ast.parse(candidate))
        except (SyntaxError, ValueError, RecursionError):
            continue
    lines = ((a, b) for a, b in _IMPORT.findall(text))
    names = {name.split()[0] for a, b in lines for name in (a or b).split(",") if name.split()}
    return extensions | {name for name in names if not name.startswith(".")}


def _by_tree(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
