"""Artifacts in folders of this machine, the user's alone.

::

    HOME/runs/7f/r7f3a…/input/        source and files, frozen at submit
    HOME/runs/7f/r7f3a…/attempts/1/   what `protocol` says of one attempt
    HOME/layers/5b1c…/                packages that an image lacks
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from jupyter_flotilla.errors import DiskFull, EnvironmentProblem


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn a full disk into our error, with the place that is full.

    Raises
    ------
    DiskFull
        If there is no room, or no quota, at ``where``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no room left at {where}: {error.strerror}",
                next_step="free some space there, or set FLOTILLA_HOME to another disk",
            ) from error
        raise


def what_is_wrong(folder: Path, error: OSError) -> str:
    """Return why a folder of ours could not be made or written, for people."""
    # What lies in a folder's place is told as "File exists", and only of the folder below it.
    for part in (folder, *folder.parents):
        with suppress(OSError):
            if not stat.S_ISDIR(part.stat().st_mode):
                return f"{part} is no folder"
            break
    return f"{folder} cannot be written: {error.strerror}"


class LocalArtifacts:
    """The folders of all runs under one home."""

    def __init__(self, home: Path) -> None:
        self._runs = home / "runs"
        #: Folder of layers of packages, each by its key.
        self.layers = home / "layers"

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of a run, which may not exist yet."""
        # Two random characters: a million runs are a thousand folders of a thousand.
        return self._runs / run_id[1:3] / run_id

    def input_folder(self, run_id: str) -> Path:
        """Return the folder of what was frozen at submit."""
        return self.run_folder(run_id) / "input"

    def attempt_folder(self, run_id: str, number: int) -> Path:
        """Return the folder of one attempt."""
        return self.run_folder(run_id) / "attempts" / str(number)

    def create(self, run_id: str) -> None:
        """Create the folder of a run.

        Raises
        ------
        DiskFull
            If there is no room.
        EnvironmentProblem
            If it may not or cannot be made there.
        """
        try:
            with disk_errors(self._runs):
                _private_folders(self.run_folder(run_id), self._runs.parent)
        except OSError as error:
            raise EnvironmentProblem(
                what_is_wrong(self._runs, error),
                next_step="mend its permissions, or set FLOTILLA_HOME to a folder of yours",
            ) from error

    def write_input(self, run_id: str, name: str, content: bytes) -> Path:
        """Write a file into the run's input.

        Raises
        ------
        DiskFull
            If there is no room; nothing of the file is left.
        """
        path = self.input_folder(run_id) / name
        with disk_errors(self._runs):
            _private_folders(path.parent, self._runs.parent)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(content)
        return path

    def copy_input(self, run_id: str, name: str, source: Path) -> None:
        """Copy a file into the run's input; raises as `write_input`."""
        path = self.input_folder(run_id) / name
        with disk_errors(self._runs):
            _private_folders(path.parent, self._runs.parent)
            shutil.copy2(source, path)

    def copy_files(self, run_id: str, files: Mapping[str, Path]) -> None:
        """Copy files, each by its place, into what the job gets for its working directory.

        Raises
        ------
        DiskFull
        EnvironmentProblem
            If one cannot be read any more, or cannot be there: its path is too long, or the disk
            takes two names for the same one.
        """
        top = self.input_folder(run_id) / "files"
        made: set[Path] = set()
        for name, source in files.items():
            path = top / name
            try:
                with disk_errors(self._runs):
                    if path.parent not in made:
                        _private_folders(path.parent, self._runs.parent)
                        made.add(path.parent)
                    if os.path.lexists(path):
                        raise FileExistsError(errno.EEXIST, "another file has that name there")
                    shutil.copy2(source, path)
            except OSError as error:
                raise EnvironmentProblem(
                    f"{name!r} cannot be copied to {top}: {error.strerror}",
                    next_step="rename it, or name it in .flotillaignore",
                ) from error

    def bring(self, run_id: str, number: int, name: str) -> Path:
        """Return where a file of an attempt is, once it is here."""
        return self.attempt_folder(run_id, number) / name

    def create_attempt(self, run_id: str, number: int) -> Path:
        """Return the folder of an attempt, created if it is not there; raises DiskFull."""
        folder = self.attempt_folder(run_id, number)
        with disk_errors(self._runs):
            _private_folders(folder, self._runs.parent)
        return folder

    def note(self, run_id: str, name: str) -> None:
        """Leave an empty file with a run: a request that whoever waits for the run looks for.

        Raises
        ------
        DiskFull
        """
        path = self.run_folder(run_id) / name
        with disk_errors(self._runs):
            _private_folders(path.parent, self._runs.parent)
            path.unlink(missing_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))

    def noted_at(self, run_id: str, name: str) -> float:
        """Return when `note` was called last, in seconds as of files; 0: never."""
        try:
            return (self.run_folder(run_id) / name).stat().st_mtime
        except OSError:
            return 0.0

    def size(self, run_id: str) -> int:
        """Return the bytes of all that belongs to a run; 0 if there is nothing."""
        total = 0
        for path in self.run_folder(run_id).rglob("*"):
            with suppress(OSError):
                status = path.lstat()
                total += status.st_size if stat.S_ISREG(status.st_mode) else 0
        return total

    def unlaunched_before(self, moment: datetime) -> list[str]:
        """Return the ids of runs never launched, and of snapshots, with folders older than then.

        What has been launched holds outputs, and may belong to a store that was moved away.
        """
        found = []
        for folder in self._runs.glob("*/[rs]*"):
            with suppress(OSError):
                is_old = folder.stat().st_mtime < moment.timestamp()
                if is_old and not (folder / "attempts").exists():
                    found.append(folder.name)
        return found

    def delete(self, run_id: str) -> None:
        """Delete all that belongs to a run; nothing happens if there is nothing."""
        shutil.rmtree(self.run_folder(run_id), ignore_errors=True)


def _private_folders(folder: Path, top: Path) -> None:
    """Create a folder and its parents below ``top``, each the user's alone (0700)."""
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    for parent in [*reversed(folder.relative_to(top).parents), folder.relative_to(top)]:
        (top / parent).mkdir(mode=0o700, exist_ok=True)
