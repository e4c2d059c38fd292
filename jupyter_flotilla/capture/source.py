"""Source text, or a Python file → a draft of a cell; argv → a draft of a command."""

from collections.abc import Sequence
from pathlib import Path

from jupyter_flotilla.capture.draft import Code, Draft, common_fields
from jupyter_flotilla.capture.files import find_files
from jupyter_flotilla.capture.kernels import DEFAULT_KERNEL, find_kernel
from jupyter_flotilla.capture.notebook import readable_path
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import InvalidNotebook, InvalidOption, UnknownParameter
from jupyter_flotilla.model.job import JobSpec, slug
from jupyter_flotilla.model.options import JobOptions

_SOURCE = "cell.py"


def draft_cell(
    text: str, options: JobOptions, *, cwd: Path, engine: Engine, path: Path | None = None
) -> Draft:
    """Return the job that runs source text as one cell.

    Raises
    ------
    InvalidNotebook
        If the text is empty.
    UnknownParameter
        If parameters are given: they are for notebooks.
    """
    if not text.strip():
        raise InvalidNotebook("there is nothing to run: the source is empty")
    _no_params(options, "a cell")
    kernel, _ = find_kernel(DEFAULT_KERNEL, "python")
    travelling = find_files(options.files, cwd)
    spec = JobSpec(
        kind="cell",
        name=options.name or slug(path.stem if path else _first_line(text), "cell"),
        source=_SOURCE,
        path=str(path) if path else None,
        kernel=kernel,
        files=options.files,
        **common_fields(options, cwd=cwd, engine=engine),
    )
    return Draft(
        spec=spec,
        source=text.encode("utf-8", "replace"),
        files=travelling.files,
        code=Code(sources=(text,)),
        notes=travelling.notes,
    )


def draft_file(path: Path, options: JobOptions, *, engine: Engine) -> Draft:
    """Return the job that runs a Python file as one cell, in the file's folder."""
    path = readable_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidNotebook(f"{path} cannot be read: {reason}") from error
    return draft_cell(text, options, cwd=path.parent, engine=engine, path=path)


def draft_command(argv: Sequence[str], options: JobOptions, *, cwd: Path, engine: Engine) -> Draft:
    """Return the job that runs a command in ``cwd``.

    Raises
    ------
    InvalidOption
        If the command is empty or holds a NUL character.
    """
    if not argv or not argv[0] or any("\0" in word for word in argv):
        raise InvalidOption(
            f"{list(argv)!r} is not a command", next_step="-- PROGRAM ARGUMENTS, e.g. -- make all"
        )
    _no_params(options, "a command")
    travelling = find_files(options.files, cwd)
    spec = JobSpec(
        kind="command",
        name=options.name or slug(Path(argv[0]).name, "command"),
        command=tuple(argv),
        files=options.files,
        **common_fields(options, cwd=cwd, engine=engine),
    )
    return Draft(spec=spec, files=travelling.files, notes=travelling.notes)


def _no_params(options: JobOptions, what: str) -> None:
    if options.params:
        raise UnknownParameter(
            f"{what} takes no parameters, but {', '.join(options.params)} was given",
            next_step="--env NAME=VALUE reaches every kind of job",
        )


def _first_line(text: str) -> str:
    lines = (line.strip().lstrip("#").strip() for line in text.splitlines())
    return next((line for line in lines if line), "cell")[:40]
