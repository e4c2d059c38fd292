"""Writes settings into the user's file, and leaves all else in it as people wrote it.

What is written carries a mark, so that exactly that can be taken out again.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jupyter_flotilla.errors import EnvironmentProblem, InvalidSettings


def changes(path: Path, values: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (name, old value, new value) of what `merge` would write; None: not set."""
    document = _read(path)
    found = []
    for name, value in values.items():
        table, key = _table(document, name, make=False)
        old = None if table is None else table.get(key)
        if old != value:
            found.append((name, old, value))
    return found


def merge(path: Path, values: Mapping[str, Any], mark: str) -> list[str]:
    """Write settings by name (``ecs.cluster``); return the names of those that were not so before.

    Parameters
    ----------
    mark
        Comment behind each value that is written.

    Raises
    ------
    InvalidSettings
        If the file is no TOML.
    EnvironmentProblem
        If it cannot be written.
    """
    import tomlkit

    document = _read(path)
    written = []
    for name, value in values.items():
        table, key = _table(document, name, make=True)
        if table.get(key) == value:
            continue
        item = tomlkit.item(value)
        item.comment(mark)
        table[key] = item
        written.append(name)
    if written:
        _write(path, tomlkit.dumps(document))
    return written


def unset(path: Path, mark: str, only: Collection[str] | None = None) -> list[str]:
    """Take out what was written with a mark; return the names of what there was. As `merge`.

    Parameters
    ----------
    only
        Names of what is taken out; None: all.
    """
    import tomlkit

    document = _read(path)
    removed = []
    for prefix, table in [("", document), *(("ecs.", piece) for piece in _pieces(document))]:
        for key in list(table):
            # a table in several pieces has no comment of its own
            trivia = getattr(table.item(key), "trivia", None)
            is_wanted = only is None or f"{prefix}{key}" in only
            if is_wanted and trivia is not None and trivia.comment.strip() == f"# {mark}":
                del table[key]
                removed.append(f"{prefix}{key}")
    if "ecs" in document and not document["ecs"]:
        del document["ecs"]
    if removed:
        _write(path, tomlkit.dumps(document))
    return removed


def _pieces(document: Any) -> list[Any]:
    """Return the tables that make up ``[ecs]``: its parts may stand apart in a file."""
    from tomlkit.items import Table

    pieces = [item for key, item in document.body if key is not None and key.key == "ecs"]
    return [piece for piece in pieces if isinstance(piece, Table)]


def _table(document: Any, name: str, *, make: bool) -> tuple[Any, str]:
    """Return the table that a setting is in, and its key there."""
    import tomlkit

    outer, _, key = name.rpartition(".")
    if not outer:
        return document, key
    found = document.get(outer)
    if make and (found is None or not _has_lines(document, outer)):
        table = tomlkit.table()
        table.update({} if found is None else found.unwrap())
        document.pop(outer, None)
        document[outer] = table
    return document.get(outer), key


def _has_lines(document: Any, name: str) -> bool:
    """Say whether a table has a line for each value, where a comment can be, below its name.

    Not so ``ecs = {…}``, and ``ecs.cluster = …``, of which tomlkit cannot delete one.
    """
    from tomlkit.items import InlineTable

    is_dotted = any(key is not None and key.key == name and key.is_dotted()
                    for key, _ in document.body)  # fmt: skip
    return not is_dotted and not isinstance(document[name], InlineTable)


def _read(path: Path) -> Any:
    try:
        import tomlkit
        from tomlkit.exceptions import ParseError
    except ImportError as error:
        raise EnvironmentProblem(
            "tomlkit is not installed, and settings cannot be written without",
            next_step="pip install 'jupyter_flotilla[aws]'",
        ) from error
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise InvalidSettings(
            f"{path} cannot be read as TOML: {error}", next_step="mend or remove that file"
        ) from error


def _write(path: Path, text: str) -> None:
    """Write the whole file or none of it; a link stays one, and so do its permissions."""
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise EnvironmentProblem(
            f"{path} cannot be written: {error}", next_step="mend its permissions, then try again"
        ) from error
