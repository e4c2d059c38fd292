"""Routes of files: what came back from a job, byte for byte, never run by the browser."""

import mimetypes
import os
from pathlib import Path
from typing import BinaryIO

from jupyter_flotilla import protocol
from jupyter_flotilla.errors import RunNotFound
from jupyter_flotilla.fetched import open_below
from jupyter_flotilla.server.context import Context, NoSuchFile
from jupyter_flotilla.server.handler import Content, Request

#: Kinds that a browser shows without running anything in them. HTML, SVG, PDF and all the rest
#: are saved: what a job has written must not act in the name of its user.
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})
#: Shown as the text that they are.
_AS_TEXT = frozenset({"application/json", "text/csv", "text/x-python", "text/markdown"})


def attempt_file(context: Context, request: Request) -> Content:
    """Return a file that an attempt has brought back."""
    handle = context.handle(request.path["run"])
    number, name = int(request.path["number"]), request.path["path"]
    if not 1 <= number <= handle.snapshot.attempt:
        raise RunNotFound(f"run {handle.short_id} has no attempt {number}", next_step="another one")
    files = handle.files(number)
    try:
        return _content(files.open(name), name, is_saved=request.query.download)
    except (KeyError, OSError) as error:
        raise NoSuchFile(
            f"attempt {number} of run {handle.short_id} has brought back no file {name[:200]!r}",
            next_step="the run's page lists those that there are",
        ) from error


def output(context: Context, request: Request) -> Content:
    """Return the file of a value that a cell has given back."""
    handle = context.handle(request.path["run"])
    name = request.path["name"]
    try:
        file = Path(str(handle.outputs.entries[name]["file"])).name
        handle.outputs.bring(name)
        folder = handle.notebook_path.parent
        return _content(open_below(folder, f"{protocol.VALUES}/{file}"), file, is_saved=True)
    except (KeyError, OSError) as error:
        raise NoSuchFile(
            f"run {handle.short_id} has given back no {name[:200]!r}",
            next_step="the run's page lists what there is",
        ) from error


def _content(file: BinaryIO, name: str, *, is_saved: bool) -> Content:
    facts = os.fstat(file.fileno())
    guessed, encoding = mimetypes.guess_type(name)
    if encoding is not None or guessed is None:
        guessed = "application/octet-stream"
    media_type = "text/plain" if guessed in _AS_TEXT else guessed
    is_shown = media_type in _SHOWN and not is_saved
    if media_type == "text/plain":
        media_type = "text/plain; charset=utf-8"
    return Content(
        file=file,
        size=facts.st_size,
        media_type=media_type if is_shown else "application/octet-stream",
        save_as=None if is_shown else name.rpartition("/")[2],
        etag=f'"{facts.st_ino:x}-{facts.st_size:x}-{facts.st_mtime_ns:x}"',
    )
