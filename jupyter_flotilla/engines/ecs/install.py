"""What tells this home's tasks from those of every other home in one cluster."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from jupyter_flotilla.artifacts.local import what_is_wrong
from jupyter_flotilla.errors import EnvironmentProblem

#: Beginning of ``startedBy`` of all tasks of a home.
STARTED_BY = "flotilla/{install}/"
_FILE = "ecs/install"
_FORM = re.compile("[0-9a-f]{8}")


def install_of(home: Path) -> str:
    """Return eight hexadecimal characters that are this home's own; made at the first call.

    Drawn, not made from the path: two machines may have the same one. Safe from several processes.

    Raises
    ------
    EnvironmentProblem
        If the home cannot be written into, or what stands there is no such thing.
    """
    path = home / _FILE
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    part = path.with_name(f".install.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(secrets.token_hex(4))
        with suppress(FileExistsError):  # another process was first: its word counts
            os.link(part, path)
        return _read(path)
    except OSError as error:
        raise EnvironmentProblem(
            what_is_wrong(path.parent, error), next_step="set FLOTILLA_HOME to a folder of yours"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _read(path: Path) -> str:
    text = path.read_text().strip()
    if not _FORM.fullmatch(text):
        raise EnvironmentProblem(
            f"{path} holds {text[:40]!r}, not the eight characters of this home",
            next_step="write those back, as in the name of its queue; or remove the file",
        )
    return text
