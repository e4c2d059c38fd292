"""``%flotilla set``, ``profiles``, ``deps``: what the jobs of this session get."""

import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from jupyter_flotilla import api
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.origin import find_origin
from jupyter_flotilla.capture.sent_cell import Asked, Sender
from jupyter_flotilla.commands.deps import asked, draft_of, show
from jupyter_flotilla.commands.deps import deps as command
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.option import read_keywords
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.precedence import PER_RUN
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_job_defaults

_SET = "_flotilla_set"


def session_of(shell: Any) -> dict[str, Any]:
    """Return what was set for this session, as it was written."""
    found: dict[str, Any] = shell.user_ns_hidden.setdefault(_SET, {})
    return found


def set_options(shell: Any, words: list[str]) -> None:
    """Set options of this session's jobs: ``memory=16G``; an empty value takes one back."""
    session = session_of(shell)
    table = [option for option in OPTIONS if option.py not in PER_RUN]
    for word in words:
        name, equals, value = word.lstrip("-").partition("=")
        keyword = name.replace("-", "_")
        if not equals:
            raise InvalidOption(f"{word!r} is not NAME=VALUE", next_step="%flotilla set memory=16G")
        read_keywords({keyword: value or None}, table)  # refuses what means nothing
        if value:
            session[keyword] = value
        else:
            session.pop(keyword, None)
    shown = ", ".join(f"{key} = {value}" for key, value in session.items())
    print(f"this session: {shown or 'nothing is set'}")


def show_profiles(shell: Any, words: list[str]) -> None:
    """Print the profiles of the user's file."""
    found = load_job_defaults()
    for name, options in sorted(found.profiles.items()):
        print(f"@{name:<12} {', '.join(f'{key} = {value!r}' for key, value in options.items())}")
    if not found.profiles:
        print(f"No profiles yet: write [profiles.big] into {found.source}")


def show_deps(shell: Any, words: list[str]) -> None:
    """Print what would travel with a cell that uses everything imported here, or with a file."""
    try:
        keywords = command.make_context("%flotilla deps", list(words)).params
    except click.exceptions.Exit:
        return  # its help was asked for
    except click.ClickException as error:
        raise InvalidOption(
            f"%flotilla deps: {error.format_message()}", next_step="%flotilla deps --help"
        ) from error
    facade, file = api.flotilla(), keywords["file"]
    resolution = facade.defaults.resolve(
        asked(keywords),
        file=file,
        folder=api.current_folder() if file is None else file.absolute().parent,
        session=session_of(shell),
    )
    resolution.check_consent()
    job_options = JobOptions(**resolution.values(OPTIONS))
    if file is None:
        draft = _draft_of_all(shell, facade, job_options)
    else:
        draft = draft_of(facade, file, job_options)
    notes = [f"note: {note}" for note in resolution.notes]
    show(facade, draft, notes, as_json=keywords["as_json"])


def _draft_of_all(shell: Any, facade: Flotilla, job_options: JobOptions) -> Draft:
    """Return the job of a cell that imports whatever this session has something of."""
    modules = {
        value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))
        for name, value in shell.user_ns.items()
        if not name.startswith("_") and name not in shell.user_ns_hidden
    } - {"__main__", "builtins"}
    names = sorted(name for name in modules if all(map(str.isidentifier, name.split("."))))
    body = "\n".join(f"import {name}" for name in names) or "pass"
    sender = Sender(
        namespace={}, cells=(), to_python=str, origin=find_origin(shell), cwd=api.current_folder()
    )
    with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
        sent = facade.draft_sent_cell(
            body, job_options, Asked(), sender, lines_before=1, folder=Path(folder)
        )
    return sent.draft
