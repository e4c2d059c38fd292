"""What git knows of a file, and files as a repository has them at a commit."""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from jupyter_flotilla.errors import InvalidOption, SourceUnavailable
from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.model.address import has_password, masked

#: Asking a repository here, and fetching from another, in seconds.
_ASK_S = 20
_FETCH_S = 120
#: What is behind an address of these forms may be away for a while.
_REMOTE = re.compile(r"[a-z+]+://|[^/]+:")
#: Words of git for an address that is wrong, and will be in a minute.
_WRONG = re.compile(
    r"not found|does not exist|not appear to be a git|Authentication failed|Permission denied"
    r"|could not read (Username|Password)|key verification failed",
    re.IGNORECASE,
)
#: Nobody can be asked for a password at a tick; a file's name is no pattern.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C.UTF-8",
}  # fmt: skip
#: Variables that would have git look at another repository than the folder's.
_ELSEWHERE = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF",
)  # fmt: skip
#: What the configuration of a repository may not do: run programs, as somebody else who has made
#: the folder would like. The user's own configuration stays, with its credential helpers. Source:
#: git-config(1), git 2.39.
_TAME = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "protocol.ext.allow=never", "-c", "log.showSignature=false",
)  # fmt: skip


def provenance(path: Path) -> tuple[str, str | None]:
    """Return the revision of a file, and who edited it last.

    In a git repository: its last commit, with ``+changes`` where the file differs from that, and
    the commit's author. Elsewhere, and for a file that git does not know: a digest of the content,
    and the file's owner.
    """
    digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    try:
        known = _git("log", "-1", "--format=%H%n%an <%ae>", "--", path.name, folder=path.parent)
        commit, _, author = known.strip().partition("\n")
        if not commit:
            return digest, _owner(path)
        # not `git status`, which runs the clean filters of a repository's own configuration
        there = _git("ls-tree", "HEAD", "--", path.name, folder=path.parent).split()
        here = _git("hash-object", "--no-filters", "--", path.name, folder=path.parent).strip()
    except (InvalidOption, SourceUnavailable):
        return digest, _owner(path)
    if here not in there:
        return f"{commit[:12]}+changes {digest}", _owner(path)
    return commit[:12], author


class Repository:
    """A git repository: a folder here, or a URL of which a copy is kept.

    Parameters
    ----------
    address
        Folder or URL.
    copies
        Folder for copies of what is elsewhere.
    """

    def __init__(self, address: str, copies: Path) -> None:
        self.address = address
        #: The address as it may be shown.
        self.shown = masked(address)
        local = Path(address).expanduser()
        self._is_here = local.is_dir()
        name = hashlib.sha256(address.encode()).hexdigest()[:16]
        self._folder = local.absolute() if self._is_here else copies / f"{name}.git"

    def commit(self, ref: str) -> str:
        """Return the commit that a branch, tag or commit means now; it is fetched first.

        Raises
        ------
        InvalidOption
            If there is no such repository, or nothing of that name in it.
        SourceUnavailable
            If it does not answer.
        """
        if not self._is_here:
            self._fetch()
        return _git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}",
            folder=self._folder, what=f"{self.shown} has no branch, tag or commit {ref!r}",
        ).strip()  # fmt: skip

    def author(self, commit: str, path: str | None) -> str | None:
        """Return who edited a file last, as of a commit; without a file: the commit's author."""
        words = ["log", "-1", "--format=%an <%ae>", commit, "--", *([path] if path else [])]
        return _git(*words, folder=self._folder).strip() or None

    def extract(self, commit: str, folder: str, into: Path) -> None:
        """Write the files that are in a folder at a commit into another; raises as `commit`."""
        tree = commit if folder in ("", ".") else f"{commit}:{folder}"
        archive = into.parent / f"{into.name}.tar"
        _git(
            *self._unfiltered(), "archive", "--format=tar", f"--output={archive}", tree,
            folder=self._folder, what=f"{self.shown} has no folder {folder!r} at {commit[:12]}",
        )  # fmt: skip
        with tarfile.open(archive) as files:
            files.extractall(into, filter="data")
        archive.unlink()

    def _unfiltered(self) -> list[str]:
        """Return options that switch off the filters of the repository's own configuration."""
        words = ("config", "--includes", "--show-scope", "--name-only", "--null", "--list")
        listed = _git(*words, folder=self._folder).split("\0")
        pairs = zip(listed[::2], listed[1::2], strict=False)
        drivers = {
            name.rpartition(".")[0]
            for scope, name in pairs
            if scope in ("local", "worktree") and name.startswith("filter.")
        }
        off = [f"{driver}.{what}" for driver in sorted(drivers)
               for what in ("smudge=", "process=", "required=false")]  # fmt: skip
        return [word for one in off for word in ("-c", one)]

    def _fetch(self) -> None:
        """Bring the copy up to date; who comes meanwhile waits, and fetches after."""
        if self.address.startswith("-"):
            raise InvalidOption(f"{self.address!r} is no address of a repository")
        if has_password(self.address):  # it would stand in the arguments of a process
            raise InvalidOption(
                f"{self.shown} has a password in it", next_step="git's credential helper, or ssh"
            )
        what, is_remote = f"{self.shown} cannot be fetched", bool(_REMOTE.match(self.address))
        lock = FileLock(self._folder.with_suffix(".lock"))
        if not lock.acquire(wait_s=_FETCH_S):
            raise SourceUnavailable(
                f"{what}: others have been fetching it for {_FETCH_S} s",
                next_step="see whether it answers: git ls-remote",
            )
        try:
            if self._folder.is_dir():
                _git("fetch", "--quiet", "--prune", "--tags", "origin",
                     "+refs/heads/*:refs/heads/*",
                     folder=self._folder, what=what, within_s=_FETCH_S,
                     is_remote=is_remote)  # fmt: skip
            else:
                self._clone(what, is_remote=is_remote)
        finally:
            lock.release()

    def _clone(self, what: str, *, is_remote: bool) -> None:
        """Make the copy: it is there whole or not at all, even if this process is killed."""
        fresh = self._folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        _git("clone", "--quiet", "--bare", "--", self.address, str(fresh),
             folder=fresh.parent, what=what, within_s=_FETCH_S, is_remote=is_remote)  # fmt: skip
        fresh.rename(self._folder)


def _git(
    *words: str,
    folder: Path,
    what: str = "git failed",
    within_s: float = _ASK_S,
    is_remote: bool = False,
) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        ran = subprocess.run(
            ["git", *_TAME, "-C", str(folder), *words],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=within_s,
            env={**kept, **_ENVIRONMENT},
            check=False,
        )
    except FileNotFoundError as error:
        raise InvalidOption("git is not installed", next_step="install it, or --source file") from (
            error
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        said = masked(str(error))
        raise SourceUnavailable(f"{what}: {said}", next_step="check the address") from error
    if ran.returncode != 0:
        said = masked((ran.stderr.strip().splitlines() or ["no word"])[-1])
        if is_remote and _WRONG.search(ran.stderr) is None:
            raise SourceUnavailable(f"{what}: {said[:300]}", next_step="see whether it answers")
        raise InvalidOption(f"{what}: {said[:300]}", next_step="--source REPO@REF")
    return ran.stdout


def _owner(path: Path) -> str | None:
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (KeyError, OSError):
        return None
