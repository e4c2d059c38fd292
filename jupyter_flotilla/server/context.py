"""What all routes share: the façade, the server's folder, how paths from outside are read."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from jupyter_flotilla import api
from jupyter_flotilla.clock import utc_now, utc_text
from jupyter_flotilla.errors import InvalidOption, UsageError
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.listing import Listing
from jupyter_flotilla.server.followed import FollowedCells
from jupyter_flotilla.service import Flotilla


class NoSuchFile(UsageError):
    """There is no such file, or none that may be seen."""

    code = "file-not-found"


class Context:
    """What a route works with; every call may come from another thread.

    Parameters
    ----------
    root
        Folder of the server's files; None where they are in no folder.
    allow_hidden
        Whether files whose name begins with a dot may be seen.
    """

    def __init__(self, root: Path | None, *, allow_hidden: bool = False) -> None:
        self.root = root
        self.allow_hidden = allow_hidden
        #: Cells of runs that windows follow.
        self.cells = FollowedCells()
        self._listing: tuple[Flotilla, Listing] | None = None

    @property
    def flotilla(self) -> Flotilla:
        """The façade, by the settings as they are now: a server runs for weeks."""
        return api.flotilla()

    @property
    def listing(self) -> Listing:
        """The lists of that façade."""
        facade, known = self.flotilla, self._listing
        if known is None or known[0] is not facade:
            known = self._listing = (facade, Listing(facade, self.root))
        return known[1]

    def handle(self, run_id: str) -> RunHandle:
        """Return a run by its whole id; raises RunNotFound."""
        return RunHandle(self.flotilla, self.flotilla.get(run_id))

    def path_of(self, relative: str) -> Path:
        """Return where a path below the server's folder is; of what is there nothing is said.

        Raises
        ------
        NoSuchFile
            If it leaves the folder, is hidden where hidden files may not be seen, or there is no
            folder.
        """
        parts = [part for part in relative.strip("/").split("/") if part not in ("", ".")]
        is_legal = os.pardir not in parts and not any(
            "\0" in part or "\\" in part or (part.startswith(".") and not self.allow_hidden)
            for part in parts
        )
        if self.root is None or not is_legal:
            raise NoSuchFile(
                f"{relative[:200]!r} is no path below the folder of this server",
                next_step="a path as the file browser shows it",
            )
        return self.root.joinpath(*parts)

    def resolve(self, relative: str) -> str:
        """Return one name for each file below the server's folder, whatever links lead to it."""
        try:
            return os.path.realpath(self.path_of(relative))
        except (NoSuchFile, OSError, ValueError):
            return relative

    def file(self, relative: str) -> Path:
        """Return the path of a file that is there; raises NoSuchFile."""
        path = self.path_of(relative)
        if not _is(path.is_file):
            raise NoSuchFile(
                f"there is no file {relative[:200]!r}",
                next_step="save it first; was it renamed or deleted?",
            )
        return path

    def folder(self, relative: str) -> Path:
        """Return the path of a folder that is there; raises NoSuchFile."""
        path = self.path_of(relative)
        if not _is(path.is_dir):
            raise NoSuchFile(f"there is no folder {relative[:200]!r}", next_step="another folder")
        return path


def _is(claim: Callable[[], bool]) -> bool:
    try:
        return claim()
    except OSError:  # a name that is too long for this file system
        return False


def now_text() -> str:
    """Return the present as it travels."""
    return utc_text(utc_now())


def moment(name: str, text: str | None) -> datetime | None:
    """Return a time of a query; raises InvalidOption where it is none, or has no time zone."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidOption(
        f"{name}={text[:60]!r} is no time with a time zone",
        next_step=f"{name}=2026-11-26T07:00:00Z",
    )
