"""``#| key: value`` lines: options at the top of a cell, a notebook or a Python file."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_LINE = re.compile(r"#\|\s*([A-Za-z_][\w-]*)\s*:\s*(.*)")


def header_line(line: str) -> tuple[str, str] | None:
    """Return (key, value) of a line; None for any other. Quotes around a value are taken off.

    >>> header_line("#| max-cost: '2.50'")
    ('max-cost', '2.50')
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        return None
    value = found[2].strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return found[1], value[1:-1] if is_quoted else value


def header_of_file(path: Path, keywords: Iterable[str]) -> dict[str, str]:
    """Return the options in the header of a Python file, or of a notebook's first code cell.

    What is no option is left out: other programs write such lines too (``#| label: fig-1``).

    Parameters
    ----------
    keywords
        Of options, as Python has them.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If the file cannot be read, or is no notebook.
    """
    known = set(keywords)
    found = {}
    for key, value in _header(path):
        keyword = key.replace("-", "_")
        keyword = keyword if keyword in known else {"with": "with_"}.get(keyword, keyword)
        if keyword in known:
            found[keyword] = value
    return found


def _header(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = next(("".join(c["source"]) for c in cells if c["cell_type"] == "code"), "")
    for line in text.splitlines():
        if (pair := header_line(line)) is not None:
            yield pair
        elif line.strip() and not line.startswith("#"):
            return
