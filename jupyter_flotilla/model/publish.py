"""What of a run gets an address that stays: the latest good one of several runs."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from jupyter_flotilla.errors import InvalidOption

#: One word of a path and of a key, on any system.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: What an executed notebook can be published as.
NOTEBOOK_SUFFIXES = (".html", ".ipynb")


def read_publish(value: Any) -> tuple[str, ...]:
    """Return what is to be published in one form, ``NAME`` or ``NAME=PATH``.

    >>> read_publish(["sales", "sales.ipynb", "sales.csv=out/sales.csv"])
    ('sales.html', 'sales.ipynb', 'sales.csv=out/sales.csv')

    Raises
    ------
    InvalidOption
    """
    texts = [value] if isinstance(value, str) else list(value)
    return tuple(_read(str(text)) for text in texts)


def publications(publish: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each name, and the file that gets it; None: the executed notebook."""
    for text in publish:
        name, equals, path = text.partition("=")
        yield name, path if equals else None


def published_files(publish: Sequence[str]) -> tuple[str, ...]:
    """Return the files that have to come back for it."""
    return tuple(path for _, path in publications(publish) if path is not None)


def check_publish(publish: Sequence[str], kind: str) -> None:
    """Raise InvalidOption where a job of some kind has no notebook to publish, or a name twice."""
    names = [name for name, _ in publications(publish)]
    for name, path in publications(publish):
        if path is None and kind != "notebook":
            raise InvalidOption(
                f"--publish {name}: a {kind} has no executed notebook",
                next_step=f"--publish {name}=FILE, a file that the job writes",
            )
        if names.count(name) > 1:
            raise InvalidOption(f"--publish {name}: twice", next_step="another name")


def _read(text: str) -> str:
    name, equals, path = text.strip().partition("=")
    if _NAME.fullmatch(name) is None:
        raise InvalidOption(
            f"--publish {name[:60]!r} is no name of a file",
            next_step="--publish sales.html: letters, digits, '.', '_' and '-', at most 100",
        )
    if equals:
        return f"{name}={_file(name, path)}"
    if not name.endswith(NOTEBOOK_SUFFIXES):
        if "." in name:
            raise InvalidOption(
                f"--publish {name}: nothing says which file that is",
                next_step=f"--publish {name}=out/{name}",
            )
        name += NOTEBOOK_SUFFIXES[0]
    return name


def _file(name: str, path: str) -> str:
    pure = PurePosixPath(path)
    is_below = path and not pure.is_absolute() and ".." not in pure.parts and "\0" not in path
    if not is_below or any(sign in path for sign in "*?["):
        raise InvalidOption(
            f"--publish {name}={path[:100]!r} is no file below the job's folder",
            next_step=f"--publish {name}=out/{name}",
        )
    return path
