"""Values of parameters as people write them: always what JSON can carry."""

import ast
import json
from typing import Any

from jupyter_flotilla.errors import InvalidOption


def json_or_text(literal: str) -> Any:
    """Return a JSON literal's value, or the text itself."""
    try:
        value = json.loads(literal)
        json.dumps(value, allow_nan=False)  # NaN and 1e999 are no JSON
    except (ValueError, RecursionError):
        return literal
    return value


def python_literal(key: str, literal: str) -> Any:
    """Return a Python literal's value; raises InvalidOption for what is none, or no JSON."""
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise InvalidOption(
            f"--param {key}:={literal[:100]} is not a Python literal",
            next_step=f"--param {key}=TEXT for text, or a number, string, list or dict",
        ) from error
    return json_value(key, value)


def json_value(key: str, value: Any) -> Any:
    """Return a value as JSON brings it back; raises InvalidOption for what JSON cannot carry."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOption(
            f"parameter {key!r} is, or holds, what JSON cannot carry: {error}"[:300],
            next_step="pass numbers, text, lists and dicts; save larger values to a file",
        ) from error
