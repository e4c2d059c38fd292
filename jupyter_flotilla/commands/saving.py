"""``--save``: where executed notebooks are copied at the end."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla.artifacts.local import disk_errors
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
        Where there will be none to copy, onto the notebook itself, or several to one path.
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
    # the id is not known yet, and no file has it in its name
    paths = [fill(template, spec, f"ID{n}" if len(specs) > 1 else "ID").resolve()
             for n, spec in enumerate(specs)]  # fmt: skip
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
    for path in paths:
        if path.exists() and not yes:
            _ask_to_overwrite(path)


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
    saved = handle.notebook_path if template is None else save_notebook(handle, template)
    if saved is not None and saved.exists():
        say(f"  executed notebook: {saved}")


def save_notebook(handle: RunHandle, template: Path) -> Path | None:
    """Copy the executed notebook of a run and return its path; None where there is none.

    Raises
    ------
    DiskFull
    """
    source = handle.notebook_path
    if not source.exists():
        return None
    path = fill(template, handle.snapshot.spec, handle.id)
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
    return path
