"""``--save``: where executed notebooks are copied at the end."""

import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla.commands.screen import say
from jupyter_flotilla.errors import InvalidOption, Refused
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.job import JobSpec, slug

_PLACE = re.compile(r"\{(\w+)\}")


def fill(template: Path, spec: JobSpec, run_id: str) -> Path:
    """Return the path of a run: ``{name}``, ``{id}`` and ``{PARAMETER}`` are filled in.

    Raises
    ------
    InvalidOption
        For a name in braces that is none of these.
    """
    # A parameter's value is one word of the path, whatever is in it.
    known: Mapping[str, Any] = {
        **{name: slug(str(value), "value") for name, value in spec.params.items()},
        "name": spec.name,
        "id": run_id,
    }
    for name in _PLACE.findall(str(template)):
        if name not in known:
            raise InvalidOption(
                f"--save {template}: there is no {name!r} to fill in",
                next_step=f"use {', '.join('{' + key + '}' for key in known)}",
            )
    filled = _PLACE.sub(lambda match: str(known[match[1]]), str(template))
    return Path(filled).expanduser()


def check_save(template: Path | None, specs: Sequence[JobSpec], *, wait: bool, yes: bool) -> None:
    """Say before anything is run if executed notebooks could not be copied there.

    Raises
    ------
    InvalidOption
        Where there will be none to copy, onto the notebook itself, several to one path, or to a
        place that cannot be written.
    Refused
        If a file is there and the user does not want it to be overwritten.
    """
    if template is None:
        return
    if specs[0].kind != "notebook" or not wait:
        raise InvalidOption(
            "--save copies the executed notebook at the end of a notebook run that is waited for",
            next_step="leave --save out; 'jupyter flotilla show ID' says where the notebook is",
        )
    paths = [_path(template, spec, n) for n, spec in enumerate(specs)]
    if paths[0] == Path(specs[0].path or "").resolve():
        raise InvalidOption(
            f"--save {template} is the notebook itself, which is never written",
            next_step="--save runs/{name}-{id}.ipynb",
        )
    if len(set(paths)) < len(paths):
        raise InvalidOption(
            f"--save {template} is one path for several runs",
            next_step="add {id}, or {PARAMETER} for each parameter of the grid",
        )
    for folder in dict.fromkeys(path.parent for path in paths):
        _check_folder(folder)
    for path in paths:
        if path.exists() and not yes:
            _ask_to_overwrite(path)


def _path(template: Path, spec: JobSpec, number: int) -> Path:
    """Return where a run's notebook would go; raises InvalidOption if it cannot be a file."""
    try:
        # the id is not known yet, and no file has it in its name; one as long stands in for it
        path = fill(template, spec, f"ID{number:011}").resolve()
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle; ~nobody
        raise InvalidOption(
            f"--save {template} cannot be written: {getattr(error, 'strerror', None) or error}",
            next_step="--save another path",
        ) from error
    if stat.S_ISDIR(mode):
        raise InvalidOption(
            f"--save {template} is a folder", next_step=f"--save {template / '{name}-{id}.ipynb'}"
        )
    if not stat.S_ISREG(mode):
        raise InvalidOption(f"--save {template} is no file", next_step="--save another path")
    return path


def _check_folder(folder: Path) -> None:
    """Raise InvalidOption if nothing can be written there, or the folder not be made."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise InvalidOption(
            f"--save: {folder} cannot be written: {error.strerror}", next_step="--save another path"
        ) from error


def _ask_to_overwrite(path: Path) -> None:
    if not sys.stdin.isatty():
        raise Refused(
            f"--save {path} exists, and nobody can be asked here",
            next_step="add --yes to overwrite",
        )
    if not click.confirm(f"{path} exists. Overwrite it at the end of the run?", err=True):
        raise Refused(f"{path} stays as it is; nothing was run", next_step="--save another path")


def say_notebook(handle: RunHandle, template: Path | None) -> None:
    """Copy the executed notebook of a run if that is wanted, and say where it is."""
    if template is None:
        saved = handle.notebook_path
    else:
        [saved] = save_notebooks([handle], template) or [handle.notebook_path]
    if saved.exists():
        say(f"  executed notebook: {saved}")


def save_notebooks(handles: Iterable[RunHandle], template: Path) -> list[Path]:
    """Copy the executed notebooks of runs, where there are any, and return their paths.

    What cannot be copied is said, and is no error: the runs have ended as they have, and their
    notebooks are where they are.
    """
    saved = []
    problems = []
    for handle in handles:
        if not handle.notebook_path.exists():
            continue
        path = fill(template, handle.snapshot.spec, handle.id)
        try:
            saved.append(_copy(handle.notebook_path, path, handle.id))
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    if problems:
        more = f" ({len(problems)} in all; 'jupyter flotilla show ID' says where each is)"
        say(f"  could not be saved as {problems[0]}{more if len(problems) > 1 else ''}")
    return saved


def _copy(source: Path, path: Path, run_id: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()  # a link stays one
    # Aside first: a disk that becomes full must not take the file that was there.
    aside = target.with_name(f".{run_id}.part")
    try:
        shutil.copyfile(source, aside)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return path
