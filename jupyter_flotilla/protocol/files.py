"""Small files that others read: whole or not at all, and the user's alone."""

import json
import os
import sys
import tempfile
import time
from typing import Any, Dict, Optional

#: Size of a `Reserve`.
RESERVE_BYTES = 64 * 1024


def write_json(path: str, value: Any, exclusive: bool = False) -> bool:
    """Write a JSON file so that a reader sees all of it or nothing.

    False if it must be new (``exclusive``) and is not. The file is the user's alone (0600). An
    exclusive one appears with its content, so a crash never leaves an empty claim.
    """
    folder = os.path.dirname(path)
    fd, temporary = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(value, file)
        if not exclusive:
            os.replace(temporary, path)
            return True
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True
    finally:
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass


def open_private(path: str, mode: str = "wb", **options: Any) -> Any:
    """Open a file that, if it is made now, is the user's alone (0600)."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600), **options)


class Reserve:
    """Room set aside on disk for one last record, so that a full disk cannot hide an ending."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            with open_private(path) as file:
                file.write(b"\0" * RESERVE_BYTES)
        except OSError:
            pass  # full already: then the record waits for room

    def write_json(self, path: str, value: Any, patience_s: float) -> None:
        """Write a record; where there is no room, in the reserve's; else wait for room.

        Raises
        ------
        OSError
            If there is none for ``patience_s`` seconds.
        """
        deadline = time.monotonic() + patience_s
        while True:
            try:
                write_json(path, value)
            except FileNotFoundError:
                raise  # the folder is gone: there is nothing to wait for
            except OSError as error:
                if time.monotonic() > deadline:
                    raise
                if not self.give_up():
                    note("%s cannot be written yet: %s" % (path, error))
                    time.sleep(0.5)
            else:
                self.give_up()
                return

    def give_up(self) -> bool:
        """Give the room back; False if that was done before."""
        try:
            os.unlink(self._path)
        except OSError:
            return False
        return True


def bytes_words(count: int) -> str:
    """Return a number of bytes for people, in decimal units.

    >>> [bytes_words(count) for count in (0, 999, 1500, 83_400_000)]
    ['0 B', '999 B', '1.5 kB', '83 MB']
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            shown = count / size
            return ("%.0f %s" if shown >= 2 else "%.1f %s") % (shown, unit)
    return "%d B" % count


def forget(path: str) -> None:
    """Delete a file, if it is there and can be."""
    try:
        os.unlink(path)
    except OSError:
        pass


def note(sentence: str) -> None:
    """Write a sentence into this process's log, which may itself be on the full disk."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:
        pass


def read_json(path: str) -> Optional[Dict[str, Any]]:
    """Return a JSON object, or None where the file is not there (yet)."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
