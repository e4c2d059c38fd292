"""Points of a grid from a file."""

from pathlib import Path
from typing import Any

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.grid_options import parse_table


def read_points(path: Path) -> list[dict[str, Any]]:
    """Return the points of a CSV file; raises InvalidOption."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidOption(
            f"--grid-file {path} cannot be read: {reason}",
            next_step="a CSV file, parameters in its first line",
        ) from error
    return parse_table(lines, path.name)
