"""``jupyter flotilla deps``: what would travel."""

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import resolve
from jupyter_flotilla.commands.screen import echo, flotilla, print_json
from jupyter_flotilla.environment import KERNEL
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.units import format_bytes
from jupyter_flotilla.provision import Provisioned, provisioned
from jupyter_flotilla.service import Flotilla

#: Options that only mean something where jobs have images.
_OF_IMAGES = ("image", "deps", "with_")
_IMAGE_ENGINE = "docker"
_FILES_SHOWN = 50
_INDENT = " " * 9
_WIDEST = 100
_WHY = {
    "imports": "what is imported, as it is installed here",
    "script": "its script block",
    "freeze": "all that is installed here",
    "list": "as given",
    "none": "nothing by --deps none",
}


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.some_job_options("image", "deps", "with", "files", "engine", "profile")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def deps(file: Path | None, as_json: bool, **keywords: Any) -> None:
    """Show what would travel with a job: packages that its image lacks, modules, files.

    \b
    jupyter flotilla deps train.ipynb --image python:3.12-slim
    """
    facade = flotilla()
    given = asked(keywords)
    resolution = resolve(facade, given, file)
    draft = draft_of(facade, file, JobOptions(**resolution.values(OPTIONS)))
    show(facade, draft, [f"note: {note}" for note in resolution.notes], as_json=as_json)


def asked(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given; whoever names an image asks about its engine."""
    given = options.given(dict(keywords))
    if any(given.get(name) for name in _OF_IMAGES):
        given.setdefault("engine", _IMAGE_ENGINE)
    return given


def draft_of(facade: Flotilla, file: Path | None, job_options: JobOptions) -> Draft:
    """Return the job of a file; without one a job that only needs what the options say."""
    if file is not None:
        return facade.draft_file(file, job_options)
    return facade.draft_source("pass", job_options, api.current_folder())


def show(
    facade: Flotilla, draft: Draft, notes: Sequence[str] = (), *, as_json: bool = False
) -> None:
    """Print what would travel with a job."""
    found = provisioned(draft)
    size = None if found is None else _size(facade.provision.layer_of(found.lock))
    if as_json:
        print_json(_as_dict(draft, found, size))
        return
    packages = _here(draft) if found is None else package_lines(draft, found, size)
    for line in [*packages, *_code_lines(draft), *notes]:
        echo(line)


def package_lines(draft: Draft, found: Provisioned, size: int | None) -> list[str]:
    """Return what a job needs, what its image has of it and what would be brought.

    Parameters
    ----------
    size
        Bytes of what would be brought; None: it was not built yet.
    """
    needs, lock = found.requirements, found.lock
    has = sorted(set(lock.resolved) - set(lock.packages))
    kernel = "" if draft.spec.kind == "command" else f", and {' and '.join(KERNEL)}"
    bounds = f"; constraints: {len(needs.constraints)}" if needs.constraints else ""
    how_much = "not got yet" if size is None else format_bytes(size)
    return [
        f"image    {draft.spec.image}: {found.facts}; packages in it: {len(found.facts.dists)}",
        *_listing("needs", needs.requirements, f"{_why(found)}{kernel}{bounds}"),
        *_listing("has", has, ""),
        *_listing("brings", lock.packages, how_much),
        *(f"note: {note}" for note in (*needs.notes, *lock.notes)),
    ]


def _why(found: Provisioned) -> str:
    needs = found.requirements
    return f"by {needs.file}" if needs.file else _WHY[needs.origin]


def _listing(what: str, packages: Sequence[str], aside: str) -> list[str]:
    if not packages:
        return [f"{what:<8} nothing" + (f" ({aside})" if what == "needs" else "")]
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 0)).columns)
    return [
        f"{what:<8} {len(packages)}" + (f" ({aside})" if aside else ""),
        *textwrap.wrap(
            ", ".join(packages), width, initial_indent=_INDENT, subsequent_indent=_INDENT,
            break_long_words=False, break_on_hyphens=False,
        ),
    ]  # fmt: skip


def _here(draft: Draft) -> list[str]:
    python = f"{sys.executable} ({sys.version.split()[0]})"
    return [f"Python   {python}, with all that is installed there"]


def _code_lines(draft: Draft) -> list[str]:
    """Return what of the user's own code and files goes along."""
    local, files = draft.code.local, draft.files
    count = f"{len(local)} file{'s' if len(local) > 1 else ''}"
    lines = [f"modules  {count}" if local else "modules  none"]
    lines += [f"         {name:<30} {path}" for name, path in sorted(local.items())[:_FILES_SHOWN]]
    if len(local) > _FILES_SHOWN:
        lines.append(f"         and {len(local) - _FILES_SHOWN} more")
    if files:
        total = format_bytes(sum(path.stat().st_size for path in files.values()))
        return [*lines, f"files    {len(files)}, {total}"]
    if draft.spec.image is None:
        return [
            *lines,
            f"folder   {draft.spec.cwd}, as it is (--files makes a copy of what matches)",
        ]
    return [*lines, "files    none (--files GLOB takes some along)"]


def _size(layer: Path | None) -> int | None:
    if layer is None:
        return None
    return sum(
        Path(folder, name).lstat().st_size for folder, _, names in os.walk(layer) for name in names
    )


def _as_dict(draft: Draft, found: Provisioned | None, size: int | None) -> Mapping[str, Any]:
    packages: dict[str, Any] = {}
    if found is not None:
        needs, lock = found.requirements, found.lock
        packages = {
            "origin": needs.origin,
            "file": needs.file,
            "requirements": needs.requirements,
            "constraints": needs.constraints,
            "image_python": found.facts.python,
            "image_has": sorted(set(lock.resolved) - set(lock.packages)),
            "brings": lock.packages,
            "bytes": size,
            "notes": [*needs.notes, *lock.notes],
        }
    return {
        "engine": draft.spec.engine,
        "image": draft.spec.image,
        **packages,
        "modules": {name: str(path) for name, path in draft.code.local.items()},
        "files": sorted(draft.files),
    }
