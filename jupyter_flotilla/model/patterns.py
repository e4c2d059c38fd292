"""Patterns of files, as people write them."""

from pathlib import PurePath
from typing import Any

from jupyter_flotilla.errors import InvalidOption


def read_files(value: Any) -> tuple[str, ...]:
    """Return the patterns of ``--files``; raises InvalidOption for what cannot be one."""
    return _read("--files", value)


def read_fetch(value: Any) -> tuple[str, ...]:
    """Return the patterns of ``--fetch``; raises InvalidOption for what leads out of the job."""
    patterns = _read("--fetch", value)
    for pattern in patterns:
        if not is_confined(pattern):
            raise InvalidOption(
                f"--fetch {pattern}: only what is in the job's working directory comes back",
                next_step="write a path or pattern relative to it, and let the job copy there "
                "what lies elsewhere",
            )
    return patterns


def is_confined(pattern: str) -> bool:
    """Say whether a pattern can only mean what lies below a folder.

    >>> [is_confined(pattern) for pattern in ("out/*.png", "..png", "/out", "a/../b")]
    [True, True, False, False]
    """
    return not pattern.startswith("/") and ".." not in pattern.split("/")


def _read(flag: str, value: Any) -> tuple[str, ...]:
    patterns = tuple(map(str, [value] if isinstance(value, (str, PurePath)) else value))
    for pattern in patterns:
        if not pattern or "\0" in pattern:
            raise InvalidOption(f"{flag} {pattern!r} is not a path or pattern")
        if any("\ud800" <= letter <= "\udfff" for letter in pattern):
            raise InvalidOption(
                f"{flag} {pattern!r} is not UTF-8, and cannot be stored",
                next_step=f"mean it by a pattern ({flag} 'b?d.csv') or by its folder",
            )
    return patterns
