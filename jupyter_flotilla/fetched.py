"""Files that a job has brought back (``--fetch``): their list, and copies of them."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from jupyter_flotilla import protocol
from jupyter_flotilla.artifacts.s3_links import Link
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import DiskFull, EnvironmentProblem, InvalidOption
from jupyter_flotilla.model.units import parse_duration
from jupyter_flotilla.protocol.globs import Glob, walk

#: Names that a sentence lists.
_LISTED = 5
#: Of whatever a job put into its folder, which may be a link or a pipe: only what is as it seems.
_AS_IT_IS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Files(Mapping[str, int]):
    """Path relative to the job's working directory → size in bytes, sorted.

    Empty as long as the attempt has not ended.

    Parameters
    ----------
    folder
        The attempt's.
    bring
        Sees to it that a file of the attempt, named below its folder, is there.
    link
        Returns a link to one, for so many seconds from some moment on; None: there is no bucket.
    """

    def __init__(
        self,
        folder: Path,
        bring: Callable[[str], object] = lambda name: None,
        link: Callable[[str, float, datetime], Link | None] = lambda name, expires_s, now: None,
    ) -> None:
        self._folder = folder
        self._bring = bring
        self._link = link
        self._sizes = dict(sorted(_sizes(folder).items()))

    def __getitem__(self, name: str) -> int:
        return self._sizes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def __repr__(self) -> str:
        total = protocol.bytes_words(sum(self.values()))
        return f"<Files {_listed(self) or 'none'}{f', {total}' if self else ''}>"

    def download(self, patterns: Sequence[str], to: Path, *, force: bool = False) -> list[Path]:
        """Copy the files that patterns mean to a folder, their relative paths kept.

        Parameters
        ----------
        patterns
            As those of ``--fetch``, or paths; none: all files.
        to
            Is made if it is not there.
        force
            Replace files that are there already; otherwise nothing is copied then.

        Raises
        ------
        InvalidOption
            If a pattern means no file, or there is one already, or one would lie outside of ``to``.
        DiskFull, EnvironmentProblem
        """
        names = self._meant(patterns)
        to = to.expanduser().absolute()
        targets = {name: to / name for name in names}
        for name, target in targets.items():
            if not target.parent.resolve().is_relative_to(to.resolve()):
                raise InvalidOption(
                    f"{name!r} would lie outside of {to}: {target.parent} is a link",
                    next_step="--to another folder",
                )
        there = [name for name, target in targets.items() if os.path.lexists(target)]
        if there and not force:
            raise InvalidOption(
                f"in {to} there is already {_listed(there)}",
                next_step="--force to replace what is there, or --to another folder",
            )
        for name, target in targets.items():
            self._copy(name, target, force=force)
        return list(targets.values())

    def links(self, *patterns: str, expires: float | str = "1h") -> dict[str, Link]:
        """Return path → link for a browser, of the files that patterns mean; none: of all.

        >>> run.files().links("report.html")["report.html"].url          # doctest: +SKIP

        Whoever has a link needs no login. It ends at its ``ends_at``: with the credentials that
        signed it, where that is sooner.

        Parameters
        ----------
        expires
            Seconds, or text such as ``'2h'``: 7 days at most.

        Raises
        ------
        InvalidOption
            If a pattern means no file, or the run has no files in a bucket.
        ArtifactsUnavailable
            Without credentials.
        """
        expires_s = parse_duration(expires) if isinstance(expires, str) else expires
        now, found = utc_now(), dict[str, Link]()
        for name in self._meant(patterns):
            link = self._link(f"{protocol.FILES}/{name}", expires_s, now)
            if link is None:
                raise InvalidOption(
                    "this run's files are in folders of this machine: no link leads there",
                    next_step="jupyter flotilla download ID copies them",
                )
            found[name] = link
        return found

    def meant(self, *patterns: str) -> dict[str, int]:
        """Return path → size in bytes of the files that patterns mean; none: of all.

        Raises InvalidOption if a pattern means no file.
        """
        return {name: self[name] for name in self._meant(patterns)}

    def open(self, name: str) -> BinaryIO:
        """Open a file that came back, for reading; it is brought here first where it is not.

        Raises
        ------
        KeyError
            For a name that `Files` does not have.
        OSError
            If it is not there, or no plain file in plain folders.
        ArtifactsUnavailable
        """
        self[name]
        self._bring(f"{protocol.FILES}/{name}")
        return open_below(self._folder, f"{protocol.FILES}/{name}")

    def is_here(self, name: str) -> bool:
        """Say whether a file has been fetched to this machine."""
        return (self._folder / protocol.FILES / name).exists()

    def _meant(self, patterns: Sequence[str]) -> list[str]:
        if not patterns:
            return list(self)
        meant: dict[str, None] = {}
        for pattern in patterns:
            glob, literal = Glob(pattern), Glob(pattern, is_literal=True)
            found = [name for name in self if glob.matches(name) or literal.matches(name)]
            if not found:
                raise InvalidOption(
                    f"no file that came back matches {pattern!r}",
                    next_step=f"one of {_listed(self)}" if self else "--fetch GLOB brings files",
                )
            meant |= dict.fromkeys(found)
        return list(meant)

    def _copy(self, name: str, target: Path, *, force: bool) -> None:
        try:
            self._bring(f"{protocol.FILES}/{name}")
            with open_below(self._folder, f"{protocol.FILES}/{name}") as source:
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(source, target, force=force)
        except FileExistsError as error:
            raise InvalidOption(f"{target} is there already", next_step="--force") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    f"no room left for {target}", next_step="free some, or --to another disk"
                ) from error
            raise EnvironmentProblem(
                f"{name!r} cannot be copied to {target}: {error.strerror}",
                next_step="look at its permissions and at those of the folder",
            ) from error


def _sizes(folder: Path) -> dict[str, int]:
    """Return what the runner has listed, or what lies there if it was killed before it could."""
    listed = protocol.read_json(str(folder / protocol.FILES_LIST))
    if listed is not None:
        return {
            name: size
            for name, size in listed.items()
            if isinstance(size, int) and _is_plain(name)  # the job can write there, too
        }
    found: dict[str, int] = {}
    top = folder / protocol.FILES
    if top.is_dir() and not top.is_symlink():
        for one in walk(str(top), Glob(".")):
            with suppress(OSError):
                if one.kind == "file":
                    found[one.name] = os.lstat(one.path).st_size
    return found


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return "\0" not in name and not {"", ".", ".."} & set(parts)


def open_below(folder: Path, name: str) -> BinaryIO:
    """Open a regular file below a folder; no link is followed, wherever on the way."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *folders, last = PurePosixPath(name).parts
        for part in folders:
            below = os.open(part, _AS_IT_IS | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(last, _AS_IT_IS, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(file, "rb")


def _write(source: BinaryIO, target: Path, *, force: bool) -> None:
    """Write a file, whole or not at all; never through a link that is there."""
    fd, temporary = tempfile.mkstemp(prefix=".flotilla-", dir=target.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            shutil.copyfileobj(source, file, 2**20)
            status = os.fstat(source.fileno())
            os.fchmod(file.fileno(), status.st_mode & 0o777)
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        if force:
            Path(temporary).replace(target)
        else:
            _put_new(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _put_new(temporary: str, target: Path) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a disk without second names
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "it is there already") from None
        Path(temporary).rename(target)


def _listed(names: Mapping[str, int] | Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in list(names)[:_LISTED])
    return f"{shown} and {len(names) - _LISTED:,} more" if len(names) > _LISTED else shown
