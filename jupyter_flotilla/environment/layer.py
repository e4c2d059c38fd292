"""The layer: a folder of packages for ``PYTHONPATH``, built once for all who need it.

How a job uses it: the folder first on ``PYTHONPATH`` (it holds only what the image lacks or has
otherwise), its ``bin`` last on ``PATH``, mounted read-only: its files may be links into uv's cache,
which is eight times as fast as copies and takes no room. Python does not read ``.pth`` files of
a folder on ``PYTHONPATH``; a layer that has some gets a ``sitecustomize.py`` that reads them, and
then that of the image.
"""

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from jupyter_flotilla.environment.image import ImageFacts
from jupyter_flotilla.environment.memory import forget_old_answers
from jupyter_flotilla.environment.reasons import explained
from jupyter_flotilla.environment.resolution import Lock, lock_text, target, wheels_only
from jupyter_flotilla.environment.tool import run_uv
from jupyter_flotilla.errors import DiskFull, EnvironmentProblem
from jupyter_flotilla.locks import FileLock

#: Begins the name of a folder that is not whole: being built, or being deleted.
_UNFINISHED = ".unfinished-"
_USED = ".used"
#: Seconds to wait for another process that builds the same.
_PATIENCE_S = 3_600
#: The lines by which a script finds its Python: one, or three that shell and Python both read.
_HEAD = re.compile(rb"#![^\n]*\n('''exec' [^\n]*\n' '''\n)?")
_KEY = re.compile(r"[0-9a-f]{32}")
#: Reads .pth files, then whichever sitecustomize this one hides.
_SITECUSTOMIZE = """\
import importlib.machinery
import importlib.util
import os
import site
import sys

_layer = os.path.dirname(os.path.abspath(__file__))
site.addsitedir(_layer)
_others = [p for p in sys.path if os.path.abspath(p or ".") != _layer]
_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", _others)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
"""


def build_layer(lock: Lock, facts: ImageFacts, folder: Path, *, cwd: Path | None = None) -> Path:
    """Return the folder of a lock's packages, built now unless somebody has done so before.

    However many processes ask at once, one builds, and the others wait for it. It appears in one
    move: whatever is killed in between leaves nothing that could be taken for whole, and whoever
    builds next clears it away.

    Parameters
    ----------
    folder
        Where layers are kept, on a local disk; the layer is ``folder/<key>``.
    cwd
        Where uv looks for a project's settings; None: the current folder.

    Raises
    ------
    ValueError
        If the lock is empty: there is no layer then.
    UnresolvedPackages, DiskFull, EnvironmentProblem

    Effects: network and disk for the first, a look at the disk for all others.
    """
    if lock.is_empty:
        raise ValueError("nothing is to be brought: no layer")
    whole = folder / lock.key
    if not whole.is_dir():
        with _Building(folder, lock.key) as unfinished:
            if not whole.is_dir():
                _fill(unfinished, lock, facts, cwd or Path.cwd())
                unfinished.rename(whole)
    _used_file(whole).touch()
    return whole


def clean_layers(
    folder: Path,
    unused: timedelta,
    now: datetime,
    *,
    keep: Collection[str] = (),
    dry_run: bool = False,
) -> list[str]:
    """Delete layers unused for some time, old answers, and what dead builders have left.

    Parameters
    ----------
    keep
        Keys of layers that running jobs use, however long ago they began.
    dry_run
        True: nothing is deleted.

    Returns
    -------
    The keys of layers that were, or would be, deleted.
    """
    due = [path for path in _layers(folder) if path.name not in keep and _age(path, now) > unused]
    if dry_run:
        return [path.name for path in due]
    forget_old_answers(folder, now)
    for path in sorted(folder.glob(f"{_UNFINISHED}*")):
        _delete_if_dead(folder, path)
    for path in due:
        path.with_name(f"{path.name}.tar.gz").unlink(missing_ok=True)
    return [path.name for path in due if _delete(folder, path)]


def _layers(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if _KEY.fullmatch(path.name))


def _age(layer: Path, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(_last_used(layer), tz=now.tzinfo)


class _Building:
    """The lock of one key, and an empty folder to build it in."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key
        self._lock = _lock_of(folder, key)

    def __enter__(self) -> Path:
        try:
            if not self._lock.acquire(wait_s=_PATIENCE_S):
                raise EnvironmentProblem(
                    f"another process has been building the same packages for over an hour "
                    f"({self._lock.path})",
                    next_step="look at it with ps; or end it, and try again",
                )
            for left in self._folder.glob(f"{_UNFINISHED}{self._key}-*"):
                shutil.rmtree(left, ignore_errors=True)
            made = tempfile.mkdtemp(prefix=f"{_UNFINISHED}{self._key}-", dir=self._folder)
        except OSError as error:
            self._lock.release()
            raise _of_disk(error) from error
        self._made = Path(made)
        return self._made

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._made, ignore_errors=True)
        self._lock.release()


def _fill(unfinished: Path, lock: Lock, facts: ImageFacts, cwd: Path) -> None:
    done = run_uv(
        [
            "pip", "install", "--target", str(unfinished), "--no-deps", *target(facts),
            *wheels_only(builds=lock.is_built_here), "--requirements", "-",
        ],
        cwd=cwd, text=lock_text(lock),
    )  # fmt: skip
    if done.returncode:
        raise explained(done.stderr, facts)
    try:
        _finish(unfinished, facts)
    except OSError as error:
        raise _of_disk(error) from error


def _finish(layer: Path, facts: ImageFacts) -> None:
    (layer / ".lock").unlink(missing_ok=True)  # uv's own
    for script in (layer / "bin").glob("*"):
        _start_with(script, facts.executable)
    if any(layer.glob("*.pth")) and not (layer / "sitecustomize.py").exists():
        (layer / "sitecustomize.py").write_text(_SITECUSTOMIZE, encoding="utf-8")
    _open_to_all(layer)


def _start_with(script: Path, interpreter: str) -> None:
    """Let a script be run by the image's Python instead of this machine's."""
    if script.is_symlink() or not script.is_file():
        return
    content = script.read_bytes()
    head = _HEAD.match(content)
    if head is None or sys.executable.encode() not in head[0]:
        return  # a program, or a script of another language
    # a new file: this one may be a link into uv's cache
    changed = script.with_name(f"{script.name}.new")
    changed.write_bytes(_head_for(interpreter) + content[head.end() :])
    changed.chmod(0o755)
    changed.replace(script)


def _head_for(interpreter: str) -> bytes:
    """Return the first lines of a script; the kernel takes no spaces, nor more than 127 bytes."""
    plain = f"#!{interpreter}\n".encode()
    if len(plain) <= 127 and not re.search(rb"\s", plain.strip()):
        return plain
    quoted = re.sub(r'([\\"$`])', r"\\\1", interpreter)
    return f"#!/bin/sh\n'''exec' \"{quoted}\" \"$0\" \"$@\"\n' '''\n".encode()


def _open_to_all(layer: Path) -> None:
    """Let every user read: in the container the job may be any, and umask may be strict here."""
    for folder, _, files in os.walk(layer):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                mode = path.stat().st_mode & 0o777
                wanted = 0o755 if mode & 0o100 else 0o644
                if mode != wanted:
                    path.chmod(wanted)


def _delete_if_dead(folder: Path, unfinished: Path) -> None:
    key = unfinished.name.removeprefix(_UNFINISHED).partition("-")[0]
    lock = _lock_of(folder, key)
    if _KEY.fullmatch(key) and lock.acquire():
        shutil.rmtree(unfinished, ignore_errors=True)
        lock.release()


def _delete(folder: Path, layer: Path) -> bool:
    lock = _lock_of(folder, layer.name)
    if not lock.acquire():
        return False
    try:
        # first out of sight: half a layer must not be taken for whole
        gone = folder / f"{_UNFINISHED}{layer.name}-deleted"
        shutil.rmtree(gone, ignore_errors=True)
        layer.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        _used_file(layer).unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        lock.release()
    return True


def _last_used(layer: Path) -> float:
    try:
        return _used_file(layer).stat().st_mtime
    except OSError:
        return layer.stat().st_mtime


def _used_file(layer: Path) -> Path:
    return layer.with_name(layer.name + _USED)


def _lock_of(folder: Path, key: str) -> FileLock:
    # never deleted: of two files with one name each could be held by somebody
    return FileLock(folder / f"{key}.lock")


def _of_disk(error: OSError) -> EnvironmentProblem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("no room for packages of the job", next_step="free some, or clean")
    return EnvironmentProblem(
        f"packages cannot be kept: {error.filename}: {error.strerror}",
        next_step="mend the permissions of that folder",
    )
