"""Words of a magic line, more of them on lines below, and ``#| key: value`` lines.

``IPython.core.magic_arguments`` would not do: it breaks at quotes, takes abbreviations, and splits
interpolated values at their spaces.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_flotilla.capture.header import header_line
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.tick_values import place_name

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A magic cell, taken apart."""

    words: list[str]
    #: Words of ``#|`` lines: weaker than those of the magic line.
    header: list[str]
    body: str
    #: Lines of the cell above ``body``, the magic line among them.
    lines_before: int


def split_cell(line: str, cell: str, namespace: Mapping[str, Any]) -> Split:
    """Take a magic cell apart.

    A magic line that ends with a backslash goes on in the next line; IPython has no such thing.

    Raises
    ------
    InvalidOption
        For a quote that is not closed, and for an expression in braces that fails.
    """
    lines = cell.split("\n")
    before = 1
    while line.rstrip().endswith("\\") and lines:
        line = f"{line.rstrip()[:-1]} {lines.pop(0)}"
        before += 1
    header: list[str] = []
    while lines and (found := header_line(lines[0])) is not None:
        header += _header_words(*found)
        lines.pop(0)
        before += 1
    return Split(
        words=split_line(line, namespace),
        header=header,
        body="\n".join(lines),
        lines_before=before,
    )


def split_line(line: str, namespace: Mapping[str, Any]) -> list[str]:
    """Return the words of a line, ``{expression}`` filled in word by word; raises InvalidOption."""
    try:
        words = shlex.split(_without_comment(line))
    except ValueError as error:
        raise InvalidOption(
            f"{line.strip()[:100]!r}: {error}", next_step="close the quote"
        ) from error
    return [_filled(word, namespace) for word in words]


def _without_comment(line: str) -> str:
    """Return a line without what stands after a ``#`` that begins a word.

    `shlex` itself would take one inside a word for it, and drop what comes after.
    """
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and (at == 0 or line[at - 1].isspace()):
            return line[:at]
    return line


def _header_words(key: str, value: str) -> list[str]:
    flag = f"--{key.replace('_', '-')}"
    if value.lower() == "true":
        return [flag]
    if value.lower() == "false":
        has_opposite = any(option.is_flag and option.py == key for option in OPTIONS)
        return [f"--no-{flag[2:]}"] if has_opposite else []
    return [flag, value]


def _filled(word: str, namespace: Mapping[str, Any]) -> str:
    if _is_json(word.partition("=")[2] or word):
        return word

    def value(found: "re.Match[str]") -> str:
        if found[1] is None:
            return found[0][0]
        place = place_name(found[0])
        if place is not None and place not in namespace:
            return found[0]  # filled in at each tick of a schedule
        try:
            # the user's own expression, in the user's own namespace
            return str(eval(found[1], dict(namespace)))
        except Exception as error:
            raise InvalidOption(
                f"{{{found[1]}}}: {type(error).__name__}: {error}",
                next_step="double the braces if they are meant as they are: {{ }}",
            ) from error

    return _FIELD.sub(value, word)


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
